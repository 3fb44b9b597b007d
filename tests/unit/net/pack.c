#include "net/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

/* The packed bytes as text again; fails the test where they are no whole gzip member. */
static struct buffer unpack(const struct buffer *packed)
{
	z_stream stream = {0};
	struct buffer out = {0};
	char part[4096];
	int result;

	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (unsigned char *)packed->data;
	stream.avail_in = (unsigned)packed->len;
	do {
		stream.next_out = (unsigned char *)part;
		stream.avail_out = sizeof part;
		result = inflate(&stream, Z_NO_FLUSH);
		buffer_append(&out, part, sizeof part - stream.avail_out);
	} while (result == Z_OK);
	assert_int_equal(result, Z_STREAM_END);
	assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	return out;
}

static void parts_come_out_as_they_went_in(void **state)
{
	struct packer *packer = packer_create();
	struct buffer text = {0}, packed = {0};

	(void)state;
	for (int i = 1; i < 50; i++) {
		size_t before = text.len;

		for (int k = 0; k < i * 40; k++)
			buffer_printf(&text, "%d,", (k * 7919 + i) % 1000);
		packer_add(packer, (struct str){text.data + before, text.len - before}, i == 49,
			&packed);
	}
	struct buffer back = unpack(&packed);

	assert_true(str_equal(buffer_str(&back), buffer_str(&text)));
	assert_true(packed.len < text.len / 2);
	packer_destroy(packer);
	buffer_finish(&back);
	buffer_finish(&text);
	buffer_finish(&packed);
}

static void the_empty_text_is_a_stream_too(void **state)
{
	struct packer *packer = packer_create();
	struct buffer packed = {0};

	(void)state;
	packer_add(packer, STR(""), true, &packed);
	struct buffer back = unpack(&packed);

	assert_int_equal(back.len, 0);
	packer_destroy(packer);
	packer_destroy(NULL);
	buffer_finish(&back);
	buffer_finish(&packed);
}

static void what_cannot_be_packed_grows_little(void **state)
{
	struct packer *packer = packer_create();
	struct buffer text = {0}, packed = {0};
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		random = random * 1664525 + 1013904223;
		buffer_append_char(&text, (char)(random >> 24));
	}
	packer_add(packer, buffer_str(&text), true, &packed);
	struct buffer back = unpack(&packed);

	assert_true(str_equal(buffer_str(&back), buffer_str(&text)));
	assert_true(packed.len < text.len + text.len / 100);
	packer_destroy(packer);
	buffer_finish(&back);
	buffer_finish(&text);
	buffer_finish(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_come_out_as_they_went_in),
		cmocka_unit_test(the_empty_text_is_a_stream_too),
		cmocka_unit_test(what_cannot_be_packed_grows_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
