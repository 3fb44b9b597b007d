#include "train/service/health.h"

#include <assert.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static struct health_condition *find(const struct health *health, const char *name)
{
	for (size_t i = 0; i < health->count; i++)
		if (strcmp(health->conditions[i].name, name) == 0)
			return (struct health_condition *)&health->conditions[i];
	return NULL;
}

void health_set(struct health *health, const char *name, bool holds, const char *why)
{
	struct health_condition *condition = find(health, name);

	if (!condition) {
		assert(health->count < HEALTH_MAX_CONDITIONS);
		condition = &health->conditions[health->count++];
		snprintf(condition->name, sizeof condition->name, "%s", name);
	}
	condition->holds = holds;
	// `why` may be the text that is kept here.
	if (why != condition->why)
		snprintf(condition->why, sizeof condition->why, "%s", why ? why : "");
}

bool health_was_said(const struct health *health, const char *name, const char *why)
{
	const struct health_condition *condition = find(health, name);

	return condition && !condition->holds && strcmp(condition->why, why ? why : "") == 0;
}

bool health_print(const struct health *health, struct buffer *out)
{
	bool all = true;

	for (size_t i = 0; i < health->count; i++) {
		const struct health_condition *condition = &health->conditions[i];

		all &= condition->holds;
		buffer_printf(out, "%s %s%s%s\n",
			condition->holds ? "ok" : "not ready:", condition->name,
			*condition->why ? ": " : "", condition->why);
	}
	if (health->count == 0)
		buffer_append_text(out, "ok\n");
	return all;
}

void process_metrics_create(
	struct process_metrics *process, struct metrics *metrics, int64_t now_ms)
{
	process->resident = metrics_gauge(
		metrics, "process_resident_memory_bytes", "", "Resident memory size in bytes.");
	process->cpu = metrics_counter(metrics, "process_cpu_seconds_total", "",
		"Total user and system CPU time spent in seconds.");
	process->start = metrics_gauge(metrics, "process_start_time_seconds", "",
		"Start time of the process since unix epoch in seconds.");
	metric_set(process->start, (double)now_ms / 1000);
}

void process_metrics_collect(struct process_metrics *process)
{
	struct rusage usage;
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0, resident = 0;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		metric_set(process->cpu,
			(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	if (!file)
		return;
	if (fscanf(file, "%lu %lu", &pages, &resident) == 2)
		metric_set(process->resident, (double)resident * (double)sysconf(_SC_PAGESIZE));
	fclose(file);
}
