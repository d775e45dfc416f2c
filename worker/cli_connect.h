/*
 * cli_connect.h
 *		The client's connection: connect, find the extension, run a statement.
 *
 * Public functions live in the schema that the extension was created in.  It is
 * looked up once per connection; statements name it as @extschema@, as
 * extension scripts do.  Parameters are always bound.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_CONNECT_H
#define PGDF_CLI_CONNECT_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

typedef struct CliConnection
{
	const char *dbname;			/* name or connection string; NULL: environment */
	PGconn	   *conn;			/* NULL: not connected */
	char	   *schema;			/* of the extension, quoted; NULL: not looked up */
} CliConnection;

/* What has become of a statement that is allowed to fail. */
typedef enum CliOutcome
{
	CLI_DONE,					/* *result holds the rows */
	CLI_LOST,					/* connection lost, or a condition that passes: connect again and repeat */
	CLI_REFUSED					/* a lasting error; has been reported */
} CliOutcome;

/*
 * Connect and look up the extension.  False: has been reported.  The caller
 * closes in both cases.
 */
extern bool cli_connect(CliConnection *c) __attribute__((warn_unused_result));

/*
 * The same after a loss: an attempt that gives up after a few seconds.
 * CLI_LOST: nothing was reported, try again later.
 */
extern CliOutcome cli_reconnect(CliConnection *c) __attribute__((warn_unused_result));

/* Close; accepts one that is not connected. */
extern void cli_disconnect(CliConnection *c);

/*
 * Run one statement; values[i] is bound to $i+1, NULL is SQL NULL.  Returns a
 * result that the caller clears, or NULL after the error was reported;
 * sqlstate (of six bytes, may be NULL) then tells why.
 */
extern PGresult *cli_query(CliConnection *c, const char *sql, int nvalues,
						   const char *const *values, char *sqlstate)
			__attribute__((warn_unused_result));

/*
 * Run one short statement and wait for it no longer than timeout_ms.  On
 * CLI_DONE the caller clears *result; otherwise it is NULL.
 */
extern CliOutcome cli_query_within(CliConnection *c, const char *sql, int nvalues,
								   const char *const *values, int64_t timeout_ms, PGresult **result)
			__attribute__((warn_unused_result));

/* The statement with every @extschema@ replaced; the caller frees it. */
extern char *cli_sql_qualify(const char *sql, const char *schema);

/* Does this condition pass by itself (restart, overload, conflict)? */
extern bool cli_sqlstate_is_transient(const char *sqlstate);

/* Milliseconds of a clock that only goes forward. */
extern int64_t cli_now_ms(void);

#endif							/* PGDF_CLI_CONNECT_H */
