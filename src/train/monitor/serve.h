/* train/monitor/serve.h — the running monitor, which monitor.c and those who answer share. */
#ifndef TRAIN_MONITOR_SERVE_H
#define TRAIN_MONITOR_SERVE_H

#include "base/line_log.h"
#include "train/monitor/access.h"
#include "train/monitor/dispatch.h"
#include "train/monitor/fleet.h"
#include "train/monitor/source.h"
#include "train/service/service.h"

/* How pictures get to viewers. */
enum monitor_way {
	MONITOR_SOCKET,
	MONITOR_EVENTS,
	MONITOR_MJPEG,
	MONITOR_FETCH,
	MONITOR_WAY_COUNT
};

/* What was asked for, and how it was answered. */
struct monitor_counts {
	int64_t pictures, unchanged, refused;
	int64_t viewers[MONITOR_WAY_COUNT]; // now; those who fetch are no viewers of a stream
	int64_t skipped[MONITOR_WAY_COUNT]; // pictures that a viewer was too slow for
};

struct monitor_metrics {
	struct metric *hops[JOURNEY_HOP_COUNT];
	struct metric *taken[STATE_KIND_COUNT], *unreadable[STATE_KIND_COUNT];
	struct metric *commands[WIRE_VERB_DISARM + 1][COMMAND_OUTCOME_COUNT];
	struct metric *streams[MONITOR_WAY_COUNT], *skipped[MONITOR_WAY_COUNT];
	struct metric *reloads[2]; // of who may look and drive: taken, refused
	struct metric *overtaken, *viewers, *age, *pictures, *unchanged, *refused;
};

/* --audit FILE. */
struct monitor_audit {
	struct line_log log;
	bool is_failing;
	struct metric *lines[2]; // written, lost
};

struct monitor_record;
struct monitor_train_metrics;

struct monitor {
	struct service *service;
	struct monitor_record *record; // NULL: nothing is recorded
	struct access access;
	struct monitor_audit audit;
	struct fleet fleet;
	struct source *source;	   // the cloud; NULL: the train's own broker
	struct dispatch *dispatch; // the way to it; NULL as `source`
	struct wire_id clock;
	struct monitor_counts counts;
	struct monitor_metrics metrics;
	struct monitor_train_metrics *train_metrics; // by the trains' places
	struct http_timer *waking, *ticking;
	bool will_wake;
};

extern const struct http_route monitor_routes[];
extern const size_t monitor_route_count;

void monitor_create_metrics(struct monitor *monitor);
/* What service_options.collect and state_setup.hop want; `context` is the monitor. */
void monitor_collect(void *context);
void monitor_collect_trains(struct monitor *monitor); // train_metrics.c
void monitor_note_hop(void *context, enum journey_hop hop, int64_t took_us);

/* listen.c: subscribes to what one train's broker brings. Fails: as fleet_get. */
bool monitor_listen(struct monitor *monitor, struct str train, struct error *err);
/* What service_options.message and .bus_state want. */
void monitor_take_message(void *monitor, struct str topic, struct str payload);
void monitor_take_bus_state(void *monitor, bool is_connected);

/* audit.c. Lines go to `path`, too (NULL: to no file). Fails: ERROR_SYSTEM. */
bool monitor_audit_open(struct monitor *monitor, const char *path, struct error *err);
void monitor_audit_reopen(struct monitor *monitor); // it was moved away
void monitor_audit_close(struct monitor *monitor);
/* `result`: an outcome's name, or "forbidden". */
void monitor_audit(struct monitor *monitor, const struct fleet_train *train,
	const struct given_command *command, const char *result);
/* What became of commands since the last call. */
void monitor_audit_tick(struct monitor *monitor);

/* --- answers --- */

void monitor_problem(struct http_request *request, int status, const char *why);
/* True to go on; else it is answered: who asks may not. */
bool monitor_admit(struct monitor *monitor, struct http_request *request);
/* The same for a WebSocket, whose viewer may send the token later: *has_token says whether it has,
 * or none is needed. */
bool monitor_admit_socket(struct monitor *monitor, struct http_request *request, bool *has_token);
/* The train that ?train= names, the first that was heard of where it names none; NULL: it is
 * answered, 404. */
struct fleet_train *monitor_find_train(struct monitor *monitor, struct http_request *request);

/* overview_routes.c: GET /api/trains, and its stream, live and live.mjpeg. */
void monitor_get_trains(struct http_request *request, void *monitor);
void monitor_get_trains_stream(struct http_request *request, void *monitor);
void monitor_get_trains_live(struct http_request *request, void *monitor);
void monitor_get_trains_mjpeg(struct http_request *request, void *monitor);

/* history_routes.c: GET /api/train/history, and what is below it. */
void monitor_get_history(struct http_request *request, void *monitor);
void monitor_get_history_events(struct http_request *request, void *monitor);
void monitor_get_history_picture(struct http_request *request, void *monitor);
/* history_clip.c: GET /api/train/history/clip.mp4 */
void monitor_get_history_clip(struct http_request *request, void *monitor);
/* What routes of the past have in common. False: it is answered. */
bool monitor_read_instant(
	struct http_request *request, const char *name, int64_t fallback_ms, int64_t *out);
/* ?from= and ?to=; without them the last `usual_ms`. */
bool monitor_read_range(
	struct http_request *request, int64_t usual_ms, int64_t *from_ms, int64_t *to_ms);
bool monitor_recorded_train(
	struct monitor *monitor, struct http_request *request, struct str *train);
/* NULL: nothing is recorded. */
const char *monitor_record_folder(const struct monitor *monitor);

/* live_socket.c, live_mjpeg.c: GET /api/train/live, and /api/train/live.mjpeg. */
void monitor_get_live(struct http_request *request, void *monitor);
void monitor_get_mjpeg(struct http_request *request, void *monitor);

/* Pages are told soon: what happens within some milliseconds is told at once. */
void monitor_wake(struct monitor *monitor);

#endif
