#include "train/model/model.h"

#include "base/file.h"

bool model_open(
	const char *path, const struct kernels *kernels, struct model **out, struct error *err)
{
	struct arena arena = {0};
	struct str data;

	*out = NULL;
	bool opened = file_read(path, MODEL_MAX_FILE_BYTES, &arena, &data, err);

	if (opened && !model_read(data, kernels, out, err))
		opened = error_wrap(err, "%s", path);
	arena_finish(&arena);
	return opened;
}

void model_close(struct model *model)
{
	if (model)
		model->driver->close(model);
}

bool model_run(struct model *model, const struct picture *picture, float min_confidence,
	struct arena *arena, struct detections *out, struct error *err)
{
	*out = (struct detections){0};
	return model->driver->run(model, picture,
		min_confidence < 0 ? model->info.min_confidence : min_confidence, arena, out, err);
}
