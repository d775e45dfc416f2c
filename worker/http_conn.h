/*
 * http_conn.h
 *		A client's connection: how long it may take for what.
 *
 * Everything that a client can be slow at has a limit, and when it has passed
 * the socket is shut down, which libmicrohttpd then finds.  When connections get
 * scarce, the one that has waited longest without a request has to go.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_CONN_H
#define PGDF_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_server.h"

/* What a connection is doing; each has a time limit. */
typedef enum HttpPhase
{
	CONN_HEADER,				/* a header is on its way, or may be */
	CONN_IDLE,					/* between two requests */
	CONN_BODY,					/* a body is on its way */
	CONN_WORKING,				/* we are at it: no limit here */
	CONN_ANSWER					/* the answer is on its way */
} HttpPhase;

typedef struct HttpConn
{
	HttpServer *server;
	int			fd;
	HttpPhase	phase;
	Timer		timer;
	struct HttpConn *prev;		/* in the server's list while the phase is CONN_HEADER or CONN_IDLE */
	struct HttpConn *next;
	char	   *target;			/* of the request that comes, raw; NULL: none yet */
	int			requests;		/* so far */
	bool		was_refused;	/* with its body unread */
	int64_t		phase_us;		/* when the phase began */
	size_t		body_bytes;		/* of the body, so far */
	size_t		checked_bytes;	/* of these, at the last look at the rate */
} HttpConn;

extern HttpConn *http_conn_open(HttpServer *server, int fd);
extern void http_conn_close(HttpConn *conn);

/* Begin a phase; bytes: how large the answer is. */
extern void http_conn_phase(HttpConn *conn, HttpPhase phase, size_t bytes);

/* Shut the socket down; libmicrohttpd then ends the connection. */
extern void http_conn_cut(HttpConn *conn);

/* Close what is kept open for clients that were refused while they sent. */
extern void http_conn_stop_lingering(HttpServer *server);

#endif							/* PGDF_HTTP_CONN_H */
