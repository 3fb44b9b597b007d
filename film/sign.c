/*
 * Signs, drawn as the detector's training draws them (learn/signs.py), point by point: a pixel is
 * the mean of some points on the sign's plate.
 */
#include "film.h"

#include <math.h>

struct point {
	float x, y;
};

static const struct colour yellow = {248, 198, 24}, black = {24, 24, 26}, white = {240, 238, 232},
			   red = {204, 28, 42}, dark = {38, 38, 42}, grey = {104, 106, 110};

static const struct point triangle[] = {{0.47f, 0.05f}, {0.53f, 0.05f}, {0.68f, 0.32f},
	{0.82f, 0.58f}, {0.965f, 0.86f}, {0.965f, 0.91f}, {0.93f, 0.94f}, {0.5f, 0.94f},
	{0.07f, 0.94f}, {0.035f, 0.91f}, {0.035f, 0.86f}, {0.27f, 0.45f}};

enum { TRIANGLE_POINTS = sizeof triangle / sizeof triangle[0] };

/* --- shapes --- */

static bool in_polygon(const struct point *points, size_t count, struct point at)
{
	bool inside = false;

	for (size_t i = 0, j = count - 1; i < count; j = i++)
		if ((points[i].y > at.y) != (points[j].y > at.y) &&
			at.x < (points[j].x - points[i].x) * (at.y - points[i].y) /
						(points[j].y - points[i].y) +
					points[i].x)
			inside = !inside;
	return inside;
}

/* The triangle shrunk towards its own middle: the point is moved outwards instead. */
static bool in_triangle(struct point at, float factor)
{
	struct point moved = {0.5f + (at.x - 0.5f) / factor, 0.64f + (at.y - 0.64f) / factor};

	return in_polygon(triangle, TRIANGLE_POINTS, moved);
}

static bool in_circle(struct point at, float x, float y, float radius)
{
	return hypotf(at.x - x, at.y - y) < radius;
}

static bool in_box(struct point at, float x0, float y0, float x1, float y1)
{
	return at.x > x0 && at.x < x1 && at.y > y0 && at.y < y1;
}

static bool in_octagon(struct point at, float radius)
{
	float x = fabsf(at.x - 0.5f), y = fabsf(at.y - 0.5f);

	return x < radius && y < radius && x + y < radius * 1.414f;
}

static float off_line(struct point at, struct point a, struct point b)
{
	float dx = b.x - a.x, dy = b.y - a.y;
	float share = ((at.x - a.x) * dx + (at.y - a.y) * dy) / (dx * dx + dy * dy + 1e-9f);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return hypotf(at.x - a.x - share * dx, at.y - a.y - share * dy);
}

/* --- letters: strokes in a square, x and y from 0 to 1 --- */

struct stroke {
	float x, y, rx, ry; // of an arc; rx 0: a line from x, y …
	float from, to;	    // its angles in degrees, clockwise from the right; … to these
};

static const struct stroke letter_0[] = {{0.5f, 0.5f, 0.36f, 0.5f, 0, 360}};
static const struct stroke letter_3[] = {
	{0.46f, 0.27f, 0.34f, 0.27f, -150, 90}, {0.46f, 0.74f, 0.38f, 0.26f, -90, 150}};
static const struct stroke letter_5[] = {{0.82f, 0, 0, 0, 0.22f, 0}, {0.22f, 0, 0, 0, 0.16f, 0.44f},
	{0.46f, 0.68f, 0.38f, 0.32f, -140, 145}};
static const struct stroke letter_s[] = {{0.5f, 0.26f, 0.36f, 0.26f, -330, -90},
	{0.5f, 0.26f, 0.36f, 0.26f, 90, 180}, {0.5f, 0.75f, 0.38f, 0.25f, -90, 150}};
static const struct stroke letter_t[] = {{0.1f, 0, 0, 0, 0.9f, 0}, {0.5f, 0, 0, 0, 0.5f, 1}};
static const struct stroke letter_o[] = {{0.5f, 0.5f, 0.42f, 0.5f, 0, 360}};
static const struct stroke letter_p[] = {{0.2f, 0, 0, 0, 0.2f, 1}, {0.2f, 0, 0, 0, 0.5f, 0},
	{0.2f, 0.52f, 0, 0, 0.5f, 0.52f}, {0.5f, 0.26f, 0.34f, 0.26f, -90, 90}};

