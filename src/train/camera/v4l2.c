#include "train/camera/driver.h"
#include "train/camera/v4l2_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A camera through the kernel's own interface: buffers that driver and program share, passed to and
 * fro. look() takes all that are filled and keeps the newest; the others go straight back. So the
 * camera never waits for a buffer, and a picture is never older than the newest one it has made.
 */

enum { BUFFERS = 4, STALE_US = 10000000 };

struct v4l2 {
	struct camera_request request;
	int fd;
	struct v4l2_setup setup;
	struct mapping {
		void *memory;
		size_t size;
	} mappings[BUFFERS];
	size_t mapping_count;
	struct v4l2_buffer held; // the newest picture, ours until a newer one is there
	bool is_holding;
	int64_t overtaken;
};

static struct camera_source *v4l2_create(const struct camera_request *request, struct error *err)
{
	struct v4l2 *camera = calloc(1, sizeof *camera);

	(void)err;
	if (!camera)
		abort();
	camera->request = *request;
	camera->fd = -1;
	return (struct camera_source *)camera;
}

static void v4l2_close(struct camera_source *source)
{
	struct v4l2 *camera = (struct v4l2 *)source;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (camera->fd >= 0)
		v4l2_control(camera->fd, VIDIOC_STREAMOFF, &type);
	for (size_t i = 0; i < camera->mapping_count; i++)
		munmap(camera->mappings[i].memory, camera->mappings[i].size);
	camera->mapping_count = 0;
	camera->is_holding = false;
	if (camera->fd >= 0)
		close(camera->fd);
	camera->fd = -1;
}

static void v4l2_destroy(struct camera_source *source)
{
	free(source);
}

