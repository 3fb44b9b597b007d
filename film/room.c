#include "film.h"

#include "base/memory.h"

#include <math.h>

enum { AROUND = 1536, ABOVE = 320, PIECES = 60 };

/* What is seen of the room: a wall with furniture, out of focus. Below: a table. */
struct room {
	struct colour around[ABOVE][AROUND];
};

#define FAR_M 2.2f // the table's end
/* Of the wall, one metre away. */
#define SPAN 2.4f
#define TALL 0.8f

float chance_between(struct chance *chance, float low, float high)
{
	chance->state = chance->state * 6364136223846793005u + 1442695040888963407u;
	return low + (high - low) * (float)(chance->state >> 40) / (float)(1 << 24);
}

static struct colour mix(struct colour a, struct colour b, float share)
{
	return (struct colour){
		a.r + (b.r - a.r) * share, a.g + (b.g - a.g) * share, a.b + (b.b - a.b) * share};
}

static struct colour furniture(struct chance *chance)
{
	float grey = chance_between(chance, 35, 190), warm = chance_between(chance, -18, 28);

	return (struct colour){grey + warm, grey + warm * 0.3f, grey - warm};
}

static void paint_piece(struct room *room, struct chance *chance)
{
	int x = (int)chance_between(chance, -60, AROUND), y = (int)chance_between(chance, 0, 260);
	int width = (int)chance_between(chance, 20, 170);
	struct colour colour = furniture(chance);

	// It stands on the floor, behind the table.
	for (int row = 0; row < y; row++)
		for (int column = x < 0 ? 0 : x; column < x + width && column < AROUND; column++)
			room->around[row][column] = mix(room->around[row][column], colour, 0.85f);
}

static void soften(struct room *room, int reach)
{
	struct colour line[AROUND];

	for (int row = 0; row < ABOVE; row++) {
		for (int x = 0; x < AROUND; x++) {
			struct colour sum = {0, 0, 0};

			for (int i = -reach; i <= reach; i++) {
				int at = x + i < 0 ? 0 : x + i >= AROUND ? AROUND - 1 : x + i;

				sum.r += room->around[row][at].r;
				sum.g += room->around[row][at].g;
				sum.b += room->around[row][at].b;
			}
			float share = 1 / (float)(2 * reach + 1);

			line[x] = (struct colour){sum.r * share, sum.g * share, sum.b * share};
		}
		memcpy(room->around[row], line, sizeof line);
	}
}

struct room *room_create(uint64_t seed)
{
	struct room *room = memory_alloc(sizeof *room);
	struct chance chance = {seed};

	for (int row = 0; row < ABOVE; row++)
		for (int x = 0; x < AROUND; x++) {
			float light = 168 + 26 * sinf((float)x * 0.006f) + 0.06f * (float)row;

			room->around[row][x] = (struct colour){light, light * 0.97f, light * 0.91f};
		}
	for (int i = 0; i < PIECES; i++)
		paint_piece(room, &chance);
	soften(room, 3);
	return room;
}

void room_destroy(struct room *room)
{
	free(room);
}

void pose_finish(struct camera_pose *pose)
{
	float cr = cosf(pose->roll), sr = sinf(pose->roll), cp = cosf(pose->pitch);
	float sp = sinf(pose->pitch), cy = cosf(pose->yaw), sy = sinf(pose->yaw);
	const float turn[3][3] = {
		{cr * cy - sr * sp * sy, sr * cy + cr * sp * sy, cp * sy},
		{-sr * cp, cr * cp, -sp},
		{-cr * sy - sr * sp * cy, -sr * sy + cr * sp * cy, cp * cy},
	};

	memcpy(pose->turn, turn, sizeof turn);
}

void pose_ray(const struct camera_pose *pose, const struct picture *picture, float px, float py,
	float out[3])
{
	float x = (px - (float)picture->width_px / 2) / pose->focal_px;
	float y = ((float)picture->height_px / 2 - py) / pose->focal_px;

	for (int i = 0; i < 3; i++)
		out[i] = pose->turn[i][0] * x + pose->turn[i][1] * y + pose->turn[i][2];
}

