/*
 * cli_progress.c
 *		Progress of one instance on stderr: a live bar on a terminal, plain lines elsewhere.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_format.h"

#define REDRAW_MS		100		/* the bar is drawn at most so often */
#define PLAIN_MS		3000	/* and a plain line */
#define SAMPLE_MS		250		/* the rate looks back CLI_RATE_SAMPLES times so far */
#define FULL_BAR		40
#define SMALLEST_BAR	5

#define COLOR_DONE		"\033[32m"
#define COLOR_OPEN		"\033[2m"
#define COLOR_OFF		"\033[0m"
#define ERASE_LINE		"\r\033[K"

static void view_fill(const Progress *progress, ProgressView *view, int64_t now_ms);
static void counts_render(Buf *line, const ProgressView *view);
static void rate_render(Buf *line, const ProgressView *view);
static void bar_render(Buf *line, const ProgressView *view, int cells, bool has_color);
static void bar_draw(Progress *progress, int64_t now_ms);
static void plain_write(Progress *progress, int64_t now_ms);
static bool environment_has(const char *name);

/*
 * "Running  [######------]  50%  10/20 tasks  4.2/s  0:03".  What does not fit
 * is left out: first the bar, then the status, in the end everything but counts.
 */
void
cli_progress_render(Buf *line, const ProgressView *view, int width, bool has_color)
{
	Buf			tail = {0};
	int			left;

	counts_render(&tail, view);
	rate_render(&tail, view);
	buf_append_text(&tail, "  ");
	cli_progress_render_elapsed(&tail, view->elapsed_ms);

	left = width - (int) tail.used - (int) strlen(view->status) - 2;
	if (left >= 0)
		buf_append_format(line, "%s  ", view->status);
	left -= 3;					/* the bar's brackets and gap */
	if (view->total > 0 && left >= SMALLEST_BAR)
		bar_render(line, view, left < FULL_BAR ? left : FULL_BAR, has_color);
	if ((int) tail.used <= width)
		buf_append(line, tail.data, tail.used);
	else
	{
		buf_reset(&tail);
		counts_render(&tail, view);
		buf_append(line, tail.data, (int) tail.used < width ? tail.used : (size_t) width);
	}
	buf_free(&tail);
}

void
cli_progress_render_plain(Buf *line, const ProgressView *view)
{
	buf_append_format(line, "%s  ", view->status);
	counts_render(line, view);
	rate_render(line, view);
	buf_append_text(line, "  ");
	cli_progress_render_elapsed(line, view->elapsed_ms);
}

void
cli_progress_render_elapsed(Buf *line, int64_t elapsed_ms)
{
	int64_t		seconds = elapsed_ms / 1000;

	if (seconds >= 3600)
		buf_append_format(line, "%" PRId64 ":%02d:%02d", seconds / 3600,
						  (int) (seconds / 60 % 60), (int) (seconds % 60));
	else
		buf_append_format(line, "%d:%02d", (int) (seconds / 60), (int) (seconds % 60));
}

void
cli_rate_add(ProgressRate *rate, int64_t now_ms, int64_t done)
{
	/* fewer tasks than before: another execution has begun */
	if (rate->count > 0 && done < rate->done[rate->count - 1])
		rate->count = 0;

	/* close to the one before the last: move the last */
	if (rate->count > 1 && now_ms - rate->at_ms[rate->count - 2] < SAMPLE_MS)
		rate->count--;
	if (rate->count == CLI_RATE_SAMPLES)
	{
		memmove(rate->at_ms, rate->at_ms + 1, sizeof(rate->at_ms) - sizeof(rate->at_ms[0]));
		memmove(rate->done, rate->done + 1, sizeof(rate->done) - sizeof(rate->done[0]));
		rate->count--;
	}
	rate->at_ms[rate->count] = now_ms;
	rate->done[rate->count++] = done;
}

double
cli_rate_get(const ProgressRate *rate)
{
	int			last = rate->count - 1;

	if (last < 1 || rate->at_ms[last] - rate->at_ms[0] < SAMPLE_MS)
		return -1;
	return (double) (rate->done[last] - rate->done[0]) * 1000 / (double) (rate->at_ms[last] - rate->at_ms[0]);
}

