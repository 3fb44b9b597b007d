/*
 * How loud FFmpeg is, for the whole process and all that the plug-in does in it: not at all. What
 * it has to say comes back as errors; its own lines would hold URLs with passwords.
 */
#include <libavutil/log.h>

__attribute__((constructor)) static void be_silent(void)
{
	av_log_set_level(AV_LOG_QUIET);
}
