/*
 * train/model/model.h — a detector: pictures in, boxes out. What it is made of is behind the
 * vtable; the driver here runs our own network with our own kernels from a file whose format is
 * docs/model.md. Another one is train/onnx.
 *
 * Threads: a model belongs to one at a time.
 */
#ifndef TRAIN_MODEL_MODEL_H
#define TRAIN_MODEL_MODEL_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "train/kernels/kernels.h"
#include "train/vision/vision.h"

enum { MODEL_MAX_FILE_BYTES = 64 << 20 };

/* What a model says about itself. */
struct model_info {
	char name[64]; // of its file, without folders; cut where it is longer
	size_t input_width_px, input_height_px;
	enum vision_fit fit;
	struct str *classes; // names; the index is the class_id
	size_t class_count;
	float min_confidence;	// the threshold that it was judged at
	float max_overlap;	// of two boxes that both stay
	bool per_class;		// boxes of different classes never suppress each other
	uint64_t multiply_adds; // of one picture, without channels that only fill a block; 0:
				// unknown
	const char *
		provider; // what computes: the kernels' name, or ONNX Runtime's tensorrt, cuda, cpu
};

struct model;

struct model_driver {
	const char *name;
	bool (*run)(struct model *model, const struct picture *picture, float min_confidence,
		struct arena *arena, struct detections *out, struct error *err);
	void (*close)(struct model *model);
};

/* The first member of each driver's own struct. */
struct model {
	const struct model_driver *driver;
	struct model_info info;
};

/*
 * Reads a model file. `kernels` as kernels_choose gives them. model_close frees the result; it
 * takes NULL. Fails: ERROR_SYSTEM; ERROR_INVALID for a file that is no model, damaged, or does not
 * fit together, with the layer and what would be right; ERROR_LIMIT where it asks for more memory
 * or work than a detector has any use for.
 */
bool model_open(
	const char *path, const struct kernels *kernels, struct model **out, struct error *err);
bool model_read(
	struct str data, const struct kernels *kernels, struct model **out, struct error *err);
void model_close(struct model *model);

/*
 * The model that comes with the program, found from where the program lies (a build's or an
 * installation's); NULL where it is not there.
 */
const char *model_shipped_path(struct arena *arena);

/*
 * Finds what is on a picture: best first, overlaps removed, in pixels of the picture; class_id
 * below info.class_count. min_confidence 0 to 1, or negative for the model's own. The arena owns
 * the boxes.
 */
bool model_run(struct model *model, const struct picture *picture, float min_confidence,
	struct arena *arena, struct detections *out, struct error *err);

/* For tests and benches of the driver here: what is below the boxes. */
struct model_head {
	const struct kernels_map *map;
	size_t channels, stride_px; // channels: one logit per class, then left, top, right, bottom
};

/* The picture's map, to be filled by hand; model_forward runs the layers on it. */
const struct kernels_map *model_input(struct model *model);
void model_forward(struct model *model);
size_t model_head_count(const struct model *model);
struct model_head model_head(const struct model *model, size_t index);

/* One layer of the network, for benches: its convolution, and its multiply-adds without padding.
 * Its maps share memory with others', so that only a whole run, in order, computes what it should.
 */
size_t model_layer_count(const struct model *model);
const struct kernels_conv *model_layer(
	const struct model *model, size_t index, uint64_t *multiply_adds);

#endif