#define STROKES(letter) letter, sizeof(letter) / sizeof(letter)[0]

static bool on_arc(const struct stroke *stroke, struct point at, float wide, float tall, float pen)
{
	enum { PARTS = 14 };
	struct point last = {0, 0};
	float ring = hypotf(
		(at.x / wide - stroke->x) / stroke->rx, (at.y / tall - stroke->y) / stroke->ry);

	// Most points are nowhere near.
	if (fabsf(ring - 1) > 1.5f * pen / (stroke->ry * tall) &&
		fabsf(ring - 1) > 1.5f * pen / (stroke->rx * wide))
		return false;

	for (int i = 0; i <= PARTS; i++) {
		float angle = (stroke->from + (stroke->to - stroke->from) * (float)i / PARTS) *
			      (float)M_PI / 180;
		struct point next = {(stroke->x + stroke->rx * cosf(angle)) * wide,
			(stroke->y + stroke->ry * sinf(angle)) * tall};

		if (i && off_line(at, last, next) < pen / 2)
			return true;
		last = next;
	}
	return false;
}

/* The letter's box has its top-left corner at x, y. */
static bool on_letter(const struct stroke *strokes, size_t count, struct point at, float x, float y,
	float wide, float tall, float pen)
{
	struct point inside = {at.x - x, at.y - y};

	if (!in_box(inside, -pen, -pen, wide + pen, tall + pen))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct point a = {strokes[i].x * wide, strokes[i].y * tall};
		struct point b = {strokes[i].from * wide, strokes[i].to * tall};

		if (strokes[i].rx > 0 ? on_arc(&strokes[i], inside, wide, tall, pen)
				      : off_line(inside, a, b) < pen / 2)
			return true;
	}
	return false;
}

/* --- faces: false where the plate is not --- */

static bool speed_face(struct point at, bool is_30, struct colour *out)
{
	*out = white;
	if (in_circle(at, 0.5f, 0.5f, 0.42f))
		*out = red;
	if (in_circle(at, 0.5f, 0.5f, 0.355f))
		*out = white;
	bool on_first = is_30 ? on_letter(STROKES(letter_3), at, 0.27f, 0.34f, 0.2f, 0.32f, 0.065f)
			      : on_letter(STROKES(letter_5), at, 0.27f, 0.34f, 0.2f, 0.32f, 0.065f);

	if (on_first || on_letter(STROKES(letter_0), at, 0.525f, 0.34f, 0.2f, 0.32f, 0.065f))
		*out = black;
	return in_circle(at, 0.5f, 0.5f, 0.48f);
}

static bool on_mark(struct point at)
{
	float half = 0.045f - (at.y - 0.36f) * 0.0625f;

	return (at.y > 0.36f && at.y < 0.68f && fabsf(at.x - 0.5f) < half) ||
	       in_circle(at, 0.5f, 0.765f, 0.045f);
}

static bool on_gate(struct point at)
{
	if (in_box(at, 0.3f, 0.56f, 0.7f, 0.6f) || in_box(at, 0.26f, 0.72f, 0.74f, 0.76f))
		return true;
	for (int i = 0; i < 5; i++)
		if (in_box(at, 0.32f + 0.08f * (float)i, 0.5f, 0.355f + 0.08f * (float)i, 0.8f))
			return true;
	return false;
}

static bool danger_face(struct point at, bool has_mark, struct colour *out)
{
	*out = yellow;
	if (in_triangle(at, 0.85f))
		*out = black;
	if (in_triangle(at, 0.67f))
		*out = yellow;
	if (has_mark ? on_mark(at) : on_gate(at))
		*out = black;
	return in_polygon(triangle, TRIANGLE_POINTS, at);
}

static bool stop_face(struct point at, struct colour *out)
{
	static const struct {
		const struct stroke *strokes;
		size_t count;
	} letters[] = {
		{STROKES(letter_s)}, {STROKES(letter_t)}, {STROKES(letter_o)}, {STROKES(letter_p)}};

	*out = in_octagon(at, 0.44f) ? red : white;
	for (int i = 0; i < 4; i++)
		if (on_letter(letters[i].strokes, letters[i].count, at, 0.15f + 0.18f * (float)i,
			    0.38f, 0.145f, 0.24f, 0.04f))
			*out = white;
	return in_octagon(at, 0.48f);
}

