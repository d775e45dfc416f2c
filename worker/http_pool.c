/*
 * http_pool.c
 *		Database connections for HTTP requests: a bounded pool with a queue.
 *
 * One connection is always open, so that it is known whether the database can be
 * reached; the others come when calls wait, and go when they are not needed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_pool.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* A connection nobody needs is closed; so many stay. */
#define IDLE_MS				60000
#define KEPT_OPEN			1

/* While calls wait: how often it is looked whether they still may. */
#define CHECK_MS			100

/* The server keeps a statement's time; this much later it does not answer. */
#define DEADLINE_MARGIN_MS	2000

typedef struct PoolConn
{
	Db			db;
	bool		is_open;
	HttpCall   *call;			/* in flight */
	Timer		idle_timer;
} PoolConn;

typedef struct HttpPool
{
	PoolConn   *conns;
	int			count;
	int			open_count;
	char	   *settings;
	HttpCall   *head;			/* waiting, first in first out */
	HttpCall   *tail;
	int			waiting;
	Timer		check_timer;
} HttpPool;

static void conn_ready(Db *db);

static const DbEvents conn_events = {
	.ready = conn_ready,
};

static const DbResult no_answer = {.sqlstate = ""};

static void pump(HttpServer *server);
static PoolConn *usable_conn(HttpPool *pool, const char *sql);
static void open_conn(HttpServer *server);
static void send_call(HttpServer *server, PoolConn *conn, HttpCall *call);
static void call_done(Db *db, const DbResult *result, void *arg);
static HttpCall *take_first(HttpPool *pool);
static void check_waiting(Worker *w, void *arg);
static void close_idle(Worker *w, void *arg);

void
http_pool_init(HttpServer *server)
{
	HttpPool   *pool = xcalloc(1, sizeof(HttpPool));
	const HttpConfig *config = &server->worker->config.http;

	pool->count = config->db_connections;
	pool->conns = xcalloc((size_t) pool->count, sizeof(PoolConn));
	pool->settings = xasprintf("SET statement_timeout = %lld;", (long long) config->query_timeout_ms);
	server->pool = pool;
	open_conn(server);
}

/* The calls of exchanges that are still there are forgotten with them. */
void
http_pool_free(HttpServer *server)
{
	HttpPool   *pool = server->pool;

	if (pool == NULL)
		return;
	for (int i = 0; i < pool->count; i++)
	{
		if (pool->conns[i].is_open)
			db_close(&pool->conns[i].db);
		timer_stop(server->worker, &pool->conns[i].idle_timer);
	}
	timer_stop(server->worker, &pool->check_timer);
	free(pool->conns);
	free(pool->settings);
	free(pool);
	server->pool = NULL;
}

void
http_pool_call(HttpServer *server, HttpCall *call)
{
	HttpPool   *pool = server->pool;

	call->is_sent = false;
	call->next = NULL;
	call->queued_us = loop_now_us(server->worker);
	if (http_pool_is_down(server) ||
		(pool->waiting >= server->worker->config.http.queue && !call->is_needed))
	{
		call->fn(call, &no_answer);
		return;
	}
	if (pool->tail != NULL)
		pool->tail->next = call;
	else
		pool->head = call;
	pool->tail = call;
	pool->waiting++;
	if (!timer_is_running(&pool->check_timer))
		timer_start(server->worker, &pool->check_timer, CHECK_MS, check_waiting, server);
	pump(server);
}

/* No connection works, and one has just failed to. */
bool
http_pool_is_down(const HttpServer *server)
{
	const HttpPool *pool = server->pool;
	bool		is_failing = false;

	for (int i = 0; i < pool->count; i++)
	{
		const PoolConn *conn = &pool->conns[i];

		if (!conn->is_open)
			continue;
		if (conn->db.state == DB_READY || conn->db.state == DB_BUSY)
			return false;
		is_failing = is_failing || conn->db.failing_since_us != 0;
	}
	return is_failing;
}

int
http_pool_waiting(const HttpServer *server)
{
	return server->pool->waiting;
}

