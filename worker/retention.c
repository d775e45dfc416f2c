/*
 * retention.c
 *		Final instances that are old enough are deleted, on a connection of its own.
 *
 * One worker does it; the database says which, and on the control connection it
 * is asked whether there is anything to do at all.  A call deletes a few, or one
 * that is very large: nothing else may have to wait for it.  The connection is
 * closed when a round is over.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "retention.h"

#include <stdlib.h>

#include "db.h"
#include "dispatch.h"
#include "worker.h"
#include "xalloc.h"

/* Nothing is deleted for longer; what has not answered then may go on, and holds the others off meanwhile. */
#define CALL_DEADLINE_MS	(60 * 60 * 1000)

/* An answer to call again after so long ends a round. */
#define ROUND_MS			1000

static const char retention_settings[] = "SET statement_timeout = 0;";

typedef struct Retention
{
	Db			db;
	bool		is_open;
	Timer		timer;			/* the next call */
} Retention;

static void conn_ready(Db *db);

static const DbEvents conn_events = {
	.ready = conn_ready,
};

static void call(Worker *w);
static void call_done(Db *db, const DbResult *result, void *arg);
static void call_due(Worker *w, void *arg);
static void round_over(Worker *w, void *arg);
static void end_round(Worker *w);

void
retention_init(Worker *w)
{
	w->retention = xcalloc(1, sizeof(Retention));
}

void
retention_free(Worker *w)
{
	if (w->retention == NULL)
		return;
	end_round(w);
	free(w->retention);
	w->retention = NULL;
}

void
retention_begin(Worker *w)
{
	Retention  *retention = w->retention;

	if (retention->is_open)
		return;
	retention->is_open = true;
	db_init(&retention->db, w, "retention", retention_settings, &conn_events);
	db_open(&retention->db);
}

/* Also after the connection was lost. */
static void
conn_ready(Db *db)
{
	call(db->worker);
}

static void
call(Worker *w)
{
	DbParams	params = {0};

	if (w->phase != WORKER_RUNNING)
		return;
	db_param_int8(&params, w->dispatch->session.worker_key);
	db_call(&w->retention->db, "SELECT purged, next_ms FROM df.retire($1)", &params, CALL_DEADLINE_MS, call_done, w);
}

static void
call_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;
	int64_t		next_ms = ROUND_MS;

	if (result->rows == NULL)
		return;					/* it connects again */
	if (result->is_ok && PQntuples(result->rows) == 1)
		next_ms = db_int8(result->rows, 0, 1);
	else
		db_log_failure(result, "delete old instances");
	if (next_ms < ROUND_MS)
		timer_start(w, &w->retention->timer, next_ms, call_due, NULL);
	else
		timer_start(w, &w->retention->timer, 0, round_over, NULL);	/* not in the middle of its call */
}

static void
call_due(Worker *w, void *arg)
{
	if (db_is_ready(&w->retention->db))
		call(w);
}

static void
round_over(Worker *w, void *arg)
{
	end_round(w);
}

static void
end_round(Worker *w)
{
	timer_stop(w, &w->retention->timer);
	if (w->retention->is_open)
		db_close(&w->retention->db);
	w->retention->is_open = false;
}
