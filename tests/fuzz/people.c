/* Whatever is in the file of people: no crash, a refusal has a reason, and whoever is taken has a
 * name and is found once. */
#include "train/monitor/people.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct people people;
	struct error err = {0};
	// A copy of the very size, so that a read past the end is seen.
	char *copy = malloc(size + !size);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (!people_read((struct str){copy, size}, &people, &err)) {
		assert(err.kind != ERROR_NONE && err.text[0]);
	} else {
		assert(people.count > 0 && people.count <= PEOPLE_MAX);
		for (size_t i = 0; i < people.count; i++)
			assert(people.persons[i].name[0]);
		people_find(&people, (struct str){copy, size});
	}
	free(copy);
	return 0;
}
