#include "train/kafka/assignment.h"

#include "base/memory.h"

/*
 * Where a partition is begun. Its group's committed offset is where a member left off, perhaps
 * another one, a moment ago: from there nothing is lost. But after a night without members what
 * lies there is of no use to whoever looks at trains live, so it is begun no further back than
 * look_back_ms, by the records' own timestamps, and what lies between is counted as skipped.
 */

enum { ASK_MS = 2000 };

void assignment_finish(struct assignment *assignment)
{
	free(assignment->shares);
	*assignment = (struct assignment){0};
}

struct share *assignment_find(struct assignment *assignment, size_t topic, int32_t number)
{
	for (size_t i = 0; i < assignment->count; i++)
		if (assignment->shares[i].topic == topic && assignment->shares[i].number == number)
			return &assignment->shares[i];
	return NULL;
}

void assignment_add(struct assignment *assignment, const struct share *share)
{
	assignment_remove(assignment, share->topic, share->number);
	assignment->shares = memory_grow(assignment->shares, &assignment->capacity,
		assignment->count + 1, sizeof *assignment->shares);
	assignment->shares[assignment->count++] = *share;
}

void assignment_remove(struct assignment *assignment, size_t topic, int32_t number)
{
	struct share *share = assignment_find(assignment, topic, number);

	if (share)
		*share = assignment->shares[--assignment->count];
}

size_t assignment_topic(const struct kafka_topic *topics, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(topics[i].name, name) == 0)
			return i;
	return KAFKA_MAX_TOPICS;
}

/* Offsets of the first records that are no older than `back`; END where there are none. */
static rd_kafka_topic_partition_list_t *ask_times(rd_kafka_t *client,
	const rd_kafka_topic_partition_list_t *partitions, const struct kafka_topic *topics,
	size_t topic_count, const rd_kafka_topic_partition_list_t *committed, int64_t wall_ms)
{
	rd_kafka_topic_partition_list_t *times = rd_kafka_topic_partition_list_copy(partitions);

	for (int i = 0; i < times->cnt; i++) {
		size_t topic = assignment_topic(topics, topic_count, times->elems[i].topic);
		bool is_known = committed->elems[i].offset >= 0;

		times->elems[i].offset =
			topic == KAFKA_MAX_TOPICS
				? wall_ms
				: wall_ms - (is_known ? topics[topic].look_back_ms
						      : topics[topic].first_look_back_ms);
	}
	if (rd_kafka_offsets_for_times(client, times, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		return times;
	rd_kafka_topic_partition_list_destroy(times);
	return NULL;
}

void assignment_place(
	struct share *share, int64_t committed, int64_t timed, int64_t low, int64_t high)
{
	int64_t start = timed < 0 ? high : timed;

	// A topic that was made anew begins at 0 again, before where the group left off.
	if (committed > start && committed <= high)
		start = committed;
	start = start < low ? low : start;
	share->skipped = committed >= low && committed < start ? start - committed : 0;
	share->next = start;
	share->committed = committed; // a beginning that is not where it left off is committed, too
	share->known_end = high;
}

static struct share begin_untold(rd_kafka_topic_partition_t *partition)
{
	partition->offset = RD_KAFKA_OFFSET_STORED;
	return (struct share){.next = -1, .committed = -1};
}

static struct share begin_unasked(rd_kafka_topic_partition_t *partition, int64_t committed)
{
	partition->offset = committed >= 0 ? committed : RD_KAFKA_OFFSET_END;
	return (struct share){.next = committed, .committed = committed};
}

static bool begin_one(rd_kafka_t *client, rd_kafka_topic_partition_t *partition, int64_t committed,
	const rd_kafka_topic_partition_t *timed, struct share *out)
{
	int64_t low = 0, high = 0;

	if (rd_kafka_query_watermark_offsets(
		    client, partition->topic, partition->partition, &low, &high, ASK_MS) != 0)
		return false;
	assignment_place(out, committed, timed->err ? -1 : timed->offset, low, high);
	partition->offset = out->next;
	return true;
}

void assignment_begin(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions,
	const struct kafka_topic *topics, size_t topic_count, int64_t wall_ms, struct share *out)
{
	rd_kafka_topic_partition_list_t *committed = rd_kafka_topic_partition_list_copy(partitions);
	bool is_told = rd_kafka_committed(client, committed, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_partition_list_t *times =
		is_told ? ask_times(client, partitions, topics, topic_count, committed, wall_ms)
			: NULL;
	// A cluster that has fallen silent is not asked for each partition anew.
	bool is_answering = times != NULL;

	for (int i = 0; i < partitions->cnt; i++) {
		rd_kafka_topic_partition_t *partition = &partitions->elems[i];
		int64_t offset = committed->elems[i].offset;

		out[i] = (struct share){0};
		is_answering = is_answering &&
			       begin_one(client, partition, offset, &times->elems[i], &out[i]);
		if (!is_told)
			out[i] = begin_untold(partition);
		else if (!is_answering)
			out[i] = begin_unasked(partition, offset);
		out[i].number = partition->partition;
		out[i].topic = assignment_topic(topics, topic_count, partition->topic);
	}
	if (times)
		rd_kafka_topic_partition_list_destroy(times);
	rd_kafka_topic_partition_list_destroy(committed);
}

rd_kafka_topic_partition_list_t *assignment_uncommitted(
	const struct assignment *assignment, const struct kafka_topic *topics)
{
	rd_kafka_topic_partition_list_t *list = NULL;

	for (size_t i = 0; i < assignment->count; i++) {
		const struct share *share = &assignment->shares[i];

		if (share->next <= share->committed || share->next < 0)
			continue;
		if (!list)
			list = rd_kafka_topic_partition_list_new((int)assignment->count);
		rd_kafka_topic_partition_list_add(list, topics[share->topic].name, share->number)
			->offset = share->next;
	}
	return list;
}
