/*
 * http_uri.h
 *		What a request asks for: the path's segments and the query's fields.
 *
 * A segment is cut out of the raw path first and decoded once afterwards, so an
 * encoded slash is part of a name and never ends it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_URI_H
#define PGDF_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define HTTP_MAX_SEGMENTS	12
#define HTTP_MAX_FIELDS		100

typedef struct HttpField
{
	const char *key;
	const char *value;			/* "" when there is none */
} HttpField;

typedef struct HttpUri
{
	char	   *text;			/* owned: the decoded parts are in it */
	char	   *target;			/* owned: raw path and query, as links repeat them */
	char	   *segments[HTTP_MAX_SEGMENTS];
	int			segment_count;
	HttpField	fields[HTTP_MAX_FIELDS];
	int			field_count;
} HttpUri;

/* What is wrong with a request target. */
typedef enum HttpUriProblem
{
	HTTP_URI_OK,
	HTTP_URI_UNKNOWN,			/* more segments than any route has */
	HTTP_URI_INVALID			/* does not begin with a slash; NUL, or no UTF-8, in a segment */
} HttpUriProblem;

/*
 * Take a request target apart: "/path?query", or with scheme and host before
 * it.  A field that is not valid UTF-8 is left out, as are those beyond
 * HTTP_MAX_FIELDS.  The caller frees *uri in every case.
 */
extern HttpUriProblem http_uri_parse(HttpUri *uri, const char *target);
extern void http_uri_free(HttpUri *uri);

/* The first field of this name, which compares case-insensitively; NULL: there is none. */
extern const char *http_uri_field(const HttpUri *uri, const char *key);

/* "true" or "1" is true, "false" or "0" is false, anything else is what is given as absent. */
extern bool http_uri_flag(const HttpUri *uri, const char *key, bool absent);

/* Seconds, decimals allowed, as milliseconds; -1: absent, or not a number that is zero or more. */
extern int64_t http_uri_seconds(const HttpUri *uri, const char *key);

/* A whole number from min to max; what is given as absent otherwise. */
extern int	http_uri_int(const HttpUri *uri, const char *key, int min, int max, int absent);

/* Decode %XX in place; false: a NUL, or no valid UTF-8.  A lone % stays. */
extern bool http_uri_decode(char *text, bool plus_is_blank);

/* Append text with everything encoded but letters, digits and -._~ */
extern void http_uri_append(Buf *buf, const char *text);

#endif							/* PGDF_HTTP_URI_H */
