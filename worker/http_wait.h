/*
 * http_wait.h
 *		Exchanges that wait until an instance changes.
 *
 * They hold nothing but their connection.  While somebody waits, one statement
 * at a time asks the database which of all watched instances have changed; how
 * often depends on how long they have not, and on how long the database takes.
 * A worker's own engine calls are a hint to look at once.  When nobody waits
 * nothing is asked, and the engine does nothing for this at any time.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_WAIT_H
#define PGDF_HTTP_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "http_server.h"

struct HttpExchange;
struct Worker;

extern void http_waits_init(HttpServer *server);
extern void http_waits_free(HttpServer *server);

/*
 * Wait until df.api_status()'s "changed" of the instance is no longer seen, or
 * until that time (on the clock of loop_now_us()); then fn is called, once.
 * instance_id must live as long as the exchange.  When the client goes away fn
 * is not called, and the exchange ends.
 */
extern void http_wait_begin(struct HttpExchange *x, const char *instance_id, const char *seen, int64_t until_us,
							void (*fn) (struct HttpExchange *x, bool has_changed));

/* No longer; harmless when it does not wait. */
extern void http_wait_end(struct HttpExchange *x);

/* Nobody waits any more: call fn of all, as when their time has passed. */
extern void http_waits_finish(HttpServer *server);

/* Turns were made: what is watched may have changed. */
extern void http_waits_hint(struct Worker *w);

extern int	http_waits_count(const HttpServer *server);

#endif							/* PGDF_HTTP_WAIT_H */
