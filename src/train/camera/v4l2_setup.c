#include "train/camera/v4l2_setup.h"
#include "train/camera/modes.h"

#include "base/log.h"

#include <errno.h>
#include <sys/ioctl.h>

// A driver whose lists never end is believed so far.
enum { MAX_FORMATS = 64, MAX_SIZES = 256, MAX_INTERVALS = 64 };

int v4l2_control(int fd, unsigned long request, void *argument)
{
	int result;

	do
		result = ioctl(fd, request, argument);
	while (result != 0 && errno == EINTR);
	return result;
}

bool v4l2_refused(struct error *err, const char *what)
{
	if (errno == EBUSY)
		return error_set(err, ERROR_SYSTEM,
			"%s: another program uses it; `fuser -v` with its path says which", what);
	return error_errno(err, "%s", what);
}

static bool check_device(int fd, struct error *err)
{
	struct v4l2_capability able = {0};

	if (v4l2_control(fd, VIDIOC_QUERYCAP, &able) != 0) {
		if (errno == ENOTTY || errno == EINVAL)
			return error_set(err, ERROR_UNSUPPORTED, "it is no video device");
		return error_errno(err, "ask what it is");
	}
	unsigned can =
		able.capabilities & V4L2_CAP_DEVICE_CAPS ? able.device_caps : able.capabilities;

	if (!(can & V4L2_CAP_VIDEO_CAPTURE))
		return error_set(err, ERROR_UNSUPPORTED,
			"\"%.32s\" takes no pictures here (a camera often has a second device for "
			"metadata: try the one before it)",
			(const char *)able.card);
	if (!(can & V4L2_CAP_STREAMING))
		return error_set(err, ERROR_UNSUPPORTED, "\"%.32s\" shares no buffers",
			(const char *)able.card);
	return true;
}

/* JPEG before YUYV. */
static bool choose_format(int fd, uint32_t *out, struct error *err)
{
	static const uint32_t wanted[] = {V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_JPEG, V4L2_PIX_FMT_YUYV};
	enum { WANTED = sizeof wanted / sizeof wanted[0] };
	struct buffer names = {0};
	size_t best = WANTED;

	for (uint32_t i = 0; i < MAX_FORMATS; i++) {
		struct v4l2_fmtdesc format = {.index = i, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE};

		if (v4l2_control(fd, VIDIOC_ENUM_FMT, &format) != 0)
			break;
		for (size_t k = 0; k < best; k++)
			if (wanted[k] == format.pixelformat)
				best = k;
		buffer_printf(
			&names, "%s%.4s", names.len ? ", " : "", (const char *)&format.pixelformat);
	}
	if (best == WANTED)
		error_set(err, ERROR_UNSUPPORTED,
			"it gives %s; MJPG, JPEG or YUYV are understood here",
			names.len ? names.data : "no formats");
	else
		*out = wanted[best];
	buffer_finish(&names);
	return best < WANTED;
}

static struct modes_size read_size(const struct v4l2_frmsizeenum *found)
{
	const struct v4l2_frmsize_stepwise *range = &found->stepwise;

	if (found->type == V4L2_FRMSIZE_TYPE_DISCRETE)
		return (struct modes_size){found->discrete.width, found->discrete.width, 0,
			found->discrete.height, found->discrete.height, 0};
	return (struct modes_size){range->min_width, range->max_width, range->step_width,
		range->min_height, range->max_height, range->step_height};
}

static void choose_size(int fd, uint32_t format, size_t *width_px, size_t *height_px)
{
	struct modes_size sizes[MAX_SIZES];
	size_t count = 0;

	for (; count < MAX_SIZES; count++) {
		struct v4l2_frmsizeenum found = {.index = (uint32_t)count, .pixel_format = format};

		if (v4l2_control(fd, VIDIOC_ENUM_FRAMESIZES, &found) != 0)
			break;
		sizes[count] = read_size(&found);
	}
	// A driver without a list rounds what it is asked for.
	if (count)
		modes_choose_size(sizes, count, width_px, height_px);
}

