/*
 * web_request.h
 *		A request that an orchestrator asks for: read and checked once more.
 *
 * df_http() has checked it already, and registrations of kind http are checked
 * too; but df_activity('df_http', ...) takes anything, and what comes out of a
 * database is not trusted with a socket.  The rules are those of
 * extension/call_http.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WEB_REQUEST_H
#define PGDF_WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "web_url.h"

typedef struct WebHeader
{
	char	   *name;			/* as written */
	char	   *value;			/* with a secret: what comes before it, perhaps "" */
	char	   *secret;			/* name of a secret of this worker, or NULL */
} WebHeader;

/* A zeroed one is empty. */
typedef struct WebRequest
{
	const char *method;			/* static, upper case */
	WebUrl		url;
	WebHeader  *headers;
	int			header_count;
	char	   *body;			/* or NULL: none */
	size_t		body_length;
	bool		body_is_json;
	bool		polls;			/* a 202 is not the outcome */
} WebRequest;

/*
 * Read the input of df_http, or, with the settings of a registration of kind
 * http, a body.  False with *problem set (free it) when it cannot be sent.
 */
extern bool web_request_read(WebRequest *request, const char *input, const char *settings, char **problem);
extern void web_request_free(WebRequest *request);

/* The header of that name in any case, or NULL. */
extern const WebHeader *web_request_header(const WebRequest *request, const char *name);

/*
 * May this header go where the request was not addressed to?  Only what says
 * nothing of who sends it.
 */
extern bool web_header_is_public(const char *name);

/* Is this a media type of JSON, such as "application/problem+json; charset=utf-8"? */
extern bool web_type_is_json(const char *content_type);

#endif							/* PGDF_WEB_REQUEST_H */
