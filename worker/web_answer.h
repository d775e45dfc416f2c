/*
 * web_answer.h
 *		The answer to a request: taken in bounds, and made into a result or a failure.
 *
 * A result is {"status": 200, "headers": {...}, "body": ...}.  Headers have
 * lower-case names; repeated ones are joined with a comma; cookies are left out.
 * A body of a JSON type is that JSON, byte for byte.  Any other, and what only
 * claims to be JSON, is a string when it is UTF-8, else {"$base64": "..."}.
 * None is null.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WEB_ANSWER_H
#define PGDF_WEB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* All header lines of one answer, names and values. */
#define WEB_ANSWER_HEADER_BYTES	(64 * 1024)

typedef struct AnswerHeader
{
	char	   *name;			/* lower case */
	char	   *value;
} AnswerHeader;

/* A zeroed one, with max_body set, is ready. */
typedef struct WebAnswer
{
	long		status;
	AnswerHeader *headers;
	int			header_count;
	size_t		header_bytes;
	bool		headers_ended;	/* what comes behind the body is ignored */
	bool		is_too_large;	/* the transfer was ended for its size */
	Buf			body;			/* decoded */
	size_t		max_body;
} WebAnswer;

/* libcurl's CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; arg is the WebAnswer. */
extern size_t web_answer_take_header(char *line, size_t size, size_t count, void *arg);
extern size_t web_answer_take_body(char *bytes, size_t size, size_t count, void *arg);

/* Empty, for the next answer. */
extern void web_answer_reset(WebAnswer *answer);
extern void web_answer_free(WebAnswer *answer);

/* The value of a header (name in lower case), or NULL. */
extern const char *web_answer_header(const WebAnswer *answer, const char *name);

/* Put "***" where this text is, also where JSON would escape it. */
extern void web_answer_redact(WebAnswer *answer, const char *secret);
extern void web_redact(Buf *text, const char *secret);

/* Append the result, or the first bytes of the body, for a failure. */
extern void web_answer_append_result(const WebAnswer *answer, Buf *json);
extern void web_answer_append_body_start(const WebAnswer *answer, size_t max_bytes, Buf *json);

#endif							/* PGDF_WEB_ANSWER_H */
