/*
 * Recorded pictures through the services' own functions, in one process: no network and no clock,
 * so the same recording, model and rules give the same log, byte for byte. A result goes through
 * its message's form in between, as it does between the services, so that no digit differs.
 */
#include "train/supervisor/supervisor.h"

#include "base/file.h"
#include "train/decision/decision.h"
#include "train/inference/inference.h"
#include "train/supervisor/tape.h"

#include <errno.h>

enum { MAX_RULES_BYTES = 1 << 20 };

struct replay_options {
	struct inference_model model;
	const char *rules, *log;
	const char *train, *from, *to;
	double min_confidence;
	bool results, verify;
};

#define ROW(row_name, row_kind, field, ...)                                   \
	{                                                                     \
		.name = row_name, .kind = row_kind,                           \
		.offset = offsetof(struct replay_options, field), __VA_ARGS__ \
	}

static const struct option replay_table[] = {
	ROW("log", OPTION_FILE, log, .placeholder = "FILE",
		.help = "where the decisions go, a line of JSON each; -: standard output",
		.fallback = "-"),
	ROW("rules", OPTION_FILE, rules, .placeholder = "FILE",
		.help = "the rules (docs/decision.md); otherwise the built-in ones",
		.environment = "RAILQUEST_RULES"),
	INFERENCE_MODEL_OPTIONS(struct replay_options, model),
	ROW("min-confidence", OPTION_NUMBER, min_confidence, .placeholder = "X",
		.help = "leave out what is less certain, 0 to 1; -1: the model's own",
		.fallback = "-1", .environment = "RAILQUEST_MIN_CONFIDENCE", .min = -1, .max = 1),
	ROW("results", OPTION_FLAG, results,
		.help = "decide on the recorded results instead of looking at the pictures again"),
	ROW("verify", OPTION_FLAG, verify,
		.help = "compare with the recorded results and decisions; exit status 1 where any "
			"differs"),
	ROW("train", OPTION_TEXT, train, .placeholder = "NAME",
		.help = "which train of a monitor's recording; needed where there are several"),
	ROW("from", OPTION_TEXT, from, .placeholder = "INSTANT",
		.help = "of a monitor's recording: decide on pictures from then on "
			"(2026-11-27T13:15:00Z, or Unix seconds)"),
	ROW("to", OPTION_TEXT, to, .placeholder = "INSTANT",
		.help = "of a monitor's recording: decide on pictures up to then"),
	{0},
};

struct replay {
	const struct replay_options *options;
	struct tape tape;
	struct model *model; // NULL with --results
	struct str model_name, backend;
	struct arena arena;
	struct decision_rules rules;
	struct decision *decision;
	FILE *log;
	struct buffer result;
	struct buffer made, recorded; // whole logs, where they are compared
	struct buffer made_results, recorded_results;
	bool is_wanted; // what is decided now
	size_t pictures, decisions, passed_over;
};

/* --- one message --- */

static bool write_line(struct replay *replay, struct str line, struct error *err)
{
	if (!replay->is_wanted)
		return true;
	replay->decisions++;
	if (replay->options->verify)
		buffer_append_str(&replay->made, line);
	return fwrite(line.data, 1, line.len, replay->log) == line.len ||
	       error_errno(err, "write %s", replay->options->log);
}

static void pass_over(struct replay *replay, const struct error *err)
{
	if (replay->passed_over++ == 0)
		fprintf(stderr, "a message was passed over, as the services do: %s\n", err->text);
}

static bool decide(struct replay *replay, struct str result, struct error *err)
{
	struct error reason = {0};
	struct buffer line = {0};
	bool ok = true;

	if (decision_replay(replay->decision, result, &line, &reason))
		ok = write_line(replay, buffer_str(&line), err);
	else
		pass_over(replay, &reason);
	buffer_finish(&line);
	return ok;
}

/* A result as a line that is the same wherever and however fast it was found. */
static void keep_result(struct str payload, struct arena *arena, struct buffer *out)
{
	struct wire_result result;
	struct error reason = {0};

	if (!wire_read_result(payload, arena, &result, &reason))
		return;
	result.model = result.backend = STR("");
	result.prepare_us = result.infer_us = result.finish_us = 0;
	result.image.data = STR("");
	wire_write_result(out, &result);
}

