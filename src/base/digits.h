/* base/digits.h — decimal digits, two at a time; private to base/. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Writes a number so that it ends before `end`; returns where it begins. 20 characters at most. */
static inline char *digits_write(char *end, uint64_t number)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";

	for (; number >= 100; number /= 100) {
		end -= 2;
		memcpy(end, pairs + number % 100 * 2, 2);
	}
	if (number < 10) {
		*--end = (char)('0' + number);
		return end;
	}
	end -= 2;
	memcpy(end, pairs + number * 2, 2);
	return end;
}

#endif
