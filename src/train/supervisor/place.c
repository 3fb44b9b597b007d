#include "train/supervisor/place.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool find_own_folder(struct place *place, struct error *err)
{
	ssize_t len = readlink("/proc/self/exe", place->programs, sizeof place->programs - 1);

	if (len <= 0)
		return error_errno(err, "find this program's folder: /proc/self/exe");
	place->programs[len] = '\0';
	*strrchr(place->programs, '/') = '\0';
	return true;
}

bool place_open(struct place *place, struct error *err)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	*place = (struct place){0};
	if (!find_own_folder(place, err))
		return false;
	if (!base || access(base, W_OK | X_OK) != 0)
		base = "/tmp";
	int len = snprintf(place->folder, sizeof place->folder, "%s/railquest-train-XXXXXX", base);

	if (len < (int)sizeof place->folder && mkdtemp(place->folder))
		return true;
	*place->folder = '\0';
	return error_errno(err, "make a folder in %s", base);
}

void place_close(struct place *place)
{
	DIR *folder = *place->folder ? opendir(place->folder) : NULL;
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(place->folder);
	*place->folder = '\0';
}

const char *place_find_program(const char *name, struct arena *arena)
{
	const char *path = getenv("PATH");
	struct str folders = str_format(arena, "%s:/usr/local/sbin:/usr/sbin", path ? path : "");

	while (folders.len) {
		const char *colon = memchr(folders.data, ':', folders.len);
		size_t len = colon ? (size_t)(colon - folders.data) : folders.len;
		struct str file = str_format(arena, "%.*s/%s", (int)len, folders.data, name);

		if (len && access(file.data, X_OK) == 0)
			return file.data;
		folders.data += len + (colon != NULL);
		folders.len -= len + (colon != NULL);
	}
	return NULL;
}

bool place_free_port(int *out, struct error *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 &&
		  getsockname(fd, (struct sockaddr *)&address, &len) == 0;

	if (!ok)
		error_errno(err, "find a free port");
	if (fd >= 0)
		close(fd);
	*out = ntohs(address.sin_port);
	return ok;
}
