/*
 * base/spelling.h — the word that somebody probably meant.
 */
#ifndef BASE_SPELLING_H
#define BASE_SPELLING_H

#include "base/str.h"

/*
 * Letters to insert, remove, replace or swap with a neighbour to make one into the other; words
 * longer than 64 bytes count as infinitely far (SIZE_MAX).
 */
size_t spelling_distance(struct str a, struct str b);

/*
 * The nearest of `words` (NULL-ended), or NULL where none is near: at most a third of the letters
 * differ, or `word` begins it. The first one wins a tie.
 */
const char *spelling_nearest(struct str word, const char *const *words);

#endif
