/*
 * session.c
 *		The worker's session: presence, idle lock, sweeps and wake-ups, all on the
 *		control connection.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dispatch.h"
#include "engine.h"
#include "fault.h"
#include "json.h"
#include "log.h"
#include "registry.h"
#include "retention.h"
#include "sd_notify.h"
#include "worker.h"
#include "xalloc.h"

/* A call on the control connection is short; so a silent server is noticed. */
#define CALL_DEADLINE_MS		5000
#define ATTACH_DEADLINE_MS		10000

#define ATTACH_BASE_MS			50
#define ATTACH_CAP_MS			5000
#define REPORT_INTERVAL_US		(60 * 1000000LL)

/* How long another connection may have our boot id before we become somebody else. */
#define IN_USE_LIMIT_US			(30 * 1000000LL)

/* Wake-ups of other workers are at least so far apart. */
#define WAKE_INTERVAL_MS		10

/* After a call that should not have failed. */
#define RETRY_MS				1000

/*
 * After a lost call: its backend may commit later, when the network lets it know;
 * and a claim this young may be in an answer that is on its way.
 */
#define DOUBT_US				(60 * 1000000LL)
#define DOUBT_SWEEP_MS			500
#define CLAIM_TRANSIT_MS		1000

#define SWEEP_MIN_MS			20
#define SWEEP_MAX_MS			5000

/* An activity that takes longer than this is reported as started. */
#define STARTED_AFTER_MS		1000

/* How often the database is asked whether there is anything to delete. */
#define RETIRE_MS				60000

/* LISTEN is part of the settings, so that it precedes every df.attach. */
static const char control_settings[] = "SET statement_timeout = '10s';LISTEN pgdf;";

static void control_ready(Db *db);
static void control_lost(Db *db);
static void control_notified(Db *db);

static const DbEvents control_events = {
	.ready = control_ready,
	.lost = control_lost,
	.notified = control_notified,
};

static void make_boot_id(Session *session);
static char *session_name(const Worker *w);
static char *session_details(const Session *session);
static void attach(Worker *w);
static void attach_done(Db *db, const DbResult *result, void *arg);
static void attach_refused(Worker *w, const DbResult *result);
static bool is_extension_missing(const DbResult *result);
static void report_refusal(Worker *w, const DbResult *result);
static void boot_id_in_use(Worker *w);
static void begin_session(Worker *w, int64_t worker_key);
static void change_idle(Worker *w);
static void change_idle_done(Db *db, const DbResult *result, void *arg);
static void sweep(Worker *w);
static void sweep_done(Db *db, const DbResult *result, void *arg);
static int64_t next_sweep_ms(Worker *w, int64_t next_ms);
static void recall(Worker *w);
static void recall_done(Db *db, const DbResult *result, void *arg);
static void wake(Worker *w);
static void wake_done(Db *db, const DbResult *result, void *arg);
static void send_signal(Worker *w);
static void signal_done(Db *db, const DbResult *result, void *arg);
static void retire(Worker *w);
static void retire_done(Db *db, const DbResult *result, void *arg);
static void retire_due(Worker *w, void *arg);
static void detach(Worker *w);
static void detach_done(Db *db, const DbResult *result, void *arg);
static void sweep_due(Worker *w, void *arg);
static void nothing_due(Worker *w, void *arg);
static void call(Worker *w, const char *sql, const DbParams *params, int64_t deadline_ms, DbResultFn fn);

void
session_init(Worker *w)
{
	Session    *session = &w->dispatch->session;

	make_boot_id(session);
	backoff_init(&session->attach_backoff, ATTACH_BASE_MS, ATTACH_CAP_MS);
	db_init(&session->db, w, "control", control_settings, &control_events);
	session->db.owner = session;
	db_open(&session->db);
}

void
session_free(Worker *w)
{
	Session    *session = &w->dispatch->session;

	db_close(&session->db);
	timer_stop(w, &session->attach_timer);
	timer_stop(w, &session->sweep_timer);
	timer_stop(w, &session->retire_timer);
	timer_stop(w, &session->wake_timer);
	timer_stop(w, &session->idle_timer);
}