static bool look_and_decide(
	struct replay *replay, struct str payload, struct arena *arena, struct error *err)
{
	struct inference_view view;
	struct wire_result result;
	struct wire_frame frame;
	struct error reason = {0};

	replay->pictures += replay->is_wanted;
	if (!wire_read_frame(payload, arena, &frame, &reason) ||
		!inference_look(replay->model, frame.image.data,
			(float)replay->options->min_confidence, NULL, arena, &view, &reason)) {
		pass_over(replay, &reason);
		return true;
	}
	inference_result(&frame, &view, replay->model_name, replay->backend, &result);
	buffer_clear(&replay->result);
	wire_write_result(&replay->result, &result);
	if (replay->options->verify && replay->is_wanted)
		keep_result(buffer_str(&replay->result), arena, &replay->made_results);
	return decide(replay, buffer_str(&replay->result), err);
}

static void keep_recorded(struct replay *replay, struct str payload, struct arena *arena)
{
	struct wire_decision decision;
	struct error reason = {0};

	if (wire_read_decision(payload, arena, &decision, &reason))
		decision_log_line(&decision, &replay->recorded);
}

static bool take(struct replay *replay, const struct tape_message *message, struct arena *arena,
	struct error *err)
{
	bool results = replay->options->results;
	bool is_looked_at = message->topic == (results ? RECORDING_RESULT : RECORDING_FRAME);

	replay->is_wanted = message->is_wanted;
	if (message->begins && is_looked_at) {
		decision_destroy(replay->decision);
		replay->decision = decision_create(&replay->rules);
	}
	if (is_looked_at)
		return results ? decide(replay, message->payload, err)
			       : look_and_decide(replay, message->payload, arena, err);
	if (!replay->options->verify || !message->is_wanted)
		return true;
	if (message->topic == RECORDING_RESULT)
		keep_result(message->payload, arena, &replay->recorded_results);
	else if (message->topic == RECORDING_DECISION)
		keep_recorded(replay, message->payload, arena);
	return true;
}

static bool replay_all(struct replay *replay, struct error *err)
{
	struct tape_message message;
	bool ok = true;

	while (ok) {
		struct arena arena = {0};

		ok = tape_next(&replay->tape, &arena, &message, err) &&
		     take(replay, &message, &arena, err);
		arena_finish(&arena);
	}
	return err->kind == ERROR_NONE;
}

/* --- comparing --- */

static struct str next_line(struct str *text)
{
	const char *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
	size_t len = end ? (size_t)(end - text->data) + 1 : text->len;
	struct str line = {text->data, len};

	text->data += len;
	text->len -= len;
	return line;
}

static bool is_same(const char *what, struct str made, struct str recorded)
{
	for (size_t number = 1; made.len || recorded.len; number++) {
		struct str ours = next_line(&made), theirs = next_line(&recorded);

		if (str_equal(ours, theirs))
			continue;
		fprintf(stderr,
			"%s %zu differs from the recorded one:\n  now      %.*s\n"
			"  recorded %.*s\n",
			what, number, STR_ARG(str_trim(ours)), STR_ARG(str_trim(theirs)));
		return false;
	}
	return true;
}

static bool verify(const struct replay *replay)
{
	if (replay->tape.ring && !replay->tape.is_from_the_start)
		fprintf(stderr, "the beginning of this run is not recorded any more: numbers of "
				"decisions and signs differ\n");
	return (replay->options->results || is_same("result", buffer_str(&replay->made_results),
						    buffer_str(&replay->recorded_results))) &&
	       is_same("decision", buffer_str(&replay->made), buffer_str(&replay->recorded));
}

/* --- all together --- */

