/*
 * web_url.h
 *		URLs of requests, and two headers that say where and when to ask next.
 *
 * libcurl's own parser reads a URL, and its text is what libcurl then gets: there
 * are no two opinions about what the host is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WEB_URL_H
#define PGDF_WEB_URL_H

#include <stdbool.h>
#include <stdint.h>

/* Longest URL that is taken, as in extension/call_http.c. */
#define WEB_URL_MAX	8192

/* Longest time that a Retry-After is followed for. */
#define WEB_RETRY_AFTER_MAX_MS	(24 * 3600 * 1000LL)

/* A zeroed one is empty. */
typedef struct WebUrl
{
	char	   *text;			/* normal form, without a fragment */
	char	   *host;			/* without brackets; may be in any case */
	int			port;			/* also when it was not written */
	bool		is_tls;			/* https */
} WebUrl;

/* An absolute URL.  False with *problem, a static text, when it is none of ours; *url is empty then. */
extern bool web_url_parse(const char *text, WebUrl *url, const char **problem);

/* What a header Location of an answer from base says; relative or absolute. */
extern bool web_url_resolve(const WebUrl *base, const char *location, WebUrl *url, const char **problem);

extern void web_url_copy(const WebUrl *source, WebUrl *url);
extern void web_url_free(WebUrl *url);

/* The same scheme, host and port? */
extern bool web_url_same_origin(const WebUrl *left, const WebUrl *right);

/* Are these two the same host?  A dot at the end does not count. */
extern bool web_host_is(const char *host, const char *name);

/*
 * A header Retry-After: seconds, or a date of HTTP.  False when it is neither.
 * now_s is the time of day.  At most WEB_RETRY_AFTER_MAX_MS.
 */
extern bool web_retry_after(const char *value, int64_t now_s, int64_t *delay_ms);

#endif							/* PGDF_WEB_URL_H */
