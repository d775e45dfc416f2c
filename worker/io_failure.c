/*
 * io_failure.c
 *		Why work with files or blobs was not successful.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "io_failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
io_fail(IoFailure *failure, const char *type, const char *format, ...)
{
	va_list		args;

	failure->type = type;
	failure->is_non_retriable = false;
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);
}

void
io_fail_for_good(IoFailure *failure, const char *type, const char *format, ...)
{
	va_list		args;

	failure->type = type;
	failure->is_non_retriable = true;
	va_start(args, format);
	vsnprintf(failure->message, sizeof(failure->message), format, args);
	va_end(args);
}

void
io_fail_errno(IoFailure *failure, int error, const char *doing, const ErrnoMeaning *meanings)
{
	const ErrnoMeaning *meaning = meanings;
	char		text[128];

	while (meaning->error != error && meaning->error != 0)
		meaning++;
	io_fail(failure, meaning->type, "%s%s%s%s", doing == NULL ? "" : "could not ", doing == NULL ? "" : doing,
			doing == NULL ? "" : ": ", strerror_r(error, text, sizeof(text)));
	failure->is_non_retriable = meaning->is_non_retriable;
}
