#include "train/vision/codec.h"

#include <turbojpeg.h>

/* The EXIF block is the first APP1 segment that begins "Exif\0\0". Segments stand before the
 * picture's data (SOS). */
static struct str find_exif(struct str data)
{
	static const char prefix[6] = "Exif\0";
	const uint8_t *bytes = (const uint8_t *)data.data;
	size_t at = 2;

	while (at + 4 <= data.len && bytes[at] == 0xff) {
		unsigned marker = bytes[at + 1];

		if (marker == 0xff) { // fill byte
			at++;
			continue;
		}
		if (marker == 0xda || marker == 0xd9)
			break;
		size_t size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];

		if (size < 2 || size > data.len - at - 2)
			break;
		if (marker == 0xe1 && size >= 2 + sizeof(prefix) &&
			memcmp(data.data + at + 4, prefix, sizeof(prefix)) == 0)
			return (struct str){data.data + at + 10, size - 8};
		at += 2 + size;
	}
	return (struct str){0};
}

/*
 * The library goes on after damage and paints what it does not have. What is missing is an error
 * here; what is merely odd (bytes between segments, as some cameras write) is not.
 */
static bool is_only_odd(tjhandle handle)
{
	return tjGetErrorCode(handle) == TJERR_WARNING &&
	       !strstr(tjGetErrorStr2(handle), "remature end") &&
	       !strstr(tjGetErrorStr2(handle), "Corrupt");
}

static bool decode(tjhandle handle, struct str data, struct arena *arena, struct picture *out,
	struct error *err)
{
	const uint8_t *bytes = (const uint8_t *)data.data;
	int width = 0, height = 0, subsampling = 0, colours = 0;

	if (tjDecompressHeader3(handle, bytes, data.len, &width, &height, &subsampling, &colours) !=
			0 &&
		!is_only_odd(handle))
		return error_set(err, ERROR_INVALID, "JPEG: %s", tjGetErrorStr2(handle));
	if (!width || !height) // tables without a picture, or cut off so early that nothing is said
			       // of one
		return error_set(err, ERROR_INVALID,
			"JPEG: damaged or cut off: it ends before the picture's size");
	if (colours == TJCS_CMYK || colours == TJCS_YCCK)
		return error_set(err, ERROR_UNSUPPORTED,
			"JPEG: colours are CMYK (a printer's); save it as RGB or grey");
	if (!picture_create(out, (size_t)width, (size_t)height, arena, err))
		return error_wrap(err, "JPEG");
	// The limit on scans: a small progressive file may otherwise keep a core busy for minutes.
	if (tjDecompress2(handle, bytes, data.len, out->pixels, width, 0, height, TJPF_RGB,
		    TJFLAG_LIMITSCANS) != 0 &&
		!is_only_odd(handle))
		return error_set(
			err, ERROR_INVALID, "JPEG: damaged or cut off: %s", tjGetErrorStr2(handle));
	return true;
}

bool jpeg_decode(struct str data, struct arena *arena, struct picture *out, int *orientation,
	struct error *err)
{
	tjhandle handle = tjInitDecompress();

	if (!handle)
		return error_set(err, ERROR_EXECUTION, "JPEG: %s", tjGetErrorStr2(NULL));
	bool decoded = decode(handle, data, arena, out, err);

	tjDestroy(handle);
	*orientation = vision_exif_orientation(find_exif(data));
	return decoded;
}

bool vision_encode_jpeg(
	const struct picture *picture, int quality_percent, struct buffer *out, struct error *err)
{
	tjhandle handle = tjInitCompress();
	unsigned char *bytes = NULL;
	unsigned long size = 0;

	if (!handle)
		return error_set(err, ERROR_EXECUTION, "JPEG: %s", tjGetErrorStr2(NULL));
	bool encoded = tjCompress2(handle, picture->pixels, (int)picture->width_px, 0,
			       (int)picture->height_px, TJPF_RGB, &bytes, &size, TJSAMP_420,
			       quality_percent, 0) == 0;

	if (encoded)
		buffer_append(out, bytes, size);
	else
		error_set(err, ERROR_EXECUTION, "JPEG: %s", tjGetErrorStr2(handle));
	tjFree(bytes);
	tjDestroy(handle);
	return encoded;
}
