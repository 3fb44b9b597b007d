/*
 * A camera at /dev/video9 for whoever preloads this: LD_PRELOAD=libfake_v4l2.so
 * RAILQUEST_FAKE_V4L2=FILE. It answers open, ioctl and mmap as a driver does, gives pictures at a
 * rate, and does what FILE says, which is read again every 10 ms, a word and its value a line:
 *
 *	state there | gone | silent | damaged | alien | busy
 *	format mjpeg | yuyv | h264
 *	fps 30
 *	folder PATH	its files, in the order of their names, are the MJPEG pictures
 *	report PATH	what was asked of the camera, and each picture that it gave
 *
 * The descriptor that the program gets is one end of a socket pair: it becomes readable with each
 * picture, and hangs up when the camera is gone, with no need to answer poll.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char device_path[] = "/dev/video9";

enum { BUFFERS = 4, BUFFER_BYTES = 4 << 20, MAX_FILES = 1000, TEXT = 512 };

static const struct {
	unsigned width, height;
} sizes[] = {{320, 240}, {640, 480}, {1280, 720}};
static const unsigned rates[] = {30, 15, 60, 5};

struct control {
	char state[TEXT], format[TEXT], folder[TEXT], report[TEXT];
	unsigned fps;
};

static struct device {
	pthread_mutex_t mutex;
	struct control control;
	int program_fd, camera_fd, memory_fd;
	uint8_t *memory;
	bool is_streaming;
	unsigned width, height;
	uint32_t pixel_format;
	unsigned waiting[BUFFERS], waiting_count; // given to the camera
	struct v4l2_buffer filled[BUFFERS];
	uint32_t sequence;
	char *files[MAX_FILES];
	size_t file_count;
	pthread_t thread;
	bool has_thread;
} device = {.mutex = PTHREAD_MUTEX_INITIALIZER, .program_fd = -1, .camera_fd = -1, .memory_fd = -1};

static int (*next_open)(const char *, int, ...);
static int (*next_close)(int);
static int (*next_ioctl)(int, unsigned long, ...);
static void *(*next_mmap)(void *, size_t, int, int, int, off_t);

/* POSIX's way around ISO C, which knows no functions behind plain pointers. */
__attribute__((constructor)) static void find_next(void)
{
	*(void **)&next_open = dlsym(RTLD_NEXT, "open");
	*(void **)&next_close = dlsym(RTLD_NEXT, "close");
	*(void **)&next_ioctl = dlsym(RTLD_NEXT, "ioctl");
	*(void **)&next_mmap = dlsym(RTLD_NEXT, "mmap");
}

__attribute__((format(printf, 1, 2))) static void report(const char *format, ...)
{
	va_list args;
	FILE *file = *device.control.report ? fopen(device.control.report, "a") : NULL;

	if (!file)
		return;
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fputc('\n', file);
	fclose(file);
}

static void read_control(void)
{
	const char *path = getenv("RAILQUEST_FAKE_V4L2");
	FILE *file = path ? fopen(path, "r") : NULL;
	struct control control = {.state = "there", .format = "mjpeg", .fps = 30};
	char name[TEXT], value[TEXT];

	if (!file)
		return;
	while (fscanf(file, "%511s %511s", name, value) == 2) {
		if (strcmp(name, "state") == 0)
			memcpy(control.state, value, TEXT);
		else if (strcmp(name, "format") == 0)
			memcpy(control.format, value, TEXT);
		else if (strcmp(name, "folder") == 0)
			memcpy(control.folder, value, TEXT);
		else if (strcmp(name, "report") == 0)
			memcpy(control.report, value, TEXT);
		else if (strcmp(name, "fps") == 0)
			control.fps = (unsigned)strtoul(value, NULL, 10);
	}
	fclose(file);
	device.control = control;
}

static bool is_state(const char *state)
{
	return strcmp(device.control.state, state) == 0;
}

/* --- pictures --- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_files(void)
{
	DIR *folder = opendir(device.control.folder);
	struct dirent *entry;

	while (device.file_count)
		free(device.files[--device.file_count]);
	while (folder && device.file_count < MAX_FILES && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			device.files[device.file_count++] = strdup(entry->d_name);
	if (folder)
		closedir(folder);
	qsort(device.files, device.file_count, sizeof device.files[0], compare);
}

static size_t fill_jpeg(uint8_t *out)
{
	char path[TEXT * 2];
	size_t len = 0;

	if (!device.file_count)
		return 0;
	const char *name = device.files[device.sequence % device.file_count];

	snprintf(path, sizeof path, "%s/%s", device.control.folder, name);
	FILE *file = fopen(path, "rb");

	if (file) {
		len = fread(out, 1, BUFFER_BYTES, file);
		fclose(file);
	}
	report("picture %u %s", device.sequence, name);
	return len;
}

/* Grey from left to right, and red below the middle. */
static size_t fill_yuyv(uint8_t *out)
{
	for (unsigned y = 0; y < device.height; y++)
		for (unsigned x = 0; x < device.width; x++) {
			*out++ =
				y < device.height / 2 ? (uint8_t)(16 + x * 219 / device.width) : 81;
			*out++ = y < device.height / 2 ? 128 : x % 2 ? 240 : 90;
		}
	return (size_t)device.width * device.height * 2;
}

