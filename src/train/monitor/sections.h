/* train/monitor/sections.h — a section of the state as JSON, anew. */
#ifndef TRAIN_MONITOR_SECTIONS_H
#define TRAIN_MONITOR_SECTIONS_H

#include "train/monitor/state.h"

void section_hello(struct state *state);
/* width and height 0: they are the picture's own; `origin` NULL: the original's form. */
void section_frame(
	struct state *state, const struct wire_image *image, const struct wire_origin *origin);
void section_result(
	struct state *state, const struct wire_id *trace, const struct wire_result *result);
/* `decision` has an order at least. */
void section_decision(struct state *state, const struct wire_decision *decision, int64_t now_us);
void section_telemetry(struct state *state, const struct wire_telemetry *telemetry, int64_t at_us);
void section_hops(struct state *state, const struct journey *journey);
void section_services(struct state *state);
void section_commands(struct state *state);
/* Nothing where it would say what it says already. */
void section_source(struct state *state, struct str kafka);

#endif
