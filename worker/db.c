/*
 * db.c
 *		One asynchronous database connection that comes back for ever.
 *
 * Nothing here blocks but the name look-up inside PQconnectStartParams().
 * Decisions are made on SQLSTATE only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "db.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "worker.h"
#include "xalloc.h"

#define RECONNECT_BASE_MS	50
#define RECONNECT_CAP_MS	5000

/* A host that does not answer costs tcp_user_timeout before libpq tries the next one. */
#define HOST_DEADLINE_MS	12000
#define SETUP_DEADLINE_MS	10000

/* An overdue call that is waited for is overdue again after so long: time to ask its backend. */
#define OVERDUE_AGAIN_MS	6000

/* How often a connection that keeps failing is reported. */
#define REPORT_INTERVAL_US	(60 * 1000000LL)

/*
 * The session's settings, whatever the role's or the database's defaults are.
 * The server's own checks free the locks of a worker that is gone.
 */
static const char common_settings[] =
	"SET default_transaction_isolation = 'read committed';"
	"SET default_transaction_deferrable = off;"
	"SET synchronous_commit = on;"
	"SET lock_timeout = '2s';"
	"SET idle_in_transaction_session_timeout = '10s';"
	"SET client_min_messages = warning;"
	"SET client_connection_check_interval = '2s';"
	"SET tcp_keepalives_idle = 5;"
	"SET tcp_keepalives_interval = 2;"
	"SET tcp_keepalives_count = 3;"
	"SET tcp_user_timeout = 10000;"
	"SET jit = off;"
	"SET search_path = pg_catalog, pg_temp;";

static const char recovery_check[] = "SELECT pg_catalog.pg_is_in_recovery()";

/*
 * A pooler invents the process id that it tells its clients.  Whether it keeps a
 * session for each of them, as its mode "session" does, cannot be found out for
 * certain, so it is taken for one that does not.
 */
static const char pooler_check[] = "SELECT pg_catalog.pg_backend_pid()";

static void begin_call(Db *db, int64_t deadline_ms, DbResultFn fn, void *arg);
static void connect_start(Db *db);
static void retry_due(Worker *w, void *arg);
static void deadline_passed(Worker *w, void *arg);
static int64_t connect_deadline_ms(const Db *db);
static void connect_poll(Worker *w, int fd, int events, void *arg);
static void connect_failed(Db *db, const char *reason);
static void report_failure(Db *db, const char *reason);
static void log_first_line(LogLevel level, const char *message, const Db *db, const char *reason);
static void look_for_pooler(Db *db);
static void look_for_pooler_done(Db *db, const DbResult *result, void *arg);
static void set_up(Db *db);
static void send_set_up(Db *db, const char *sql, DbResultFn fn);
static void set_up_done(Db *db, const DbResult *result, void *arg);
static void send_all(Db *db);
static void watch(Db *db, int events, LoopFdFn fn);
static void unwatch(Db *db);
static void socket_ready(Worker *w, int fd, int events, void *arg);
static void read_results(Db *db);
static void finish_call(Db *db);
static void lose(Db *db, const char *reason);
static void retry_later(Db *db);
static void receive_notice(void *arg, const PGresult *notice);
static int	add_param(DbParams *params, Oid type, int length, int format);

void
db_init(Db *db, Worker *w, const char *label, const char *settings, const DbEvents *events)
{
	memset(db, 0, sizeof(*db));
	db->worker = w;
	db->label = label;
	db->settings = settings;
	db->events = events;
	db->conninfo = &w->conninfo;
	db->fd = -1;
}

void
db_open(Db *db)
{
	backoff_init(&db->backoff, RECONNECT_BASE_MS, RECONNECT_CAP_MS);
	connect_start(db);
}

void
db_close(Db *db)
{
	if (db->state == DB_CLOSED)
		return;
	timer_stop(db->worker, &db->timer);
	unwatch(db);
	PQclear(db->result);
	PQfinish(db->conn);
	db->result = NULL;
	db->conn = NULL;
	db->parsed = NULL;
	db->fn = NULL;
	db->state = DB_CLOSED;
}

void
db_call(Db *db, const char *sql, const DbParams *params, int64_t deadline_ms, DbResultFn fn, void *arg)
{
	static const DbParams no_params;

	if (params == NULL)
		params = &no_params;
	begin_call(db, deadline_ms, fn, arg);
	db->parsed = NULL;

	/* when sending does not work, reading tells that the connection is lost */
	(void) PQsendQueryParams(db->conn, sql, params->count, params->types, params->values,
							 params->lengths, params->formats, 0);
	send_all(db);
}

/*
 * The unnamed statement stays until another one is sent, and no DEALLOCATE or
 * reset drops it, as they do with named ones.  Behind a pooler the next
 * transaction may be another session's, which has not got it.
 */
