/*
 * progress_lines.h
 *		Lines of progress from a stream: the newest one that is JSON counts.
 *
 * A zeroed struct is at the beginning of a stream.  A line that is not JSON, or
 * longer than PROGRESS_BYTES_MAX, is passed over; so memory is bounded, whatever
 * comes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PROGRESS_LINES_H
#define PGDF_PROGRESS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

typedef struct ProgressLines
{
	Buf			partial;		/* what follows the last line end */
	bool		is_too_long;	/* the line under way is passed over */
	Buf			newest;			/* the last report, without its line end */
} ProgressLines;

/* Take bytes of the stream; true: there is a new report in newest. */
extern bool progress_lines_feed(ProgressLines *lines, const char *bytes, size_t length);
extern void progress_lines_free(ProgressLines *lines);

#endif							/* PGDF_PROGRESS_LINES_H */
