/*
 * db.h
 *		One asynchronous database connection that comes back for ever.
 *
 * A Db connects inside the event loop, makes its session settings in one round
 * trip, and tells its owner when it is ready.  Then it takes one call at a time.
 * When the connection is lost the call in flight ends with an unknown outcome,
 * and the Db connects again after a back-off.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_DB_H
#define PGDF_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "conninfo.h"
#include "loop.h"
#include "pgarray.h"

struct Worker;
struct Db;

#define DB_MAX_PARAMS 12

/* Parameters of a call.  Arrays and texts must live until the call was sent. */
typedef struct DbParams
{
	int			count;
	Oid			types[DB_MAX_PARAMS];
	const char *values[DB_MAX_PARAMS];
	int			lengths[DB_MAX_PARAMS];
	int			formats[DB_MAX_PARAMS];
	uint64_t	numbers[DB_MAX_PARAMS]; /* numbers in network order, values[] points here */
} DbParams;

extern void db_param_int8(DbParams *params, int64_t value);
extern void db_param_int4(DbParams *params, int32_t value);
extern void db_param_bool(DbParams *params, bool value);
extern void db_param_text(DbParams *params, Oid type, const char *text);	/* NULL: SQL NULL */
extern void db_param_array(DbParams *params, const PgArray *array);

/* What a call came to. */
typedef struct DbResult
{
	const PGresult *rows;		/* NULL: no answer, the outcome is unknown */
	bool		is_ok;
	bool		is_durable;		/* false: committed, but a synchronous standby may not have it */
	const char *sqlstate;		/* of the error; "" when there is none */
} DbResult;

typedef void (*DbResultFn) (struct Db *db, const DbResult *result, void *arg);

/* What the owner is told; each may be NULL. */
typedef struct DbEvents
{
	void		(*ready) (struct Db *db);
	void		(*lost) (struct Db *db);	/* after a call in flight was ended */
	void		(*notified) (struct Db *db);
	void		(*message) (struct Db *db, const PGresult *notice); /* the server sent one while a call runs */
	bool		(*overdue) (struct Db *db, int backend_pid);	/* no answer in time; false: give the connection up */
} DbEvents;

typedef enum DbState
{
	DB_CLOSED,
	DB_WAITING,					/* for the next try */
	DB_CONNECTING,
	DB_SETTING_UP,
	DB_READY,
	DB_BUSY
} DbState;

typedef struct Db
{
	struct Worker *worker;
	const char *label;			/* "control", for the log */
	const Conninfo *conninfo;
	const char *settings;		/* SQL that is run after connecting, besides the common one; or NULL */
	const DbEvents *events;
	void	   *owner;			/* for the owner's callbacks */

	DbState		state;
	PGconn	   *conn;
	bool		is_pooled;		/* a pooler is in between: no session state, no notifications */
	const char *parsed;			/* statement that the server has parsed and planned; NULL: none is known */
	int			fd;				/* watched; -1: none */
	Timer		timer;			/* next try, connection deadline, or deadline of the call */
	Backoff		backoff;
	int64_t		failing_since_us;	/* 0: the last try succeeded */
	int64_t		last_report_us; /* when a failed try was last logged */

	DbResultFn	fn;				/* of the call in flight */
	void	   *arg;
	PGresult   *result;			/* last one of the call */
	bool		is_durable;
} Db;

/* What is given must outlive the Db.  The caller sets owner. */
extern void db_init(Db *db, struct Worker *w, const char *label, const char *settings, const DbEvents *events);

/* Begin to connect. */
extern void db_open(Db *db);

/* Close for good; a call in flight is forgotten.  May be called twice. */
extern void db_close(Db *db);

/*
 * Send a statement, unnamed.  The Db must be DB_READY.  fn is called once, from
 * the event loop, when it has ended; deadline_ms 0: wait for ever.
 */
extern void db_call(Db *db, const char *sql, const DbParams *params, int64_t deadline_ms, DbResultFn fn, void *arg);

/*
 * The same for a statement that is sent again and again, with parameters of the same
 * types: the server parses and plans it once, until another one is sent.  sql must be a constant.
 */
extern void db_call_again(Db *db, const char *sql, const DbParams *params, int64_t deadline_ms,
						  DbResultFn fn, void *arg);

/* The call in flight is overdue in so long, whatever was said before. */
extern void db_set_deadline(Db *db, int64_t deadline_ms);

extern bool db_is_ready(const Db *db);

/* Does the connection string name several servers?  The Db is connected. */
extern bool db_is_multi_host(const Db *db);

/* Fields of a result. */
extern int64_t db_int8(const PGresult *rows, int row, int column);
extern bool db_bool(const PGresult *rows, int row, int column);
extern const char *db_text(const PGresult *rows, int row, int column);	/* NULL: SQL NULL */

/* Log a failed call: what could not be done, with the server's message and SQLSTATE. */
extern void db_log_failure(const DbResult *result, const char *what);

/* Is this error class of the system's making (08, 40, 53, 55, 57, 58, XX), so that trying again makes sense? */
extern bool db_is_transient(const char *sqlstate);

#endif							/* PGDF_DB_H */
