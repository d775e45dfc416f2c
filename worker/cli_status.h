/*
 * cli_status.h
 *		An instance's status as the client reads it, and what an end means for the exit code.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_STATUS_H
#define PGDF_CLI_STATUS_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "cli.h"

/* A time as the HTTP API writes it: 2026-01-31T12:00:00Z */
#define CLI_SQL_TIME(column) \
	"pg_catalog.to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"

/* The columns of a status in the order of the HTTP API. */
#define CLI_STATUS_COLUMNS \
	"name, instance_id, runtime_status::text, input, custom_status, output," \
	" " CLI_SQL_TIME("created_time") " AS created_time," \
	" " CLI_SQL_TIME("last_updated_time") " AS last_updated_time," \
	" " CLI_SQL_TIME("completed_time") " AS completed_time," \
	" failure_details," \
	" ('{\"tasksTotal\": ' || tasks_total::text || ', \"tasksCompleted\": ' || tasks_completed::text || '}')::json" \
	" AS progress, blocked_reason"

/* $1: instance id */
#define CLI_STATUS_SQL "SELECT " CLI_STATUS_COLUMNS " FROM @extschema@.df_status($1)"

/* Is this the name of a status that an instance does not leave by itself? */
extern bool cli_status_is_final(const char *status);

/*
 * The exit code for the only row of CLI_STATUS_SQL.  An instance that ended
 * otherwise than Completed is reported, with its reason.
 */
extern CliExit cli_status_report_end(const PGresult *result);

/* "errorType: errorMessage" of failureDetails (JSON text); the caller frees it. */
extern char *cli_status_failure_text(const char *failure_details);

/*
 * The exit code for the error of a function that takes an instance id; the error
 * itself has been reported.
 */
extern CliExit cli_status_error(const char *sqlstate);

/* There is no such instance, or the user must not know: says so, returns CLI_UNKNOWN. */
extern CliExit cli_status_unknown(const char *instance_id);

#endif							/* PGDF_CLI_STATUS_H */
