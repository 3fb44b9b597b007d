#include "leaderboard/quest/world_life.h"

#include "base/memory.h"

#include <stdlib.h>

/*
 * Clusters with seats, and per seat what kube-state-metrics and the participant's own services
 * expose. Phases of pods are limited to those that somebody asks for. A seat's dice depend on the
 * seed and the seat alone, so more players or clusters leave the others' lives as they were.
 */

enum { MAX_GAPS = 100 };
#define BEFORE_MS INT64_C(86400000) // how long ago everything that was there before came to be

static const char *const cluster_names[] = {
	"gotham", "metropolis", "wakanda", "atlantis", "madripoor", "central"};
static const char *const env_names[ENV_COUNT] = {"dev", "preprod", "prod"};
static const char *const exercise_names[EXERCISE_COUNT] = {"hero", "villain", "fight"};

#define POD .object_label = "pod"
#define DEPLOYMENT .object_label = "deployment"

static const struct sim_metric namespace_active = {
	"kube_namespace_status_phase", NULL, {{"phase", "Active"}}};
static const struct sim_metric namespace_terminating = {
	"kube_namespace_status_phase", NULL, {{"phase", "Terminating"}}};
static const struct sim_metric replicas_ready = {
	.name = "kube_deployment_status_replicas_ready", DEPLOYMENT};
static const struct sim_metric available = {.name = "kube_deployment_status_condition",
	DEPLOYMENT,
	.fixed = {{"condition", "Available"}, {"status", "true"}}};
static const struct sim_metric not_available = {.name = "kube_deployment_status_condition",
	DEPLOYMENT,
	.fixed = {{"condition", "Available"}, {"status", "false"}}};
static const struct sim_metric pod_running = {
	.name = "kube_pod_status_phase", POD, .fixed = {{"phase", "Running"}}};
static const struct sim_metric pod_succeeded = {
	.name = "kube_pod_status_phase", POD, .fixed = {{"phase", "Succeeded"}}};
static const struct sim_metric pod_failed = {
	.name = "kube_pod_status_phase", POD, .fixed = {{"phase", "Failed"}}};
static const struct sim_metric pod_ready_time = {.name = "kube_pod_status_ready_time", POD};
static const struct sim_metric pod_completion_time = {.name = "kube_pod_completion_time", POD};
static const struct sim_metric restarts_total = {
	.name = "kube_pod_container_status_restarts_total", POD, .fixed = {{"container", "main"}}};
static const struct sim_metric container_started = {
	.name = "kube_pod_container_state_started", POD, .fixed = {{"container", "main"}}};
static const struct sim_metric fights[2] = {
	{"fights_total", NULL, {{"won_by", "heroes"}}},
	{"fights_total", NULL, {{"won_by", "villains"}}},
};

struct seat {
	struct quest_simulation *sim;
	struct str cluster, user;
	uint32_t target; // the cluster's kube-state-metrics
	const struct spans *gaps;
	struct dice dice;
	struct life *life;
};

static double in_seconds(int64_t t_ms)
{
	return (double)(t_ms / 1000);
}

/* --- clusters --- */

static struct str cluster_name(struct quest_simulation *sim, size_t index)
{
	size_t known = sizeof cluster_names / sizeof cluster_names[0];

	return index < known ? str_from(cluster_names[index])
			     : str_format(&sim->arena, "cluster%zu", index + 1);
}