void
cli_progress_init(Progress *progress, bool is_quiet, int64_t now_ms)
{
	const char *term = getenv("TERM");

	*progress = (Progress) {.is_quiet = is_quiet, .started_ms = now_ms};
	progress->is_live = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
	progress->has_color = progress->is_live && !environment_has("NO_COLOR");

	/* something quick needs no plain line at all */
	if (!progress->is_live)
		progress->shown_ms = now_ms;
	progress->shown_done = -1;
}

void
cli_progress_update(Progress *progress, const char *status, int64_t done, int64_t total, int64_t now_ms)
{
	snprintf(progress->status, sizeof(progress->status), "%s", status);
	progress->done = done;
	progress->total = total;
	cli_rate_add(&progress->rate, now_ms, done);
	cli_progress_tick(progress, now_ms);
}

void
cli_progress_tick(Progress *progress, int64_t now_ms)
{
	if (progress->is_quiet || progress->status[0] == '\0')
		return;
	if (progress->is_live)
	{
		if (progress->shown_ms == 0 || now_ms - progress->shown_ms >= REDRAW_MS)
			bar_draw(progress, now_ms);
	}
	else if (now_ms - progress->shown_ms >= PLAIN_MS && progress->done != progress->shown_done)
		plain_write(progress, now_ms);
}

void
cli_progress_clear(Progress *progress)
{
	if (progress->is_drawn)
		fputs(ERASE_LINE, stderr);
	progress->is_drawn = false;
	if (progress->is_live)
		progress->shown_ms = 0;
}

void
cli_progress_end(Progress *progress, int64_t now_ms)
{
	if (progress->is_quiet || progress->status[0] == '\0')
		return;
	if (progress->is_live)
	{
		bar_draw(progress, now_ms);
		fputc('\n', stderr);
		progress->is_drawn = false;
	}
	else if (progress->shown_done >= 0 && progress->done != progress->shown_done)
		plain_write(progress, now_ms);
}

static void
view_fill(const Progress *progress, ProgressView *view, int64_t now_ms)
{
	*view = (ProgressView) {
		.status = progress->status,
		.done = progress->done,
		.total = progress->total,
		.rate = cli_rate_get(&progress->rate),
		.elapsed_ms = now_ms - progress->started_ms
	};
}

static void
counts_render(Buf *line, const ProgressView *view)
{
	if (view->total > 0)
		buf_append_format(line, "%3d%%  %" PRId64 "/%" PRId64 " tasks",
						  (int) (view->done * 100 / view->total), view->done, view->total);
	else
		buf_append_text(line, "no tasks yet");
}

static void
rate_render(Buf *line, const ProgressView *view)
{
	if (view->total > 0 && view->rate >= 0)
		buf_append_format(line, view->rate < 10 ? "  %.1f/s" : "  %.0f/s", view->rate);
}

static void
bar_render(Buf *line, const ProgressView *view, int cells, bool has_color)
{
	int			filled = (int) (view->done * cells / view->total);

	buf_append_text(line, has_color ? "[" COLOR_DONE : "[");
	for (int i = 0; i < cells; i++)
	{
		if (i == filled && has_color)
			buf_append_text(line, COLOR_OFF COLOR_OPEN);
		buf_append(line, i < filled ? "#" : "-", 1);
	}
	buf_append_text(line, has_color ? COLOR_OFF "] " : "] ");
}

/* The last column stays free: terminals differ in what they do behind it. */
static void
bar_draw(Progress *progress, int64_t now_ms)
{
	ProgressView view;
	Buf			line = {0};

	view_fill(progress, &view, now_ms);
	buf_append_text(&line, ERASE_LINE);
	cli_progress_render(&line, &view, cli_terminal_width(stderr) - 1, progress->has_color);

	/* one write, so that the line does not flicker */
	fwrite(line.data, 1, line.used, stderr);
	buf_free(&line);
	progress->is_drawn = true;
	progress->shown_ms = now_ms;
}

static void
plain_write(Progress *progress, int64_t now_ms)
{
	ProgressView view;
	Buf			line = {0};

	view_fill(progress, &view, now_ms);
	cli_progress_render_plain(&line, &view);
	fprintf(stderr, "pgdf: %s\n", line.data);
	buf_free(&line);
	progress->shown_ms = now_ms;
	progress->shown_done = progress->done;
}

static bool
environment_has(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0';
}
