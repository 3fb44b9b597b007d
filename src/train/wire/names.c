#include "train/wire/wire.h"

const char *wire_format_name(enum wire_format format)
{
	static const char *const names[] = {"", "jpeg", "webp", "png"};

	return names[format];
}

const char *wire_order_name(enum wire_order order)
{
	static const char *const names[] = {"none", "go", "slow", "stop"};

	return names[order];
}

const char *wire_verb_name(enum wire_verb verb)
{
	static const char *const names[] = {"stop", "arm", "disarm"};

	return names[verb];
}

bool wire_mode_is_known(struct str mode)
{
	static const char *const names[] = {
		"no-hub", "disarmed", "waiting", "dead", "stopped", "slow", "going"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal(mode, str_from(names[i])))
			return true;
	return false;
}

enum wire_format wire_sniff(struct str picture)
{
	if (str_starts_with(picture, STR("\xff\xd8\xff")))
		return WIRE_JPEG;
	if (str_starts_with(picture, STR("\x89PNG\r\n\x1a\n")))
		return WIRE_PNG;
	if (picture.len >= 12 && str_starts_with(picture, STR("RIFF")) &&
		memcmp(picture.data + 8, "WEBP", 4) == 0)
		return WIRE_WEBP;
	return WIRE_UNKNOWN_FORMAT;
}

void wire_id_print(char out[33], const struct wire_id *id)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 16; i++) {
		out[2 * i] = digits[id->bytes[i] >> 4];
		out[2 * i + 1] = digits[id->bytes[i] & 15];
	}
	out[32] = '\0';
}

// 0 to 15, or -1.
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool wire_id_parse(struct str text, struct wire_id *out)
{
	size_t count = 0;
	int any = 0;

	*out = (struct wire_id){0};
	for (size_t i = 0; i < text.len; i++) {
		int value = hex_value(text.data[i]);

		if (text.data[i] == '-' && text.len == 36)
			continue;
		if (value < 0 || count == 32)
			return false;
		out->bytes[count / 2] |= (uint8_t)(count % 2 ? value : value << 4);
		any |= value;
		count++;
	}
	return count == 32 && any;
}

bool wire_id_is_zero(const struct wire_id *id)
{
	static const struct wire_id zero;

	return memcmp(id, &zero, sizeof zero) == 0;
}
