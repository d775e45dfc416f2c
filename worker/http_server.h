/*
 * http_server.h
 *		The HTTP server: libmicrohttpd inside the event loop.
 *
 * A connection (HttpConn) carries exchanges one after the other; an exchange
 * (HttpExchange) is a request and its answer.  libmicrohttpd reads and writes,
 * and calls us with what it has read.  An exchange that waits for the database
 * or for an instance is suspended: libmicrohttpd leaves it alone, and so nothing
 * of it goes away until it is answered.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_SERVER_H
#define PGDF_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "histogram.h"
#include "http_auth.h"
#include "http_listen.h"
#include "loop.h"

struct MHD_Daemon;
struct HttpConn;
struct HttpExchange;
struct HttpPool;
struct HttpWaits;
struct Worker;

/* Answers are counted by status code. */
#define HTTP_CODE_COUNT 600

typedef struct HttpCounters
{
	int64_t		answers[HTTP_CODE_COUNT];	/* by status code */
	Histogram	answer_times;
	int64_t		cut_off;		/* connections that were too slow, or in the way */
	int64_t		refused_keys;
	int64_t		unavailable;	/* answers 503 because of the database */
} HttpCounters;

typedef struct HttpServer
{
	struct Worker *worker;
	struct MHD_Daemon *daemon;
	Timer		timer;			/* when libmicrohttpd wants to be run */
	HttpListen	listening;
	bool		is_tls;
	bool		is_draining;
	Timer		drain_timer;
	bool		is_cut_short;	/* the drain's time is over */
	HttpKeys	keys;

	int			connection_count;
	bool		has_closed;		/* a connection, in the run of libmicrohttpd that is under way */
	struct HttpConn *oldest;	/* connections that have no request yet, or none any more */
	struct HttpConn *newest;
	struct Linger *lingering;	/* sockets whose peer is still sending what we do not read */
	int			linger_count;
	struct HttpExchange *exchanges; /* all that have begun */
	int			exchange_count;
	size_t		body_bytes;		/* of all bodies that are kept */

	double		key_tokens;		/* answers 401 that may still be given */
	int64_t		key_tokens_us;	/* as of then */
	struct HttpPool *pool;		/* http_pool.c */
	struct HttpWaits *waits;	/* http_wait.c */
	HttpCounters counters;
} HttpServer;

/* Listen and serve, if config.http.address is set.  False: it was logged why that is not possible. */
extern bool http_server_init(struct Worker *w);
extern void http_server_free(struct Worker *w);

/* Settings were reloaded: read the keys again.  What is wrong is logged, and the old ones stay. */
extern void http_server_reload(struct Worker *w);

/* Accept no more, answer what was asked; called again, do not wait. */
extern void http_server_drain(struct Worker *w);

/* Is everything answered (or nothing served)? */
extern bool http_server_is_drained(const struct Worker *w);

/* Have libmicrohttpd look at its connections in this round. */
extern void http_server_wake(HttpServer *server);

#endif							/* PGDF_HTTP_SERVER_H */