void
session_step(Worker *w)
{
	Session    *session = &w->dispatch->session;

	if (!db_is_ready(&session->db) || session->is_detached)
		return;

	if (session->signal_count > 0)
		send_signal(w);
	else if (!session->is_attached || session->wants_attach)
	{
		if (!timer_is_running(&session->attach_timer))
			attach(w);
	}
	else if (session->wants_idle != session->holds_idle && !session->db.is_pooled &&
			 !timer_is_running(&session->idle_timer))
		change_idle(w);
	else if (session->wants_sweep)
		sweep(w);
	else if (session->wants_recall)
		recall(w);
	else if (session->wants_wake && !timer_is_running(&session->wake_timer))
		wake(w);
	else if (session->wants_detach)
		detach(w);
	else if (session->wants_retire)
		retire(w);
}

void
session_refresh(Worker *w)
{
	w->dispatch->session.wants_attach = true;
}

void
session_want_idle(Worker *w, bool wants_idle)
{
	w->dispatch->session.wants_idle = wants_idle;
}

bool
session_is_pooled(const Worker *w)
{
	return w->dispatch->session.db.is_pooled;
}

bool
session_is_idle(const Worker *w)
{
	return w->dispatch->session.holds_idle || session_is_pooled(w);
}

bool
session_can_idle(const Worker *w)
{
	return !timer_is_running(&w->dispatch->session.idle_timer);
}

void
session_doubt(Worker *w)
{
	w->dispatch->session.doubt_until_us = loop_now_us(w) + DOUBT_US;
	w->dispatch->session.wants_sweep = true;
}

void
session_want_sweep(Worker *w)
{
	w->dispatch->session.wants_sweep = true;
}

void
session_want_wake(Worker *w)
{
	w->dispatch->session.wants_wake = true;
}

void
session_want_detach(Worker *w)
{
	w->dispatch->session.wants_detach = true;
}

void
session_signal_backend(Worker *w, int pid, BackendEnd end)
{
	Session    *session = &w->dispatch->session;

	BackendSignal *signal = &session->signals[session->signal_count];

	if (session->signal_count == SESSION_MAX_SIGNALS)
		return;
	session->signal_count++;
	signal->pid = pid;
	signal->end = end;
}

static void
control_ready(Db *db)
{
	Session    *session = db->owner;

	session->is_attached = false;
	session->holds_idle = false;
	timer_stop(db->worker, &session->attach_timer);
	if (db->is_pooled && !session->has_told_pooled)
	{
		log_warning_more("Workers are found to be gone by their lease only, and new work by polling.",
						 "Connect the worker to the server itself.",
						 "a connection pooler is between this worker and the server");
		session->has_told_pooled = true;
	}
}

/* Presence and idle lock are gone with it; claims are kept until they are known to be void. */
static void
control_lost(Db *db)
{
	Session    *session = db->owner;

	session->is_attached = false;
	session->holds_idle = false;
	session->is_calling = false;
	session->signal_count = 0;
	if (session->wants_detach)
		session->is_detached = true;
}

static void
control_notified(Db *db)
{
	dispatch_chance(db->worker);
}

