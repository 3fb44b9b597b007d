#include "train/vision/vision.h"

/* TIFF, as far as the one tag needs: byte order, the offset of the first directory, its entries of
 * 12 bytes. */
enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

static uint32_t number(const uint8_t *bytes, size_t count, bool big_endian)
{
	uint32_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | bytes[big_endian ? i : count - 1 - i];
	return value;
}

int vision_exif_orientation(struct str tiff)
{
	const uint8_t *bytes = (const uint8_t *)tiff.data;

	if (tiff.len < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
		return 1;
	bool big_endian = bytes[0] == 'M';
	size_t at = number(bytes + 4, 4, big_endian);

	if (at > tiff.len - 2)
		return 1;
	size_t count = number(bytes + at, 2, big_endian);

	at += 2;
	for (size_t i = 0; i < count && tiff.len - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
		if (number(bytes + at, 2, big_endian) != TAG_ORIENTATION)
			continue;
		uint32_t value = number(bytes + at + 8, 2, big_endian);

		return number(bytes + at + 2, 2, big_endian) == TYPE_SHORT && value >= 1 &&
				       value <= 8
			       ? (int)value
			       : 1;
	}
	return 1;
}
