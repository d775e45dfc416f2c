/*
 * cli_list.c
 *		What there is: pgdf list, history, waits, tree, orchestrators, activities, workers.
 *
 * Each is one statement; where a table for people has less to show than JSON
 * has for programs, there is one for each.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "cli_commands.h"
#include "cli_filter.h"
#include "cli_format.h"
#include "cli_message.h"
#include "cli_status.h"
#include "xalloc.h"

/* An event's time is exact: many events share a second. */
#define SQL_EXACT_TIME(column) \
	"pg_catalog.to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* So much of a payload is worth a place in a table. */
#define SQL_SHORT(payload) \
	"CASE WHEN pg_catalog.length(" payload "::text) > 200" \
	" THEN pg_catalog.left(" payload "::text, 200) || '...' ELSE " payload "::text END"

static CliExit instance_print(CliConnection *c, const CliOptions *options, const char *sql);
static CliExit view_print(CliConnection *c, const CliOptions *options, const char *sql);
static CliExit result_print(PGresult *result, const CliOptions *options);

CliExit
cli_list(CliConnection *c, const CliOptions *options)
{
	CliFilter	filter;
	char	   *limit = xasprintf("%d", options->limit);
	const char *values[CLI_FILTER_VALUES + 1];
	PGresult   *result = NULL;
	bool		is_cut;

	cli_filter_init(&filter, options);
	cli_filter_bind(&filter, values);
	values[CLI_FILTER_VALUES] = limit;
	if (cli_connect(c))
		result = cli_query(c, options->json
						   ? "SELECT " CLI_STATUS_COLUMNS ", parent_instance_id, execution, version, tags, priority, queue,"
						   " " CLI_SQL_TIME("scheduled_start_time") " AS scheduled_start_time, owner::text"
						   " FROM df.instances WHERE " CLI_FILTER_SQL
						   " ORDER BY instances.created_time DESC, instance_id LIMIT NULLIF($5::integer, 0)"
						   : "SELECT instance_id, name, runtime_status::text,"
						   " " CLI_SQL_TIME("created_time") " AS created_time,"
						   " " CLI_SQL_TIME("last_updated_time") " AS last_updated_time,"
						   " tasks_completed::text || '/' || tasks_total::text AS tasks"
						   " FROM df.instances WHERE " CLI_FILTER_SQL
						   " ORDER BY instances.created_time DESC, instance_id LIMIT NULLIF($5::integer, 0)",
						   CLI_FILTER_VALUES + 1, values, NULL);
	is_cut = options->limit > 0 && PQntuples(result) == options->limit;
	cli_filter_free(&filter);
	free(limit);
	if (result_print(result, options) != CLI_OK)
		return CLI_ERROR;
	if (is_cut && !options->json)
		cli_notice("there may be more: only the newest %d are shown (--limit)", options->limit);
	return CLI_OK;
}

CliExit
cli_history(CliConnection *c, const CliOptions *options)
{
	const char *values[] = {options->arguments[0]};
	PGresult   *result;
	bool		is_known;

	if (!cli_connect(c))
		return CLI_ERROR;

	/* an instance that has not begun has no history, one that does not exist has no status */
	result = cli_query(c, "SELECT FROM @extschema@.df_status($1)", 1, values, NULL);
	is_known = PQntuples(result) > 0;
	PQclear(result);
	if (result == NULL)
		return CLI_ERROR;
	if (!is_known)
		return cli_status_unknown(options->arguments[0]);

	result = cli_query(c, options->json
					   ? "SELECT execution, event_id, event_type, " SQL_EXACT_TIME("event_time") " AS event_time,"
					   " task_id, name, payload, failure_details"
					   " FROM @extschema@.df_history($1) ORDER BY execution, event_id"
					   : "SELECT execution, event_id, " SQL_EXACT_TIME("event_time") " AS event_time,"
					   " event_type, task_id, name,"
					   " " SQL_SHORT("coalesce(failure_details, payload)") " AS payload"
					   " FROM @extschema@.df_history($1) ORDER BY execution, event_id",
					   1, values, NULL);
	return result_print(result, options);
}

CliExit
cli_waits(CliConnection *c, const CliOptions *options)
{
	return instance_print(c, options, options->json
						  ? "SELECT instance_id, task_id, kind, name, " CLI_SQL_TIME("since") " AS since,"
						  " " CLI_SQL_TIME("due") " AS due, served, progress, function, line"
						  " FROM @extschema@.df_waits($1)"
						  : "SELECT instance_id, kind, name, " CLI_SQL_TIME("since") " AS since,"
						  " " CLI_SQL_TIME("due") " AS due, served, function, line"
						  " FROM @extschema@.df_waits($1)");
}

CliExit
cli_tree(CliConnection *c, const CliOptions *options)
{
	return instance_print(c, options, options->json
						  ? "SELECT depth, instance_id, parent_instance_id, name, runtime_status"
						  " FROM @extschema@.df_tree($1)"
						  : "SELECT pg_catalog.repeat('  ', depth) || instance_id AS instance_id, name, runtime_status"
						  " FROM @extschema@.df_tree($1)");
}

CliExit
cli_orchestrators(CliConnection *c, const CliOptions *options)
{
	return view_print(c, options,
					  "SELECT name, version, function, owner::text, live_workers,"
					  " " CLI_SQL_TIME("last_served") " AS last_served, " CLI_SQL_TIME("registered_at") " AS registered_at"
					  " FROM df.orchestrators ORDER BY name, version");
}

CliExit
cli_activities(CliConnection *c, const CliOptions *options)
{
	return view_print(c, options,
					  "SELECT name, kind, function, queue, live_workers,"
					  " " CLI_SQL_TIME("last_served") " AS last_served, owner::text"
					  " FROM df.activities ORDER BY name");
}

CliExit
cli_workers(CliConnection *c, const CliOptions *options)
{
	return view_print(c, options,
					  "SELECT name, role::text, lease_until > pg_catalog.now() AS is_live, slots, claimed,"
					  " " CLI_SQL_TIME("attached_at") " AS attached_at,"
					  " " CLI_SQL_TIME("last_seen_at") " AS last_seen_at,"
					  " pg_catalog.array_to_json(queues) AS queues, pg_catalog.array_to_json(activities) AS activities"
					  " FROM df.workers ORDER BY name, worker_key");
}

/* What a function returns for the instance $1 (NULL: not given), in its order. */
static CliExit
instance_print(CliConnection *c, const CliOptions *options, const char *sql)
{
	const char *values[] = {options->arguments[0]};
	char		sqlstate[6];
	PGresult   *result;

	if (!cli_connect(c))
		return CLI_ERROR;
	result = cli_query(c, sql, 1, values, sqlstate);
	return result == NULL ? cli_status_error(sqlstate) : result_print(result, options);
}

static CliExit
view_print(CliConnection *c, const CliOptions *options, const char *sql)
{
	if (!cli_connect(c))
		return CLI_ERROR;
	return result_print(cli_query(c, sql, 0, NULL, NULL), options);
}

/* Takes the result, which is NULL after an error. */
static CliExit
result_print(PGresult *result, const CliOptions *options)
{
	if (result == NULL)
		return CLI_ERROR;
	if (options->json)
		cli_print_json(cli_format_array(result));
	else
		cli_print_table(result);
	PQclear(result);
	return CLI_OK;
}
