/*
 * http_conn.c
 *		A client's connection: how long it may take for what.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* How often the rate of a body is looked at; before that it may be slow to begin. */
#define RATE_CHECK_MS		5000

/* Connections are scarce when this part of them is taken. */
#define SCARCE_NUMERATOR	15
#define SCARCE_DENOMINATOR	16

/*
 * A refused client that is still sending would get a reset, which takes our
 * answer from it: read on for a moment, and throw it away.
 */
#define LINGER_MS			2000
#define LINGER_MAX			64
#define LINGER_READS		16

typedef struct Linger
{
	struct Linger *next;		/* in the server's list */
	HttpServer *server;
	int			fd;
	Timer		timer;
} Linger;

static void list_add(HttpConn *conn);
static void list_remove(HttpConn *conn);
static bool is_listed(const HttpConn *conn);
static void make_room(HttpServer *server);
static void limit_passed(Worker *w, void *arg);
static void check_rate(HttpConn *conn);
static void linger(HttpConn *conn);
static void linger_read(Worker *w, int fd, int events, void *arg);
static void linger_over(Worker *w, void *arg);

HttpConn *
http_conn_open(HttpServer *server, int fd)
{
	HttpConn   *conn = xcalloc(1, sizeof(HttpConn));

	conn->server = server;
	conn->fd = fd;
	conn->phase = CONN_WORKING;
	server->connection_count++;
	make_room(server);
	http_conn_phase(conn, CONN_HEADER, 0);
	return conn;
}

void
http_conn_close(HttpConn *conn)
{
	timer_stop(conn->server->worker, &conn->timer);
	if (is_listed(conn))
		list_remove(conn);
	if (conn->was_refused)
		linger(conn);
	conn->server->connection_count--;
	free(conn->target);
	free(conn);
}

void
http_conn_phase(HttpConn *conn, HttpPhase phase, size_t bytes)
{
	Worker	   *w = conn->server->worker;
	const HttpConfig *config = &w->config.http;
	int64_t		limit_ms = 0;

	if (is_listed(conn))
		list_remove(conn);
	conn->phase = phase;
	conn->phase_us = loop_now_us(w);
	switch (phase)
	{
		case CONN_HEADER:
			limit_ms = config->header_timeout_ms;
			break;
		case CONN_IDLE:
			limit_ms = config->idle_timeout_ms;
			break;
		case CONN_BODY:
			limit_ms = RATE_CHECK_MS < config->request_timeout_ms ? RATE_CHECK_MS : config->request_timeout_ms;
			conn->body_bytes = conn->checked_bytes = 0;
			break;
		case CONN_WORKING:
			break;
		case CONN_ANSWER:
			limit_ms = config->request_timeout_ms;
			if (config->min_rate > 0 && (int64_t) bytes / config->min_rate * 1000 < limit_ms)
				limit_ms = RATE_CHECK_MS + (int64_t) bytes / config->min_rate * 1000;
			break;
	}
	if (is_listed(conn))
		list_add(conn);
	if (phase == CONN_WORKING)
		timer_stop(w, &conn->timer);
	else
		timer_start(w, &conn->timer, limit_ms, limit_passed, conn);
}

void
http_conn_cut(HttpConn *conn)
{
	conn->server->counters.cut_off++;
	(void) shutdown(conn->fd, SHUT_RDWR);
	http_server_wake(conn->server);
}

void
http_conn_stop_lingering(HttpServer *server)
{
	while (server->lingering != NULL)
		linger_over(server->worker, server->lingering);
}

static void
list_add(HttpConn *conn)
{
	HttpServer *server = conn->server;

	conn->next = NULL;
	conn->prev = server->newest;
	if (server->newest != NULL)
		server->newest->next = conn;
	else
		server->oldest = conn;
	server->newest = conn;
}

static void
list_remove(HttpConn *conn)
{
	HttpServer *server = conn->server;

	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		server->oldest = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	else
		server->newest = conn->prev;
	conn->prev = conn->next = NULL;
}

static bool
is_listed(const HttpConn *conn)
{
	return conn->phase == CONN_HEADER || conn->phase == CONN_IDLE;
}

/* So that a crowd of silent connections does not keep others out. */
static void
make_room(HttpServer *server)
{
	int			limit = server->worker->config.http.connections;
	HttpConn   *oldest = server->oldest;

	if (oldest == NULL || server->connection_count < limit / SCARCE_DENOMINATOR * SCARCE_NUMERATOR)
		return;
	/* it leaves the list now, and is closed when libmicrohttpd sees it */
	http_conn_phase(oldest, CONN_WORKING, 0);
	http_conn_cut(oldest);
}

static void
limit_passed(Worker *w, void *arg)
{
	HttpConn   *conn = arg;

	if (conn->phase == CONN_BODY)
	{
		check_rate(conn);
		return;
	}
	log_debug("cut off an HTTP connection: %s",
			  conn->phase == CONN_ANSWER ? "it was slow to read" : "no request in time");
	http_conn_cut(conn);
}

static void
check_rate(HttpConn *conn)
{
	Worker	   *w = conn->server->worker;
	const HttpConfig *config = &w->config.http;
	int64_t		got = (int64_t) (conn->body_bytes - conn->checked_bytes);
	int64_t		left_ms = config->request_timeout_ms - (loop_now_us(w) - conn->phase_us) / 1000;

	if (left_ms <= 0 || got < (int64_t) config->min_rate * RATE_CHECK_MS / 1000)
	{
		log_debug("cut off an HTTP connection: it was slow to send");
		http_conn_cut(conn);
		return;
	}
	conn->checked_bytes = conn->body_bytes;
	timer_start(w, &conn->timer, RATE_CHECK_MS < left_ms ? RATE_CHECK_MS : left_ms, limit_passed, conn);
}

/* libmicrohttpd closes its descriptor after this; the socket lives on by ours. */
static void
linger(HttpConn *conn)
{
	HttpServer *server = conn->server;
	Linger	   *lingering;
	int			fd = -1;

	if (server->linger_count < LINGER_MAX && !server->is_draining)
		fd = fcntl(conn->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void) shutdown(fd, SHUT_WR);
	lingering = xcalloc(1, sizeof(Linger));
	lingering->server = server;
	lingering->fd = fd;
	lingering->next = server->lingering;
	server->lingering = lingering;
	server->linger_count++;
	loop_watch(server->worker, fd, LOOP_READ, linger_read, lingering);
	timer_start(server->worker, &lingering->timer, LINGER_MS, linger_over, lingering);
}

static void
linger_read(Worker *w, int fd, int events, void *arg)
{
	static char waste[65536];

	for (int i = 0; i < LINGER_READS; i++)
	{
		ssize_t		got = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);

		if (got > 0)
			continue;
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			linger_over(w, arg);
		return;
	}
}

static void
linger_over(Worker *w, void *arg)
{
	Linger	   *lingering = arg;
	Linger	  **place = &lingering->server->lingering;

	while (*place != lingering)
		place = &(*place)->next;
	*place = lingering->next;
	timer_stop(w, &lingering->timer);
	loop_unwatch(w, lingering->fd);
	close(lingering->fd);
	lingering->server->linger_count--;
	free(lingering);
}