/* A random (version 4) UUID. */
static void
make_boot_id(Session *session)
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t) sizeof(b))
		abort();
	b[6] = (unsigned char) ((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char) ((b[8] & 0x3f) | 0x80);
	snprintf(session->boot_id, sizeof(session->boot_id),
			 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
			 b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static char *
session_name(const Worker *w)
{
	char		host[256] = "unknown";

	if (w->config.name != NULL)
		return xstrdup(w->config.name);
	(void) gethostname(host, sizeof(host) - 1);
	return xasprintf("%s:%d", host, (int) getpid());
}

/* With what the database needs to tell a failover from a copy. */
static char *
session_details(const Session *session)
{
	return xasprintf("{\"version\":\"%s\",\"pid\":%d,\"timeline\":%d,\"multi_host\":%s,"
					 "\"pooled\":%s}", PGDF_VERSION, (int) getpid(), session->timeline,
					 db_is_multi_host(&session->db) ? "true" : "false", session->db.is_pooled ? "true" : "false");
}

static void
attach(Worker *w)
{
	Session    *session = &w->dispatch->session;
	char	   *name = session_name(w);
	char	   *details = session_details(session);
	DbParams	params = {0};

	db_param_text(&params, PG_UUID_OID, session->boot_id);
	db_param_text(&params, PG_TEXT_OID, name);
	db_param_array(&params, &w->dispatch->engine.queues);
	db_param_array(&params, &w->dispatch->engine.activities);
	db_param_int4(&params, w->config.max_activities);
	db_param_text(&params, PG_JSON_OID, details);

	/* the setting is known once the library is loaded, which df.attach has done by then */
	call(w, "SELECT worker_key, lease_ms,"
		 " (extract(epoch FROM pg_catalog.current_setting('pgdf.turn_timeout', true)::interval) * 1000)::bigint,"
		 " ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::int"
		 " FROM df.attach($1, $2, $3, $4, $5, $6)",
		 &params, ATTACH_DEADLINE_MS, attach_done);
	session->wants_attach = false;
	free(details);
	free(name);
}

static void
attach_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;
	Session    *session = &w->dispatch->session;

	session->is_calling = false;
	if (!result->is_ok || PQntuples(result->rows) != 1)
	{
		if (result->rows != NULL)
			attach_refused(w, result);
		return;
	}
	session->lease_ms = db_int8(result->rows, 0, 1);
	session->turn_timeout_ms = db_int8(result->rows, 0, 2);
	session->timeline = (int) db_int8(result->rows, 0, 3);
	begin_session(w, db_int8(result->rows, 0, 0));
	if (PGDF_FAULT(attach_answered))
		session->is_attached = false;
}

/* The extension may not be there yet, the role may lack a grant: try for ever. */
static void
attach_refused(Worker *w, const DbResult *result)
{
	Session    *session = &w->dispatch->session;
	int64_t		delay_ms = backoff_next(&session->attach_backoff, loop_now_us(w));

	report_refusal(w, result);
	session->is_attached = false;
	if (strcmp(result->sqlstate, "55006") == 0)
		boot_id_in_use(w);
	timer_start(w, &session->attach_timer, delay_ms, nothing_due, NULL);
}

/* No schema df, or no function of that name in it. */
static bool
is_extension_missing(const DbResult *result)
{
	return strcmp(result->sqlstate, "3F000") == 0 || strcmp(result->sqlstate, "42883") == 0;
}

static void
report_refusal(Worker *w, const DbResult *result)
{
	Session    *session = &w->dispatch->session;
	int64_t		now_us = loop_now_us(w);

	if (session->last_report_us != 0 && now_us - session->last_report_us < REPORT_INTERVAL_US)
		return;
	session->last_report_us = now_us;

	if (is_extension_missing(result))
		log_warning_more("It is tried again until it is.", "Run CREATE EXTENSION pgdf in this database.",
						 "extension \"pgdf\" is not installed in database \"%s\"", PQdb(session->db.conn));
	else if (strcmp(result->sqlstate, "42501") == 0)
		log_warning_more("It is tried again until it has.", "An administrator can grant them with df_grant_worker().",
						 "role \"%s\" does not have the rights of a worker", PQuser(session->db.conn));
	else
		db_log_failure(result, "register this worker");
}

/*
 * The backend of our last connection ends within seconds.  If it is still there
 * after that, it belongs to a copy of this process (a cloned machine): let the
 * copy have the name and the claims.
 */
static void
boot_id_in_use(Worker *w)
{
	Session    *session = &w->dispatch->session;

	if (session->in_use_since_us == 0)
		session->in_use_since_us = loop_now_us(w);
	if (loop_now_us(w) - session->in_use_since_us < IN_USE_LIMIT_US)
		return;
	log_warning("another process has the identity of this worker, taking a new one");
	session->in_use_since_us = 0;
	make_boot_id(session);
	dispatch_claims_lost(w);
}

static void
begin_session(Worker *w, int64_t worker_key)
{
	Session    *session = &w->dispatch->session;
	int64_t		old_key = session->worker_key;

	session->is_attached = true;
	session->worker_key = worker_key;
	session->last_report_us = 0;
	session->in_use_since_us = 0;
	backoff_reset(&session->attach_backoff);

	if (old_key != 0 && old_key != worker_key)
		dispatch_claims_lost(w);
	if (old_key != worker_key)
		log_info("connected to database \"%s\" as worker %lld", PQdb(session->db.conn), (long long) worker_key);
	else
		log_info("connected to database \"%s\" again", PQdb(session->db.conn));
	if (old_key == 0)
		sd_notify_send("READY=1");
	session->wants_sweep = true;
	session->wants_retire = true;
	dispatch_chance(w);
}

static void
change_idle(Worker *w)
{
	Session    *session = &w->dispatch->session;
	DbParams	params = {0};

	db_param_bool(&params, session->wants_idle);
	call(w, "SELECT df.idle($1)", &params, CALL_DEADLINE_MS,
		 change_idle_done);
}

static void
change_idle_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;
	Session    *session = &w->dispatch->session;

	session->is_calling = false;
	if (!result->is_ok)
	{
		if (result->rows == NULL)
			return;
		db_log_failure(result, "change the idle state");
		session->wants_idle = session->holds_idle;
		timer_start(w, &session->idle_timer, RETRY_MS, nothing_due, NULL);
		return;
	}
	/* only df.idle(true) takes and only df.idle(false) releases, and this was the one call */
	session->holds_idle = !session->holds_idle;
	if (session->holds_idle)
		dispatch_idle_begun(w);
}

