/* net/client_request.h — private to the HTTP client: one request, as libcurl is told of it. */
#ifndef NET_CLIENT_REQUEST_H
#define NET_CLIENT_REQUEST_H

#include "base/arena.h"
#include "net/client.h"

#include <curl/curl.h>

struct request {
	struct request *next;
	CURL *easy;
	struct curl_slist *headers;
	struct arena arena; // of texts that libcurl borrows
	struct buffer body;
	size_t max_bytes;
	bool is_too_long, has_certificate;
	int64_t sent_ms, begun_us;
	char message[CURL_ERROR_SIZE]; // libcurl's
	char *shown;		       // the address without its query, for messages
	struct http_fetched answer;
	http_fetched_fn *done;
	void *context;
};

/* With answer.error set where it cannot even be asked: a file of its that cannot be read. */
struct request *request_create(
	const struct http_fetch *fetch, http_fetched_fn *done, void *context);
void request_destroy(struct request *request);

/* Fills the answer of a request that libcurl is done with. */
void request_conclude(struct request *request, CURLcode code);

#endif
