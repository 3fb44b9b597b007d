#include "engine/histogram/histogram.h"

bool histogram_is_schema(int32_t schema)
{
	return schema == HISTOGRAM_CUSTOM_SCHEMA ||
	       (schema >= HISTOGRAM_MIN_SCHEMA && schema <= HISTOGRAM_MAX_SCHEMA);
}
