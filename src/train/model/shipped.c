#include "train/model/model.h"

#include "base/file.h"

#include <unistd.h>

/* Seen from the program: where `meson install` puts the model, and where a build does. */
static const char *const shipped[] = {
	"../share/railquest/models/signs.model",
	"../models/signs.model",
};

const char *model_shipped_path(struct arena *arena)
{
	char program[4096];
	const ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (len <= 0)
		return NULL;
	program[len] = '\0';
	for (size_t i = 0; i < sizeof(shipped) / sizeof(*shipped); i++) {
		struct str path = file_beside(arena, program, str_from(shipped[i]));

		if (access(path.data, R_OK) == 0)
			return path.data;
	}
	return NULL;
}