static float near_line(float at, float line, float half)
{
	float off = fabsf(at - line);

	return off < half ? 1 : 0;
}

/* A wave between -1 and 1, of parabolas. */
static float ripple(float at)
{
	float phase = at - floorf(at), half = phase < 0.5f ? phase : phase - 0.5f;
	float bow = 16 * half * (0.5f - half);

	return phase < 0.5f ? bow : -bow;
}

/* Rails on sleepers on a dark table, finer than a pixel from some way off: there their mean. */
static struct colour table_colour(float x, float z, float pixel_m)
{
	static const struct colour table = {74, 76, 82}, sleeper = {44, 45, 50},
				   rail = {128, 130, 136};
	float grain = 3 * (ripple(x * 7 + ripple(z)) * ripple(z * 5));
	struct colour colour = {table.r + grain, table.g + grain, table.b + grain};
	float share = fminf(1, 0.016f / (pixel_m + 1e-4f) * 0.5f);
	float phase = z / 0.032f - floorf(z / 0.032f);

	if (fabsf(x) < 0.032f)
		colour = mix(
			colour, sleeper, share * (phase < 0.5f ? 1.0f : 0) + (1 - share) * 0.5f);
	float rails = near_line(x, -0.0188f, 0.003f) + near_line(x, 0.0188f, 0.003f);

	return mix(colour, rail, fminf(1, rails));
}

static struct colour background(const struct room *room, const float ray[3])
{
	int x = (int)((ray[0] / ray[2] / SPAN + 0.5f) * AROUND);
	int y = (int)((ray[1] / ray[2] + 0.1f) / TALL * ABOVE);

	x = x < 0 ? 0 : x >= AROUND ? AROUND - 1 : x;
	y = y < 0 ? 0 : y >= ABOVE ? ABOVE - 1 : y;
	return room->around[y][x];
}

static struct colour seen(
	const struct room *room, const struct camera_pose *pose, const float ray[3])
{
	float reach = ray[1] < -1e-4f ? -pose->y / ray[1] : 1e9f;
	float ahead = reach * ray[2];

	if (ahead > FAR_M || ahead < 0)
		return background(room, ray);
	float pixel_m = ahead * ahead / (pose->focal_px * pose->y);

	return table_colour(pose->x + reach * ray[0], pose->z + ahead, pixel_m);
}

static uint8_t to_byte(float value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5f);
}

void room_draw(const struct room *room, const struct camera_pose *pose, struct picture *picture)
{
	for (size_t y = 0; y < picture->height_px; y++)
		for (size_t x = 0; x < picture->width_px; x++) {
			float ray[3];
			uint8_t *pixel = picture->pixels + (y * picture->width_px + x) * 3;

			pose_ray(pose, picture, (float)x + 0.5f, (float)y + 0.5f, ray);
			struct colour colour = seen(room, pose, ray);

			pixel[0] = to_byte(colour.r * pose->gain);
			pixel[1] = to_byte(colour.g * pose->gain);
			pixel[2] = to_byte(colour.b * pose->gain);
		}
}

/* 1 2 1 across and down, then noise. */
void lens_apply(struct picture *picture, struct chance *chance, struct arena *scratch)
{
	size_t stride = picture->width_px * 3, size = stride * picture->height_px;
	uint8_t *copy = ARENA_ARRAY(scratch, uint8_t, size);

	memcpy(copy, picture->pixels, size);
	for (size_t i = stride + 3; i + stride + 3 < size; i++) {
		const uint8_t *at = copy + i;
		unsigned cross = at[-3] + at[3] + *(at - stride) + at[stride];
		unsigned corners =
			*(at - stride - 3) + *(at - stride + 3) + at[stride - 3] + at[stride + 3];
		float value = (float)(4u * at[0] + 2 * cross + corners) / 16;

		picture->pixels[i] = to_byte(value + chance_between(chance, -1.2f, 1.2f));
	}
}