/* A camera whose rate cannot be chosen is taken as it is. */
static void choose_rate(int fd, const struct v4l2_pix_format *format, double fps)
{
	struct modes_interval intervals[MAX_INTERVALS];
	size_t count = 0;

	for (; count < MAX_INTERVALS; count++) {
		struct v4l2_frmivalenum found = {
			.index = (uint32_t)count,
			.pixel_format = format->pixelformat,
			.width = format->width,
			.height = format->height,
		};

		if (v4l2_control(fd, VIDIOC_ENUM_FRAMEINTERVALS, &found) != 0)
			break;
		const struct v4l2_fract *one = found.type == V4L2_FRMIVAL_TYPE_DISCRETE
						       ? &found.discrete
						       : &found.stepwise.min;

		intervals[count] = (struct modes_interval){one->numerator, one->denominator};
		if (found.type != V4L2_FRMIVAL_TYPE_DISCRETE) {
			count++;
			break;
		}
	}
	if (!count)
		return;
	struct modes_interval best = modes_choose_interval(intervals, count, fps);
	struct v4l2_streamparm rate = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};

	rate.parm.capture.timeperframe = (struct v4l2_fract){best.numerator, best.denominator};
	if (v4l2_control(fd, VIDIOC_S_PARM, &rate) != 0)
		log_debug("the camera's rate cannot be set");
}

static bool apply_format(int fd, uint32_t pixel_format, const struct camera_request *request,
	struct v4l2_pix_format *out, struct error *err)
{
	struct v4l2_format format = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	size_t width_px = request->width_px, height_px = request->height_px;

	if (v4l2_control(fd, VIDIOC_G_FMT, &format) != 0)
		return error_errno(err, "ask for its format");
	if (width_px && height_px) {
		choose_size(fd, pixel_format, &width_px, &height_px);
		format.fmt.pix.width = (uint32_t)width_px;
		format.fmt.pix.height = (uint32_t)height_px;
		format.fmt.pix.bytesperline = 0;
	}
	if (format.fmt.pix.pixelformat != pixel_format)
		format.fmt.pix.bytesperline = 0;
	format.fmt.pix.pixelformat = pixel_format;
	format.fmt.pix.field = V4L2_FIELD_ANY;
	if (v4l2_control(fd, VIDIOC_S_FMT, &format) != 0)
		return v4l2_refused(err, "set its format");
	*out = format.fmt.pix;
	return true;
}

bool v4l2_set_up(
	int fd, const struct camera_request *request, struct v4l2_setup *out, struct error *err)
{
	struct v4l2_pix_format format;
	uint32_t pixel_format = 0;

	if (!check_device(fd, err) || !choose_format(fd, &pixel_format, err) ||
		!apply_format(fd, pixel_format, request, &format, err))
		return false;
	if (format.pixelformat != pixel_format)
		return error_set(err, ERROR_UNSUPPORTED, "asked for %.4s, it gives %.4s",
			(const char *)&pixel_format, (const char *)&format.pixelformat);
	if (!format.width || !format.height || format.width > VISION_MAX_SIDE_PX ||
		format.height > VISION_MAX_SIDE_PX)
		return error_set(err, ERROR_LIMIT, "%ux%u pixels; 1 to %d a side are taken",
			format.width, format.height, VISION_MAX_SIDE_PX);
	choose_rate(fd, &format, request->fps);
	*out = (struct v4l2_setup){
		.is_jpeg = pixel_format != V4L2_PIX_FMT_YUYV,
		.width_px = format.width,
		.height_px = format.height,
		.row_stride = format.bytesperline,
	};
	// Pairs of pixels share their colour; a driver that says no stride has no gaps.
	if (out->row_stride < (out->width_px + 1) / 2 * 4)
		out->row_stride = (out->width_px + 1) / 2 * 4;
	log_info("%s: %zux%zu %.4s", request->where, out->width_px, out->height_px,
		(const char *)&pixel_format);
	return true;
}
