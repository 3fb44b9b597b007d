#include "train/camera/driver.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * The test card: coloured bars, the picture's number in large digits, and a white block that moves
 * by one step a picture. A picture that stands still, comes twice or comes late is seen at once,
 * without a camera and without reading a log.
 */

enum { DIGIT_ROWS = 5, DIGIT_COLUMNS = 3, MAX_DIGITS = 20, BARS = 7, BLOCK_STEPS = 40 };

// Rows of three pixels, the left one the highest bit.
static const uint8_t digits[10][DIGIT_ROWS] = {
	{7, 5, 5, 5, 7},
	{2, 6, 2, 2, 7},
	{7, 1, 7, 4, 7},
	{7, 1, 7, 1, 7},
	{5, 5, 7, 1, 1},
	{7, 4, 7, 1, 7},
	{7, 4, 7, 5, 7},
	{7, 1, 1, 1, 1},
	{7, 5, 7, 5, 7},
	{7, 5, 7, 1, 7},
};

static const uint8_t bars[BARS][3] = {
	{110, 110, 110},
	{110, 110, 30},
	{30, 110, 110},
	{30, 110, 30},
	{110, 30, 110},
	{40, 40, 90},
	{30, 30, 110},
};

struct card {
	size_t width_px, height_px;
	uint64_t number; // of the picture that was looked at, from 1
};

static struct camera_source *card_create(const struct camera_request *request, struct error *err)
{
	struct card *card = calloc(1, sizeof *card);

	if (!card)
		abort();
	card->width_px = request->width_px ? request->width_px : 640;
	card->height_px = request->height_px ? request->height_px : 480;
	if (request->where[0]) {
		error_set(err, ERROR_INVALID, "nothing follows test:, but there is \"%s\"",
			request->where);
		free(card);
		return NULL;
	}
	return (struct camera_source *)card;
}

static void card_destroy(struct camera_source *source)
{
	free(source);
}

static bool card_open(struct camera_source *source, struct error *err)
{
	(void)source;
	(void)err;
	return true;
}

static void card_close(struct camera_source *source)
{
	(void)source;
}

static int card_fd(const struct camera_source *source)
{
	(void)source;
	return -1;
}

static bool card_look(struct camera_source *source, int64_t now_us, enum camera_outcome *outcome,
	int64_t *captured_us, struct error *err)
{
	(void)err;
	((struct card *)source)->number++;
	*outcome = CAMERA_PICTURE;
	*captured_us = now_us;
	return true;
}

/* Cut at the picture's edges. */
static void fill(const struct picture *picture, size_t left, size_t top, size_t width,
	size_t height, const uint8_t colour[3])
{
	size_t right = left + width < picture->width_px ? left + width : picture->width_px;
	size_t bottom = top + height < picture->height_px ? top + height : picture->height_px;

	for (size_t y = top; y < bottom; y++)
		for (size_t x = left; x < right; x++)
			memcpy(picture->pixels + (y * picture->width_px + x) * 3, colour, 3);
}

static void draw_number(const struct picture *picture, uint64_t number)
{
	static const uint8_t yellow[3] = {255, 235, 90};
	// So large that eight digits fill most of the width.
	size_t dot = picture->width_px / ((DIGIT_COLUMNS + 1) * 9) + 1;
	size_t left = dot * 2, top = picture->height_px / 3;
	char text[MAX_DIGITS + 1];

	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	for (const char *at = text; *at; at++, left += dot * (DIGIT_COLUMNS + 1))
		for (size_t i = 0; i < DIGIT_ROWS * DIGIT_COLUMNS; i++) {
			size_t row = i / DIGIT_COLUMNS, column = i % DIGIT_COLUMNS;

			if (digits[*at - '0'][row] >> (DIGIT_COLUMNS - 1 - column) & 1)
				fill(picture, left + column * dot, top + row * dot, dot, dot,
					yellow);
		}
}

static bool card_take(struct camera_source *source, struct arena *arena, struct camera_frame *out,
	struct error *err)
{
	static const uint8_t white[3] = {255, 255, 255};
	const struct card *card = (const struct card *)source;
	size_t width = card->width_px, height = card->height_px;

	(void)err;
	out->pixels = (struct picture){arena_alloc(arena, width * height * 3), width, height};
	for (size_t i = 0; i < BARS; i++)
		fill(&out->pixels, width * i / BARS, 0, width / BARS + 1, height, bars[i]);
	draw_number(&out->pixels, card->number);
	fill(&out->pixels, width * (card->number % BLOCK_STEPS) / BLOCK_STEPS, height - height / 8,
		width / BLOCK_STEPS + 1, height / 8, white);
	return true;
}

const struct camera_driver camera_card = {
	.retry_us = 1000000,
	.retry_max_us = 1000000,
	.create = card_create,
	.destroy = card_destroy,
	.open = card_open,
	.close = card_close,
	.fd = card_fd,
	.look = card_look,
	.take = card_take,
};