static bool no_entry_face(struct point at, struct colour *out)
{
	*out = in_circle(at, 0.5f, 0.5f, 0.43f) ? red : white;
	if (in_box(at, 0.18f, 0.43f, 0.82f, 0.57f))
		*out = white;
	return in_circle(at, 0.5f, 0.5f, 0.48f);
}

static bool back_face(struct point at, struct colour *out)
{
	*out = (struct colour){214, 212, 206};
	if (in_circle(at, 0.5f, 0.5f, 0.42f))
		*out = (struct colour){192, 190, 186};
	if (in_box(at, 0.43f, 0.42f, 0.57f, 0.98f) || in_box(at, 0.36f, 0.42f, 0.64f, 0.6f))
		*out = dark;
	return in_circle(at, 0.5f, 0.5f, 0.48f);
}

static bool board_back_face(struct point at, struct colour *out)
{
	*out = (struct colour){206, 204, 200};
	if (in_box(at, 0.1f, 0.1f, 0.9f, 0.9f))
		*out = (struct colour){186, 184, 180};
	if (in_box(at, 0.43f, 0.42f, 0.57f, 0.98f) || in_box(at, 0.36f, 0.42f, 0.64f, 0.6f))
		*out = dark;
	return in_box(at, 0.04f, 0.04f, 0.96f, 0.96f);
}

static bool face(enum sign_kind kind, struct point at, struct colour *out)
{
	switch (kind) {
	case SIGN_SPEED_30:
	case SIGN_SPEED_50:
		return speed_face(at, kind == SIGN_SPEED_30, out);
	case SIGN_DANGER_MARK:
	case SIGN_DANGER_GATE:
		return danger_face(at, kind == SIGN_DANGER_MARK, out);
	case SIGN_STOP:
		return stop_face(at, out);
	case SIGN_NO_ENTRY:
		return no_entry_face(at, out);
	case SIGN_BACK:
		return back_face(at, out);
	case SIGN_BOARD_BACK:
		return board_back_face(at, out);
	}
	return false;
}

/* The plate, or the pole below it and its foot; y goes on below 1. */
static bool plate(enum sign_kind kind, struct point at, float ground, struct colour *out)
{
	if (face(kind, at, out))
		return true;
	*out = dark;
	if (at.y > 0.8f && at.y < ground && fabsf(at.x - 0.5f) < 0.06f)
		return true;
	*out = grey;
	return at.y > ground - 0.14f && at.y < ground && fabsf(at.x - 0.5f) < 0.42f;
}

/* --- from the picture to the plate --- */

struct plane {
	float inverse[3][3]; // from a ray to the plate's own square, times a factor
};

static void invert(const float m[3][3], float out[3][3])
{
	float a = m[1][1] * m[2][2] - m[1][2] * m[2][1], b = m[1][2] * m[2][0] - m[1][0] * m[2][2];
	float c = m[1][0] * m[2][1] - m[1][1] * m[2][0];
	float scale = 1 / (m[0][0] * a + m[0][1] * b + m[0][2] * c);
	const float found[3][3] = {
		{a, m[0][2] * m[2][1] - m[0][1] * m[2][2], m[0][1] * m[1][2] - m[0][2] * m[1][1]},
		{b, m[0][0] * m[2][2] - m[0][2] * m[2][0], m[0][2] * m[1][0] - m[0][0] * m[1][2]},
		{c, m[0][1] * m[2][0] - m[0][0] * m[2][1], m[0][0] * m[1][1] - m[0][1] * m[1][0]}};

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++)
			out[i][j] = found[i][j] * scale;
}

/* `behind_m` further along the track: the far side of the plate. */
static void make_plane(
	const struct sign *sign, const struct camera_pose *pose, float behind_m, struct plane *out)
{
	const float side = SIGN_SIDE_MM / 1000.0f;
	const float m[3][3] = {{side * cosf(sign->turn), 0, sign->x - pose->x},
		{0, -side, sign->y - pose->y},
		{side * sinf(sign->turn), 0, sign->z + behind_m - pose->z}};

	invert(m, out->inverse);
}

