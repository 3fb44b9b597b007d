/*
 * Form-encoded bodies: whatever comes in, fields stay within their text's length, and what was
 * decoded and encoded again decodes to the same.
 */
#include "net/form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(struct buffer *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		buffer_printf(out, "%%%02X", (unsigned char)text.data[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct form form = {0}, again = {0};
	struct error err = {0};
	struct buffer encoded = {0};

	if (form_parse((struct str){(const char *)data, size}, &arena, &form, &err)) {
		size_t bytes = 0;

		for (size_t i = 0; i < form.count; i++) {
			bytes += form.fields[i].name.len + form.fields[i].value.len;
			encode(&encoded, form.fields[i].name);
			buffer_append_char(&encoded, '=');
			encode(&encoded, form.fields[i].value);
			buffer_append_char(&encoded, '&');
		}
		if (bytes > size || !form_parse(buffer_str(&encoded), &arena, &again, &err) ||
			again.count != form.count)
			abort();
		for (size_t i = 0; i < form.count; i++)
			if (!str_equal(form.fields[i].name, again.fields[i].name) ||
				!str_equal(form.fields[i].value, again.fields[i].value))
				abort();
	}
	buffer_finish(&encoded);
	arena_finish(&arena);
	return 0;
}