static bool open_rules(struct replay *replay, struct error *err)
{
	const char *path = replay->options->rules;
	struct str text = str_from(decision_builtin_rules);

	if (path && !file_read(path, MAX_RULES_BYTES, &replay->arena, &text, err))
		return false;
	if (!decision_rules_read(
		    text, path ? path : "the built-in rules", &replay->arena, &replay->rules, err))
		return false;
	replay->decision = decision_create(&replay->rules);
	return true;
}

static bool open_log(struct replay *replay, struct error *err)
{
	const char *path = replay->options->log;

	replay->log = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	return replay->log || error_errno(err, "create %s", path);
}

static bool close_log(struct replay *replay, struct error *err)
{
	FILE *log = replay->log;
	bool ok = !log || (log == stdout ? fflush(log) : fclose(log)) == 0;

	replay->log = NULL;
	return ok || error_errno(err, "write %s", replay->options->log);
}

static bool open_tape(struct replay *replay, const char *folder, struct error *err)
{
	const struct replay_options *options = replay->options;
	int64_t from_ms, to_ms;

	return tape_read_instant("from", options->from, INT64_MIN, &from_ms, err) &&
	       tape_read_instant("to", options->to, INT64_MAX, &to_ms, err) &&
	       tape_open(&replay->tape, folder, options->train, from_ms, to_ms, err);
}

static bool open_all(struct replay *replay, const char *folder, int *exit_code, struct error *err)
{
	*exit_code = 1;
	if (!open_tape(replay, folder, err) || !open_rules(replay, err))
		return false;
	if (!replay->options->results &&
		!inference_open(&replay->options->model, &replay->model, exit_code, err))
		return false;
	*exit_code = 1;
	return open_log(replay, err);
}

static int replay_folder(const struct replay_options *options, const char *folder)
{
	struct replay replay = {.options = options,
		.tape.recording.pictures_fd = -1,
		.model_name = STR("replay"),
		.backend = STR("replay")};
	struct error err = {0}, late = {0};
	int exit_code = 1;
	bool ok = open_all(&replay, folder, &exit_code, &err) && replay_all(&replay, &err);

	if (!close_log(&replay, ok ? &err : &late))
		ok = false;
	if (!ok)
		fprintf(stderr, "railquest-train replay: %s\n", err.text);
	else
		exit_code = !options->verify || verify(&replay) ? 0 : 1;
	if (ok && options->log && strcmp(options->log, "-") != 0)
		printf("%zu decisions on %zu pictures, %zu messages passed over\n",
			replay.decisions, replay.pictures, replay.passed_over);
	decision_destroy(replay.decision);
	model_close(replay.model);
	tape_close(&replay.tape);
	buffer_finish(&replay.result);
	buffer_finish(&replay.made);
	buffer_finish(&replay.recorded);
	buffer_finish(&replay.made_results);
	buffer_finish(&replay.recorded_results);
	arena_finish(&replay.arena);
	return exit_code;
}

static int run_replay(int argc, char **argv)
{
	struct replay_options options = {0};
	int exit_code;

	if (!options_read(&train_replay_command, &options, &argc, argv, &exit_code))
		return exit_code;
	return replay_folder(&options, argv[0]);
}

const struct command train_replay_command = {
	.name = "replay",
	.arguments = "DIR",
	.min_arguments = 1,
	.max_arguments = 1,
	.summary = "decide again on recorded pictures",
	.description =
		"Runs the pictures of a recording through detector and rules, without network and "
		"clock, and writes the decision on each, a line of JSON, as the decision service's "
		"--log does. The same recording, model and rules give the same log, byte for byte; "
		"it is that of the run itself where that run saw every picture.\n\n"
		"With --results it decides on the results that were recorded, so that a change of "
		"rules can be tried without the detector. With --verify it says whether the "
		"results and decisions are those that were recorded.\n\n"
		"DIR may also be the folder of railquest-monitor --record: of a train in it the "
		"part between --from and --to.",
	.examples = "  railquest-train replay yesterday --log decisions.ndjson\n"
		    "  railquest-train replay yesterday --results --rules new.yaml | jq -c .order\n"
		    "  railquest-train replay trains --train blue --from 2026-11-27T13:15:00Z "
		    "--verify\n",
	.options = replay_table,
	.run = run_replay,
};
