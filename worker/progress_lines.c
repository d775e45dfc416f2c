/*
 * progress_lines.c
 *		Lines of progress from a stream: the newest one that is JSON counts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "progress_lines.h"

#include <string.h>

#include "activity.h"
#include "json.h"

static void take_part(ProgressLines *lines, const char *bytes, size_t length);
static bool end_line(ProgressLines *lines);

bool
progress_lines_feed(ProgressLines *lines, const char *bytes, size_t length)
{
	bool		has_new = false;

	while (length > 0)
	{
		const char *end = memchr(bytes, '\n', length);
		size_t		part = end != NULL ? (size_t) (end - bytes) : length;

		take_part(lines, bytes, part);
		if (end == NULL)
			break;
		has_new |= end_line(lines);
		bytes += part + 1;
		length -= part + 1;
	}
	return has_new;
}

void
progress_lines_free(ProgressLines *lines)
{
	buf_free(&lines->partial);
	buf_free(&lines->newest);
	memset(lines, 0, sizeof(*lines));
}

static void
take_part(ProgressLines *lines, const char *bytes, size_t length)
{
	if (lines->is_too_long || lines->partial.used + length > PROGRESS_BYTES_MAX)
	{
		lines->is_too_long = true;
		buf_reset(&lines->partial);
		return;
	}
	buf_append(&lines->partial, bytes, length);
}

static bool
end_line(ProgressLines *lines)
{
	bool		is_report = !lines->is_too_long && lines->partial.used > 0 &&
		json_is_valid(lines->partial.data, lines->partial.used, NULL);

	if (is_report)
	{
		Buf			spare = lines->newest;

		lines->newest = lines->partial;
		lines->partial = spare;
	}
	buf_reset(&lines->partial);
	lines->is_too_long = false;
	return is_report;
}
