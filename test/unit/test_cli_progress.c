/*
 * test_cli_progress.c
 *		The progress line and the rate: numbers in, text or a number out.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli_progress.h"
#include "tap.h"

static void check_line(const ProgressView *view, int width, const char *expected);
static void check_widths(void);
static void check_elapsed(int64_t elapsed_ms, const char *expected);
static void check_plain(void);
static void check_color(void);
static void check_rate(void);

static const ProgressView half = {.status = "Running", .done = 10, .total = 20, .rate = 4.25, .elapsed_ms = 3999};

int
main(void)
{
	ProgressView view = half;

	check_line(&half, 90, "Running  [####################--------------------]  50%  10/20 tasks  4.2/s  0:03");
	check_line(&half, 60, "Running  [#########---------]  50%  10/20 tasks  4.2/s  0:03");
	check_line(&half, 47, "Running  [##---]  50%  10/20 tasks  4.2/s  0:03");
	check_line(&half, 46, "Running   50%  10/20 tasks  4.2/s  0:03");
	check_line(&half, 38, " 50%  10/20 tasks  4.2/s  0:03");
	check_line(&half, 29, " 50%  10/20 tasks");
	check_line(&half, 10, " 50%  10/2");
	check_widths();

	view.rate = -1;
	check_line(&view, 46, "Running  [#####------]  50%  10/20 tasks  0:03");
	view = (ProgressView) {.status = "Pending", .rate = 0, .elapsed_ms = 61000};
	check_line(&view, 79, "Pending  no tasks yet  1:01");
	view = (ProgressView) {.status = "Completed", .done = 2001, .total = 2001, .rate = 412.4, .elapsed_ms = 5000};
	check_line(&view, 60, "Completed  [############] 100%  2001/2001 tasks  412/s  0:05");

	check_elapsed(0, "0:00");
	check_elapsed(59999, "0:59");
	check_elapsed(754000, "12:34");
	check_elapsed(3723000, "1:02:03");
	check_elapsed(INT64_C(360000000), "100:00:00");
	check_plain();
	check_color();
	check_rate();
	return done_testing();
}

static void
check_line(const ProgressView *view, int width, const char *expected)
{
	Buf			line = {0};

	cli_progress_render(&line, view, width, false);
	is_str(line.data, expected, "%s", expected);
	buf_free(&line);
}

static void
check_widths(void)
{
	ProgressView view = {.status = "Running", .done = 1, .total = 1000000, .rate = 123456, .elapsed_ms = 3600000};
	bool		fits = true;

	for (int width = 1; width < 200; width++)
	{
		for (view.done = 1; view.done <= view.total; view.done *= 10)
		{
			Buf			line = {0};

			cli_progress_render(&line, &view, width, false);
			fits = fits && (int) line.used <= width;
			buf_free(&line);
		}
	}
	ok(fits, "no line is wider than the terminal");
}

static void
check_elapsed(int64_t elapsed_ms, const char *expected)
{
	Buf			text = {0};

	cli_progress_render_elapsed(&text, elapsed_ms);
	is_str(text.data, expected, "%s", expected);
	buf_free(&text);
}

static void
check_plain(void)
{
	Buf			line = {0};

	cli_progress_render_plain(&line, &half);
	is_str(line.data, "Running   50%  10/20 tasks  4.2/s  0:03", "a plain line");
	buf_free(&line);
}

/* Colors add to the bytes of a line, not to its width. */
static void
check_color(void)
{
	Buf			line = {0};

	cli_progress_render(&line, &half, 47, true);
	is_str(line.data, "Running  [\033[32m##\033[0m\033[2m---\033[0m]  50%  10/20 tasks  4.2/s  0:03", "a line with colors");
	buf_free(&line);
}

static void
check_rate(void)
{
	ProgressRate rate = {0};

	ok(cli_rate_get(&rate) < 0, "no rate without samples");
	cli_rate_add(&rate, 1000, 0);
	cli_rate_add(&rate, 1020, 5);
	ok(cli_rate_get(&rate) < 0, "no rate from a moment");
	cli_rate_add(&rate, 2000, 10);
	ok(fabs(cli_rate_get(&rate) - 10) < 0.01, "ten in a second");

	/* nothing for a minute: what was before is forgotten */
	for (int64_t at_ms = 3000; at_ms <= 63000; at_ms += 500)
		cli_rate_add(&rate, at_ms, 10);
	ok(fabs(cli_rate_get(&rate)) < 0.01, "the rate looks back a few seconds only");

	/* polls every 20 ms do not shorten what it looks back at */
	for (int64_t at_ms = 63020; at_ms <= 67000; at_ms += 20)
		cli_rate_add(&rate, at_ms, 10 + (at_ms - 63000) / 10);
	ok(fabs(cli_rate_get(&rate) - 100) < 5, "a hundred per second");

	cli_rate_add(&rate, 68000, 0);
	ok(cli_rate_get(&rate) < 0, "a new execution starts afresh");
}