void
db_call_again(Db *db, const char *sql, const DbParams *params, int64_t deadline_ms, DbResultFn fn, void *arg)
{
	if (db->parsed != sql)
	{
		db_call(db, sql, params, deadline_ms, fn, arg);
		db->parsed = db->is_pooled ? NULL : sql;
		return;
	}
	begin_call(db, deadline_ms, fn, arg);
	(void) PQsendQueryPrepared(db->conn, "", params->count, params->values, params->lengths,
							   params->formats, 0);
	send_all(db);
}

static void
begin_call(Db *db, int64_t deadline_ms, DbResultFn fn, void *arg)
{
	db->state = DB_BUSY;
	db->fn = fn;
	db->arg = arg;
	db->is_durable = true;
	if (deadline_ms > 0)
		timer_start(db->worker, &db->timer, deadline_ms, deadline_passed, db);
}

bool
db_is_ready(const Db *db)
{
	return db->state == DB_READY;
}

void
db_param_int8(DbParams *params, int64_t value)
{
	int			n = add_param(params, PG_INT8_OID, sizeof(int64_t), 1);

	params->numbers[n] = htobe64((uint64_t) value);
	params->values[n] = (const char *) &params->numbers[n];
}

void
db_param_int4(DbParams *params, int32_t value)
{
	int			n = add_param(params, PG_INT4_OID, sizeof(int32_t), 1);
	uint32_t	ordered = htonl((uint32_t) value);

	memcpy(&params->numbers[n], &ordered, sizeof(ordered));
	params->values[n] = (const char *) &params->numbers[n];
}

void
db_param_bool(DbParams *params, bool value)
{
	int			n = add_param(params, PG_BOOL_OID, 0, 0);

	params->values[n] = value ? "t" : "f";
}

void
db_param_text(DbParams *params, Oid type, const char *text)
{
	int			n = add_param(params, type, 0, 0);

	params->values[n] = text;
}

void
db_param_array(DbParams *params, const PgArray *array)
{
	int			n = add_param(params, pgarray_type_oid(array), (int) array->bytes.used, 1);

	params->values[n] = array->bytes.data;
}

bool
db_is_multi_host(const Db *db)
{
	PQconninfoOption *options = PQconninfo(db->conn);
	bool		is_multi_host = false;

	for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
	{
		if ((strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "hostaddr") == 0) &&
			option->val != NULL && strchr(option->val, ',') != NULL)
			is_multi_host = true;
	}
	PQconninfoFree(options);
	return is_multi_host;
}

int64_t
db_int8(const PGresult *rows, int row, int column)
{
	return strtoll(PQgetvalue(rows, row, column), NULL, 10);
}

bool
db_bool(const PGresult *rows, int row, int column)
{
	return PQgetvalue(rows, row, column)[0] == 't';
}

