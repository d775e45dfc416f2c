/*
 * engine.c
 *		The engine connections and the df.work calls on them.
 *
 * A call owns the outcomes that it carries until it has ended: they are freed
 * when it has committed, and go back to the dispatcher otherwise.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "dispatch.h"
#include "fault.h"
#include "json.h"
#include "log.h"
#include "registry.h"
#include "worker.h"
#include "xalloc.h"

/*
 * The server ends a turn after its own time-out; a call that takes so much
 * longer is stuck, and its backend is terminated.
 */
#define CALL_MARGIN_MS			2000
#define CALL_DEADLINE_MIN_MS	5000	/* a slow commit is no runaway */
#define ENDED_DEADLINE_MS		1000	/* for the end of a connection whose backend was terminated */
#define TURN_TIMEOUT_MS			10000	/* when the server's is not known */

/* Turns and SQL activities run user code here: nothing else may limit them but the engine. */
static const char engine_settings[] = "SET statement_timeout = 0;";

static const char work_sql[] =
	"SELECT what, instance_key, task_id, fence, name, instance_id, attempt, idempotency_key,"
	" timeout_ms, input, settings, traceparent"
	" FROM df.work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

static const char *const mode_names[] = {
	[CALL_WORK] = "work",
	[CALL_SCAN] = "scan",
	[CALL_IDLE] = "idle",
};

/* The done_ parameters of one call. */
typedef struct DoneArrays
{
	PgArray		instances;
	PgArray		tasks;
	PgArray		fences;
	PgArray		payloads;
	Buf			outcomes;
} DoneArrays;

static int64_t call_deadline_ms(const Worker *w);
static bool engine_overdue(Db *db, int backend_pid);

static const DbEvents engine_events = {
	.overdue = engine_overdue,
};

static void repeat_sent(EngineConn *conn);
static void done_arrays_make(DoneArrays *done, const OutcomeList *outcomes);
static void done_arrays_free(DoneArrays *done);
static void call_done(Db *db, const DbResult *result, void *arg);
static void call_not_done(EngineConn *conn, const DbResult *result);
static int	refusal_weight(const char *sqlstate);
static void read_summary(const PGresult *rows, CallReport *report);
static int	summary_int(json_object *summary, const char *key);
static bool summary_bool(json_object *summary, const char *key);
static void read_row(EngineConn *conn, const PGresult *rows, int row, CallReport *report);
static TaskKey row_key(const PGresult *rows, int row);
static void outcome_is_void(EngineConn *conn, const TaskKey *key);
static void settle_sent(EngineConn *conn, bool is_durable);

void
engine_init(Worker *w)
{
	Engine	   *engine = &w->dispatch->engine;

	engine_settings_changed(w);
	engine->count = w->config.connections;
	engine->conns = xcalloc((size_t) engine->count, sizeof(EngineConn));
	for (int i = 0; i < engine->count; i++)
	{
		EngineConn *conn = &engine->conns[i];

		db_init(&conn->db, w, "engine", engine_settings, &engine_events);
		conn->db.owner = conn;
		db_open(&conn->db);
	}
}

void
engine_free(Worker *w)
{
	Engine	   *engine = &w->dispatch->engine;

	for (int i = 0; i < engine->count; i++)
	{
		db_close(&engine->conns[i].db);
		outcomes_free(&engine->conns[i].sent);
	}
	free(engine->conns);
	pgarray_free(&engine->queues);
	pgarray_free(&engine->activities);
	memset(engine, 0, sizeof(*engine));
}

void
engine_settings_changed(Worker *w)
{
	Engine	   *engine = &w->dispatch->engine;

	pgarray_free(&engine->queues);
	pgarray_begin(&engine->queues, PG_TEXT_OID);
	for (int i = 0; i < w->config.queues.count; i++)
		pgarray_add_text(&engine->queues, w->config.queues.items[i], strlen(w->config.queues.items[i]));
	pgarray_finish(&engine->queues);

	pgarray_free(&engine->activities);
	registry_names(w, &engine->activities);
}

EngineConn *
engine_free_conn(Worker *w)
{
	Engine	   *engine = &w->dispatch->engine;

	for (int i = 0; i < engine->count; i++)
	{
		if (db_is_ready(&engine->conns[i].db))
			return &engine->conns[i];
	}
	return NULL;
}

