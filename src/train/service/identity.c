#include "base/file.h"
#include "base/log.h"
#include "train/service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { MAX_TOKEN_FILE_BYTES = 4096 };

bool service_read_token(const char *path, struct arena *arena, struct str *out, struct error *err)
{
	struct str text;

	*out = STR("");
	if (!path)
		return true;
	if (!file_read(path, MAX_TOKEN_FILE_BYTES, arena, &text, err))
		return error_wrap(err, "--token-file");
	const char *end = text.len ? memchr(text.data, '\n', text.len) : NULL;

	*out = str_trim((struct str){text.data, end ? (size_t)(end - text.data) : text.len});
	return out->len ||
	       error_set(err, ERROR_INVALID, "--token-file %s: its first line is empty", path);
}

void service_random_id(uint8_t out[16])
{
	// The kernel gives up to 256 bytes whole, once it has been seeded.
	while (getrandom(out, 16, 0) != 16)
		if (errno != EINTR)
			abort();
	out[15] |= 1;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool service_clock_id(uint8_t out[16])
{
	char text[64];
	size_t count = 0;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : -1;

	if (fd >= 0)
		close(fd);
	memset(out, 0, 16);
	for (ssize_t i = 0; i < len; i++)
		if (digit(text[i]) >= 0 && count < 32) {
			out[count / 2] = (uint8_t)(out[count / 2] << 4 | digit(text[i]));
			count++;
		}
	if (count == 32)
		return true;
	log_warn("the kernel tells no boot id: ages of pictures from other programs are not known");
	return false;
}
