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

/*
 * Whoever is at this machine may; a page of another site may not, nor who comes from elsewhere
 * without the token. The original's clients name no type of content, so none is asked for.
 */
static bool is_admitted(struct http_request *request, const struct capture *capture)
{
	const struct guard *guard = capture_guard(capture);
	const struct guard_request asked = {
		.host = request->headers[HTTP_HOST],
		.origin = request->headers[HTTP_ORIGIN],
		.authorization = request->headers[HTTP_AUTHORIZATION],
	};
	const char *why = "from beyond this machine only with a token: start railquest-capture "
			  "with --token-file FILE";
	int status = guard ? guard_admit(guard, &asked, &why) : 403;

	if (status == 401)
		http_add_header(request, "www-authenticate:", STR("Bearer"));
	if (status != 200)
		http_answer(request, status, text_plain, str_from(why));
	return status == 200;
}

static void post_start(struct http_request *request, void *context)
{
	struct error err = {0};

	if (is_admitted(request, context))
		answer(request, capture_start(context, &err), STR("Capture started"), &err);
}

static void post_test(struct http_request *request, void *context)
{
	struct error err = {0};

	if (is_admitted(request, context))
		answer(request, capture_test(context, &err), STR("read video from file started"),
			&err);
}

static void post_stop(struct http_request *request, void *context)
{
	if (!is_admitted(request, context))
		return;
	capture_stop(context);
	http_answer(request, 200, text_plain, STR("Stop requested"));
}

const struct http_route capture_routes[] = {
	{"/capture/start", HTTP_POST, post_start},
	{"/capture/test", HTTP_POST, post_test},
	{"/capture/stop", HTTP_POST, post_stop},
};
const size_t capture_route_count = sizeof capture_routes / sizeof capture_routes[0];
