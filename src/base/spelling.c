#include "base/spelling.h"

enum { LONGEST_WORD = 64 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Optimal string alignment: the usual table of distances between beginnings, row by row, of which
 * three rows are kept because a swap looks two rows back.
 */
size_t spelling_distance(struct str a, struct str b)
{
	size_t rows[3][LONGEST_WORD + 1] = {{0}};

	if (a.len > LONGEST_WORD || b.len > LONGEST_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3],
		       *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.data[i - 1] == b.data[j - 1];

			row[j] = least(above[j - 1] + !same, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
				a.data[i - 2] == b.data[j - 1])
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

const char *spelling_nearest(struct str word, const char *const *words)
{
	const char *nearest = NULL;
	size_t nearest_distance = SIZE_MAX;

	for (; *words; words++) {
		struct str candidate = str_from(*words);
		size_t distance = spelling_distance(word, candidate);
		size_t longer = word.len > candidate.len ? word.len : candidate.len;
		bool begins = word.len >= 2 && str_starts_with(candidate, word);

		// Between two beginnings the shorter word is nearer, and a typo is nearer than
		// either.
		if (!begins && distance > (longer + 2) / 3)
			continue;
		if (distance < nearest_distance) {
			nearest = *words;
			nearest_distance = distance;
		}
	}
	return nearest;
}
