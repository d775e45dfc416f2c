/*
 * sql_pool.c
 *		Slow SQL activities: df.run_sql on connections of their own.
 *
 * A claimed SQL activity waits here for a connection.  df.run_sql records the
 * outcome in the activity's own transaction; only an error comes back to be
 * recorded by df.work.  When the answer was lost, the call is repeated: if it had
 * committed, its fence is void and nothing happens.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "sql_pool.h"

#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "db.h"
#include "dispatch.h"
#include "fault.h"
#include "json.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* A connection nobody needs is closed. */
#define IDLE_MS				60000

/* The server keeps the activity's own time; this much later it does not answer. */
#define DEADLINE_MARGIN_MS	15000

/* Of the message that df_heartbeat() sends. */
#define SQLSTATE_PROGRESS	"DF100"

/* Errors of the system's making: try again here, then let somebody else. */
#define RETRY_BASE_MS		100
#define RETRY_CAP_MS		5000
#define RETRY_LIMIT			5

/* Activities may wait for locks as long as their own time-out lets them. */
static const char sql_settings[] = "SET statement_timeout = 0;SET lock_timeout = 0;";

struct SqlConn;

/* Activity.state */
typedef struct SqlTask
{
	struct SqlTask *next;		/* in the queue */
	Activity   *activity;
	struct SqlConn *conn;		/* runs it; NULL: it waits */
	Timer		retry_timer;	/* not queued while this runs */
	Backoff		backoff;
} SqlTask;

typedef struct SqlConn
{
	Db			db;
	bool		is_open;
	SqlTask    *task;
	Timer		idle_timer;
} SqlConn;

typedef struct SqlPool
{
	SqlConn    *conns;
	int			count;
	SqlTask    *head;			/* waiting, first in first out */
	SqlTask    *tail;
} SqlPool;

static void sql_start(Activity *activity);
static void sql_cancel(Activity *activity);
static void conn_ready(Db *db);
static bool conn_overdue(Db *db, int backend_pid);
static void conn_message(Db *db, const PGresult *notice);

const ActivityType sql_activity_type = {"sql", sql_start, sql_cancel, NULL};

static const DbEvents conn_events = {
	.ready = conn_ready,
	.overdue = conn_overdue,
	.message = conn_message,
};

static void pump(Worker *w);
static SqlConn *usable_conn(SqlPool *pool);
static void open_conn(Worker *w);
static void run(Worker *w, SqlConn *conn, SqlTask *task);
static void run_done(Db *db, const DbResult *result, void *arg);
static void retry(Worker *w, SqlTask *task);
static void retry_due(Worker *w, void *arg);
static void fail(SqlTask *task, const DbResult *result);
static void add_property(json_object *object, const char *key, const char *text);
static void give_back(Worker *w, SqlTask *task);
static void enqueue(SqlPool *pool, SqlTask *task);
static void dequeue(SqlPool *pool, SqlTask *task);
static Activity *task_free(Worker *w, SqlTask *task);
static void close_idle(Worker *w, void *arg);

void
sql_pool_init(Worker *w)
{
	SqlPool    *pool = xcalloc(1, sizeof(SqlPool));

	pool->count = w->config.sql_connections;
	pool->conns = xcalloc((size_t) pool->count, sizeof(SqlConn));
	w->sql_pool = pool;
}

void
sql_pool_free(Worker *w)
{
	SqlPool    *pool = w->sql_pool;

	if (pool == NULL)
		return;
	for (int i = 0; i < pool->count; i++)
	{
		if (pool->conns[i].is_open)
			db_close(&pool->conns[i].db);
		timer_stop(w, &pool->conns[i].idle_timer);
		if (pool->conns[i].task != NULL)
			task_free(w, pool->conns[i].task);
	}
	while (pool->head != NULL)
	{
		SqlTask    *task = pool->head;

		dequeue(pool, task);
		task_free(w, task);
	}
	free(pool->conns);
	free(pool);
	w->sql_pool = NULL;
}

void
sql_pool_drain(Worker *w)
{
	while (w->sql_pool->head != NULL)
		give_back(w, w->sql_pool->head);
}

static void
sql_start(Activity *activity)
{
	SqlTask    *task = xcalloc(1, sizeof(SqlTask));

	task->activity = activity;
	activity->state = task;
	backoff_init(&task->backoff, RETRY_BASE_MS, RETRY_CAP_MS);
	enqueue(activity->worker->sql_pool, task);
	pump(activity->worker);
}

static void
sql_cancel(Activity *activity)
{
	SqlTask    *task = activity->state;
	Worker	   *w = activity->worker;

	if (task->conn == NULL)
		give_back(w, task);
	else if (task->conn->db.state == DB_BUSY)
		session_signal_backend(w, PQbackendPID(task->conn->db.conn), BACKEND_CANCEL);
}

static void
conn_ready(Db *db)
{
	pump(db->worker);
}

static bool
conn_overdue(Db *db, int backend_pid)
{
	session_signal_backend(db->worker, backend_pid, BACKEND_TERMINATE);
	return false;
}

/* df_heartbeat() sends the activity's progress ahead of its transaction. */
static void
conn_message(Db *db, const PGresult *notice)
{
	const SqlConn *conn = db->owner;
	const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
	const char *progress = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

	if (conn->task != NULL && progress != NULL && sqlstate != NULL && strcmp(sqlstate, SQLSTATE_PROGRESS) == 0)
		activity_progress(conn->task->activity, progress, strlen(progress));
}