const char *
db_text(const PGresult *rows, int row, int column)
{
	return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

void
db_log_failure(const DbResult *result, const char *what)
{
	const char *reason = "no answer";
	LogRecord	record = {.level = LOG_LEVEL_WARNING};

	if (result->rows != NULL)
	{
		reason = PQresultErrorField(result->rows, PG_DIAG_MESSAGE_PRIMARY);
		record.sqlstate = result->sqlstate;
		record.detail = PQresultErrorField(result->rows, PG_DIAG_MESSAGE_DETAIL);
		record.hint = PQresultErrorField(result->rows, PG_DIAG_MESSAGE_HINT);
	}
	log_write(&record, "could not %s: %s", what, reason != NULL ? reason : "unexpected answer");
}

bool
db_is_transient(const char *sqlstate)
{
	static const char *const classes[] = {"08", "40", "53", "55", "57", "58", "XX"};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
	{
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	}
	return false;
}

static void
connect_start(Db *db)
{
	db->state = DB_CONNECTING;
	db->conn = PQconnectStartParams(db->conninfo->keywords, db->conninfo->values, 1);
	if (db->conn == NULL || PQstatus(db->conn) == CONNECTION_BAD)
	{
		connect_failed(db, db->conn != NULL ? PQerrorMessage(db->conn) : "out of memory");
		return;
	}
	PQsetNoticeReceiver(db->conn, receive_notice, db);
	timer_start(db->worker, &db->timer, connect_deadline_ms(db), deadline_passed, db);
	watch(db, LOOP_WRITE, connect_poll);
}

static void
retry_due(Worker *w, void *arg)
{
	connect_start(arg);
}

/* connect_timeout for one host; libpq applies it in its blocking functions only. */
static int64_t
connect_deadline_ms(const Db *db)
{
	PQconninfoOption *options = PQconninfo(db->conn);
	int64_t		timeout_ms = 0;
	int			hosts = 1;

	for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
	{
		if (option->val == NULL)
			continue;
		if (strcmp(option->keyword, "connect_timeout") == 0)
			timeout_ms = strtol(option->val, NULL, 10) * 1000;
		if (strcmp(option->keyword, "host") == 0)
		{
			for (const char *s = option->val; *s != '\0'; s++)
				hosts += *s == ',';
		}
	}
	PQconninfoFree(options);
	if (hosts > 1 || timeout_ms <= 0)
		return (int64_t) hosts * HOST_DEADLINE_MS;
	return timeout_ms;
}

void
db_set_deadline(Db *db, int64_t deadline_ms)
{
	if (db->state == DB_BUSY)
		timer_start(db->worker, &db->timer, deadline_ms, deadline_passed, db);
}

static void
deadline_passed(Worker *w, void *arg)
{
	Db		   *db = arg;
	int			pid = PQbackendPID(db->conn);

	if (db->state == DB_CONNECTING || db->state == DB_SETTING_UP)
	{
		connect_failed(db, "timeout expired");
		return;
	}
	if (db->events->overdue != NULL && !db->is_pooled && db->events->overdue(db, pid))
	{
		timer_start(db->worker, &db->timer, OVERDUE_AGAIN_MS, deadline_passed, db);
		return;
	}
	lose(db, "no answer in time");
}

static void
connect_poll(Worker *w, int fd, int events, void *arg)
{
	Db		   *db = arg;

	switch (PQconnectPoll(db->conn))
	{
		case PGRES_POLLING_READING:
			watch(db, LOOP_READ, connect_poll);
			break;
		case PGRES_POLLING_WRITING:
			watch(db, LOOP_WRITE, connect_poll);
			break;
		case PGRES_POLLING_OK:
			look_for_pooler(db);
			break;
		default:
			connect_failed(db, PQerrorMessage(db->conn));
			break;
	}
}

static void
connect_failed(Db *db, const char *reason)
{
	report_failure(db, reason);
	retry_later(db);
}

/* The first of a row of failures is news, and one a minute. */
static void
report_failure(Db *db, const char *reason)
{
	int64_t		now_us = loop_now_us(db->worker);
	LogLevel	level = LOG_LEVEL_DEBUG;

	if (db->failing_since_us == 0)
		db->failing_since_us = now_us;
	if (db->last_report_us == 0 || now_us - db->last_report_us >= REPORT_INTERVAL_US)
	{
		level = LOG_LEVEL_WARNING;
		db->last_report_us = now_us;
	}
	log_first_line(level, "could not connect to database", db, reason);
}

/* The further lines of libpq's messages are advice, or the server's context, which may hold data. */
static void
log_first_line(LogLevel level, const char *message, const Db *db, const char *reason)
{
	char	   *line = xstrndup(reason, strcspn(reason, "\n"));
	LogRecord	record = {0};

	record.level = level;
	record.detail = line;
	log_write(&record, "%s (%s connection)", message, db->label);
	free(line);
}

static void
look_for_pooler(Db *db)
{
	PQsetnonblocking(db->conn, 1);
	send_set_up(db, pooler_check, look_for_pooler_done);
}

static void
look_for_pooler_done(Db *db, const DbResult *result, void *arg)
{
	if (!result->is_ok || PQntuples(result->rows) != 1)
	{
		connect_failed(db, result->rows != NULL ? PQresultErrorMessage(result->rows) : PQerrorMessage(db->conn));
		return;
	}
	db->is_pooled = db_int8(result->rows, 0, 0) != PQbackendPID(db->conn);
	set_up(db);
}

/* All settings and the check for a standby in one round trip.  A pooler would give our settings to others. */
static void
set_up(Db *db)
{
	char	   *sql;

	if (db->is_pooled)
		sql = xstrdup(recovery_check);
	else
		sql = xasprintf("%s%s%s", common_settings, db->settings != NULL ? db->settings : "", recovery_check);
	send_set_up(db, sql, set_up_done);
	free(sql);
}

static void
send_set_up(Db *db, const char *sql, DbResultFn fn)
{
	timer_start(db->worker, &db->timer, SETUP_DEADLINE_MS, deadline_passed, db);
	db->state = DB_SETTING_UP;
	db->fn = fn;
	(void) PQsendQuery(db->conn, sql);
	send_all(db);
}

static void
set_up_done(Db *db, const DbResult *result, void *arg)
{
	if (!result->is_ok)
	{
		connect_failed(db, result->rows != NULL ? PQresultErrorMessage(result->rows) : PQerrorMessage(db->conn));
		return;
	}
	/* a promoted server's connection may have been chosen before its demotion */
	if (PQntuples(result->rows) != 1 || db_bool(result->rows, 0, 0))
	{
		connect_failed(db, "The server is in recovery.");
		return;
	}
	backoff_reset(&db->backoff);
	db->failing_since_us = 0;
	db->last_report_us = 0;
	log_debug("connected to database (%s connection, backend %d)", db->label, PQbackendPID(db->conn));
	if (db->events->ready != NULL)
		db->events->ready(db);
}

static void
send_all(Db *db)
{
	watch(db, PQflush(db->conn) == 1 ? LOOP_READ | LOOP_WRITE : LOOP_READ, socket_ready);
}

static void
watch(Db *db, int events, LoopFdFn fn)
{
	int			fd = PQsocket(db->conn);

	/* libpq opens another socket for another address */
	if (fd != db->fd)
		unwatch(db);
	if (fd < 0)
		return;
	db->fd = fd;
	loop_watch(db->worker, fd, events, fn, db);
}

static void
unwatch(Db *db)
{
	if (db->fd >= 0)
		loop_unwatch(db->worker, db->fd);
	db->fd = -1;
}

static void
socket_ready(Worker *w, int fd, int events, void *arg)
{
	Db		   *db = arg;

	if (events & LOOP_WRITE)
		send_all(db);
	if (events & LOOP_READ)
		read_results(db);
}

static void
read_results(Db *db)
{
	bool		is_alive = PQconsumeInput(db->conn) == 1;
	bool		is_notified = false;
	PGnotify   *notify;

	/* complete answers that came before the connection broke still count */
	while (db->state >= DB_SETTING_UP && db->state != DB_READY && !PQisBusy(db->conn))
	{
		PGresult   *result = PQgetResult(db->conn);

		if (result == NULL)
		{
			if (PQstatus(db->conn) == CONNECTION_BAD && db->result == NULL)
				break;
			finish_call(db);
			break;
		}
		PQclear(db->result);
		db->result = result;
	}
	if (db->conn == NULL)
		return;					/* set-up did not work out */

	while ((notify = PQnotifies(db->conn)) != NULL)
	{
		is_notified = true;
		PQfreemem(notify);
	}
	if (!is_alive || PQstatus(db->conn) == CONNECTION_BAD)
	{
		lose(db, PQerrorMessage(db->conn));
		return;
	}
	if (is_notified && db->events->notified != NULL)
		db->events->notified(db);
}

/* All results of the call are here. */
static void
finish_call(Db *db)
{
	DbResultFn	fn = db->fn;
	PGresult   *rows = db->result;
	ExecStatusType status = PQresultStatus(rows);
	DbResult	result = {.rows = rows, .is_durable = db->is_durable, .sqlstate = ""};
	const char *sqlstate = PQresultErrorField(rows, PG_DIAG_SQLSTATE);

	timer_stop(db->worker, &db->timer);
	db->state = DB_READY;
	db->fn = NULL;
	db->result = NULL;

	result.is_ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (!result.is_ok)
	{
		db->parsed = NULL;		/* it may be no more what the server's functions are like */

		/* libpq's own errors have no SQLSTATE: the connection broke, nobody knows what happened */
		if (sqlstate == NULL)
			result.rows = NULL;
		else
			result.sqlstate = sqlstate;
	}
	fn(db, &result, db->arg);
	PQclear(rows);
}

/* The connection is gone. */
static void
lose(Db *db, const char *reason)
{
	static const DbResult unknown = {.sqlstate = ""};
	DbResultFn	fn = db->fn;

	if (db->state == DB_SETTING_UP)
	{
		connect_failed(db, reason);
		return;
	}
	log_first_line(LOG_LEVEL_WARNING, "lost connection to database", db, reason);
	retry_later(db);
	if (fn != NULL)
		fn(db, &unknown, db->arg);
	if (db->events->lost != NULL)
		db->events->lost(db);
}

static void
retry_later(Db *db)
{
	db_close(db);
	db->state = DB_WAITING;
	timer_start(db->worker, &db->timer, backoff_next(&db->backoff, loop_now_us(db->worker)), retry_due, db);
}

/*
 * A commit whose wait for a synchronous standby was cancelled succeeds with a
 * warning, sent by the commit itself and so without a context; a RAISE WARNING
 * of user code, which has the same code, comes with one.
 */
static void
receive_notice(void *arg, const PGresult *notice)
{
	Db		   *db = arg;
	const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);

	if (sqlstate != NULL && strcmp(sqlstate, "01000") == 0 &&
		PQresultErrorField(notice, PG_DIAG_CONTEXT) == NULL)
		db->is_durable = false;
	if (db->state == DB_BUSY && db->events->message != NULL)
		db->events->message(db, notice);
}

static int
add_param(DbParams *params, Oid type, int length, int format)
{
	int			n = params->count++;

	params->types[n] = type;
	params->lengths[n] = length;
	params->formats[n] = format;
	return n;
}