int
engine_free_count(const Worker *w)
{
	const Engine *engine = &w->dispatch->engine;
	int			count = 0;

	for (int i = 0; i < engine->count; i++)
		count += db_is_ready(&engine->conns[i].db);
	return count;
}

int64_t
engine_oldest_claim_ms(const Worker *w)
{
	const Engine *engine = &w->dispatch->engine;
	int64_t		oldest_ms = 0;

	for (int i = 0; i < engine->count; i++)
	{
		const EngineConn *conn = &engine->conns[i];
		int64_t		age_ms = (loop_now_us(w) - conn->sent_us) / 1000;

		if (conn->is_calling && conn->room > 0 && age_ms > oldest_ms)
			oldest_ms = age_ms;
	}
	return oldest_ms;
}

int64_t
engine_recording_ms(const Worker *w, int64_t instance_key)
{
	const Engine *engine = &w->dispatch->engine;

	for (int i = 0; i < engine->count; i++)
	{
		const EngineConn *conn = &engine->conns[i];

		if (conn->is_calling && outcomes_are_of(&conn->sent, instance_key))
			return (loop_now_us(w) - conn->sent_us) / 1000;
	}
	return -1;
}

void
engine_call(EngineConn *conn, CallMode mode, int room, int turns, OutcomeList *outcomes)
{
	Worker	   *w = conn->db.worker;
	Engine	   *engine = &w->dispatch->engine;
	DoneArrays	done = {0};
	DbParams	params = {0};

	outcomes_append(&conn->sent, outcomes);
	if (PGDF_FAULT(call_made))
		repeat_sent(conn);
	conn->mode = mode;
	conn->room = room;
	conn->turns = turns;
	conn->is_calling = true;
	conn->sent_us = loop_now_us(w);
	engine->calls++;
	engine->room_reserved += room;

	done_arrays_make(&done, &conn->sent);
	db_param_int8(&params, w->dispatch->session.worker_key);
	db_param_array(&params, &engine->queues);
	db_param_array(&params, &engine->activities);
	db_param_int4(&params, room);
	db_param_int4(&params, turns);
	db_param_text(&params, PG_TEXT_OID, mode_names[mode]);
	db_param_array(&params, &done.instances);
	db_param_array(&params, &done.tasks);
	db_param_array(&params, &done.fences);
	db_param_text(&params, PG_TEXT_OID, done.outcomes.data != NULL ? done.outcomes.data : "");
	db_param_array(&params, &done.payloads);
	conn->is_overdue = false;
	conn->is_working = false;
	db_call_again(&conn->db, work_sql, &params, call_deadline_ms(w), call_done, conn);
	done_arrays_free(&done);
	(void) PGDF_FAULT(call_sent);
}

/* A fault: every outcome twice in one call. */
static void
repeat_sent(EngineConn *conn)
{
	OutcomeList copies = {0};

	for (const Outcome *outcome = conn->sent.head; outcome != NULL; outcome = outcome->next)
		outcomes_push(&copies, outcome_new(outcome->key, outcome->what,
										   outcome->payload ? xstrndup(outcome->payload, outcome->length) : NULL,
										   outcome->length, outcome->made_us));
	outcomes_append(&conn->sent, &copies);
}

static int64_t
call_deadline_ms(const Worker *w)
{
	int64_t		turn_timeout_ms = w->dispatch->session.turn_timeout_ms;
	int64_t		deadline_ms = (turn_timeout_ms > 0 ? turn_timeout_ms : TURN_TIMEOUT_MS) + CALL_MARGIN_MS;

	return deadline_ms > CALL_DEADLINE_MIN_MS ? deadline_ms : CALL_DEADLINE_MIN_MS;
}

/*
 * A turn that does not listen to its cancellation holds its instance until its
 * backend ends.  A backend that does work of the engine's own, which may be much,
 * is waited for as long as it says so.
 */
static bool
engine_overdue(Db *db, int backend_pid)
{
	EngineConn *conn = db->owner;
	bool		may_wait = !conn->is_overdue || conn->is_working;

	conn->is_overdue = true;
	conn->is_working = false;
	session_signal_backend(db->worker, backend_pid, BACKEND_RUNAWAY);
	return may_wait;
}