static void
sweep(Worker *w)
{
	DbParams	params = {0};

	w->dispatch->session.wants_sweep = false;
	claims_report_started(w, STARTED_AFTER_MS);
	db_param_int8(&params, w->dispatch->session.worker_key);
	call(w, "SELECT alive, taken, next_ms FROM df.sweep($1)", &params, CALL_DEADLINE_MS, sweep_done);
}

static void
sweep_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;
	Session    *session = &w->dispatch->session;
	int64_t		next_ms = RETRY_MS;

	session->is_calling = false;
	(void) PGDF_FAULT(sweep_answered);
	if (result->is_ok && PQntuples(result->rows) == 1)
	{
		next_ms = db_int8(result->rows, 0, 2);
		if (!db_bool(result->rows, 0, 0))
		{
			log_warning("this worker's session was given up by another worker, beginning a new one");
			session->is_attached = false;
			dispatch_claims_lost(w);
		}
		if (db_int8(result->rows, 0, 1) > 0)
		{
			log_info("took over %lld tasks of lost workers", (long long) db_int8(result->rows, 0, 1));
			dispatch_chance(w);
		}
	}
	else if (result->rows != NULL && is_extension_missing(result))
	{
		/* dropped; if it is created again, nothing of ours is in it */
		session->is_attached = false;
		dispatch_claims_lost(w);
	}
	else if (result->rows != NULL)
		db_log_failure(result, "renew the lease");
	timer_start(w, &session->sweep_timer, next_sweep_ms(w, next_ms), sweep_due, session);
}

static int64_t
next_sweep_ms(Worker *w, int64_t next_ms)
{
	Session    *session = &w->dispatch->session;

	if (next_ms > SWEEP_MAX_MS)
		next_ms = SWEEP_MAX_MS;
	if (session->doubt_until_us != 0)
	{
		session->wants_recall = true;
		if (next_ms > DOUBT_SWEEP_MS)
			next_ms = DOUBT_SWEEP_MS;
		if (loop_now_us(w) > session->doubt_until_us)
			session->doubt_until_us = 0;
	}
	return next_ms > SWEEP_MIN_MS ? next_ms : SWEEP_MIN_MS;
}

/* Give back what is claimed for us without our knowing. */
static void
recall(Worker *w)
{
	Session    *session = &w->dispatch->session;
	PgArray		fences;
	DbParams	params = {0};

	session->wants_recall = false;
	dispatch_held_fences(w, &fences);
	db_param_int8(&params, session->worker_key);
	db_param_array(&params, &fences);
	db_param_int4(&params, (int32_t) (engine_oldest_claim_ms(w) + CLAIM_TRANSIT_MS));
	call(w, "SELECT df.detach($1, $2, $3)", &params, CALL_DEADLINE_MS, recall_done);
	pgarray_free(&fences);
}

