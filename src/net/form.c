#include "net/form.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Go quotes the escape as far as it goes: "%z", "%". */
static bool bad_escape(struct str text, size_t at, struct error *err)
{
	size_t len = text.len - at < 3 ? text.len - at : 3;

	return error_set(
		err, ERROR_INVALID, "invalid URL escape \"%.*s\"", (int)len, text.data + at);
}

bool form_decode(
	struct str text, bool plus, struct arena *arena, struct str *out, struct error *err)
{
	char *data = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '+' && plus)
			c = ' ';
		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return bad_escape(text, i, err);
			c = (char)(high << 4 | low);
			i += 2;
		}
		data[len++] = c;
	}
	*out = (struct str){data, len};
	return true;
}

bool form_add(struct form *form, struct arena *arena, struct str name, struct str value,
	struct error *err)
{
	if (form->count >= FORM_MAX_FIELDS)
		return error_set(err, ERROR_LIMIT, "more than %d parameters", FORM_MAX_FIELDS);
	if (form->count == form->capacity) {
		size_t capacity = form->capacity ? form->capacity * 2 : 8;
		struct form_field *fields = ARENA_ARRAY(arena, struct form_field, capacity);

		if (form->count)
			memcpy(fields, form->fields, form->count * sizeof *fields);
		form->fields = fields;
		form->capacity = capacity;
	}
	form->fields[form->count++] = (struct form_field){name, value};
	return true;
}

static bool add_encoded(struct form *form, struct str field, struct arena *arena, struct error *err)
{
	const char *equals = memchr(field.data, '=', field.len);
	size_t name_len = equals ? (size_t)(equals - field.data) : field.len;
	struct str name = {field.data, name_len}, value = {"", 0};

	if (equals)
		value = (struct str){equals + 1, field.len - name_len - 1};
	return form_decode(name, true, arena, &name, err) &&
	       form_decode(value, true, arena, &value, err) &&
	       form_add(form, arena, name, value, err);
}

bool form_parse(struct str text, struct arena *arena, struct form *form, struct error *err)
{
	for (size_t at = 0; at < text.len;) {
		const char *end = memchr(text.data + at, '&', text.len - at);
		size_t len = end ? (size_t)(end - text.data) - at : text.len - at;

		if (len && !add_encoded(form, (struct str){text.data + at, len}, arena, err))
			return false;
		at += len + 1;
	}
	return true;
}

static const struct form_field *find(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++)
		if (str_equal(form->fields[i].name, str_from(name)))
			return &form->fields[i];
	return NULL;
}

struct str form_get(const struct form *form, const char *name)
{
	const struct form_field *field = find(form, name);

	return field ? field->value : STR("");
}

bool form_has(const struct form *form, const char *name)
{
	return find(form, name) != NULL;
}
