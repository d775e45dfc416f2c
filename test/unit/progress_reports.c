/*
 * progress_reports.c
 *		Lines of progress: however they are cut, the newest one that is JSON counts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "activity.h"
#include "progress_lines.h"
#include "tap.h"
#include "xalloc.h"

static void is_newest(const char *stream, size_t length, const char *expected, const char *name);
static void long_lines(void);

int
main(void)
{
	static const struct
	{
		const char *stream;
		const char *newest;		/* NULL: none */
	}			cases[] = {
		{"", NULL}, {"\n", NULL}, {"\n\n\n", NULL}, {"1", NULL}, {"1\n", "1"}, {"1\n2\n", "2"}, {"1\n2", "1"},
		{"{\"a\": 1}\n\n", "{\"a\": 1}"}, {"1\nno\n", "1"}, {"no\n2\nno", "2"}, {"1\r\n", "1\r"}, {" 1 \n", " 1 "},
		{"\"\xff\"\n", NULL}, {"[1,\n2]\n", NULL}, {"1 2\n", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_newest(cases[i].stream, strlen(cases[i].stream), cases[i].newest, cases[i].stream);
	is_newest("1\0\n2\n3\0", 7, "2", "a NUL");
	long_lines();
	return done_testing();
}

/* All cuts into two parts, and byte by byte. */
static void
is_newest(const char *stream, size_t length, const char *expected, const char *name)
{
	bool		is_right = true;

	for (size_t cut = 0; cut <= length + 1; cut++)
	{
		ProgressLines lines = {0};
		bool		has_newest = false;

		if (cut <= length)
		{
			has_newest |= progress_lines_feed(&lines, stream, cut);
			has_newest |= progress_lines_feed(&lines, stream + cut, length - cut);
		}
		else
		{
			for (size_t i = 0; i < length; i++)
				has_newest |= progress_lines_feed(&lines, stream + i, 1);
		}
		is_right &= has_newest == (expected != NULL);
		if (expected != NULL && has_newest)
			is_right &= lines.newest.used == strlen(expected) && memcmp(lines.newest.data, expected, lines.newest.used) == 0;
		progress_lines_free(&lines);
	}
	ok(is_right, "newest of %d bytes: %s", (int) length, name == stream ? (expected != NULL ? expected : "none") : name);
}

static void
long_lines(void)
{
	size_t		length = PROGRESS_BYTES_MAX + 10;
	char	   *line = xmalloc(length);
	ProgressLines lines = {0};

	memset(line, '1', length);
	line[PROGRESS_BYTES_MAX] = '\n';
	ok(progress_lines_feed(&lines, line, PROGRESS_BYTES_MAX + 1), "the longest line that is allowed");
	is_int((int64_t) lines.newest.used, PROGRESS_BYTES_MAX, "is there");
	line[PROGRESS_BYTES_MAX] = '1';
	line[PROGRESS_BYTES_MAX + 1] = '\n';
	ok(!progress_lines_feed(&lines, line, PROGRESS_BYTES_MAX + 2), "a longer one is passed over");
	for (int i = 0; i < 1000; i++)
		(void) progress_lines_feed(&lines, line, PROGRESS_BYTES_MAX);
	ok(lines.partial.size < 4 * PROGRESS_BYTES_MAX, "a line without end takes no memory");
	ok(!progress_lines_feed(&lines, "\n", 1), "and says nothing when it ends");
	ok(progress_lines_feed(&lines, "2\n", 2), "the next one counts");
	is_int((int64_t) lines.newest.used, 1, "as it is");
	progress_lines_free(&lines);
	free(line);
}