void
engine_overdue_answered(Worker *w, int backend_pid, bool is_working)
{
	Engine	   *engine = &w->dispatch->engine;

	for (int i = 0; i < engine->count; i++)
	{
		EngineConn *conn = &engine->conns[i];

		if (!conn->is_overdue || !conn->is_calling || PQbackendPID(conn->db.conn) != backend_pid)
			continue;
		conn->is_working = is_working;
		if (!is_working)
			db_set_deadline(&conn->db, ENDED_DEADLINE_MS);
	}
}

static void
done_arrays_make(DoneArrays *done, const OutcomeList *outcomes)
{
	pgarray_begin(&done->instances, PG_INT8_OID);
	pgarray_begin(&done->tasks, PG_INT4_OID);
	pgarray_begin(&done->fences, PG_INT8_OID);
	pgarray_begin(&done->payloads, PG_TEXT_OID);
	for (const Outcome *outcome = outcomes->head; outcome != NULL; outcome = outcome->next)
	{
		pgarray_add_int8(&done->instances, outcome->key.instance_key);
		pgarray_add_int4(&done->tasks, outcome->key.task_id);
		pgarray_add_int8(&done->fences, outcome->key.fence);
		buf_append(&done->outcomes, &outcome->what, 1);
		if (outcome->payload != NULL)
			pgarray_add_text(&done->payloads, outcome->payload, outcome->length);
		else
			pgarray_add_null(&done->payloads);
	}
	pgarray_finish(&done->instances);
	pgarray_finish(&done->tasks);
	pgarray_finish(&done->fences);
	pgarray_finish(&done->payloads);
}

static void
done_arrays_free(DoneArrays *done)
{
	pgarray_free(&done->instances);
	pgarray_free(&done->tasks);
	pgarray_free(&done->fences);
	pgarray_free(&done->payloads);
	buf_free(&done->outcomes);
}

static void
call_done(Db *db, const DbResult *result, void *arg)
{
	EngineConn *conn = arg;
	Worker	   *w = db->worker;
	Engine	   *engine = &w->dispatch->engine;
	CallReport	report = {.mode = conn->mode, .next_due_ms = -1};
	const DbResult no_answer = {.sqlstate = ""};

	conn->is_calling = false;
	engine->calls--;
	engine->room_reserved -= conn->room;

	if (PGDF_FAULT(call_answered))
		result = &no_answer;
	if (!result->is_ok || PQntuples(result->rows) < 1)
	{
		report.is_answered = result->rows != NULL;
		call_not_done(conn, result);
		dispatch_call_done(w, conn, &report);
		return;
	}
	report.is_ok = true;
	report.is_answered = true;
	report.is_durable = result->is_durable;
	read_summary(result->rows, &report);
	for (int row = 1; row < PQntuples(result->rows); row++)
		read_row(conn, result->rows, row, &report);
	settle_sent(conn, report.is_durable);
	(void) PGDF_FAULT(call_settled);

	report.is_full = (conn->room > 0 && report.claimed >= conn->room) ||
		(conn->turns > 0 && report.turns >= conn->turns);
	dispatch_call_done(w, conn, &report);
}

/* Nothing of the call happened, or nobody knows: its outcomes are sent again. */
static void
call_not_done(EngineConn *conn, const DbResult *result)
{
	Worker	   *w = conn->db.worker;

	if (result->rows != NULL)
		db_log_failure(result, "record results and claim tasks");
	else if (conn->room > 0)
		session_doubt(w);		/* it may have claimed something */

	/* alone in a careful call: it is this outcome that the server refuses; let others go first */
	if (result->rows != NULL && conn->sent.count == 1 && conn->turns <= 1)
	{
		conn->sent.head->refusals += refusal_weight(result->sqlstate);
		outcomes_append(&w->dispatch->outcomes, &conn->sent);
	}
	else
		outcomes_prepend(&w->dispatch->outcomes, &conn->sent);
}

/*
 * How much an error says about the outcome, and not about the system: see
 * REFUSAL_LIMIT.  Data exceptions, violated constraints, and limits do.
 */
