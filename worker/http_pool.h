/*
 * http_pool.h
 *		Database connections for HTTP requests: a bounded pool with a queue.
 *
 * Nothing waits for ever: a call that finds the queue full, waits too long in it,
 * or finds that the database cannot be reached, ends at once without an answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_POOL_H
#define PGDF_HTTP_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "http_server.h"

struct HttpCall;

/*
 * What became of a call; rows are valid during the call of fn.  is_sent false:
 * the database was never asked.
 */
typedef void (*HttpCallFn) (struct HttpCall *call, const DbResult *result);

/*
 * A call lives in the struct of whoever makes it, which must not go away before
 * fn was called.  What the parameters point to must live until then too.
 */
typedef struct HttpCall
{
	const char *sql;
	DbParams	params;
	HttpCallFn	fn;
	void	   *arg;
	bool		is_sent;
	bool		is_needed;		/* not refused when the queue is full: somebody waits already */
	int64_t		queued_us;
	struct HttpCall *next;
} HttpCall;

extern void http_pool_init(HttpServer *server);
extern void http_pool_free(HttpServer *server);

/* Make a call when a connection is free; fn may be called before this returns. */
extern void http_pool_call(HttpServer *server, HttpCall *call);

/* Is the database known to be out of reach? */
extern bool http_pool_is_down(const HttpServer *server);

/* Figures for /metrics and /readyz. */
extern int	http_pool_waiting(const HttpServer *server);
extern int	http_pool_busy(const HttpServer *server);
extern int	http_pool_open(const HttpServer *server);

#endif							/* PGDF_HTTP_POOL_H */
