#include "train/capture/counts.h"

void counts_create(struct counts *counts, struct metrics *metrics)
{
	static const char frames[] = "railquest_capture_frames_total";
	static const char frames_help[] =
		"Pictures by what became of them: published, dropped (no broker, or it is slow), "
		"damaged, unwanted (between two beats), overtaken (by a newer one, unseen).";
	static const char published[] = "railquest_capture_published_total";
	static const char published_help[] = "Published pictures, as they came or encoded anew.";

	counts->published = metrics_counter(metrics, frames, "outcome=\"published\"", frames_help);
	counts->dropped = metrics_counter(metrics, frames, "outcome=\"dropped\"", frames_help);
	counts->damaged = metrics_counter(metrics, frames, "outcome=\"damaged\"", frames_help);
	counts->unwanted = metrics_counter(metrics, frames, "outcome=\"unwanted\"", frames_help);
	counts->overtaken = metrics_counter(metrics, frames, "outcome=\"overtaken\"", frames_help);
	counts->untouched =
		metrics_counter(metrics, published, "picture=\"untouched\"", published_help);
	counts->encoded =
		metrics_counter(metrics, published, "picture=\"encoded\"", published_help);
	counts->bytes = metrics_counter(
		metrics, "railquest_capture_bytes_total", "", "Bytes of the pictures published.");
	counts->up = metrics_gauge(metrics, "railquest_capture_camera_up", "",
		"Whether the camera gave a picture lately.");
	counts->openings = metrics_counter(metrics, "railquest_capture_camera_openings_total", "",
		"Times that the camera began to give pictures: one, and its returns.");
	counts->losses = metrics_counter(metrics, "railquest_capture_camera_losses_total", "",
		"Times that the camera went away.");
	counts->encode_s = metrics_histogram(metrics, "railquest_capture_encode_seconds", "",
		"Decoding, resizing and encoding of a picture that is not passed on as it is.");
	counts->age_s = metrics_histogram(metrics, "railquest_capture_age_seconds", "",
		"Age of a picture when it is published.");
	counts->pace_s = metrics_histogram(metrics, "railquest_capture_pace_error_seconds", "",
		"How far from its beat a picture was.");
}

static struct camera_status total(const struct counts *counts, const struct camera *camera)
{
	struct camera_status status = counts->past;

	if (camera) {
		struct camera_status now = camera_status(camera);

		status.is_up = now.is_up;
		status.openings += now.openings;
		status.losses += now.losses;
		status.overtaken += now.overtaken;
	}
	return status;
}

void counts_collect(struct counts *counts, const struct camera *camera)
{
	struct camera_status status = total(counts, camera);

	metric_set(counts->up, status.is_up);
	metric_set(counts->openings, (double)status.openings);
	metric_set(counts->losses, (double)status.losses);
	metric_set(counts->overtaken, (double)status.overtaken);
}

void counts_keep(struct counts *counts, const struct camera *camera)
{
	counts->past = total(counts, camera);
	counts->past.is_up = false;
	counts->past.why = "";
}
