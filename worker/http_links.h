/*
 * http_links.h
 *		The URLs that clients go on with.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_LINKS_H
#define PGDF_HTTP_LINKS_H

#include "buf.h"

struct HttpExchange;

/*
 * Answer 202 with the links of an instance: the body of a start, Location and
 * Retry-After.
 */
extern void http_links_answer(struct HttpExchange *x, const char *instance_id);

/* This request's own URL; the caller frees it. */
extern char *http_links_own(const struct HttpExchange *x);

/*
 * Append the URL of an instance: origin, base, id, suffix ("/terminate"), and
 * the query: one of its own ("reason={text}", or NULL) and what is repeated.
 */
extern void http_links_append(Buf *buf, const struct HttpExchange *x, const char *instance_id,
							  const char *suffix, const char *query);

#endif							/* PGDF_HTTP_LINKS_H */