static void
recall_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;

	w->dispatch->session.is_calling = false;
	if (!result->is_ok && result->rows != NULL)
		db_log_failure(result, "look for lost claims");
	if (!result->is_ok || db_int8(result->rows, 0, 0) == 0)
		return;
	log_info("gave back %lld claims whose answer was lost", (long long) db_int8(result->rows, 0, 0));
	dispatch_chance(w);
	session_want_wake(w);
}

static void
wake(Worker *w)
{
	Session    *session = &w->dispatch->session;

	session->wants_wake = false;
	timer_start(w, &session->wake_timer, WAKE_INTERVAL_MS, nothing_due, NULL);
	call(w, "SELECT df.wake()", NULL, CALL_DEADLINE_MS, wake_done);
}

static void
wake_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;

	w->dispatch->session.is_calling = false;
	if (!result->is_ok && result->rows != NULL)
		db_log_failure(result, "wake idle workers");
}

/* In the order of BackendEnd. */
static const char *const signal_sql[] = {
	"SELECT pg_catalog.pg_cancel_backend($1)",
	"SELECT pg_catalog.pg_terminate_backend($1)",
	"SELECT df.terminate_runaway($1)",
};

static void
send_signal(Worker *w)
{
	Session    *session = &w->dispatch->session;
	BackendSignal signal = session->signals[--session->signal_count];
	DbParams	params = {0};

	session->signalled_pid = signal.pid;
	db_param_int4(&params, signal.pid);
	call(w, signal_sql[signal.end], &params, CALL_DEADLINE_MS, signal_done);
}

static void
signal_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;

	w->dispatch->session.is_calling = false;
	if (!result->is_ok && result->rows != NULL)
		db_log_failure(result, "stop a backend of this worker");
	if (result->is_ok && PQntuples(result->rows) > 0)
		engine_overdue_answered(w, w->dispatch->session.signalled_pid, PQgetisnull(result->rows, 0, 0));
}

/* One worker does it, on another connection; which worker, the function says. */
static void
retire(Worker *w)
{
	DbParams	params = {0};

	w->dispatch->session.wants_retire = false;
	db_param_int8(&params, w->dispatch->session.worker_key);
	call(w, "SELECT df.retire_due($1)", &params, CALL_DEADLINE_MS, retire_done);
}

static void
retire_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;
	Session    *session = &w->dispatch->session;

	session->is_calling = false;
	if (result->is_ok && PQntuples(result->rows) == 1 && db_bool(result->rows, 0, 0))
		retention_begin(w);
	else if (!result->is_ok && result->rows != NULL)
		db_log_failure(result, "ask whether there are old instances");
	timer_start(w, &session->retire_timer, RETIRE_MS, retire_due, session);
}

static void
retire_due(Worker *w, void *arg)
{
	w->dispatch->session.wants_retire = true;
}

static void
detach(Worker *w)
{
	DbParams	params = {0};

	db_param_int8(&params, w->dispatch->session.worker_key);
	call(w, "SELECT df.detach($1)", &params, CALL_DEADLINE_MS, detach_done);
	(void) PGDF_FAULT(detach_made);
}

static void
detach_done(Db *db, const DbResult *result, void *arg)
{
	Worker	   *w = arg;

	w->dispatch->session.is_calling = false;
	w->dispatch->session.is_detached = true;
	if (!result->is_ok && result->rows != NULL)
		db_log_failure(result, "end this worker's session");
	else if (result->is_ok && db_int8(result->rows, 0, 0) > 0)
		log_info("gave back %lld tasks", (long long) db_int8(result->rows, 0, 0));
}

static void
sweep_due(Worker *w, void *arg)
{
	w->dispatch->session.wants_sweep = true;
}

/* A pause is over: session_step() looks at what is wanted after every round. */
static void
nothing_due(Worker *w, void *arg)
{
}

static void
call(Worker *w, const char *sql, const DbParams *params, int64_t deadline_ms, DbResultFn fn)
{
	Session    *session = &w->dispatch->session;

	session->is_calling = true;
	db_call(&session->db, sql, params, deadline_ms, fn, w);
}
