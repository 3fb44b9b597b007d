/*
 * train/camera/camera.h — where pictures come from: a camera, a stream, a film, a folder, or a card
 * drawn here. All behind one front that never waits: a descriptor tells when to look, and looking
 * gives the newest picture. A camera that goes away is said once in the log, looked for again, and
 * taken up when it is back.
 *
 * Two kinds. A live source (v4l2, rtsp) gives pictures when it has them, and those that are not
 * taken are lost. The others are asked for one a beat, and lose none.
 *
 * Threads: one. Time is an argument, in µs of the monotonic clock (V4L2 and we use the same one).
 */
#ifndef TRAIN_CAMERA_CAMERA_H
#define TRAIN_CAMERA_CAMERA_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "train/vision/vision.h"

#define CAMERA_MAX_PICTURE_BYTES ((size_t)16 << 20)

enum {
	CAMERA_MAX_FPS = 240,
	CAMERA_DARK_US = 900000, // a live source that is silent for longer is not up
};

struct camera_options {
	/*
	 * v4l2:/dev/video0, rtsp://…, rtsps://…, file:PATH (also a bare path of a film),
	 * dir:FOLDER or test:
	 */
	const char *source;
	size_t width_px, height_px; // the camera's size nearest to this; 0: as it is set
	double fps; // wanted, above 0; of a film: how many pictures a second are taken
	bool loop;  // a film or a folder begins again at its end
	bool udp;   // RTSP over UDP rather than within its TCP connection
};

/* Says whether `source` names a source, before anything is opened. Fails: ERROR_INVALID. */
bool camera_check(const char *source, struct error *err);
/* `source` without user and password, for logs and messages. */
struct str camera_public_name(const char *source, struct arena *arena);

/* A picture: bytes as the source gave them, or pixels. */
struct camera_frame {
	struct str encoded; // a whole JPEG or WebP picture; empty: `pixels`
	enum picture_format format;
	size_t width_px, height_px; // upright
	struct picture pixels;
	int64_t captured_us;
};

enum camera_outcome {
	CAMERA_NOTHING, // nothing new (of an unhurried source: nothing for this beat)
	CAMERA_LATE, // an unhurried source is not ready yet: look again when the descriptor says so
	CAMERA_PICTURE,
	CAMERA_DAMAGED, // a picture that is to be counted and left out; err says why. Look again
	CAMERA_ENDED,	// the film or the folder is over
};

struct camera_status {
	bool is_up;	   // it gave a picture lately
	const char *why;   // it is not
	int64_t openings;  // how often it gave its first picture: 1 and the times it came back
	int64_t losses;	   // how often it went away
	int64_t overtaken; // pictures that a newer one replaced before they were looked at
};

struct camera;

/* Opens nothing yet: camera_attend does. Fails: ERROR_INVALID, ERROR_SYSTEM (a missing plug-in). */
struct camera *camera_create(const struct camera_options *options, struct error *err);
void camera_destroy(struct camera *camera); // takes NULL

bool camera_is_live(const struct camera *camera);
/* Readable when a look is worth it; the same one for the camera's whole life. */
int camera_fd(const struct camera *camera);
/*
 * Opens the source, or opens it anew, when it is time to. Returns when to be called next. What
 * fails is in the log and in the status.
 */
int64_t camera_attend(struct camera *camera, int64_t now_us);
/*
 * Finds the newest picture, and says when it was captured (CAMERA_PICTURE): whether to take it is
 * the caller's choice. What is not taken is replaced by the next look.
 */
enum camera_outcome camera_look(
	struct camera *camera, int64_t now_us, int64_t *captured_us, struct error *err);
/*
 * After CAMERA_PICTURE. What *out points at is valid until the next look, or the arena is freed.
 * False: the picture is damaged (ERROR_INVALID), count it.
 */
bool camera_take(
	struct camera *camera, struct arena *arena, struct camera_frame *out, struct error *err);
struct camera_status camera_status(const struct camera *camera);

#endif
