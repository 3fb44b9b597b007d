/*
 * Runs a fuzz target over the files of a folder: its corpus, and every input that ever broke it. So
 * that compilers without libFuzzer keep what the fuzzer found.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILE_BYTES = 16 << 20 };

/* Number of files that were run, or -1. */
static int replay(const char *folder)
{
	DIR *directory = opendir(folder);
	int count = 0;

	if (!directory) {
		perror(folder);
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(directory));) {
		struct arena arena = {0};
		struct error err = {0};
		struct str text;

		if (entry->d_name[0] == '.')
			continue;
		struct str path = str_format(&arena, "%s/%s", folder, entry->d_name);

		// Named before it runs: a crash shows which file it was.
		fprintf(stderr, "%s\n", path.data);
		if (!file_read(path.data, MAX_FILE_BYTES, &arena, &text, &err)) {
			fprintf(stderr, "%s\n", err.text);
			count = -1;
			arena_finish(&arena);
			break;
		}
		LLVMFuzzerTestOneInput((const uint8_t *)text.data, text.len);
		arena_finish(&arena);
		count++;
	}
	closedir(directory);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay(argv[i]);

		if (count < 0)
			return 1;
		total += count;
	}
	printf("%d inputs\n", total);
	// An empty corpus tests nothing: a wrong path would pass unseen.
	return total ? 0 : 1;
}
