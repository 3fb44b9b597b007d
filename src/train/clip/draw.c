#include "train/clip/clip.h"

#include <stdio.h>
#include <string.h>

/* Frames and names, drawn dot by dot: no font has to be there. */

enum { COLUMNS = 5, ROWS = 7, MAX_LABEL = 48 };

/* A letter's rows from the top, its columns from the left as the bits 16 to 1. */
static const struct {
	char letter;
	uint8_t rows[ROWS];
} glyphs[] = {
	{'A', {14, 17, 17, 31, 17, 17, 17}},
	{'B', {30, 17, 17, 30, 17, 17, 30}},
	{'C', {14, 17, 16, 16, 16, 17, 14}},
	{'D', {30, 17, 17, 17, 17, 17, 30}},
	{'E', {31, 16, 16, 30, 16, 16, 31}},
	{'F', {31, 16, 16, 30, 16, 16, 16}},
	{'G', {14, 17, 16, 23, 17, 17, 14}},
	{'H', {17, 17, 17, 31, 17, 17, 17}},
	{'I', {14, 4, 4, 4, 4, 4, 14}},
	{'J', {7, 2, 2, 2, 2, 18, 12}},
	{'K', {17, 18, 20, 24, 20, 18, 17}},
	{'L', {16, 16, 16, 16, 16, 16, 31}},
	{'M', {17, 27, 21, 21, 17, 17, 17}},
	{'N', {17, 25, 25, 21, 19, 19, 17}},
	{'O', {14, 17, 17, 17, 17, 17, 14}},
	{'P', {30, 17, 17, 30, 16, 16, 16}},
	{'Q', {14, 17, 17, 17, 21, 18, 13}},
	{'R', {30, 17, 17, 30, 20, 18, 17}},
	{'S', {15, 16, 16, 14, 1, 1, 30}},
	{'T', {31, 4, 4, 4, 4, 4, 4}},
	{'U', {17, 17, 17, 17, 17, 17, 14}},
	{'V', {17, 17, 17, 17, 17, 10, 4}},
	{'W', {17, 17, 17, 21, 21, 27, 17}},
	{'X', {17, 17, 10, 4, 10, 17, 17}},
	{'Y', {17, 17, 10, 4, 4, 4, 4}},
	{'Z', {31, 1, 2, 4, 8, 16, 31}},
	{'0', {14, 17, 19, 21, 25, 17, 14}},
	{'1', {4, 12, 4, 4, 4, 4, 14}},
	{'2', {14, 17, 1, 6, 8, 16, 31}},
	{'3', {30, 1, 1, 14, 1, 1, 30}},
	{'4', {2, 6, 10, 18, 31, 2, 2}},
	{'5', {31, 16, 30, 1, 1, 17, 14}},
	{'6', {14, 16, 16, 30, 17, 17, 14}},
	{'7', {31, 1, 2, 4, 4, 4, 4}},
	{'8', {14, 17, 17, 14, 17, 17, 14}},
	{'9', {14, 17, 17, 15, 1, 1, 14}},
	{'%', {25, 25, 2, 4, 8, 19, 19}},
	{'-', {0, 0, 0, 31, 0, 0, 0}},
	{'_', {0, 0, 0, 0, 0, 0, 31}},
	{'.', {0, 0, 0, 0, 0, 12, 12}},
	{'/', {1, 1, 2, 4, 8, 16, 16}},
	{' ', {0}},
	{'?', {14, 17, 1, 2, 4, 0, 4}},
};

enum { GLYPH_COUNT = sizeof glyphs / sizeof *glyphs };

static const uint8_t amber[3] = {255, 193, 7}, black[3] = {0, 0, 0};

static const uint8_t *rows_of(char letter)
{
	if (letter >= 'a' && letter <= 'z')
		letter = (char)(letter - 'a' + 'A');
	for (size_t i = 0; i < GLYPH_COUNT; i++)
		if (glyphs[i].letter == letter)
			return glyphs[i].rows;
	return glyphs[GLYPH_COUNT - 1].rows;
}

/* A rectangle, as far as it lies in the picture. */
static void fill(const struct picture *picture, int64_t left, int64_t top, int64_t width,
	int64_t height, const uint8_t colour[3])
{
	int64_t right = left + width, bottom = top + height;
	int64_t picture_width = (int64_t)picture->width_px;

	left = left < 0 ? 0 : left;
	top = top < 0 ? 0 : top;
	right = right > picture_width ? picture_width : right;
	bottom = bottom > (int64_t)picture->height_px ? (int64_t)picture->height_px : bottom;
	for (int64_t y = top; y < bottom; y++)
		for (int64_t x = left; x < right; x++)
			memcpy(picture->pixels + (y * picture_width + x) * 3, colour, 3);
}

static void draw_text(
	const struct picture *picture, int64_t left, int64_t top, int64_t dot, const char *text)
{
	for (; *text; text++, left += dot * (COLUMNS + 1)) {
		const uint8_t *rows = rows_of(*text);

		for (int i = 0; i < ROWS * COLUMNS; i++)
			if (rows[i / COLUMNS] >> (COLUMNS - 1 - i % COLUMNS) & 1)
				fill(picture, left + i % COLUMNS * dot, top + i / COLUMNS * dot,
					dot, dot, black);
	}
}

/* The name stands above the box, or in its top where there is no room. */
static void draw_label(const struct picture *picture, int64_t left, int64_t top, int64_t dot,
	const struct wire_detection *detection)
{
	char text[MAX_LABEL];
	int64_t height = dot * (ROWS + 2);

	snprintf(text, sizeof text, "%.*s %.0f%%",
		(int)(detection->class_name.len < 32 ? detection->class_name.len : 32),
		detection->class_name.data ? detection->class_name.data : "",
		detection->confidence * 100);
	top = top >= height ? top - height : top;
	fill(picture, left, top, dot * ((int64_t)strlen(text) * (COLUMNS + 1) + 1), height, amber);
	draw_text(picture, left + dot, top + dot, dot, text);
}

static int64_t scaled(double at, double scale, double most)
{
	double value = at * scale;

	// Also for what is no number.
	if (!(value > -most))
		return (int64_t)-most;
	return (int64_t)(value < 2 * most ? value : 2 * most);
}

void clip_draw(const struct picture *picture, const struct wire_detection *detections, size_t count,
	int64_t width_px, int64_t height_px)
{
	double width = (double)picture->width_px, height = (double)picture->height_px;
	double across = width_px > 0 ? width / (double)width_px : 1;
	double down = height_px > 0 ? height / (double)height_px : 1;
	int64_t dot = 1 + (int64_t)picture->height_px / 400, line = dot + 1;

	// The surest last, on top.
	for (size_t i = count; i-- > 0;) {
		const struct wire_box *box = &detections[i].box;
		int64_t left = scaled(box->x, across, width), top = scaled(box->y, down, height);
		int64_t box_width = scaled(box->width, across, width);
		int64_t box_height = scaled(box->height, down, height);

		fill(picture, left, top, box_width, line, amber);
		fill(picture, left, top + box_height - line, box_width, line, amber);
		fill(picture, left, top, line, box_height, amber);
		fill(picture, left + box_width - line, top, line, box_height, amber);
		draw_label(picture, left, top, dot, &detections[i]);
	}
}