int
http_pool_busy(const HttpServer *server)
{
	int			busy = 0;

	for (int i = 0; i < server->pool->count; i++)
		busy += server->pool->conns[i].call != NULL;
	return busy;
}

int
http_pool_open(const HttpServer *server)
{
	return server->pool->open_count;
}

static void
conn_ready(Db *db)
{
	PoolConn   *conn = db->owner;

	timer_start(db->worker, &conn->idle_timer, IDLE_MS, close_idle, conn);
	pump(db->worker->http);
}

/* Give waiting calls to free connections; open another one when there is none. */
static void
pump(HttpServer *server)
{
	HttpPool   *pool = server->pool;

	while (pool->head != NULL)
	{
		PoolConn   *conn = usable_conn(pool, pool->head->sql);

		if (conn == NULL)
		{
			open_conn(server);
			return;
		}
		send_call(server, conn, take_first(pool));
	}
}

/* Best one whose server has parsed the statement already. */
static PoolConn *
usable_conn(HttpPool *pool, const char *sql)
{
	PoolConn   *usable = NULL;

	for (int i = 0; i < pool->count; i++)
	{
		PoolConn   *conn = &pool->conns[i];

		if (!conn->is_open || !db_is_ready(&conn->db))
			continue;
		if (conn->db.parsed == sql)
			return conn;
		if (usable == NULL)
			usable = conn;
	}
	return usable;
}

/* One at a time: when it is ready and calls still wait, the next one is opened. */
static void
open_conn(HttpServer *server)
{
	HttpPool   *pool = server->pool;
	PoolConn   *closed = NULL;

	for (int i = 0; i < pool->count; i++)
	{
		PoolConn   *conn = &pool->conns[i];

		if (conn->is_open && conn->db.state != DB_BUSY)
			return;				/* on its way */
		if (!conn->is_open && closed == NULL)
			closed = conn;
	}
	if (closed == NULL)
		return;
	closed->is_open = true;
	pool->open_count++;
	db_init(&closed->db, server->worker, "HTTP", pool->settings, &conn_events);
	closed->db.owner = closed;
	db_open(&closed->db);
}

static void
send_call(HttpServer *server, PoolConn *conn, HttpCall *call)
{
	conn->call = call;
	call->is_sent = true;
	timer_stop(server->worker, &conn->idle_timer);
	db_call_again(&conn->db, call->sql, &call->params,
				  server->worker->config.http.query_timeout_ms + DEADLINE_MARGIN_MS, call_done, conn);
}

static void
call_done(Db *db, const DbResult *result, void *arg)
{
	PoolConn   *conn = arg;
	HttpCall   *call = conn->call;

	conn->call = NULL;
	timer_start(db->worker, &conn->idle_timer, IDLE_MS, close_idle, conn);
	call->fn(call, result);
	pump(db->worker->http);
}

static HttpCall *
take_first(HttpPool *pool)
{
	HttpCall   *call = pool->head;

	pool->head = call->next;
	if (pool->head == NULL)
		pool->tail = NULL;
	pool->waiting--;
	call->next = NULL;
	return call;
}

static void
check_waiting(Worker *w, void *arg)
{
	HttpServer *server = arg;
	HttpPool   *pool = server->pool;
	int64_t		oldest_us = loop_now_us(w) - w->config.http.query_timeout_ms * 1000;
	bool		is_down = http_pool_is_down(server);
	int			budget = pool->waiting;

	/* what fn adds now is looked at the next time */
	while (budget-- > 0 && pool->head != NULL && (is_down || pool->head->queued_us <= oldest_us))
	{
		HttpCall   *call = take_first(pool);

		call->fn(call, &no_answer);
	}
	if (pool->head != NULL)
		timer_start(w, &pool->check_timer, CHECK_MS, check_waiting, server);
}

static void
close_idle(Worker *w, void *arg)
{
	PoolConn   *conn = arg;
	HttpPool   *pool = w->http->pool;

	if (conn->call != NULL || pool->open_count <= KEPT_OPEN)
		return;
	db_close(&conn->db);
	conn->is_open = false;
	pool->open_count--;
}