/* Give waiting tasks to free connections; open another one when there is none. */
static void
pump(Worker *w)
{
	SqlPool    *pool = w->sql_pool;

	while (pool->head != NULL)
	{
		SqlConn    *conn = usable_conn(pool);
		SqlTask    *task = pool->head;

		if (conn == NULL)
		{
			open_conn(w);
			return;
		}
		dequeue(pool, task);
		run(w, conn, task);
	}
}

static SqlConn *
usable_conn(SqlPool *pool)
{
	for (int i = 0; i < pool->count; i++)
	{
		if (pool->conns[i].is_open && db_is_ready(&pool->conns[i].db))
			return &pool->conns[i];
	}
	return NULL;
}

/* One at a time: when it is ready and tasks still wait, the next one is opened. */
static void
open_conn(Worker *w)
{
	SqlPool    *pool = w->sql_pool;
	SqlConn    *closed = NULL;

	for (int i = 0; i < pool->count; i++)
	{
		SqlConn    *conn = &pool->conns[i];

		if (conn->is_open && conn->db.state != DB_BUSY)
			return;				/* on its way */
		if (!conn->is_open && closed == NULL)
			closed = conn;
	}
	if (closed == NULL)
		return;
	closed->is_open = true;
	db_init(&closed->db, w, "SQL", sql_settings, &conn_events);
	closed->db.owner = closed;
	db_open(&closed->db);
}

static void
run(Worker *w, SqlConn *conn, SqlTask *task)
{
	Activity   *activity = task->activity;
	DbParams	params = {0};

	conn->task = task;
	task->conn = conn;
	timer_stop(w, &conn->idle_timer);
	db_param_int8(&params, w->dispatch->session.worker_key);
	db_param_int8(&params, activity->instance_key);
	db_param_int4(&params, activity->task_id);
	db_param_int8(&params, activity->fence);
	db_call(&conn->db, "SELECT df.run_sql($1, $2, $3, $4)", &params,
			activity->timeout_ms > 0 ? activity->timeout_ms + DEADLINE_MARGIN_MS : 0, run_done, conn);
	(void) PGDF_FAULT(sql_sent);
}

static void
run_done(Db *db, const DbResult *result, void *arg)
{
	SqlConn    *conn = arg;
	Worker	   *w = db->worker;
	SqlTask    *task = conn->task;
	const DbResult no_answer = {.sqlstate = ""};

	conn->task = NULL;
	task->conn = NULL;
	if (PGDF_FAULT(sql_answered))
		result = &no_answer;
	timer_start(w, &conn->idle_timer, IDLE_MS, close_idle, conn);

	if (result->is_ok && result->is_durable)
	{
		claims_finish_recorded(task_free(w, task));
		dispatch_chance(w);		/* its instance may go on */
	}
	else if (result->is_ok || result->rows == NULL || db_is_transient(result->sqlstate))
		retry(w, task);
	else
		fail(task, result);
	pump(w);
}

static void
retry(Worker *w, SqlTask *task)
{
	const Claim *claim = (const Claim *) task->activity;

	if (claim->stop != STOP_NONE || w->phase != WORKER_RUNNING || task->backoff.tries >= RETRY_LIMIT)
	{
		give_back(w, task);
		return;
	}
	timer_start(w, &task->retry_timer, backoff_next(&task->backoff, loop_now_us(w)), retry_due, task);
}

static void
retry_due(Worker *w, void *arg)
{
	if (w->phase != WORKER_RUNNING)
	{
		give_back(w, arg);
		return;
	}
	enqueue(w->sql_pool, arg);
	pump(w);
}

/* The activity raised an error that is its own: that is its outcome. */
static void
fail(SqlTask *task, const DbResult *result)
{
	Worker	   *w = task->activity->worker;
	json_object *properties = json_object_new_object();
	const char *message = PQresultErrorField(result->rows, PG_DIAG_MESSAGE_PRIMARY);
	ActivityFailure failure = {result->sqlstate, message != NULL ? message : "", false, NULL};

	add_property(properties, "sqlstate", result->sqlstate);
	add_property(properties, "detail", PQresultErrorField(result->rows, PG_DIAG_MESSAGE_DETAIL));
	add_property(properties, "hint", PQresultErrorField(result->rows, PG_DIAG_MESSAGE_HINT));
	failure.properties = json_text(properties);
	activity_fail(task_free(w, task), &failure);
	json_object_put(properties);
}

static void
add_property(json_object *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_object_add(object, key, json_string_new(text, strlen(text)));
}

static void
give_back(Worker *w, SqlTask *task)
{
	dequeue(w->sql_pool, task);
	claims_give_back(task_free(w, task));
}

static void
enqueue(SqlPool *pool, SqlTask *task)
{
	task->next = NULL;
	if (pool->tail != NULL)
		pool->tail->next = task;
	else
		pool->head = task;
	pool->tail = task;
}

/* Harmless when it is not in the queue. */
static void
dequeue(SqlPool *pool, SqlTask *task)
{
	SqlTask    *previous = NULL;

	for (SqlTask *waiting = pool->head; waiting != NULL; previous = waiting, waiting = waiting->next)
	{
		if (waiting != task)
			continue;
		if (previous != NULL)
			previous->next = task->next;
		else
			pool->head = task->next;
		if (pool->tail == task)
			pool->tail = previous;
		return;
	}
}

/* Returns the activity, which goes on to its end. */
static Activity *
task_free(Worker *w, SqlTask *task)
{
	Activity   *activity = task->activity;

	timer_stop(w, &task->retry_timer);
	activity->state = NULL;
	free(task);
	return activity;
}

static void
close_idle(Worker *w, void *arg)
{
	SqlConn    *conn = arg;

	db_close(&conn->db);
	conn->is_open = false;
}
