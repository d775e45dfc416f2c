/*
 * cli_progress.h
 *		Progress of one instance on stderr: a live bar on a terminal, plain lines elsewhere.
 *
 * The rendering and the rate are pure: numbers in, a line or a number out.
 * Progress holds what is on the screen; one line at the bottom belongs to it
 * until cli_progress_end() or cli_progress_clear().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_PROGRESS_H
#define PGDF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define CLI_RATE_SAMPLES	16

/* What there is to show. */
typedef struct ProgressView
{
	const char *status;			/* of the instance */
	int64_t		done;			/* tasks */
	int64_t		total;			/* 0: nothing scheduled yet */
	double		rate;			/* tasks per second; negative: not known yet */
	int64_t		elapsed_ms;
} ProgressView;

/* Tasks per second over the last few seconds; a zeroed one is empty. */
typedef struct ProgressRate
{
	int64_t		at_ms[CLI_RATE_SAMPLES];
	int64_t		done[CLI_RATE_SAMPLES];
	int			count;			/* samples kept, oldest first */
} ProgressRate;

typedef struct Progress
{
	bool		is_quiet;		/* show nothing */
	bool		is_live;		/* a bar, redrawn in place */
	bool		has_color;
	bool		is_drawn;		/* the bar is on the screen */
	int64_t		started_ms;
	int64_t		shown_ms;		/* when something was shown last; 0: never */
	int64_t		shown_done;		/* and what: plain lines are not repeated */
	int64_t		done;
	int64_t		total;
	char		status[32];
	ProgressRate rate;
} Progress;

/* One line without its end, no wider than width columns. */
extern void cli_progress_render(Buf *line, const ProgressView *view, int width, bool has_color);
extern void cli_progress_render_plain(Buf *line, const ProgressView *view);

/* "0:03", "12:34", "1:02:03" */
extern void cli_progress_render_elapsed(Buf *line, int64_t elapsed_ms);

extern void cli_rate_add(ProgressRate *rate, int64_t now_ms, int64_t done);

/* Negative: not known yet. */
extern double cli_rate_get(const ProgressRate *rate);

/* Looks at stderr, TERM and NO_COLOR. */
extern void cli_progress_init(Progress *progress, bool is_quiet, int64_t now_ms);

/* New numbers. */
extern void cli_progress_update(Progress *progress, const char *status, int64_t done, int64_t total, int64_t now_ms);

/* Time has passed: redraw if the last drawing is old enough. */
extern void cli_progress_tick(Progress *progress, int64_t now_ms);

/* Take the bar off the screen, to write something else; the next tick draws it again. */
extern void cli_progress_clear(Progress *progress);

/* Show the last numbers and leave them there. */
extern void cli_progress_end(Progress *progress, int64_t now_ms);

#endif							/* PGDF_CLI_PROGRESS_H */
