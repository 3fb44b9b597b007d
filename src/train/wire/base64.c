#include "train/wire/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct buffer *out, struct str data)
{
	const unsigned char *in = (const unsigned char *)data.data;
	char text[4 * 256];
	size_t used = 0;

	for (size_t i = 0; i < data.len; i += 3) {
		size_t left = data.len - i;
		uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
				(left > 2 ? in[i + 2] : 0);

		text[used++] = digits[bits >> 18];
		text[used++] = digits[bits >> 12 & 63];
		text[used++] = left > 1 ? digits[bits >> 6 & 63] : '=';
		text[used++] = left > 2 ? digits[bits & 63] : '=';
		if (used == sizeof text) {
			buffer_append(out, text, used);
			used = 0;
		}
	}
	buffer_append(out, text, used);
}

// 0 to 63, or -1.
static int value_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str text, struct arena *arena, struct str *out, size_t *wrong)
{
	size_t padding = 0;

	while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
		padding++;
	if (text.len % 4) {
		*wrong = text.len;
		return false;
	}
	char *data = arena_alloc(arena, text.len / 4 * 3 + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i += 4) {
		size_t count = i + 4 == text.len ? 4 - padding : 4;
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			int value = j < count ? value_of((unsigned char)text.data[i + j]) : 0;

			if (value < 0) {
				*wrong = i + j;
				return false;
			}
			bits = bits << 6 | (uint32_t)value;
		}
		for (size_t j = 0; j + 1 < count; j++)
			data[len++] = (char)(bits >> (16 - 8 * j) & 0xff);
	}
	*out = (struct str){data, len};
	return true;
}
