/* An AVI 1.0 file: one stream of JPEG pictures, with its index. Microsoft's "AVI RIFF File
 * Reference". */
#include "film.h"

static void put32(struct buffer *out, size_t value)
{
	const char bytes[] = {
		(char)value, (char)(value >> 8), (char)(value >> 16), (char)(value >> 24)};

	buffer_append(out, bytes, 4);
}

static void put16(struct buffer *out, unsigned value)
{
	const char bytes[] = {(char)value, (char)(value >> 8)};

	buffer_append(out, bytes, 2);
}

void avi_add(struct avi *avi, struct str jpeg)
{
	size_t offset = avi->pictures.len + 4; // from the word "movi"

	buffer_append_text(&avi->pictures, "00dc");
	put32(&avi->pictures, jpeg.len);
	buffer_append_str(&avi->pictures, jpeg);
	if (jpeg.len % 2)
		buffer_append_char(&avi->pictures, '\0');
	buffer_append_text(&avi->index, "00dc");
	put32(&avi->index, 0x10); // a key frame
	put32(&avi->index, offset);
	put32(&avi->index, jpeg.len);
	avi->count++;
	if (jpeg.len > avi->largest)
		avi->largest = jpeg.len;
}

static void write_main_header(const struct avi *avi, struct buffer *out)
{
	buffer_append_text(out, "avih");
	put32(out, 56);
	put32(out, 1000000 / avi->fps);
	put32(out, avi->largest * avi->fps);
	put32(out, 0);
	put32(out, 0x10); // has an index
	put32(out, avi->count);
	put32(out, 0);
	put32(out, 1); // streams
	put32(out, avi->largest);
	put32(out, avi->width_px);
	put32(out, avi->height_px);
	for (int i = 0; i < 4; i++)
		put32(out, 0);
}

static void write_stream_header(const struct avi *avi, struct buffer *out)
{
	buffer_append_text(out, "strh");
	put32(out, 56);
	buffer_append_text(out, "vidsMJPG");
	for (int i = 0; i < 3; i++)
		put32(out, 0);
	put32(out, 1);
	put32(out, avi->fps);
	put32(out, 0);
	put32(out, avi->count);
	put32(out, avi->largest);
	put32(out, 0xffffffff);
	put32(out, 0);
	put32(out, 0);
	put16(out, (unsigned)avi->width_px);
	put16(out, (unsigned)avi->height_px);
	buffer_append_text(out, "strf");
	put32(out, 40);
	put32(out, 40);
	put32(out, avi->width_px);
	put32(out, avi->height_px);
	put16(out, 1);
	put16(out, 24);
	buffer_append_text(out, "MJPG");
	put32(out, avi->width_px * avi->height_px * 3);
	for (int i = 0; i < 4; i++)
		put32(out, 0);
}

void avi_write(const struct avi *avi, struct buffer *out)
{
	enum {
		MAIN_SIZE = 64,
		STREAM_SIZE = 4 + 64 + 48,
		LIST_SIZE = 4 + MAIN_SIZE + 8 + STREAM_SIZE
	};

	buffer_append_text(out, "RIFF");
	put32(out, 4 + 8 + LIST_SIZE + 12 + avi->pictures.len + 8 + avi->index.len);
	buffer_append_text(out, "AVI LIST");
	put32(out, LIST_SIZE);
	buffer_append_text(out, "hdrl");
	write_main_header(avi, out);
	buffer_append_text(out, "LIST");
	put32(out, STREAM_SIZE);
	buffer_append_text(out, "strl");
	write_stream_header(avi, out);
	buffer_append_text(out, "LIST");
	put32(out, 4 + avi->pictures.len);
	buffer_append_text(out, "movi");
	buffer_append_str(out, buffer_str(&avi->pictures));
	buffer_append_text(out, "idx1");
	put32(out, avi->index.len);
	buffer_append_str(out, buffer_str(&avi->index));
}

void avi_finish(struct avi *avi)
{
	buffer_finish(&avi->pictures);
	buffer_finish(&avi->index);
}
