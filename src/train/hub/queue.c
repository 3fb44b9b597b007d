#include "train/hub/queue.h"

#include <limits.h>

void hub_queue_put(struct hub_queue *queue, const struct lwp3_message *message)
{
	if (lwp3_power_of(message, LWP3_PORT_MOTOR) == INT_MIN) {
		if (queue->other_count == HUB_QUEUE_SIZE)
			queue->dropped++;
		else
			queue->others[queue->other_count++] = *message;
		return;
	}
	queue->superseded += queue->has_motor;
	queue->has_motor = !lwp3_is_brake(message);
	queue->brake |= !queue->has_motor;
	queue->motor = *message;
}

bool hub_queue_take(struct hub_queue *queue, struct lwp3_message *out)
{
	if (queue->busy)
		return false;
	if (queue->brake) {
		*out = lwp3_power(LWP3_PORT_MOTOR, LWP3_BRAKE);
		queue->brake = false;
	} else if (queue->has_motor) {
		*out = queue->motor;
		queue->has_motor = false;
	} else if (queue->other_count) {
		*out = queue->others[0];
		queue->other_count--;
		memmove(queue->others, queue->others + 1,
			queue->other_count * sizeof *queue->others);
	} else {
		return false;
	}
	queue->busy = true;
	queue->on_its_way = *out;
	return true;
}

void hub_queue_done(struct hub_queue *queue)
{
	queue->busy = false;
}

void hub_queue_again(struct hub_queue *queue)
{
	const struct lwp3_message *message = &queue->on_its_way;

	queue->busy = false;
	if (lwp3_is_brake(message)) {
		queue->brake = true;
	} else if (lwp3_power_of(message, LWP3_PORT_MOTOR) != INT_MIN) {
		if (!queue->brake && !queue->has_motor) {
			queue->has_motor = true;
			queue->motor = *message;
		}
	} else if (queue->other_count < HUB_QUEUE_SIZE) {
		memmove(queue->others + 1, queue->others,
			queue->other_count * sizeof *queue->others);
		queue->others[0] = *message;
		queue->other_count++;
	} else {
		queue->dropped++;
	}
}
