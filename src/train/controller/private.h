/* train/controller/private.h — a controller as its own files see it. */
#ifndef TRAIN_CONTROLLER_PRIVATE_H
#define TRAIN_CONTROLLER_PRIVATE_H

#include "train/controller/controller.h"
#include "train/controller/ramp.h"

struct controller {
	struct controller_options options;
	void (*send)(void *context, const struct lwp3_message *message, int64_t now_us);
	void *context;
	struct controller_status status;
	bool is_ready, has_motor, has_light;
	struct wire_origin last; // of the newest decision; sequence 0: none
	int64_t last_id;	 // of that decision
	int64_t fresh_us;	 // when the last fresh one came
	bool has_fresh;
	enum wire_order order; // the last one that was obeyed
	struct ramp ramp;
	int written; // power that the motor has: 0 to 100, or LWP3_BRAKE
	int brakes_left;
	int64_t brake_until_us; // INT64_MAX: the hub has answered
	int blinks_left;	// halves of them
	int64_t blink_us;	// next half
	int colour;
	char reason[WIRE_MAX_TEXT_BYTES];
};

/* --- motor.c: what the motor and the light are told, and whether the hub has done it --- */

void motor_send(struct controller *controller, struct lwp3_message message, int64_t now_us);
/* Does nothing where the motor is braked already and the hub has heard it. */
void motor_brake(struct controller *controller, int64_t now_us);
/* Whatever the hub has heard. */
void motor_brake_anew(struct controller *controller, int64_t now_us);
/* The power that gives `percent` of what the nominal voltage gives. */
int motor_compensate(const struct controller *controller, int percent);
void motor_drive(struct controller *controller, int percent, int64_t now_us);
void motor_begin_blinking(struct controller *controller, int64_t now_us);
/* When motor_tick has something to do; INT64_MAX: never. */
int64_t motor_next_us(const struct controller *controller);
void motor_tick(struct controller *controller, int64_t now_us);

#endif
