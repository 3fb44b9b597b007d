/*
 * A picture is written before the line that names it, both at offsets that are kept here. What a
 * full disk took in part is cut off again, or written over by the next one.
 */
#include "train/supervisor/recording.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const recording_topics[] = {"frame", "result", "decision", "telemetry"};

static const char index_name[] = "index.ndjson", pictures_name[] = "pictures.bin";

/* --- writing --- */

static int create_file(const char *folder, const char *name, struct error *err)
{
	struct arena arena = {0};
	const char *path = str_format(&arena, "%s/%s", folder, name).data;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		error_set(err, ERROR_INVALID,
			"%s holds a recording already; give a folder that is new or empty", folder);
	else if (fd < 0)
		error_errno(err, "create %s", path);
	arena_finish(&arena);
	return fd;
}

static bool write_at(int fd, struct str data, int64_t *size)
{
	int64_t at = *size;

	while (data.len) {
		ssize_t put = pwrite(fd, data.data, data.len, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			int reason = put < 0 ? errno : ENOSPC;

			// Half a line would hide the next one. Where even this fails, the next
			// is written over it.
			if (ftruncate(fd, *size) != 0)
				reason = errno;
			errno = reason;
			return false;
		}
		data.data += put;
		data.len -= (size_t)put;
		at += put;
	}
	*size = at;
	return true;
}

bool recording_create(struct recording *recording, const char *folder, const char *train,
	int64_t now_wall_ms, struct error *err)
{
	*recording = (struct recording){.index_fd = -1, .pictures_fd = -1};
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		return error_errno(err, "make the folder %s", folder);
	recording->index_fd = create_file(folder, index_name, err);
	if (recording->index_fd < 0)
		return false;
	recording->pictures_fd = create_file(folder, pictures_name, err);
	if (recording->pictures_fd < 0)
		return false;
	buffer_append_text(&recording->line, "{\"version\":1,\"kind\":\"recording\",\"train\":");
	json_string(&recording->line, str_from(train));
	buffer_printf(&recording->line, ",\"started_wall_ms\":%" PRId64 ",\"release\":\"%s\"}\n",
		now_wall_ms, RAILQUEST_VERSION);
	recording->has_news = true;
	return write_at(
		       recording->index_fd, buffer_str(&recording->line), &recording->index_size) ||
	       error_errno(err, "write %s/%s", folder, index_name);
}

void recording_close(struct recording *recording)
{
	if (recording->line.data || recording->index_size) {
		struct error err = {0};

		recording_sync(recording, &err);
	}
	if (recording->index_fd > 0)
		close(recording->index_fd);
	if (recording->pictures_fd > 0)
		close(recording->pictures_fd);
	buffer_finish(&recording->line);
	*recording = (struct recording){.index_fd = -1, .pictures_fd = -1};
}

static bool is_message(
	enum recording_topic topic, struct str payload, struct arena *arena, struct error *err)
{
	struct wire_frame frame;
	struct wire_result result;
	struct wire_decision decision;
	struct wire_telemetry telemetry;

	switch (topic) {
	case RECORDING_FRAME:
		return wire_read_frame(payload, arena, &frame, err);
	case RECORDING_RESULT:
		return wire_read_result(payload, arena, &result, err);
	case RECORDING_DECISION:
		return wire_read_decision(payload, arena, &decision, err);
	case RECORDING_TELEMETRY:
		return wire_read_telemetry(payload, arena, &telemetry, err);
	case RECORDING_TOPIC_COUNT:
		break;
	}
	return error_set(err, ERROR_INVALID, "no topic of a recording");
}

/* The message's own line, and what is behind its newline. */
static void split(struct str payload, struct str *line, struct str *picture)
{
	const char *end = memchr(payload.data, '\n', payload.len);

	*line = (struct str){payload.data, end ? (size_t)(end - payload.data) : payload.len};
	*picture = (struct str){line->data + line->len, payload.len - line->len};
	if (end) {
		picture->data++;
		picture->len--;
	}
	*line = str_trim(*line);
}

static bool write_message(struct recording *recording, enum recording_topic topic,
	struct str message, struct str picture, int64_t received_us)
{
	struct buffer *line = &recording->line;
	int64_t offset = recording->pictures_size;

	buffer_clear(line);
	buffer_printf(line, "{\"topic\":\"%s\",\"received_us\":%" PRId64, recording_topics[topic],
		received_us);
	if (picture.len)
		buffer_printf(line, ",\"picture\":[%" PRId64 ",%zu]", offset, picture.len);
	buffer_append_text(line, ",\"message\":");
	buffer_append_str(line, message);
	buffer_append_text(line, "}\n");
	if (!write_at(recording->pictures_fd, picture, &recording->pictures_size))
		return false;
	if (write_at(recording->index_fd, buffer_str(line), &recording->index_size))
		return true;
	recording->pictures_size = offset;
	return false;
}

enum recording_outcome recording_add(struct recording *recording, enum recording_topic topic,
	struct str payload, int64_t received_us, struct error *err)
{
	struct str message, picture;
	struct arena arena = {0};
	bool is_right = is_message(topic, payload, &arena, err);

