/*
 * pages.h — the built web pages inside the program: a table that scripts/pages writes from
 * web/dist.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stddef.h>

struct page_file {
	const char *path;	  // as asked for: "/index.html", "/assets/index-1a2b3c.js"
	const char *content_type; // with its charset where it is text
	const char *etag;	  // quoted, of the identity bytes
	const unsigned char *data;
	size_t size;
	const unsigned char *gzip; // NULL where it would save nothing
	size_t gzip_size;
	bool immutable; // its name carries a hash of its content: may be cached for ever
};

/* By path, in byte order. */
extern const struct page_file page_files[];
extern const size_t page_file_count;

#endif
