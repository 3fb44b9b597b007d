#include "train/vision/codec.h"

#include <webp/decode.h>
#include <webp/encode.h>

static size_t little_endian_32(const uint8_t *bytes)
{
	return bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
}

/* The chunk "EXIF" of the RIFF file; it usually stands last. Some writers keep JPEG's prefix in it.
 */
static struct str find_exif(struct str data)
{
	static const char prefix[6] = "Exif\0";
	const uint8_t *bytes = (const uint8_t *)data.data;

	for (size_t at = 12; at + 8 <= data.len;) {
		size_t size = little_endian_32(bytes + at + 4);
		struct str chunk = {data.data + at + 8, size};

		if (size > data.len - at - 8)
			break;
		if (memcmp(bytes + at, "EXIF", 4) == 0) {
			if (str_starts_with(chunk, (struct str){prefix, sizeof(prefix)}))
				chunk = (struct str){
					chunk.data + sizeof(prefix), chunk.len - sizeof(prefix)};
			return chunk;
		}
		at += 8 + size + (size & 1);
	}
	return (struct str){0};
}

static const char *status_text(VP8StatusCode status)
{
	switch (status) {
	case VP8_STATUS_OK:
		return "no error";
	case VP8_STATUS_OUT_OF_MEMORY:
		return "out of memory";
	case VP8_STATUS_INVALID_PARAM:
		return "parameters do not fit";
	case VP8_STATUS_BITSTREAM_ERROR:
		return "damaged";
	case VP8_STATUS_UNSUPPORTED_FEATURE:
		return "uses a feature that the decoder does not know";
	case VP8_STATUS_SUSPENDED:
	case VP8_STATUS_NOT_ENOUGH_DATA:
		return "cut off";
	case VP8_STATUS_USER_ABORT:
		return "stopped";
	}
	return "unknown error";
}

bool webp_decode(struct str data, struct arena *arena, struct picture *out, int *orientation,
	struct error *err)
{
	const uint8_t *bytes = (const uint8_t *)data.data;
	WebPDecoderConfig config;

	*orientation = vision_exif_orientation(find_exif(data));
	if (!WebPInitDecoderConfig(&config))
		return error_set(err, ERROR_EXECUTION, "WebP: the library is of another version");
	VP8StatusCode status = WebPGetFeatures(bytes, data.len, &config.input);

	if (status != VP8_STATUS_OK)
		return error_set(err, ERROR_INVALID, "WebP: %s", status_text(status));
	if (config.input.has_animation)
		return error_set(
			err, ERROR_UNSUPPORTED, "WebP: an animation; give single pictures");
	if (!picture_create(
		    out, (size_t)config.input.width, (size_t)config.input.height, arena, err))
		return error_wrap(err, "WebP");
	config.output.colorspace = MODE_RGB;
	config.output.is_external_memory = 1;
	config.output.u.RGBA.rgba = out->pixels;
	config.output.u.RGBA.stride = (int)out->width_px * 3;
	config.output.u.RGBA.size = out->width_px * out->height_px * 3;
	status = WebPDecode(bytes, data.len, &config);
	WebPFreeDecBuffer(&config.output);
	if (status != VP8_STATUS_OK)
		return error_set(err, ERROR_INVALID, "WebP: %s", status_text(status));
	return true;
}

static int append(const uint8_t *data, size_t size, const WebPPicture *picture)
{
	buffer_append(picture->custom_ptr, data, size);
	return 1;
}

bool vision_encode_webp(const struct picture *picture, int quality_percent, int method,
	struct buffer *out, struct error *err)
{
	WebPConfig config;
	WebPPicture source;

	if (!WebPConfigInit(&config) || !WebPPictureInit(&source))
		return error_set(err, ERROR_EXECUTION, "WebP: the library is of another version");
	config.quality = (float)quality_percent;
	config.method = method;
	source.width = (int)picture->width_px;
	source.height = (int)picture->height_px;
	source.writer = append;
	source.custom_ptr = out;
	bool encoded = WebPValidateConfig(&config) &&
		       WebPPictureImportRGB(&source, picture->pixels, (int)picture->width_px * 3) &&
		       WebPEncode(&config, &source);

	if (!encoded)
		error_set(err, ERROR_EXECUTION, "WebP: encoding failed (code %d)",
			(int)source.error_code);
	WebPPictureFree(&source);
	return encoded;
}
