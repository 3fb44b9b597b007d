#include "base/clock.h"

#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

/* Two or four digits at text[at]; -1 where they are not digits. */
static int digits(struct str text, size_t at, size_t count)
{
	int value = 0;

	if (at + count > text.len)
		return -1;
	for (size_t i = at; i < at + count; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		value = value * 10 + (text.data[i] - '0');
	}
	return value;
}

static bool parse_zone(struct str text, size_t at, int64_t *out_ms)
{
	if (at + 1 == text.len && (text.data[at] == 'Z' || text.data[at] == 'z')) {
		*out_ms = 0;
		return true;
	}
	if (at + 6 != text.len || (text.data[at] != '+' && text.data[at] != '-') ||
		text.data[at + 3] != ':')
		return false;
	int hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);

	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*out_ms = (int64_t)(hours * 60 + minutes) * 60000 * (text.data[at] == '-' ? -1 : 1);
	return true;
}

static bool parse_rfc3339(struct str text, int64_t *out_ms)
{
	struct tm utc = {0};
	int64_t zone_ms, fraction_ms = 0;
	size_t at = 19;

	if (text.len < 20 || text.data[4] != '-' || text.data[7] != '-' || text.data[13] != ':' ||
		text.data[16] != ':' || (text.data[10] != 'T' && text.data[10] != 't'))
		return false;
	int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
	int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);

	if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
		minute < 0 || minute > 59 || second < 0 || second > 59)
		return false;
	if (text.data[at] == '.') {
		int64_t unit = 100;

		for (at++; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
			fraction_ms += unit * (text.data[at] - '0');
			unit /= 10;
		}
	}
	if (!parse_zone(text, at, &zone_ms))
		return false;
	utc.tm_year = year - 1900;
	utc.tm_mon = month - 1;
	utc.tm_mday = day;
	utc.tm_hour = hour;
	utc.tm_min = minute;
	utc.tm_sec = second;
	int64_t seconds = (int64_t)timegm(&utc);

	// timegm turns 31 February into March: not a date that anyone wrote.
	if (utc.tm_mday != day || utc.tm_mon != month - 1)
		return false;
	*out_ms = seconds * 1000 + fraction_ms - zone_ms;
	return true;
}

bool clock_parse_instant(const char *data, unsigned long len, int64_t *out_ms)
{
	struct str text = {data, len};
	double seconds;

	if (parse_rfc3339(text, out_ms))
		return true;
	if (!number_parse(text, &seconds) || !(fabs(seconds) < 9e12))
		return false;
	*out_ms = (int64_t)llround(seconds * 1000);
	return true;
}

void clock_print_instant(char out[32], int64_t t_ms)
{
	int64_t seconds = t_ms / 1000, ms = t_ms % 1000;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	time_t when = (time_t)seconds;
	struct tm utc;
	char date[32];

	gmtime_r(&when, &utc);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
	if (ms)
		snprintf(out, 32, "%.19s.%03dZ", date, (int)ms);
	else
		snprintf(out, 32, "%.19sZ", date);
}
