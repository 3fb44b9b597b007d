#include "train/decision_service/rules_file.h"

#include "base/file.h"

enum { MAX_RULES_BYTES = 1 << 20 };

static struct file_mark look(const char *path)
{
	struct stat status;

	if (!path || stat(path, &status) != 0)
		return (struct file_mark){0};
	return (struct file_mark){status.st_dev, status.st_ino, status.st_size, status.st_mtim};
}

static bool same(const struct file_mark *a, const struct file_mark *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool read_rules(
	const char *path, struct arena *arena, struct decision_rules *out, struct error *err)
{
	struct str text = str_from(decision_builtin_rules);

	return (!path || file_read(path, MAX_RULES_BYTES, arena, &text, err)) &&
	       decision_rules_read(text, path ? path : "built-in rules", arena, out, err);
}

bool rules_file_open(struct rules_file *file, const char *path, struct error *err)
{
	*file = (struct rules_file){.path = path, .tried = look(path)};
	file->seen = file->tried;
	return read_rules(path, &file->arena, &file->rules, err);
}

bool rules_file_has_changed(struct rules_file *file)
{
	struct file_mark now = look(file->path);
	bool is_still = same(&now, &file->seen);

	file->seen = now;
	return is_still && !same(&now, &file->tried);
}

bool rules_file_reload(struct rules_file *file, struct decision *decision, struct error *err)
{
	struct decision_rules rules;
	struct arena arena = {0};

	// Marked before it is read: what is written meanwhile is a change again.
	file->tried = file->seen = look(file->path);
	if (!read_rules(file->path, &arena, &rules, err)) {
		arena_finish(&arena);
		return false;
	}
	struct arena old = file->arena;

	// The decision looks at the old rules' texts until it has the new ones.
	file->arena = arena;
	file->rules = rules;
	decision_set_rules(decision, &file->rules);
	arena_finish(&old);
	return true;
}

void rules_file_finish(struct rules_file *file)
{
	arena_finish(&file->arena);
}

const char *rules_file_name(const struct rules_file *file)
{
	return file->path ? file->path : "the built-in rules";
}