static bool on_plane(const struct plane *plane, const float ray[3], struct point *out)
{
	float v[3];

	for (int i = 0; i < 3; i++)
		v[i] = plane->inverse[i][0] * ray[0] + plane->inverse[i][1] * ray[1] +
		       plane->inverse[i][2] * ray[2];
	if (v[2] <= 0)
		return false;
	*out = (struct point){0.5f + v[0] / v[2], 0.5f + v[1] / v[2]};
	return true;
}

struct view {
	const struct sign *sign;
	const struct camera_pose *pose;
	struct plane near, far;
	float ground; // the table, in the plate's square
};

static bool sample(const struct view *view, const float ray[3], struct colour *out)
{
	struct point at;

	if (on_plane(&view->near, ray, &at) && plate(view->sign->kind, at, view->ground, out))
		return true;
	// The plate's edge.
	if (!on_plane(&view->far, ray, &at) || !face(view->sign->kind, at, out))
		return false;
	*out = (struct colour){out->r * 0.55f, out->g * 0.55f, out->b * 0.55f};
	return true;
}

static void blend(uint8_t *pixel, struct colour sum, float hits, float total, float gain)
{
	const float values[] = {sum.r, sum.g, sum.b};

	for (int i = 0; i < 3; i++) {
		float value = ((float)pixel[i] * (total - hits) + values[i] * gain) / total;

		pixel[i] = (uint8_t)(value > 255 ? 255 : value + 0.5f);
	}
}

static void draw_pixel(
	const struct view *view, const struct picture *picture, size_t x, size_t y, int parts)
{
	uint8_t *pixel = picture->pixels + (y * picture->width_px + x) * 3;
	struct colour sum = {0, 0, 0}, colour;
	float hits = 0, ray[3];
	struct point middle;

	pose_ray(view->pose, picture, (float)x + 0.5f, (float)y + 0.5f, ray);
	if (!on_plane(&view->near, ray, &middle) || middle.x < -0.3f || middle.x > 1.3f ||
		middle.y < -0.3f || middle.y > view->ground + 0.3f)
		return;
	for (int i = 0; i < parts * parts; i++) {
		pose_ray(view->pose, picture, (float)x + ((float)(i % parts) + 0.5f) / (float)parts,
			(float)y + ((float)(i / parts) + 0.5f) / (float)parts, ray);
		if (!sample(view, ray, &colour))
			continue;
		sum = (struct colour){sum.r + colour.r, sum.g + colour.g, sum.b + colour.b};
		hits++;
	}
	if (hits > 0)
		blend(pixel, sum, hits, (float)(parts * parts),
			view->pose->gain * view->sign->gain);
}

float sign_draw(const struct sign *sign, const struct camera_pose *pose, struct picture *picture)
{
	float ahead = sign->z - pose->z;

	if (ahead < 0.06f || ahead > 3)
		return 0;
	const float side = SIGN_SIDE_MM / 1000.0f;
	struct view view = {.sign = sign, .pose = pose, .ground = 0.5f + sign->y / side};
	float size_px = pose->focal_px * side / ahead;
	// Where about it is; turned by yaw, pitch and roll it stays within this margin.
	float middle_x = (float)picture->width_px / 2 +
			 pose->focal_px * tanf(atan2f(sign->x - pose->x, ahead) - pose->yaw);
	float left = middle_x - size_px - 40, right = middle_x + size_px + 40;
	size_t x0 = left < 0 ? 0 : (size_t)left;
	size_t x1 = right < 0 ? 0 : (size_t)right;

	// Its middle is about at the camera's height: the plate is not far from the picture's
	// middle, the foot below it.
	float middle_y = (float)picture->height_px / 2 - pose->focal_px * pose->pitch;
	float top = middle_y - size_px - 40, bottom = middle_y + 3 * size_px + 40;
	size_t y0 = top < 0 ? 0 : (size_t)top;
	size_t y1 = bottom < 0 ? 0 : (size_t)bottom;

	make_plane(sign, pose, 0, &view.near);
	make_plane(sign, pose, 0.003f, &view.far);
	for (size_t y = y0; y < y1 && y < picture->height_px; y++)
		for (size_t x = x0; x < x1 && x < picture->width_px; x++)
			draw_pixel(&view, picture, x, y, size_px < 40 ? 4 : 3);
	return size_px;
}
