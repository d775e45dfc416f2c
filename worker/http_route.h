/*
 * http_route.h
 *		Which handler a verb and a path belong to.
 *
 * The table is in http_routes.c; this is the matching alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_ROUTE_H
#define PGDF_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "http_uri.h"

struct HttpExchange;

#define HTTP_MAX_ARGS 3

/* Where a pattern begins. */
typedef enum HttpBase
{
	HTTP_AT_ROOT,
	HTTP_AT_API					/* under each of the two bases of the management API */
} HttpBase;

/* What a key must be allowed to do. */
typedef enum HttpScope
{
	HTTP_OPEN,					/* nothing: no key is asked for */
	HTTP_READ,
	HTTP_START,					/* start instances, raise events; and read */
	HTTP_ADMIN					/* everything */
} HttpScope;

typedef struct HttpRoute
{
	const char *verb;			/* GET serves HEAD too */
	HttpBase	base;
	const char *pattern;		/* "instances/{}/terminate"; literals compare case-insensitively */
	HttpScope	scope;
	void		(*handle) (struct HttpExchange *x);
	const char *argument;		/* for the handler: a control verb, say; or NULL */
} HttpRoute;

/* The route, and the segments that its {} stand for; NULL: none. */
extern const HttpRoute *http_route_find(const HttpRoute *routes, size_t count, const char *verb,
										const HttpUri *uri, const char *args[HTTP_MAX_ARGS]);

#endif							/* PGDF_HTTP_ROUTE_H */
