#include "train/controller_service/options.h"

enum { ADDRESS_LEN = 17, MAX_ALLOWED = 32 };

static const char *const hubs[] = {"bluez", "print", "record", NULL};

#define ROW(row_name, row_kind, member, ...)                                \
	{                                                                   \
		.name = row_name, .kind = row_kind,                         \
		.offset = offsetof(struct cab_options, member), __VA_ARGS__ \
	}

const struct option cab_option_table[] = {
	SERVICE_OPTIONS(struct cab_options, service, "CONTROLLER", "127.0.0.1:8084"),
	ROW("hub", OPTION_CHOICE, hub, .placeholder = "DRIVER",
		.help = "Lego's hub over Bluetooth, or a stand-in that prints or records orders",
		.choices = hubs, .fallback = "bluez", .environment = "RAILQUEST_HUB"),
	ROW("record-file", OPTION_FILE, record_file, .placeholder = "FILE",
		.help = "where --hub=record appends a line of JSON for each message"),
	ROW("allow-hub", OPTION_LIST, allowed, .placeholder = "ADDRESS",
		.help = "Bluetooth address of a hub that may be taken; may be given again, or "
			"with commas; otherwise any hub in reach",
		.environment = "RAILQUEST_ALLOW_HUB"),
	ROW("adapter", OPTION_TEXT, adapter, .placeholder = "NAME",
		.help = "Bluetooth adapter, like hci0; otherwise the first one",
		.environment = "RAILQUEST_ADAPTER"),
	ROW("min-rssi", OPTION_INT, min_rssi_dbm, .placeholder = "DBM",
		.help = "pass over hubs whose signal is weaker, like -80; 0: none", .fallback = "0",
		.min = -127, .max = 0),
	ROW("full-power", OPTION_INT, full_percent, .placeholder = "PERCENT",
		.help = "the motor's power without a sign", .fallback = "100", .min = 1, .max = 100,
		.environment = "RAILQUEST_FULL_POWER"),
	ROW("low-power", OPTION_INT, low_percent, .placeholder = "PERCENT",
		.help = "its power when told to be slow, and where a ramp begins", .fallback = "70",
		.min = 1, .max = 100, .environment = "RAILQUEST_LOW_POWER"),
	ROW("ramp", OPTION_DURATION, ramp_ms, .placeholder = "DURATION",
		.help = "from low to full power; 0: at once", .fallback = "1s", .min = 0,
		.max = 60000, .environment = "RAILQUEST_RAMP"),
	ROW("deadman", OPTION_DURATION, deadman_ms, .placeholder = "DURATION",
		.help = "brake when no fresh decision came for so long", .fallback = "300ms",
		.min = 50, .max = 10000, .environment = "RAILQUEST_DEADMAN"),
	ROW("deadman-disarms", OPTION_FLAG, deadman_disarms,
		.help = "after that the train needs arming; otherwise fresh decisions suffice"),
	ROW("low-battery", OPTION_INT, low_battery_percent, .placeholder = "PERCENT",
		.help = "warn below", .fallback = "15", .min = 0, .max = 90),
	ROW("nominal-volts", OPTION_NUMBER, nominal_volts, .placeholder = "VOLTS",
		.help = "battery voltage that the powers are meant for: they are raised as it "
			"sinks; 0: as they are",
		.fallback = "0", .min = 0, .max = 12, .environment = "RAILQUEST_NOMINAL_VOLTS"),
	ROW("speed", OPTION_NUMBER, speed_mps, .placeholder = "M/S",
		.help = "the train's speed at full power, for estimates; 0: not known",
		.fallback = "1", .min = 0, .max = 10),
	ROW("deceleration", OPTION_NUMBER, deceleration_mps2, .placeholder = "M/S2",
		.help = "how hard it brakes, for estimates", .fallback = "1", .min = 0.1,
		.max = 20),
	ROW("arm", OPTION_FLAG, arm,
		.help = "arm once, as soon as the hub is ready: for demonstrations"),
	ROW("token-file", OPTION_FILE, token_file, .placeholder = "FILE",
		.help = "file whose first line requests must bring (Authorization: Bearer); "
			"needed off loopback",
		.environment = "RAILQUEST_CONTROLLER_TOKEN_FILE"),
	{0},
};

static bool is_address(struct str text)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	if (text.len != ADDRESS_LEN)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (i % 3 == 2 ? text.data[i] != ':'
			       : !memchr(digits, text.data[i], sizeof digits - 1))
			return false;
	return true;
}

// An environment variable holds one text: there, commas part the addresses.
static bool split_addresses(
	const char *text, struct arena *arena, const char **out, size_t *count, struct error *err)
{
	for (const char *next = text; next;) {
		const char *comma = strchr(next, ',');
		struct str one = str_trim(
			comma ? (struct str){next, (size_t)(comma - next)} : str_from(next));

		if (!is_address(one))
			return error_set(err, ERROR_INVALID,
				"--allow-hub %.*s: an address like 90:84:2B:01:02:03",
				STR_ARG(one));
		if (*count == MAX_ALLOWED)
			return error_set(
				err, ERROR_LIMIT, "--allow-hub: at most %d addresses", MAX_ALLOWED);
		out[(*count)++] = str_copy(arena, one).data;
		next = comma ? comma + 1 : NULL;
	}
	return true;
}

bool cab_options_check(const struct cab_options *options, struct arena *arena,
	const char *const **allowed, struct error *err)
{
	const char **addresses = ARENA_ARRAY(arena, const char *, MAX_ALLOWED + 1);
	size_t count = 0;

	if (options->low_percent > options->full_percent)
		return error_set(err, ERROR_INVALID,
			"--low-power %d must not be above --full-power %d",
			(int)options->low_percent, (int)options->full_percent);
	if (strcmp(options->hub, "record") == 0 && !options->record_file)
		return error_set(err, ERROR_INVALID, "--hub=record needs --record-file FILE");
	for (size_t i = 0; i < options->allowed.count; i++)
		if (!split_addresses(options->allowed.items[i], arena, addresses, &count, err))
			return false;
	*allowed = count ? addresses : NULL;
	return true;
}

struct controller_options cab_options_core(const struct cab_options *options)
{
	struct controller_options core = controller_defaults();

	core.full_percent = (int)options->full_percent;
	core.low_percent = (int)options->low_percent;
	core.ramp_us = options->ramp_ms * 1000;
	core.deadman_us = options->deadman_ms * 1000;
	core.deadman_disarms = options->deadman_disarms;
	core.low_battery_percent = (int)options->low_battery_percent;
	core.nominal_volts = options->nominal_volts;
	return core;
}
