#include "train/onnx/metadata.h"

#include "base/number.h"

const char *const onnx_fits[] = {"stretch", "letterbox", "top-left", NULL};

/* For "%.*s": as much of a wrong text as an error has room for. */
#define SHOWN(text) (text).len > 60 ? 60 : (int)(text).len, (text).data

static void skip_blanks(struct str *text)
{
	while (text->len && (*text->data == ' ' || *text->data == '\n' || *text->data == '\t')) {
		text->data++;
		text->len--;
	}
}

static bool take(struct str *text, char wanted)
{
	skip_blanks(text);
	if (!text->len || *text->data != wanted)
		return false;
	text->data++;
	text->len--;
	return true;
}

/* Decimal digits, up to 9 of them. */
static bool take_number(struct str *text, size_t *out)
{
	size_t digits = 0;

	skip_blanks(text);
	*out = 0;
	for (; digits < 9 && digits < text->len; digits++) {
		char c = text->data[digits];

		if (c < '0' || c > '9')
			break;
		*out = *out * 10 + (size_t)(c - '0');
	}
	text->data += digits;
	text->len -= digits;
	return digits > 0;
}

/* Python writes 'name', or "name" where a ' is in it; \\, \' and \" stand for themselves. */
static bool take_name(struct str *text, struct arena *arena, struct str *out)
{
	char name[ONNX_MAX_NAME_BYTES];
	size_t len = 0;
	char quote = '\'';

	if (!take(text, quote)) {
		quote = '"';
		if (!take(text, quote))
			return false;
	}
	while (text->len && *text->data != quote) {
		size_t size = str_utf8_len(text->data, text->len);

		if (*text->data == '\\') {
			text->data++;
			text->len--;
			if (!text->len || !strchr("\\'\"", *text->data) || !*text->data)
				return false;
		}
		if (!size || (unsigned char)*text->data < ' ' || len + size > sizeof(name))
			return false;
		memcpy(name + len, text->data, size);
		len += size;
		text->data += size;
		text->len -= size;
	}
	*out = (struct str){arena_copy(arena, name, len), len};
	return len && take(text, quote);
}

bool onnx_read_names(
	struct str text, struct arena *arena, struct str **out, size_t *count, struct error *err)
{
	struct str *names = ARENA_ARRAY(arena, struct str, ONNX_MAX_CLASSES);
	struct str rest = text;
	size_t found = 0, number;
	bool more = take(&rest, '{');

	while (more && found < ONNX_MAX_CLASSES) {
		if (!take_number(&rest, &number) || number != found || !take(&rest, ':') ||
			!take_name(&rest, arena, &names[found]))
			break;
		found++;
		more = take(&rest, ',');
	}
	if (!found || more || !take(&rest, '}') || (skip_blanks(&rest), rest.len))
		return error_set(err, ERROR_INVALID,
			"the metadata's names go wrong after %zu classes (\"%.*s\"); a list like "
			"{0: "
			"'SpeedLimit', 1: 'DangerAhead'} is right, with 1 to %d names of at most "
			"%d "
			"bytes",
			found, SHOWN(text), ONNX_MAX_CLASSES, ONNX_MAX_NAME_BYTES);
	*out = names;
	*count = found;
	return true;
}

bool onnx_read_size(struct str text, size_t *width_px, size_t *height_px, struct error *err)
{
	struct str rest = text;
	bool fine;

	if (take(&rest, '['))
		fine = take_number(&rest, height_px) && take(&rest, ',') &&
		       take_number(&rest, width_px) && take(&rest, ']');
	else {
		fine = take_number(&rest, height_px);
		*width_px = *height_px;
	}
	skip_blanks(&rest);
	if (fine && !rest.len)
		return true;
	return error_set(err, ERROR_INVALID,
		"the metadata's imgsz is \"%.*s\"; height and width like [384, 576] are right",
		SHOWN(text));
}

bool onnx_read_fit(struct str text, enum vision_fit *out, struct error *err)
{
	for (size_t i = 0; onnx_fits[i]; i++)
		if (str_equal(text, str_from(onnx_fits[i]))) {
			*out = (enum vision_fit)i;
			return true;
		}
	return error_set(err, ERROR_INVALID,
		"the metadata's railquest_fit is \"%.*s\"; it is stretch, letterbox or top-left",
		SHOWN(text));
}

bool onnx_read_share(const char *key, struct str text, float *out, struct error *err)
{
	double value;

	if (!number_parse(text, &value) || !(value >= 0 && value <= 1))
		return error_set(err, ERROR_INVALID,
			"the metadata's %s is \"%.*s\"; it is a number between 0 and 1", key,
			SHOWN(text));
	*out = (float)value;
	return true;
}

bool onnx_read_truth(const char *key, struct str text, bool *out, struct error *err)
{
	*out = str_equal(text, STR("True"));
	if (*out || str_equal(text, STR("False")))
		return true;
	return error_set(err, ERROR_INVALID, "the metadata's %s is \"%.*s\"; it is True or False",
		key, SHOWN(text));
}
