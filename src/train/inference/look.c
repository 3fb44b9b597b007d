#include "train/inference/inference.h"

static int64_t time_of(inference_clock *clock)
{
	return clock ? clock() : 0;
}

static void take_detections(const struct model_info *info, const struct detections *found,
	struct arena *arena, struct inference_view *out)
{
	size_t count = found->count < WIRE_MAX_DETECTIONS ? found->count : WIRE_MAX_DETECTIONS;

	out->detection_count = count;
	out->detections = ARENA_ARRAY(arena, struct wire_detection, count);
	for (size_t i = 0; i < count; i++) {
		const struct detection *item = &found->items[i];

		out->detections[i] = (struct wire_detection){
			.class_id = (int64_t)item->class_id,
			.class_name = info->classes[item->class_id],
			.confidence = item->confidence,
			.box = {item->box.x, item->box.y, item->box.width, item->box.height},
		};
	}
}

bool inference_look(struct model *model, struct str data, float min_confidence,
	inference_clock *clock, struct arena *arena, struct inference_view *out, struct error *err)
{
	struct detections found = {0};
	struct picture picture;
	int64_t begun_us = time_of(clock);

	*out = (struct inference_view){0};
	if (!vision_decode(data, arena, &picture, err))
		return error_wrap(err, "the picture cannot be read");
	int64_t decoded_us = time_of(clock);

	if (!model_run(model, &picture, min_confidence, arena, &found, err))
		return error_wrap(err, "the model failed");
	int64_t seen_us = time_of(clock);

	out->width_px = (int64_t)picture.width_px;
	out->height_px = (int64_t)picture.height_px;
	take_detections(&model->info, &found, arena, out);
	out->prepare_us = decoded_us - begun_us;
	out->infer_us = seen_us - decoded_us;
	out->finish_us = time_of(clock) - seen_us;
	return true;
}

void inference_result(const struct wire_frame *frame, const struct inference_view *view,
	struct str model, struct str backend, struct wire_result *out)
{
	*out = (struct wire_result){
		.origin = frame->origin,
		.image = {.format = frame->image.format,
			.width_px = view->width_px,
			.height_px = view->height_px},
		.model = model,
		.backend = backend,
		.prepare_us = view->prepare_us,
		.infer_us = view->infer_us,
		.finish_us = view->finish_us,
		.detections = view->detections,
		.detection_count = view->detection_count,
	};
}
