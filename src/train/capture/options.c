#include "train/capture/capture.h"

#include <stdio.h>

static const char *const formats[] = {"jpeg", "webp", NULL};
static const char *const transports[] = {"tcp", "udp", NULL};

static const struct option capture_table[] = {
	{.name = "source",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct capture_options, source),
		.placeholder = "SOURCE",
		.help = "v4l2:DEVICE, rtsp://…, rtsps://…, file:PATH (a film), dir:FOLDER "
			"(pictures in the order of their names) or test: (a card drawn here)",
		.fallback = "v4l2:/dev/video0",
		.environment = "RAILQUEST_SOURCE"},
	{.name = "fps",
		.kind = OPTION_NUMBER,
		.offset = offsetof(struct capture_options, fps),
		.placeholder = "N",
		.help = "pictures a second, up to the camera's own rate",
		.fallback = "10",
		.environment = "RAILQUEST_FPS",
		.min = 0.1,
		.max = CAMERA_MAX_FPS},
	{.name = "size",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct capture_options, size),
		.placeholder = "WIDTHxHEIGHT",
		.help = "of what is published; source: untouched, as the camera gave it",
		.fallback = "600x400",
		.environment = "RAILQUEST_SIZE"},
	{.name = "camera-size",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct capture_options, camera_size),
		.placeholder = "WIDTHxHEIGHT",
		.help = "asked of a V4L2 camera, the nearest is taken; otherwise --size; source: "
			"as it is set",
		.environment = "RAILQUEST_CAMERA_SIZE"},
	{.name = "format",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct capture_options, format),
		.placeholder = "FORMAT",
		.help = "what pictures are encoded as where they are not passed on as they are",
		.choices = formats,
		.fallback = "jpeg",
		.environment = "RAILQUEST_FORMAT"},
	{.name = "quality",
		.kind = OPTION_INT,
		.offset = offsetof(struct capture_options, quality_percent),
		.placeholder = "PERCENT",
		.help = "of the encoder",
		.fallback = "80",
		.environment = "RAILQUEST_QUALITY",
		.min = 1,
		.max = 100},
	{.name = "camera-name",
		.kind = OPTION_TEXT,
		.offset = offsetof(struct capture_options, name),
		.placeholder = "NAME",
		.help = "what messages call this camera",
		.fallback = "front",
		.environment = "RAILQUEST_CAMERA_NAME"},
	{.name = "deadline",
		.kind = OPTION_DURATION,
		.offset = offsetof(struct capture_options, deadline_ms),
		.placeholder = "TIME",
		.help = "an order from a picture older than this may stop the train, not move it",
		.fallback = "300ms",
		.environment = "RAILQUEST_DEADLINE",
		.min = 1,
		.max = WIRE_MAX_DEADLINE_MS},
	{.name = "loop",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct capture_options, loop),
		.help = "a film or a folder begins again at its end",
		.environment = "RAILQUEST_LOOP"},
	{.name = "no-start",
		.kind = OPTION_FLAG,
		.offset = offsetof(struct capture_options, no_start),
		.help = "wait for POST /capture/start",
		.environment = "RAILQUEST_NO_START"},
	{.name = "test-file",
		.kind = OPTION_FILE,
		.offset = offsetof(struct capture_options, test_file),
		.placeholder = "FILE",
		.help = "the film that POST /capture/test plays",
		.environment = "RAILQUEST_TEST_FILE"},
	{.name = "token-file",
		.kind = OPTION_FILE,
		.offset = offsetof(struct capture_options, token_file),
		.placeholder = "FILE",
		.help = "its first line is what POST /capture/… must bring, as Authorization: "
			"Bearer …; without it they are for this machine alone",
		.environment = "RAILQUEST_CAPTURE_TOKEN_FILE"},
	{.name = "rtsp-transport",
		.kind = OPTION_CHOICE,
		.offset = offsetof(struct capture_options, transport),
		.placeholder = "NAME",
		.help = "udp loses packets where tcp would wait for them",
		.choices = transports,
		.fallback = "tcp",
		.environment = "RAILQUEST_RTSP_TRANSPORT"},
	SERVICE_OPTIONS(struct capture_options, service, "CAPTURE", "127.0.0.1:8081"),
	{0},
};

static int run(int argc, char **argv)
{
	struct capture_options options = {0};
	struct error err = {0};
	int exit_code;

	if (!options_read(&capture_command, &options, &argc, argv, &exit_code))
		return exit_code;
	struct capture *capture = capture_create(&options, &err);
	bool done = capture && capture_run(capture, &err);

	if (!done)
		fprintf(stderr, "railquest-capture: %s\n", err.text);
	exit_code = done ? 0 : err.kind == ERROR_INVALID && !capture ? 2 : 1;
	capture_destroy(capture);
	options_config_finish(&options.service.config);
	return exit_code;
}

const struct command capture_command = {
	.name = "run",
	.summary = "take pictures and publish them",
	.description =
		"Takes pictures from one source at a steady pace and publishes them over MQTT. "
		"Pictures that need no other size pass through byte for byte. A camera that goes "
		"away is taken up again when it is back.\n\n"
		"On --listen it answers /live, /ready, /metrics, and POST /capture/start, "
		"/capture/test and /capture/stop.",
	.examples = "  railquest-capture --source v4l2:/dev/video0 --size source\n"
		    "  railquest-capture --source rtsp://camera.local/live --fps 15\n"
		    "  railquest-capture --source dir:photos --loop --fps 2\n"
		    "  railquest-capture --source test: --compat crazytrain\n",
	.options = capture_table,
	.run = run,
};