	arena_finish(&arena);
	if (!is_right)
		return RECORDING_REFUSED;
	split(payload, &message, &picture);
	recording->is_failing = !write_message(recording, topic, message, picture, received_us);
	if (recording->is_failing) {
		error_errno(err, "write the recording");
		return RECORDING_LOST;
	}
	recording->has_news = true;
	return RECORDING_WRITTEN;
}

bool recording_sync(struct recording *recording, struct error *err)
{
	if (!recording->has_news)
		return true;
	recording->has_news = false;
	return (fdatasync(recording->pictures_fd) == 0 && fdatasync(recording->index_fd) == 0) ||
	       error_errno(err, "bring the recording to the disk");
}

/* --- reading --- */

enum { MAX_LINE_BYTES = WIRE_MAX_METADATA_BYTES + 256 };

static bool damaged(const struct recording_reader *reader, const char *what, struct error *err)
{
	return error_set(err, ERROR_INVALID, "%s/%s:%zu: %s", reader->folder, index_name,
		reader->number, what);
}

/* A whole line without its end; false at the end of the file. */
static bool read_line(struct recording_reader *reader, struct str *out)
{
	ssize_t len = getline(&reader->line, &reader->capacity, reader->index);

	if (len <= 0 || reader->line[len - 1] != '\n')
		return false;
	reader->number++;
	*out = (struct str){reader->line, (size_t)len - 1};
	return true;
}

bool recording_open(struct recording_reader *reader, const char *folder, struct error *err)
{
	struct str head = STR("{\"version\":1,\"kind\":\"recording\","), line;
	struct arena arena = {0};
	const char *index = str_format(&arena, "%s/%s", folder, index_name).data;
	const char *pictures = str_format(&arena, "%s/%s", folder, pictures_name).data;
	struct stat status = {0};
	bool ok = false;

	*reader = (struct recording_reader){.folder = folder, .pictures_fd = -1};
	reader->index = fopen(index, "re");
	reader->pictures_fd = open(pictures, O_RDONLY | O_CLOEXEC);
	if (!reader->index)
		error_errno(err, "open %s", index);
	else if (reader->pictures_fd < 0 || fstat(reader->pictures_fd, &status) != 0)
		error_errno(err, "open %s", pictures);
	else if (!read_line(reader, &line) || !str_starts_with(line, head))
		error_set(err, ERROR_INVALID, "%s is not the index of a recording", index);
	else
		ok = true;
	reader->pictures_size = status.st_size;
	arena_finish(&arena);
	return ok;
}

void recording_reader_close(struct recording_reader *reader)
{
	if (reader->index)
		fclose(reader->index);
	if (reader->folder && reader->pictures_fd >= 0)
		close(reader->pictures_fd);
	free(reader->line);
	*reader = (struct recording_reader){.pictures_fd = -1};
}

/* What stands before the message is ours and has this form alone. */
struct entry {
	enum recording_topic topic;
	int64_t offset, size;
	struct str message;
};

static bool read_entry(struct str line, struct entry *out)
{
	static const char mark[] = ",\"message\":";
	const char *message = memmem(line.data, line.len, mark, sizeof mark - 1);
	char topic[16];
	int64_t received_us;
	int used = 0;

	*out = (struct entry){.topic = RECORDING_TOPIC_COUNT};
	if (!message || line.data[line.len - 1] != '}')
		return false;
	if (sscanf(line.data, "{\"topic\":\"%15[a-z]\",\"received_us\":%" SCNd64 "%n", topic,
		    &received_us, &used) != 2)
		return false;
	for (int i = 0; i < RECORDING_TOPIC_COUNT; i++)
		if (strcmp(recording_topics[i], topic) == 0)
			out->topic = (enum recording_topic)i;
	if (line.data + used != message &&
		sscanf(line.data + used, ",\"picture\":[%" SCNd64 ",%" SCNd64 "]", &out->offset,
			&out->size) != 2)
		return false;
	message += sizeof mark - 1;
	out->message = (struct str){message, (size_t)(line.data + line.len - 1 - message)};
	return out->topic != RECORDING_TOPIC_COUNT;
}

static bool read_picture(
	struct recording_reader *reader, const struct entry *entry, char *out, struct error *err)
{
	int64_t done = 0;

	while (done < entry->size) {
		ssize_t got = pread(reader->pictures_fd, out + done, (size_t)(entry->size - done),
			entry->offset + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_errno(err, "read %s/%s", reader->folder, pictures_name);
		done += got;
	}
	return true;
}

bool recording_next(struct recording_reader *reader, struct arena *arena,
	enum recording_topic *topic, struct str *payload, struct error *err)
{
	struct entry entry;
	struct str line;

	if (!read_line(reader, &line))
		return false;
	if (line.len > MAX_LINE_BYTES || !read_entry(line, &entry))
		return damaged(reader, "this is no line of a recording", err);
	if (entry.offset < 0 || entry.size < 0 || entry.size > (int64_t)WIRE_MAX_MESSAGE_BYTES ||
		entry.offset > reader->pictures_size - entry.size)
		return damaged(reader, "its picture is not in pictures.bin", err);
	size_t size = entry.message.len + 1 + (size_t)entry.size;
	char *data = arena_alloc(arena, size);

	memcpy(data, entry.message.data, entry.message.len);
	data[entry.message.len] = '\n';
	*topic = entry.topic;
	*payload = (struct str){data, size};
	return read_picture(reader, &entry, data + entry.message.len + 1, err);
}
