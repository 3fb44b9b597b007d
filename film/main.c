/*
 * Draws the film: film OUT.avi TRUTH.json, or film FOLDER/ TRUTH.json for a picture a file.
 * It is always the same.
 */
#include "film.h"

#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
	WIDTH_PX = 640,
	HEIGHT_PX = 480,
	FPS = 10,
	SECONDS = 48,
	QUALITY_PERCENT = 72,
	SEED = 20241004
};

#define SPEED_MPS 0.3f

/* A sign of the ride, by the second in which the camera is beside it. */
struct stop {
	float passed_s;
	enum sign_kind kind;
	float side; // -1 left, 1 right
	float turn, gain;
};

static const struct stop ride[] = {
	{9.0f, SIGN_SPEED_30, 1, 0.10f, 0.95f},
	{13.0f, SIGN_STOP, 1, 0.05f, 1.0f},
	{15.5f, SIGN_NO_ENTRY, -1, -0.15f, 0.95f},
	{24.0f, SIGN_DANGER_MARK, 1, 0.12f, 0.95f},
	{29.5f, SIGN_BACK, -1, 0.1f, 0.9f},
	{31.0f, SIGN_BOARD_BACK, 1, 0.35f, 0.8f},
	{39.0f, SIGN_SPEED_50, 1, 0.08f, 0.95f},
	{40.5f, SIGN_DANGER_GATE, -1, -0.1f, 0.95f},
};

enum { SIGNS = sizeof ride / sizeof ride[0] };

/*
 * What must be ordered between two frames, by their numbers from 0, at least for so many of them;
 * for the others there it is go. Between these spans it may be anything: a detector may see a sign
 * earlier or later. Slow lasts two seconds from when the sign is near enough (docs/decision.md).
 */
static const struct {
	int from, to, least;
	const char *order;
} truth[] = {
	{0, 29, 30, "go"},
	{40, 94, 15, "slow"},
	{120, 174, 55, "go"},
	{229, 249, 21, "stop"},
	{270, 329, 60, "go"},
	{394, 414, 21, "stop"},
	{445, 479, 35, "go"},
};

static void ride_pose(size_t frame, struct camera_pose *out)
{
	float t = (float)frame / FPS;

	*out = (struct camera_pose){
		.x = 0.004f * sinf(t * 1.1f),
		.y = 0.085f + 0.0008f * sinf(t * 9),
		.z = SPEED_MPS * t,
		.yaw = 0.05f * sinf(t * 0.37f),
		.pitch = 0.06f + 0.004f * sinf(t * 6.1f),
		.roll = 0.02f * sinf(t * 0.9f),
		.focal_px = 560,
		.gain = 1 + 0.06f * sinf(t * 0.5f),
	};
	pose_finish(out);
}

/* The farthest first, since nearer ones stand before them. */
static void draw_frame(const struct room *room, size_t frame, struct picture *picture)
{
	struct camera_pose pose;

	ride_pose(frame, &pose);
	room_draw(room, &pose, picture);
	for (size_t i = SIGNS; i-- > 0;) {
		struct sign sign = {.kind = ride[i].kind,
			.x = ride[i].side * 0.085f,
			.y = 0.095f,
			.z = ride[i].passed_s * SPEED_MPS,
			.turn = ride[i].turn,
			.gain = ride[i].gain};

		sign_draw(&sign, &pose, picture);
	}
}

static void write_truth(struct buffer *out)
{
	buffer_printf(out, "{\"fps\":%d,\"frames\":%d,\"width\":%d,\"height\":%d,\"expected\":[\n",
		FPS, FPS * SECONDS, WIDTH_PX, HEIGHT_PX);
	for (size_t i = 0; i < sizeof truth / sizeof truth[0]; i++)
		buffer_printf(out, "%s{\"from\":%d,\"to\":%d,\"at_least\":%d,\"order\":\"%s\"}",
			i ? ",\n" : "", truth[i].from, truth[i].to, truth[i].least, truth[i].order);
	buffer_append_text(out, "\n]}\n");
}

static bool make_frame(
	const struct room *room, size_t frame, struct buffer *jpeg, struct error *err)
{
	struct arena arena = {0};
	struct picture picture = {
		ARENA_ARRAY(&arena, uint8_t, WIDTH_PX * HEIGHT_PX * 3), WIDTH_PX, HEIGHT_PX};
	struct chance chance = {SEED + frame};

	draw_frame(room, frame, &picture);
	lens_apply(&picture, &chance, &arena);
	buffer_clear(jpeg);
	bool ok = vision_encode_jpeg(&picture, QUALITY_PERCENT, jpeg, err);

	arena_finish(&arena);
	return ok;
}

static bool make_film(const char *path, struct error *err)
{
	struct avi avi = {.width_px = WIDTH_PX, .height_px = HEIGHT_PX, .fps = FPS};
	struct room *room = room_create(SEED);
	struct buffer jpeg = {0}, file = {0};
	bool is_folder = *path && path[strlen(path) - 1] == '/', ok = true;

	if (is_folder)
		mkdir(path, 0777);
	for (size_t frame = 0; ok && frame < FPS * SECONDS; frame++) {
		struct arena arena = {0};

		ok = make_frame(room, frame, &jpeg, err);
		if (ok && is_folder)
			ok = file_write(str_format(&arena, "%s%04zu.jpg", path, frame).data,
				buffer_str(&jpeg), err);
		else if (ok)
			avi_add(&avi, buffer_str(&jpeg));
		arena_finish(&arena);
	}
	if (ok && !is_folder) {
		avi_write(&avi, &file);
		ok = file_write(path, buffer_str(&file), err);
	}
	avi_finish(&avi);
	buffer_finish(&jpeg);
	buffer_finish(&file);
	room_destroy(room);
	return ok;
}

int main(int argc, char **argv)
{
	struct buffer text = {0};
	struct error err = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: film OUT.avi|FOLDER/ TRUTH.json\n");
		return 2;
	}
	write_truth(&text);
	bool ok = make_film(argv[1], &err) && file_write(argv[2], buffer_str(&text), &err);

	if (!ok)
		fprintf(stderr, "film: %s\n", err.text);
	buffer_finish(&text);
	return ok ? 0 : 1;
}