static int
refusal_weight(const char *sqlstate)
{
	if (strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0 || strncmp(sqlstate, "54", 2) == 0)
		return 4;
	return strncmp(sqlstate, "XX", 2) == 0 ? 1 : 0;
}

static void
read_summary(const PGresult *rows, CallReport *report)
{
	const char *text = db_text(rows, 0, WORK_INPUT);
	const char *error = NULL;
	json_object *summary = text != NULL ? json_parse(text, strlen(text), &error) : NULL;
	json_object *due = json_get(summary, "next_due_ms", json_type_int);

	if (!json_object_is_type(summary, json_type_object))
		log_warning("df.work returned a summary that is not an object");
	report->recorded = summary_int(summary, "recorded");
	report->turns = summary_int(summary, "turns");
	report->more = summary_bool(summary, "more");
	report->quiet = summary_bool(summary, "quiet");
	report->surplus = summary_bool(summary, "surplus");
	if (due != NULL)
		report->next_due_ms = json_object_get_int64(due);
	json_object_put(summary);
}

static int
summary_int(json_object *summary, const char *key)
{
	return json_object_get_int(json_get(summary, key, json_type_int));
}

static bool
summary_bool(json_object *summary, const char *key)
{
	return json_object_get_boolean(json_get(summary, key, json_type_boolean));
}

static void
read_row(EngineConn *conn, const PGresult *rows, int row, CallReport *report)
{
	Worker	   *w = conn->db.worker;
	TaskKey		key = row_key(rows, row);
	Outcome    *outcome;

	switch (PQgetvalue(rows, row, WORK_WHAT)[0])
	{
		case 'R':
			outcome = outcomes_remove(&conn->sent, &key);
			if (outcome != NULL && outcome->what == OUTCOME_PROGRESS)
				claims_progress_back(w, outcome);
			else if (outcome != NULL)
				dispatch_park(w, outcome);
			break;
		case 'F':
			outcome_is_void(conn, &key);
			break;
		case 'C':
			claims_void(w, &key);
			break;
		case 'T':
		case 'Q':
			report->claimed++;
			if (report->is_durable && PGDF_FAULT(task_read))
				claims_start(w, rows, row);
			if (report->is_durable)
				claims_start(w, rows, row);
			else				/* a claim that may vanish must not be the start of an attempt */
				dispatch_outcome(w, outcome_new(key, OUTCOME_RETURNED, NULL, 0, loop_now_us(w)));
			break;
		default:
			log_debug("df.work returned a row of unknown kind \"%s\"", PQgetvalue(rows, row, WORK_WHAT));
			break;
	}
}

static TaskKey
row_key(const PGresult *rows, int row)
{
	TaskKey		key;

	key.instance_key = db_int8(rows, row, WORK_INSTANCE_KEY);
	key.task_id = (int32_t) db_int8(rows, row, WORK_TASK_ID);
	key.fence = db_int8(rows, row, WORK_FENCE);
	return key;
}

/* Somebody else may complete this task now: forget the outcome, and stop the activity if it still runs. */
static void
outcome_is_void(EngineConn *conn, const TaskKey *key)
{
	Worker	   *w = conn->db.worker;
	Outcome    *outcome = outcomes_remove(&conn->sent, key);

	if (outcome != NULL && !outcome->is_repeat && outcome->what != OUTCOME_PROGRESS)
		w->dispatch->fenced++;
	outcome_free(outcome);
	claims_void(w, key);
}

/*
 * The call has committed.  If a synchronous standby may not have the commit, its
 * outcomes are sent once more; where they were recorded, that finds a void fence.
 */
static void
settle_sent(EngineConn *conn, bool is_durable)
{
	Worker	   *w = conn->db.worker;

	if (!is_durable && conn->sent.count > 0)
		log_warning("results may not have been replicated, sending them again");
	while (conn->sent.head != NULL)
	{
		OutcomeList one = {0};

		outcomes_take(&conn->sent, 1, SIZE_MAX, &one);
		if (is_durable || one.head->is_repeat)
			outcomes_free(&one);
		else
		{
			one.head->is_repeat = true;
			dispatch_park(w, one.head);
		}
	}
}