static int compare_instants(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Spans in which nothing of a cluster can be scraped. */
static void make_gaps(const struct quest_scenario *scenario, struct dice *dice, struct spans *out)
{
	const struct quest_workshop *workshop = &scenario->workshop;
	int64_t begins_ms[MAX_GAPS], end_ms = INT64_MIN;
	size_t count = (size_t)workshop->gaps;

	for (size_t i = 0; i < count; i++)
		begins_ms[i] =
			scenario->quest.start_ms + dice_between(dice, 0, scenario->duration_ms);
	qsort(begins_ms, count, sizeof begins_ms[0], compare_instants);
	for (size_t i = 0; i < count; i++) {
		int64_t length_ms = dice_between(dice, workshop->gap_min_ms, workshop->gap_max_ms);

		if (begins_ms[i] <= end_ms)
			continue;
		end_ms = begins_ms[i] + length_ms;
		spans_add(out, begins_ms[i], end_ms);
	}
}

static struct label *make_labels(
	struct quest_simulation *sim, size_t count, const struct label *labels)
{
	struct label *out = ARENA_ARRAY(&sim->arena, struct label, count);

	memcpy(out, labels, count * sizeof *labels);
	return out;
}

static uint32_t add_cluster(
	struct quest_simulation *sim, struct str name, const struct spans *gaps, struct dice *dice)
{
	struct sim_status *statuses =
		ARENA_ARRAY(&sim->arena, struct sim_status, 1 + 2 * gaps->count);
	size_t count = 0;

	statuses[count++] = (struct sim_status){sim->scenario->quest.start_ms - BEFORE_MS, true};
	for (size_t i = 0; i < gaps->count; i++) {
		statuses[count++] = (struct sim_status){gaps->items[i].from_ms, false};
		statuses[count++] = (struct sim_status){gaps->items[i].to_ms, true};
	}
	int64_t phase_ms = dice_between(dice, 0, INT32_MAX) % sim->scenario->scrape_interval_ms;
	uint32_t target = sim_add_target(sim, phase_ms, statuses, count);
	struct label *labels = make_labels(sim, 2,
		(struct label[]){{STR("cluster"), name}, {STR("job"), STR("kube-state-metrics")}});

	sim_add_up(sim, labels, 2, target);
	return target;
}

/* --- what kube-state-metrics says --- */

static struct label *name_space(const struct seat *seat, const char *suffix)
{
	return make_labels(seat->sim, 2,
		(struct label[]){{STR("cluster"), seat->cluster},
			{STR("namespace"), str_format(&seat->sim->arena, "%.*s-%s",
						   STR_ARG(seat->user), suffix)}});
}

static void add_constant(const struct seat *seat, const struct sim_metric *metric,
	const struct label *labels, double value)
{
	sim_add_series(seat->sim, metric, labels, 2, (struct str){0}, seat->target);
	sim_add_change(seat->sim, seat->sim->scenario->quest.start_ms - BEFORE_MS, value);
}

static void add_workspace(const struct seat *seat, const struct label *labels)
{
	struct quest_simulation *sim = seat->sim;

	sim_add_series(sim, &replicas_ready, labels, 2,
		str_format(&sim->arena, "workspace-%.*s", STR_ARG(seat->user)), seat->target);
	sim_add_change(sim, sim->scenario->quest.start_ms - BEFORE_MS, 0);
	if (seat->life->workspace_ms != QUEST_NEVER)
		sim_add_change(sim, seat->life->workspace_ms, 1);
}

/* `inside` while ready, `outside` before and between. */
static void add_readiness(
	struct quest_simulation *sim, const struct service *service, double inside, double outside)
{
	sim_add_change(sim, service->deployed_ms, outside);
	for (size_t i = 0; i < service->ready.count; i++) {
		sim_add_change(sim, service->ready.items[i].from_ms, inside);
		if (service->ready.items[i].to_ms != QUEST_NEVER)
			sim_add_change(sim, service->ready.items[i].to_ms, outside);
	}
}

static void add_service(const struct seat *seat, const struct service *service,
	const struct label *labels, struct str deployment, struct str pod)
{
	struct quest_simulation *sim = seat->sim;

	sim_add_series(sim, &available, labels, 2, deployment, seat->target);
	add_readiness(sim, service, 1, 0);
	sim_add_series(sim, &not_available, labels, 2, deployment, seat->target);
	add_readiness(sim, service, 0, 1);
	sim_add_series(sim, &pod_running, labels, 2, pod, seat->target);
	sim_add_change(sim, service->deployed_ms, 0);
	sim_add_change(sim, service->deployed_ms + 3000, 1);
	sim_add_series(sim, &pod_ready_time, labels, 2, pod, seat->target);
	for (size_t i = 0; i < service->ready.count; i++) {
		sim_add_change(sim, service->ready.items[i].from_ms,
			in_seconds(service->ready.items[i].from_ms));
		if (service->ready.items[i].to_ms != QUEST_NEVER)
			sim_add_change(sim, service->ready.items[i].to_ms, sample_stale());
	}
	sim_add_series(sim, &restarts_total, labels, 2, pod, seat->target);
	sim_add_change(sim, service->deployed_ms, 0);
	for (size_t i = 0; i < service->restart_count; i++)
		sim_add_change(sim, service->restarts_ms[i], (double)(i + 1));
}

static void add_database(const struct seat *seat, const struct stage *stage,
	const struct label *labels, const char *exercise)
{
	struct quest_simulation *sim = seat->sim;
	struct str pod = str_format(&sim->arena, "%s-database-1", exercise);
	int64_t begin_ms = stage->database_ms - 20000;

	sim_add_series(sim, &pod_running, labels, 2, pod, seat->target);
	sim_add_change(sim, begin_ms, 0);
	sim_add_change(sim, stage->database_ms, 1);
	sim_add_series(sim, &container_started, labels, 2, pod, seat->target);
	sim_add_change(sim, stage->database_ms, in_seconds(stage->database_ms));
	if (stage->database_restart_ms != QUEST_NEVER)
		sim_add_change(
			sim, stage->database_restart_ms, in_seconds(stage->database_restart_ms));
	sim_add_series(sim, &restarts_total, labels, 2, pod, seat->target);
	sim_add_change(sim, begin_ms, 0);
	if (stage->database_restart_ms != QUEST_NEVER)
		sim_add_change(sim, stage->database_restart_ms, 1);
}

/* A task's pod: there from begin to pruning, done with a phase at end. */
static void add_task(const struct seat *seat, const struct label *labels, struct str pod,
	int64_t begin_ms, int64_t end_ms, int64_t pruned_ms, bool succeeded)
{
	const struct sim_metric *phases[] = {&pod_running, &pod_succeeded, &pod_failed};
	struct quest_simulation *sim = seat->sim;

	for (size_t i = 0; i < 3; i++) {
		bool is_last = phases[i] == (succeeded ? &pod_succeeded : &pod_failed);

		sim_add_series(sim, phases[i], labels, 2, pod, seat->target);
		sim_add_change(sim, begin_ms, i == 0);
		sim_add_change(sim, end_ms, is_last);
		sim_add_change(sim, pruned_ms, sample_stale());
	}
	sim_add_series(sim, &pod_completion_time, labels, 2, pod, seat->target);
	sim_add_change(sim, end_ms, in_seconds(end_ms));
	sim_add_change(sim, pruned_ms, sample_stale());
}

static void add_run(const struct seat *seat, const struct pipeline_run *run,
	const struct label *labels, size_t exercise)
{
	const char *task = run->succeeded		  ? "resync"
			   : exercise == EXERCISE_VILLAIN ? "acs-image-check"
							  : "maven-build";
	struct str pod = str_format(&seat->sim->arena, "%.*s-%s-run-%s-%s-pod", STR_ARG(seat->user),
		exercise_names[exercise], run->name, task);
	int64_t begin_ms =
		run->end_ms - 25000 > run->begin_ms ? run->end_ms - 25000 : run->begin_ms;

	add_task(seat, labels, pod, begin_ms, run->end_ms, run->pruned_ms, run->succeeded);
}

/* --- what the services say --- */

static uint32_t add_service_target(
	const struct seat *seat, const struct service *service, struct dice *dice)
{
	int64_t instants_ms[1 + 4 * MAX_SPANS];
	size_t instant_count = 0, count = 0;

	instants_ms[instant_count++] = service->deployed_ms;
	for (size_t i = 0; i < service->ready.count; i++) {
		instants_ms[instant_count++] = service->ready.items[i].from_ms;
		instants_ms[instant_count++] = service->ready.items[i].to_ms;
	}
	for (size_t i = 0; i < seat->gaps->count; i++) {
		instants_ms[instant_count++] = seat->gaps->items[i].from_ms;
		instants_ms[instant_count++] = seat->gaps->items[i].to_ms;
	}
	qsort(instants_ms, instant_count, sizeof instants_ms[0], compare_instants);
	struct sim_status *statuses =
		ARENA_ARRAY(&seat->sim->arena, struct sim_status, instant_count);

	for (size_t i = 0; i < instant_count; i++) {
		int64_t t_ms = instants_ms[i];
		bool is_up =
			spans_contain(&service->ready, t_ms) && !spans_contain(seat->gaps, t_ms);

		if (t_ms < service->deployed_ms || t_ms == QUEST_NEVER ||
			(count && statuses[count - 1].is_up == is_up))
			continue;
		statuses[count++] = (struct sim_status){t_ms, is_up};
	}
	return sim_add_target(seat->sim,
		dice_between(dice, 0, INT32_MAX) % seat->sim->scenario->scrape_interval_ms,
		statuses, count);
}

/* One counter of an environment's fights: absent until its first, and again after a crash. */
static void add_fights(const struct seat *seat, size_t env, bool villains_won)
{
	const struct spans *ready = &seat->life->stages[EXERCISE_FIGHT].services[env].ready;
	struct quest_simulation *sim = seat->sim;

	for (size_t i = 0; i < ready->count; i++) {
		double value = 0;

		for (size_t j = 0; j < seat->life->call_count[env]; j++) {
			const struct call *call = &seat->life->calls[env][j];

			if (call->villains_won == villains_won &&
				call->t_ms >= ready->items[i].from_ms &&
				call->t_ms < ready->items[i].to_ms)
				sim_add_change(sim, call->t_ms, value += 1);
		}
		if (value > 0 && ready->items[i].to_ms != QUEST_NEVER)
			sim_add_change(sim, ready->items[i].to_ms, sample_stale());
	}
}

static void add_fight_service(const struct seat *seat, size_t env, const struct label *labels,
	struct str pod, struct dice *dice)
{
	struct quest_simulation *sim = seat->sim;
	uint32_t target =
		add_service_target(seat, &seat->life->stages[EXERCISE_FIGHT].services[env], dice);
	struct label *own = make_labels(sim, 4,
		(struct label[]){
			labels[0], labels[1], {STR("job"), STR("fight")}, {STR("pod"), pod}});

	sim_add_up(sim, own, 4, target);
	for (size_t side = 0; side < 2; side++) {
		sim_add_series(sim, &fights[side], own, 4, (struct str){0}, target);
		add_fights(seat, env, side == 1);
	}
}

/* --- a seat --- */

static void add_stage(struct seat *seat, size_t exercise, struct label *const spaces[ENV_COUNT])
{
	const struct stage *stage = &seat->life->stages[exercise];
	struct quest_simulation *sim = seat->sim;

	for (size_t i = 0; i < stage->run_count; i++)
		add_run(seat, &stage->runs[i], spaces[ENV_DEV], exercise);
	for (size_t env = 0; env < ENV_COUNT; env++) {
		const struct service *service = &stage->services[env];
		char set[8], own[8];

		if (env != ENV_PROD && stage->database_ms != QUEST_NEVER)
			add_database(seat, stage, spaces[env], exercise_names[exercise]);
		if (service->deployed_ms == QUEST_NEVER)
			continue;
		life_name(set, &seat->dice);
		life_name(own, &seat->dice);
		struct str pod =
			str_format(&sim->arena, "%s-%s-%s", exercise_names[exercise], set, own);

		add_service(seat, service, spaces[env], str_from(exercise_names[exercise]), pod);
		if (exercise == EXERCISE_FIGHT)
			add_fight_service(seat, env, spaces[env], pod, &seat->dice);
	}
}

static void add_seat(struct seat *seat, enum quest_persona persona)
{
	const struct quest_scenario *scenario = seat->sim->scenario;
	struct label *spaces[ENV_COUNT], *devspaces = name_space(seat, "devspaces");

	life_live(seat->life, persona, scenario->workshop.restarts_per_hour,
		scenario->quest.start_ms, scenario->quest.start_ms + scenario->duration_ms,
		&seat->dice);
	for (size_t env = 0; env < ENV_COUNT; env++) {
		char suffix[24] = "workshop-";

		memcpy(suffix + 9, env_names[env], strlen(env_names[env]) + 1);
		spaces[env] = name_space(seat, suffix);
		add_constant(seat, &namespace_active, spaces[env], 1);
		add_constant(seat, &namespace_terminating, spaces[env], 0);
	}
	add_constant(seat, &namespace_active, devspaces, 1);
	add_workspace(seat, devspaces);
	for (size_t i = 0; i < EXERCISE_COUNT; i++)
		add_stage(seat, i, spaces);
}

static enum quest_persona draw_persona(const struct quest_workshop *workshop, struct dice *dice)
{
	int64_t sum = 0;

	for (size_t i = 0; i < QUEST_PERSONA_COUNT; i++)
		sum += workshop->personas[i];
	int64_t face = dice_between(dice, 0, sum - 1);

	for (size_t i = 0; i < QUEST_PERSONA_COUNT; i++) {
		if (face < workshop->personas[i])
			return (enum quest_persona)i;
		face -= workshop->personas[i];
	}
	return QUEST_ABSENT;
}

/* The environment that the scenario's ${ENV} names; prod where it names none. */
static size_t judged_env(const struct quest_scenario *scenario)
{
	for (size_t i = 0; i < scenario->variable_count; i++)
		for (size_t env = 0; env < ENV_COUNT; env++)
			if (str_equal(scenario->variables[i].name, STR("ENV")) &&
				str_equal(scenario->variables[i].value, str_from(env_names[env])))
				return env;
	return ENV_PROD;
}

static void note_truth(struct quest_simulation *sim, const struct life *life, size_t player)
{
	int64_t end_ms = sim->scenario->quest.start_ms + sim->scenario->duration_ms;

	for (size_t i = 0; i < EXERCISE_COUNT; i++) {
		int64_t t_ms = life_truth(life, i, judged_env(sim->scenario));

		sim->truth_ms[player * EXERCISE_COUNT + i] = t_ms > end_ms ? QUEST_NEVER : t_ms;
	}
}

static void build_cluster(
	struct quest_simulation *sim, size_t index, size_t seats, struct life *life)
{
	const struct quest_workshop *workshop = &sim->scenario->workshop;
	struct dice dice = dice_make((uint64_t)workshop->seed, index << 32);
	struct spans gaps = {0};
	struct seat seat = {
		.sim = sim, .cluster = cluster_name(sim, index), .gaps = &gaps, .life = life};

	make_gaps(sim->scenario, &dice, &gaps);
	seat.target = add_cluster(sim, seat.cluster, &gaps, &dice);
	for (size_t i = 0; i < seats; i++) {
		size_t player = sim->player_count++;

		seat.dice = dice_make((uint64_t)workshop->seed, index << 32 | (i + 1));
		seat.user = str_format(&sim->arena, "user%zu", i + 1);
		sim->players[player] = (struct quest_player){seat.cluster, seat.user};
		add_seat(&seat, draw_persona(workshop, &seat.dice));
		note_truth(sim, life, player);
	}
}

bool sim_build_workshop(struct quest_simulation *sim, struct error *err)
{
	const struct quest_workshop *workshop = &sim->scenario->workshop;
	size_t players = (size_t)workshop->players, clusters = (size_t)workshop->clusters;
	struct life *life;

	if (clusters > players)
		return error_set(err, ERROR_INVALID,
			"%zu players cannot fill %zu clusters; ask for at least one player each",
			players, clusters);
	life = memory_alloc(sizeof *life);
	sim->first_scrape = -1;
	sim->players = ARENA_ARRAY(&sim->arena, struct quest_player, players);
	sim->truth_ms = ARENA_ARRAY(&sim->arena, int64_t, players * EXERCISE_COUNT);
	for (size_t i = 0; i < clusters; i++)
		build_cluster(sim, i, players / clusters + (i < players % clusters), life);
	free(life);
	return true;
}