static void give_picture(void)
{
	if (!device.waiting_count) {
		report("no buffer");
		device.sequence++;
		return;
	}
	unsigned index = device.waiting[0];
	uint8_t *out = device.memory + (size_t)index * BUFFER_BYTES;
	struct timespec now;

	memmove(device.waiting, device.waiting + 1, --device.waiting_count * sizeof(unsigned));
	clock_gettime(CLOCK_MONOTONIC, &now);
	size_t len = device.pixel_format == V4L2_PIX_FMT_YUYV ? fill_yuyv(out) : fill_jpeg(out);

	device.filled[index] = (struct v4l2_buffer){
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
		.bytesused = (uint32_t)len,
		.length = BUFFER_BYTES,
		.sequence = device.sequence++,
		.flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC |
			 (is_state("damaged") ? V4L2_BUF_FLAG_ERROR : 0),
		.timestamp = {now.tv_sec, now.tv_nsec / 1000},
	};
	uint8_t byte = (uint8_t)index;

	if (send(device.camera_fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		report("nobody takes pictures");
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* With the mutex held. */
static void hang_up(void)
{
	if (device.camera_fd >= 0)
		next_close(device.camera_fd);
	device.camera_fd = -1;
}

static void *live(void *unused)
{
	int64_t due_us = now_us(), control_us = 0;

	for (;; usleep(1000)) {
		pthread_mutex_lock(&device.mutex);
		if (now_us() - control_us >= 10000) {
			read_control();
			control_us = now_us();
		}
		if (is_state("gone"))
			hang_up();
		if (device.camera_fd < 0) {
			pthread_mutex_unlock(&device.mutex);
			return unused;
		}
		if (!device.is_streaming || is_state("silent")) {
			due_us = now_us();
		} else if (now_us() >= due_us) {
			give_picture();
			due_us += 1000000 / (device.control.fps ? device.control.fps : 1);
		}
		pthread_mutex_unlock(&device.mutex);
	}
}

/* --- what the program asks --- */

static int refuse(int error)
{
	errno = error;
	return -1;
}

static int enumerate(unsigned long request, void *argument)
{
	if (request == VIDIOC_ENUM_FMT) {
		struct v4l2_fmtdesc *format = argument;
		const char *only = device.control.format;
		bool has_both = strcmp(only, "mjpeg") == 0; // as real ones do: YUYV comes first

		if (format->index > (has_both ? 1u : 0u))
			return refuse(EINVAL);
		format->pixelformat = strcmp(only, "h264") == 0	  ? V4L2_PIX_FMT_H264
				      : has_both && format->index ? V4L2_PIX_FMT_MJPEG
								  : V4L2_PIX_FMT_YUYV;
		return 0;
	}
	if (request == VIDIOC_ENUM_FRAMESIZES) {
		struct v4l2_frmsizeenum *size = argument;

		if (size->index >= sizeof sizes / sizeof sizes[0])
			return refuse(EINVAL);
		size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		size->discrete.width = sizes[size->index].width;
		size->discrete.height = sizes[size->index].height;
		return 0;
	}
	struct v4l2_frmivalenum *rate = argument;

	if (rate->index >= sizeof rates / sizeof rates[0])
		return refuse(EINVAL);
	rate->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	rate->discrete = (struct v4l2_fract){1, rates[rate->index]};
	return 0;
}

static int set_format(unsigned long request, struct v4l2_format *format)
{
	struct v4l2_pix_format *pixels = &format->fmt.pix;

	if (request == VIDIOC_S_FMT) {
		device.width = pixels->width;
		device.height = pixels->height;
		device.pixel_format = pixels->pixelformat;
		report("format %ux%u %.4s", device.width, device.height,
			(const char *)&device.pixel_format);
	}
	pixels->width = device.width;
	pixels->height = device.height;
	pixels->pixelformat = device.pixel_format;
	pixels->bytesperline = device.pixel_format == V4L2_PIX_FMT_YUYV ? device.width * 2 : 0;
	pixels->sizeimage = BUFFER_BYTES;
	return 0;
}

static int stream(unsigned long request, void *argument)
{
	struct v4l2_buffer *buffer = argument;
	uint8_t index;

	switch (request) {
	case VIDIOC_REQBUFS:
		if (is_state("busy"))
			return refuse(EBUSY);
		((struct v4l2_requestbuffers *)argument)->count = BUFFERS;
		return 0;
	case VIDIOC_QUERYBUF:
		buffer->length = BUFFER_BYTES;
		buffer->m.offset = buffer->index * BUFFER_BYTES;
		return 0;
	case VIDIOC_QBUF:
		if (buffer->index >= BUFFERS || device.waiting_count == BUFFERS)
			return refuse(EINVAL);
		device.waiting[device.waiting_count++] = buffer->index;
		return 0;
	case VIDIOC_DQBUF:
		if (recv(device.program_fd, &index, 1, MSG_DONTWAIT) < 0)
			return refuse(EAGAIN);
		*buffer = device.filled[index];
		return 0;
	case VIDIOC_STREAMON:
		list_files();
		device.is_streaming = true;
		report("stream on");
		return 0;
	case VIDIOC_STREAMOFF:
		device.is_streaming = false;
		report("stream off");
		return 0;
	default:
		return refuse(ENOTTY);
	}
}

static int answer(unsigned long request, void *argument)
{
	if (device.camera_fd < 0)
		return refuse(ENODEV);
	switch (request) {
	case VIDIOC_QUERYCAP: {
		struct v4l2_capability *able = argument;

		memcpy(able->card, "Fake camera", sizeof "Fake camera");
		able->capabilities = V4L2_CAP_DEVICE_CAPS | V4L2_CAP_STREAMING;
		able->device_caps =
			V4L2_CAP_STREAMING |
			(is_state("alien") ? V4L2_CAP_META_CAPTURE : V4L2_CAP_VIDEO_CAPTURE);
		return 0;
	}
	case VIDIOC_ENUM_FMT:
	case VIDIOC_ENUM_FRAMESIZES:
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enumerate(request, argument);
	case VIDIOC_G_FMT:
	case VIDIOC_S_FMT:
		return set_format(request, argument);
	case VIDIOC_S_PARM: {
		const struct v4l2_fract *time =
			&((struct v4l2_streamparm *)argument)->parm.capture.timeperframe;

		report("rate %u/%u", time->denominator, time->numerator);
		return 0;
	}
	default:
		return stream(request, argument);
	}
}

static int open_device(void)
{
	int pair[2];

	pthread_mutex_lock(&device.mutex);
	read_control();
	if (is_state("gone") || device.program_fd >= 0) {
		int error = device.program_fd >= 0 ? EBUSY : ENOENT;

		pthread_mutex_unlock(&device.mutex);
		return refuse(error);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	device.program_fd = pair[0];
	device.camera_fd = pair[1];
	device.memory_fd = memfd_create("fake camera", MFD_CLOEXEC);
	if (ftruncate(device.memory_fd, (off_t)BUFFERS * BUFFER_BYTES) != 0)
		abort();
	device.memory = next_mmap(NULL, (size_t)BUFFERS * BUFFER_BYTES, PROT_READ | PROT_WRITE,
		MAP_SHARED, device.memory_fd, 0);
	device.width = 640;
	device.height = 480;
	device.pixel_format = V4L2_PIX_FMT_YUYV;
	device.waiting_count = 0;
	device.is_streaming = false;
	report("open");
	pthread_create(&device.thread, NULL, live, NULL);
	pthread_mutex_unlock(&device.mutex);
	return pair[0];
}

static void close_device(void)
{
	pthread_mutex_lock(&device.mutex);
	hang_up();
	pthread_mutex_unlock(&device.mutex);
	pthread_join(device.thread, NULL);
	munmap(device.memory, (size_t)BUFFERS * BUFFER_BYTES);
	next_close(device.memory_fd);
	report("close");
	device.program_fd = -1;
}

/* --- in place of the C library's --- */

int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);
int ioctl(int fd, unsigned long request, ...);
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);

#define OPEN(name)                                                                            \
	int name(const char *path, int flags, ...)                                            \
	{                                                                                     \
		va_list args;                                                                 \
                                                                                              \
		va_start(args, flags);                                                        \
		unsigned mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, unsigned) : 0; \
		va_end(args);                                                                 \
		if (!next_open) /* another library's constructor, before ours */              \
			find_next();                                                          \
		if (strcmp(path, device_path) == 0)                                           \
			return open_device();                                                 \
		return next_open(path, flags, mode);                                          \
	}
OPEN(open)
OPEN(open64)

int close(int fd)
{
	if (!next_close)
		find_next();
	if (fd < 0 || fd != device.program_fd)
		return next_close(fd);
	close_device();
	return next_close(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	if (!next_ioctl)
		find_next();
	va_start(args, request);
	void *argument = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd != device.program_fd)
		return next_ioctl(fd, request, argument);
	pthread_mutex_lock(&device.mutex);
	int result = answer(request, argument);
	pthread_mutex_unlock(&device.mutex);
	return result;
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (!next_mmap)
		find_next();
	if (fd >= 0 && fd == device.program_fd)
		fd = device.memory_fd;
	return next_mmap(at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return mmap(at, size, protection, flags, fd, offset);
}
