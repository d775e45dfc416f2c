/*
 * cli_connect.c
 *		The client's connection: connect, find the extension, run a statement.
 *
 * Only this file calls libpq's connection functions.  A statement is sent
 * unnamed and with bound parameters; nothing of the session outlives a call, so
 * that connection poolers do no harm.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_connect.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "cli_message.h"

/* An attempt to connect again gives up after this, unless the user has set connect_timeout. */
#define RECONNECT_TIMEOUT "5"

#define SCHEMA_MARK "@extschema@"

static PGconn *connection_open(const char *dbname, const char *connect_timeout);
static bool schema_look_up(CliConnection *c, PGresult **result);
static bool schema_take(CliConnection *c, const PGresult *result);
static bool result_await(PGconn *conn, int64_t deadline_ms);
static PGresult *result_last(PGconn *conn);
static bool result_is_ok(const PGresult *result);
static void notice_ignore(void *arg, const PGresult *notice);

bool
cli_connect(CliConnection *c)
{
	PGresult   *result;
	bool		ok;

	c->conn = connection_open(c->dbname, NULL);
	if (PQstatus(c->conn) != CONNECTION_OK)
	{
		cli_connection_error(c->conn);
		return false;
	}
	ok = schema_look_up(c, &result);
	if (!ok)
		cli_server_error(result);
	else
		ok = schema_take(c, result);
	PQclear(result);
	return ok;
}

CliOutcome
cli_reconnect(CliConnection *c)
{
	PGresult   *result;
	CliOutcome	outcome = CLI_LOST;

	cli_disconnect(c);
	c->conn = connection_open(c->dbname, getenv("PGCONNECT_TIMEOUT") ? NULL : RECONNECT_TIMEOUT);
	if (PQstatus(c->conn) != CONNECTION_OK)
		return CLI_LOST;
	if (schema_look_up(c, &result))
		outcome = schema_take(c, result) ? CLI_DONE : CLI_REFUSED;
	PQclear(result);
	return outcome;
}

void
cli_disconnect(CliConnection *c)
{
	PQfinish(c->conn);
	c->conn = NULL;
	free(c->schema);
	c->schema = NULL;
}

PGresult *
cli_query(CliConnection *c, const char *sql, int nvalues, const char *const *values, char *sqlstate)
{
	char	   *qualified = cli_sql_qualify(sql, c->schema);
	PGresult   *result = PQexecParams(c->conn, qualified, nvalues, NULL, values, NULL, NULL, 0);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	free(qualified);
	if (sqlstate != NULL)
	{
		memset(sqlstate, 0, 6);
		if (state != NULL)
			strncpy(sqlstate, state, 5);
	}
	if (result_is_ok(result))
		return result;
	if (result == NULL)
		cli_connection_error(c->conn);
	else
		cli_server_error(result);
	PQclear(result);
	return NULL;
}

CliOutcome
cli_query_within(CliConnection *c, const char *sql, int nvalues, const char *const *values,
				 int64_t timeout_ms, PGresult **result)
{
	char	   *qualified = cli_sql_qualify(sql, c->schema);
	bool		sent = PQsendQueryParams(c->conn, qualified, nvalues, NULL, values, NULL, NULL, 0) != 0;
	const char *state;

	free(qualified);
	*result = NULL;
	PQsetNoticeReceiver(c->conn, notice_ignore, NULL);
	if (!sent || !result_await(c->conn, cli_now_ms() + timeout_ms))
		return CLI_LOST;
	*result = result_last(c->conn);
	if (result_is_ok(*result))
		return CLI_DONE;

	state = PQresultErrorField(*result, PG_DIAG_SQLSTATE);
	if (PQstatus(c->conn) != CONNECTION_OK || state == NULL || cli_sqlstate_is_transient(state))
	{
		PQclear(*result);
		*result = NULL;
		return CLI_LOST;
	}
	cli_server_error(*result);
	PQclear(*result);
	*result = NULL;
	return CLI_REFUSED;
}

