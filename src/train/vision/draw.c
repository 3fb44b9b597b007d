#include "train/vision/vision.h"

/*
 * Letters are drawn once, by hand: five dots wide, seven high, a row an octal pair of digits with
 * the left dot highest. Small letters look like capitals; what is not in here is a blank.
 */
enum { GLYPH_WIDTH = 5, GLYPH_HEIGHT = 7, ADVANCE = 6 };

struct glyph {
	char letter;
	uint8_t rows[GLYPH_HEIGHT];
};

static const struct glyph glyphs[] = {
	{'A', {016, 021, 021, 037, 021, 021, 021}},
	{'B', {036, 021, 021, 036, 021, 021, 036}},
	{'C', {016, 021, 020, 020, 020, 021, 016}},
	{'D', {036, 021, 021, 021, 021, 021, 036}},
	{'E', {037, 020, 020, 036, 020, 020, 037}},
	{'F', {037, 020, 020, 036, 020, 020, 020}},
	{'G', {016, 021, 020, 027, 021, 021, 016}},
	{'H', {021, 021, 021, 037, 021, 021, 021}},
	{'I', {016, 004, 004, 004, 004, 004, 016}},
	{'J', {007, 002, 002, 002, 002, 022, 014}},
	{'K', {021, 022, 024, 030, 024, 022, 021}},
	{'L', {020, 020, 020, 020, 020, 020, 037}},
	{'M', {021, 033, 025, 025, 021, 021, 021}},
	{'N', {021, 021, 031, 025, 023, 021, 021}},
	{'O', {016, 021, 021, 021, 021, 021, 016}},
	{'P', {036, 021, 021, 036, 020, 020, 020}},
	{'Q', {016, 021, 021, 021, 025, 022, 015}},
	{'R', {036, 021, 021, 036, 024, 022, 021}},
	{'S', {017, 020, 020, 016, 001, 001, 036}},
	{'T', {037, 004, 004, 004, 004, 004, 004}},
	{'U', {021, 021, 021, 021, 021, 021, 016}},
	{'V', {021, 021, 021, 021, 021, 012, 004}},
	{'W', {021, 021, 021, 025, 025, 033, 021}},
	{'X', {021, 021, 012, 004, 012, 021, 021}},
	{'Y', {021, 021, 012, 004, 004, 004, 004}},
	{'Z', {037, 001, 002, 004, 010, 020, 037}},
	{'0', {016, 021, 023, 025, 031, 021, 016}},
	{'1', {004, 014, 004, 004, 004, 004, 016}},
	{'2', {016, 021, 001, 002, 004, 010, 037}},
	{'3', {037, 002, 004, 002, 001, 021, 016}},
	{'4', {002, 006, 012, 022, 037, 002, 002}},
	{'5', {037, 020, 036, 001, 001, 021, 016}},
	{'6', {006, 010, 020, 036, 021, 021, 016}},
	{'7', {037, 001, 002, 004, 010, 010, 010}},
	{'8', {016, 021, 021, 016, 021, 021, 016}},
	{'9', {016, 021, 021, 017, 001, 002, 014}},
	{'.', {000, 000, 000, 000, 000, 014, 014}},
	{':', {000, 014, 014, 000, 014, 014, 000}},
	{'-', {000, 000, 000, 037, 000, 000, 000}},
	{'_', {000, 000, 000, 000, 000, 000, 037}},
	{'%', {031, 031, 002, 004, 010, 023, 023}},
};

static double clamp(double value, double max)
{
	return value > 0 ? (value < max ? value : max) : 0; // NaN becomes 0
}

/* Whole pixels from `left` up to `right`, cut at the picture's edges. */
static void fill(const struct picture *picture, double left, double top, double right,
	double bottom, const uint8_t colour[3])
{
	size_t first = (size_t)clamp(left, (double)picture->width_px);
	size_t end = (size_t)clamp(right, (double)picture->width_px);
	size_t last_row = (size_t)clamp(bottom, (double)picture->height_px);

	for (size_t y = (size_t)clamp(top, (double)picture->height_px); y < last_row; y++)
		for (size_t x = first; x < end; x++)
			for (size_t i = 0; i < 3; i++)
				picture->pixels[(y * picture->width_px + x) * 3 + i] = colour[i];
}

void vision_fill(const struct picture *picture, const struct box *box, const uint8_t colour[3])
{
	fill(picture, box->x, box->y, (double)box->x + box->width, (double)box->y + box->height,
		colour);
}

void vision_draw_box(const struct picture *picture, const struct box *box, double thickness_px,
	const uint8_t colour[3])
{
	double left = box->x, top = box->y, right = left + box->width, bottom = top + box->height;

	fill(picture, left, top, right, top + thickness_px, colour);
	fill(picture, left, bottom - thickness_px, right, bottom, colour);
	fill(picture, left, top, left + thickness_px, bottom, colour);
	fill(picture, right - thickness_px, top, right, bottom, colour);
}

static const struct glyph *find(char letter)
{
	char upper = letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;

	for (size_t i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++)
		if (glyphs[i].letter == upper)
			return &glyphs[i];
	return NULL;
}

void vision_draw_text(const struct picture *picture, struct str text, double x, double y,
	double dot_px, const uint8_t colour[3])
{
	for (size_t i = 0; i < text.len; i++, x += ADVANCE * dot_px) {
		const struct glyph *glyph = find(text.data[i]);

		for (int dot = 0; glyph && dot < GLYPH_WIDTH * GLYPH_HEIGHT; dot++) {
			int row = dot / GLYPH_WIDTH, column = dot % GLYPH_WIDTH;
			double left = x + column * dot_px, top = y + row * dot_px;

			if (glyph->rows[row] >> (GLYPH_WIDTH - 1 - column) & 1)
				fill(picture, left, top, left + dot_px, top + dot_px, colour);
		}
	}
}
