/*
 * The pages, from the table of built files in the program (web/pages.h). The home page carries the
 * standings as a plain table for browsers without JavaScript.
 */
#include "pages.h"

#include "base/memory.h"
#include "leaderboard/server/board.h"
#include "leaderboard/server/server_private.h"

static const struct page_file *find_page(struct str path)
{
	size_t low = 0, high = page_file_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_compare(path, str_from(page_files[middle].path));

		if (order == 0)
			return &page_files[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static void answer_page(struct http_request *request, struct str path)
{
	const struct page_file *page = find_page(path);

	if (!page) {
		http_answer(request, 404, "text/plain; charset=utf-8", STR("404 page not found\n"));
		return;
	}
	struct http_asset asset = {
		.type = page->content_type,
		.plain = {(const char *)page->data, page->size},
		.packed = {(const char *)page->gzip, page->gzip_size},
		.etag = page->etag,
		.immutable = page->immutable,
	};

	http_answer_asset(request, &asset);
}

/* fr where ?lang= says so, else where Accept-Language names it before en; else en. */
static enum board_language read_language(const struct http_request *request)
{
	struct str wanted = form_get(&request->form, "lang");
	struct str accept = request->headers[HTTP_ACCEPT_LANGUAGE];

	if (wanted.len)
		return str_starts_with(wanted, STR("fr")) ? BOARD_FRENCH : BOARD_ENGLISH;
	const char *french = accept.len ? memmem(accept.data, accept.len, "fr", 2) : NULL;
	const char *english = accept.len ? memmem(accept.data, accept.len, "en", 2) : NULL;

	return french && (!english || french < english) ? BOARD_FRENCH : BOARD_ENGLISH;
}

static void answer_without_race(struct http_request *request)
{
	http_answer(request, 200, "text/plain; charset=utf-8",
		STR("Railquest serves samples that were loaded, without a race.\n"
		    "Prometheus's query API is under /api/v1; /metrics tells how the program "
		    "is.\n"));
}

void page_home(struct http_request *request, void *context)
{
	static const char place[] = "<!--board-->";
	struct server *server = context;

	if (!server->race) {
		answer_without_race(request);
		return;
	}
	const struct page_file *page = find_page(STR("/index.html"));
	const char *found = page ? memmem(page->data, page->size, place, sizeof place - 1) : NULL;
	struct buffer out = {0};

	if (!found) {
		answer_page(request, STR("/index.html"));
		return;
	}
	size_t before = (size_t)(found - (const char *)page->data);
	size_t after = before + sizeof place - 1;

	buffer_append(&out, page->data, before);
	board_write(&out, server->race, race_now_ms(server->race), read_language(request));
	buffer_append(&out, page->data + after, page->size - after);
	http_add_header(request, "cache-control:", STR("no-cache"));
	http_add_header(request, "vary:", STR("accept-language"));
	http_answer_buffer(request, 200, page->content_type, out);
}

void page_stage(struct http_request *request, void *context)
{
	(void)context;
	answer_page(request, STR("/stage.html"));
}

void page_file(struct http_request *request, void *context)
{
	(void)context;
	answer_page(request, request->path);
}
