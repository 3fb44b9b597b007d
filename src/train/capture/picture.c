/* One picture: from the camera, prepared, onto the bus. */
#include "train/capture/private.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

enum { COMPLAIN_US = 10000000 }; // damaged pictures are in the log so often

void capture_complain(struct capture *capture, int64_t now_us, const char *why)
{
	metric_add(capture->counts.damaged, 1);
	capture->damaged++;
	if (capture->complained_us && now_us - capture->complained_us < COMPLAIN_US)
		return;
	log_warn("%lld damaged picture%s left out; the last one: %s", (long long)capture->damaged,
		capture->damaged == 1 ? "" : "s", why);
	capture->damaged = 0;
	capture->complained_us = now_us;
}

static void write_message(struct capture *capture, const struct wire_image *image)
{
	char id[32];

	buffer_clear(&capture->message);
	if (!service_is_compat(capture->service)) {
		struct wire_frame frame = {capture->origin, *image};

		wire_write_frame(&capture->message, &frame);
		return;
	}
	// The original's id is the time alone; here no two pictures have the same.
	capture->id_ms = capture->origin.captured_wall_ms > capture->id_ms
				 ? capture->origin.captured_wall_ms
				 : capture->id_ms + 1;
	snprintf(id, sizeof id, "%lld", (long long)capture->id_ms);
	struct wire_compat_image compat = {
		.id = {.is_number = true, .text = str_from(id)},
		.format = image->format,
		.picture = image->data,
	};

	wire_compat_write_image(&capture->message, &compat);
}

static void publish(struct capture *capture, const struct wire_image *image, bool untouched,
	int64_t captured_us)
{
	struct counts *counts = &capture->counts;
	struct wire_origin *origin = &capture->origin;
	int64_t now_us = clock_monotonic_us();

	service_random_id(origin->trace.bytes);
	origin->sequence++;
	origin->captured_monotonic_us = captured_us;
	origin->captured_wall_ms = clock_wall_ms() - (now_us - captured_us) / 1000;
	write_message(capture, image);
	metric_observe(counts->age_s, (double)(now_us - captured_us) / 1e6);
	capture->published_us = now_us;
	if (!service_publish(capture->service, SERVICE_FRAME, buffer_str(&capture->message), 0,
		    BUS_KEEP_LATEST)) {
		metric_add(counts->dropped, 1);
		return;
	}
	metric_add(counts->published, 1);
	metric_add(untouched ? counts->untouched : counts->encoded, 1);
	metric_add(counts->bytes, (double)image->data.len);
}

bool capture_take_picture(struct capture *capture, int64_t now_us, int64_t captured_us)
{
	struct arena arena = {0};
	struct camera_frame frame;
	struct wire_image image;
	struct error err = {0};
	bool untouched = false;
	bool taken = camera_take(capture->camera, &arena, &frame, &err) &&
		     prepare_picture(&frame, &capture->settings.prepare, &arena, &capture->encoded,
			     &image, &untouched, &err);

	if (taken && !untouched)
		metric_observe(
			capture->counts.encode_s, (double)(clock_monotonic_us() - now_us) / 1e6);
	if (taken)
		publish(capture, &image, untouched, captured_us);
	else
		capture_complain(capture, now_us, err.text);
	arena_finish(&arena);
	return taken;
}
