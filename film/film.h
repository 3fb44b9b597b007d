/*
 * film/film.h — a film of a ride past signs, drawn here: what demo, end-to-end tests and benches
 * look at where there is no train. The same seed gives the same pictures.
 *
 * The world: x to the right, y up from the table, z along the track; metres. The camera rides above
 * the track. Sprites are squares, x to the right and y down from 0 to 1.
 */
#ifndef FILM_FILM_H
#define FILM_FILM_H

#include "base/str.h"
#include "train/vision/vision.h"

struct colour {
	float r, g, b; // 0 to 255
};

/* A little generator of its own: the C library's differs from one to the next. */
struct chance {
	uint64_t state;
};
float chance_between(struct chance *chance, float low, float high);

struct camera_pose {
	float x, y, z;
	float yaw, pitch, roll; // radians; right, down and clockwise
	float focal_px;
	float gain;	  // of the light, 1: as it is
	float turn[3][3]; // from the camera's axes to the world's: pose_finish
};

/* Fills `turn` from the angles. */
void pose_finish(struct camera_pose *pose);

enum sign_kind {
	SIGN_SPEED_30,
	SIGN_SPEED_50,
	SIGN_DANGER_MARK,
	SIGN_DANGER_GATE,
	SIGN_STOP,
	SIGN_NO_ENTRY,
	SIGN_BACK,
	SIGN_BOARD_BACK,
};

struct sign {
	enum sign_kind kind;
	float x, y, z; // of its middle
	float turn;    // away from the track, radians
	float gain;    // of the light on it
};

enum { SIGN_SIDE_MM = 40 };

/* The room around, made once. */
struct room;
struct room *room_create(uint64_t seed);
void room_destroy(struct room *room);
void room_draw(const struct room *room, const struct camera_pose *pose, struct picture *picture);

/* Draws the sign, its pole and its foot; nothing where it is behind the camera. Returns its width
 * in pixels. */
float sign_draw(const struct sign *sign, const struct camera_pose *pose, struct picture *picture);

/* What the lens and the sensor do: softness, noise. */
void lens_apply(struct picture *picture, struct chance *chance, struct arena *scratch);

/* The ray through a pixel, in the world's directions; not normalised. */
void pose_ray(const struct camera_pose *pose, const struct picture *picture, float px, float py,
	float out[3]);

/* An AVI of JPEG pictures. */
struct avi {
	struct buffer pictures, index;
	size_t count, largest;
	size_t width_px, height_px, fps;
};
void avi_add(struct avi *avi, struct str jpeg);
/* Appends the whole file. */
void avi_write(const struct avi *avi, struct buffer *out);
void avi_finish(struct avi *avi);

#endif