char *
cli_sql_qualify(const char *sql, const char *schema)
{
	Buf			buf = {0};
	const char *mark;

	while ((mark = strstr(sql, SCHEMA_MARK)) != NULL)
	{
		buf_append(&buf, sql, (size_t) (mark - sql));
		buf_append_text(&buf, schema);
		sql = mark + strlen(SCHEMA_MARK);
	}
	buf_append_text(&buf, sql);
	return buf_take(&buf);
}

bool
cli_sqlstate_is_transient(const char *sqlstate)
{
	/* connection, conflict, resources, object in use, operator's doing, system */
	static const char *const classes[] = {"08", "40", "53", "55", "57", "58"};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
	{
		if (strncmp(sqlstate, classes[i], 2) == 0)
			return true;
	}
	return false;
}

int64_t
cli_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * What stands before dbname is a default that a connection string overrides;
 * what stands after it always holds.
 */
static PGconn *
connection_open(const char *dbname, const char *connect_timeout)
{
	const char *keywords[5] = {"fallback_application_name"};
	const char *values[5] = {"pgdf"};
	int			n = 1;

	if (connect_timeout != NULL)
	{
		keywords[n] = "connect_timeout";
		values[n++] = connect_timeout;
	}
	if (dbname != NULL)
	{
		keywords[n] = "dbname";
		values[n++] = dbname;
	}
	keywords[n] = "client_encoding";
	values[n] = "UTF8";
	return PQconnectdbParams(keywords, values, 1);
}

static bool
schema_look_up(CliConnection *c, PGresult **result)
{
	*result = PQexecParams(c->conn,
						   "SELECT n.nspname"
						   " FROM pg_catalog.pg_extension e"
						   " JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace"
						   " WHERE e.extname OPERATOR(pg_catalog.=) 'pgdf'",
						   0, NULL, NULL, NULL, NULL, 0);
	return result_is_ok(*result);
}

static bool
schema_take(CliConnection *c, const PGresult *result)
{
	char	   *quoted;

	if (PQntuples(result) == 0)
	{
		cli_error("extension \"pgdf\" does not exist in database \"%s\"", PQdb(c->conn));
		cli_hint("A superuser creates it with CREATE EXTENSION pgdf; another database is chosen with --dbname.");
		return false;
	}
	quoted = PQescapeIdentifier(c->conn, PQgetvalue(result, 0, 0), strlen(PQgetvalue(result, 0, 0)));
	if (quoted == NULL)
	{
		cli_connection_error(c->conn);
		return false;
	}
	/* kept in memory that free() releases, which libpq's own need not be */
	free(c->schema);
	c->schema = cli_sql_qualify(SCHEMA_MARK, quoted);
	PQfreemem(quoted);
	return true;
}

/*
 * Wait until the answer is complete.  False: the time is over, or the
 * connection broke.  A server that no longer answers must not hold the client
 * for as long as TCP keeps hoping.
 */
static bool
result_await(PGconn *conn, int64_t deadline_ms)
{
	int			unsent;

	while ((unsent = PQflush(conn)) > 0 || PQisBusy(conn))
	{
		int64_t		left = deadline_ms - cli_now_ms();
		struct pollfd fd = {.fd = PQsocket(conn), .events = POLLIN};

		if (unsent > 0)
			fd.events |= POLLOUT;
		if (left <= 0 || unsent < 0)
			return false;
		if (poll(&fd, 1, (int) left) > 0 && !PQconsumeInput(conn))
			return false;
	}
	return true;
}

/* The statement's only result; reads up to the end of the answer, so that the next one can be sent. */
static PGresult *
result_last(PGconn *conn)
{
	PGresult   *last = NULL;
	PGresult   *next;

	while ((next = PQgetResult(conn)) != NULL)
	{
		PQclear(last);
		last = next;
	}
	return last;
}

static bool
result_is_ok(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
}

/* A notice in the middle of a progress bar (the server shuts down) says what the caller notices anyway. */
static void
notice_ignore(void *arg, const PGresult *notice)
{
}
