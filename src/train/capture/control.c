#include "train/capture/control.h"

#include "train/capture/capture.h"

static const char text_plain[] = "text/plain; charset=utf-8";

static void answer(struct http_request *request, enum capture_answer what, struct str done,
	const struct error *err)
{
	switch (what) {
	case CAPTURE_DONE:
		http_answer(request, 200, text_plain, done);
		break;
	case CAPTURE_IS_RUNNING:
		http_answer(request, 400, text_plain, STR("Capture is already running"));
		break;
	case CAPTURE_HAS_NO_FILE:
		http_answer(request, 400, text_plain,
			STR("There is no test file: start railquest-capture with --test-file "
			    "FILE"));
		break;
	case CAPTURE_FAILED:
		http_answer(
			request, 500, text_plain, str_copy(request->arena, str_from(err->text)));
		break;
	}
}

static void post_start(struct http_request *request, void *context)
{
	struct error err = {0};

	answer(request, capture_start(context, &err), STR("Capture started"), &err);
}

static void post_test(struct http_request *request, void *context)
{
	struct error err = {0};

	answer(request, capture_test(context, &err), STR("read video from file started"), &err);
}

static void post_stop(struct http_request *request, void *context)
{
	capture_stop(context);
	http_answer(request, 200, text_plain, STR("Stop requested"));
}

const struct http_route capture_routes[] = {
	{"/capture/start", HTTP_POST, post_start},
	{"/capture/test", HTTP_POST, post_test},
	{"/capture/stop", HTTP_POST, post_stop},
};
const size_t capture_route_count = sizeof capture_routes / sizeof capture_routes[0];