static struct v4l2_buffer buffer_number(unsigned index)
{
	return (struct v4l2_buffer){
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
}

static bool start_streaming(struct v4l2 *camera, struct error *err)
{
	struct v4l2_requestbuffers wanted = {
		.count = BUFFERS,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (v4l2_control(camera->fd, VIDIOC_REQBUFS, &wanted) != 0)
		return v4l2_refused(err, "ask for buffers");
	if (wanted.count < 2)
		return error_set(err, ERROR_SYSTEM, "the driver gives %u buffers; 2 are needed",
			wanted.count);
	for (unsigned i = 0; i < wanted.count && i < BUFFERS; i++) {
		struct v4l2_buffer buffer = buffer_number(i);

		if (v4l2_control(camera->fd, VIDIOC_QUERYBUF, &buffer) != 0)
			return error_errno(err, "ask for buffer %u", i);
		void *memory = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED,
			camera->fd, (off_t)buffer.m.offset);

		if (memory == MAP_FAILED)
			return error_errno(err, "map buffer %u", i);
		camera->mappings[camera->mapping_count++] = (struct mapping){memory, buffer.length};
		if (v4l2_control(camera->fd, VIDIOC_QBUF, &buffer) != 0)
			return error_errno(err, "give buffer %u to the camera", i);
	}
	if (v4l2_control(camera->fd, VIDIOC_STREAMON, &type) != 0)
		return error_errno(err, "start the stream");
	return true;
}

static bool v4l2_open(struct camera_source *source, struct error *err)
{
	struct v4l2 *camera = (struct v4l2 *)source;

	// Not O_NONBLOCK's business alone: without it DQBUF would wait for a picture.
	camera->fd = open(camera->request.where, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (camera->fd < 0)
		return error_errno(err, "open %s", camera->request.where);
	if (v4l2_set_up(camera->fd, &camera->request, &camera->setup, err) &&
		start_streaming(camera, err))
		return true;
	v4l2_close(source);
	return false;
}

static int v4l2_fd(const struct camera_source *source)
{
	return ((const struct v4l2 *)source)->fd;
}

static int64_t capture_time(const struct v4l2_buffer *buffer, int64_t now_us)
{
	int64_t captured_us =
		(int64_t)buffer->timestamp.tv_sec * 1000000 + buffer->timestamp.tv_usec;

	// Some drivers' clocks are not what they say: those are not believed.
	if ((buffer->flags & V4L2_BUF_FLAG_TIMESTAMP_MASK) != V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC ||
		captured_us > now_us || captured_us < now_us - STALE_US)
		return now_us;
	return captured_us;
}

static bool give_back(struct v4l2 *camera, struct error *err)
{
	camera->is_holding = false;
	if (v4l2_control(camera->fd, VIDIOC_QBUF, &camera->held) != 0)
		return error_errno(err, "give a buffer back");
	return true;
}

/* Whether something was taken. False with err set: the camera is gone. */
static bool take_filled(struct v4l2 *camera, bool *taken, struct error *err)
{
	struct v4l2_buffer buffer = buffer_number(0);

	*taken = false;
	if (v4l2_control(camera->fd, VIDIOC_DQBUF, &buffer) != 0) {
		struct pollfd state = {.fd = camera->fd, .events = POLLIN};

		if (errno != EAGAIN)
			return error_errno(err, "take a picture");
		if (poll(&state, 1, 0) > 0 && state.revents & (POLLERR | POLLHUP | POLLNVAL))
			return error_set(err, ERROR_SYSTEM, "the device is gone");
		return true;
	}
	if (buffer.index >= camera->mapping_count)
		return error_set(err, ERROR_SYSTEM, "the driver gave buffer %u of %zu",
			buffer.index, camera->mapping_count);
	if (camera->is_holding && !give_back(camera, err))
		return false;
	camera->held = buffer;
	camera->is_holding = *taken = true;
	return true;
}

static bool v4l2_look(struct camera_source *source, int64_t now_us, enum camera_outcome *outcome,
	int64_t *captured_us, struct error *err)
{
	struct v4l2 *camera = (struct v4l2 *)source;
	bool taken;

	*outcome = CAMERA_NOTHING;
	// A camera has no more than its buffers; one that gives more does not hold us up for ever.
	for (size_t i = 0; i < BUFFERS; i++) {
		if (!take_filled(camera, &taken, err))
			return false;
		if (!taken)
			break;
		if (*outcome == CAMERA_PICTURE)
			camera->overtaken++;
		*outcome = CAMERA_PICTURE;
	}
	if (*outcome != CAMERA_PICTURE)
		return true;
	*captured_us = capture_time(&camera->held, now_us);
	if (camera->held.flags & V4L2_BUF_FLAG_ERROR) {
		*outcome = CAMERA_DAMAGED;
		error_set(err, ERROR_INVALID, "the driver says that the picture is damaged");
	}
	return true;
}

static bool v4l2_take(struct camera_source *source, struct arena *arena, struct camera_frame *out,
	struct error *err)
{
	struct v4l2 *camera = (struct v4l2 *)source;
	const struct v4l2_setup *setup = &camera->setup;
	const struct mapping *mapping = &camera->mappings[camera->held.index];
	size_t len = camera->held.bytesused;

	if (len > mapping->size)
		return error_set(err, ERROR_INVALID, "the driver says %zu bytes in a buffer of %zu",
			len, mapping->size);
	if (setup->is_jpeg) {
		out->encoded = (struct str){mapping->memory, len};
		if (!len)
			return error_set(err, ERROR_INVALID, "the picture is empty");
		return true;
	}
	if (len < setup->row_stride * setup->height_px)
		return error_set(err, ERROR_INVALID, "the picture was cut off: %zu of %zu bytes",
			len, setup->row_stride * setup->height_px);
	out->pixels = (struct picture){
		arena_alloc(arena, setup->width_px * setup->height_px * 3),
		setup->width_px,
		setup->height_px,
	};
	camera_yuyv_to_rgb(mapping->memory, setup->row_stride, &out->pixels);
	return true;
}

static int64_t v4l2_overtaken(const struct camera_source *source)
{
	return ((const struct v4l2 *)source)->overtaken;
}

const struct camera_driver camera_v4l2 = {
	.is_live = true,
	// Within 2 s of its return it is to be open: this leaves a slow camera 1.5 s to begin.
	.retry_us = 500000,
	.retry_max_us = 500000,
	.silent_us = 3000000,
	.create = v4l2_create,
	.destroy = v4l2_destroy,
	.open = v4l2_open,
	.close = v4l2_close,
	.fd = v4l2_fd,
	.look = v4l2_look,
	.take = v4l2_take,
	.overtaken = v4l2_overtaken,
};
