/*
 * io_failure.h
 *		Why work with files or blobs was not successful.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_IO_FAILURE_H
#define PGDF_IO_FAILURE_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed one says: no failure. */
typedef struct IoFailure
{
	const char *type;			/* stable name for failureDetails.errorType; NULL: none */
	bool		is_non_retriable;
	int			http_status;	/* 0: none */
	char		code[64];		/* a service's own name for it, or "" */
	char		message[400];	/* a clause, to follow "could not copy file ...: " */
} IoFailure;

/* One row of a table that says what an errno means. */
typedef struct ErrnoMeaning
{
	int			error;
	const char *type;
	bool		is_non_retriable;
} ErrnoMeaning;

/* A retriable failure. */
extern void io_fail(IoFailure *failure, const char *type, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* One that trying again does not help. */
extern void io_fail_for_good(IoFailure *failure, const char *type, const char *format, ...)
			__attribute__((format(printf, 3, 4)));

/*
 * "could not DOING: ERROR", or just "ERROR" when doing is NULL, with type and
 * kind of the table's row, or else of its last one, whose error is 0.
 */
extern void io_fail_errno(IoFailure *failure, int error, const char *doing, const ErrnoMeaning *meanings);

#endif							/* PGDF_IO_FAILURE_H */
