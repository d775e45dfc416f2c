/*
 * cli_chosen.c
 *		One request for all instances that filters choose.
 *
 * They are chosen before the function is called for any of them, and the function is
 * in the select list: in a condition the server would decide for which rows it runs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_chosen.h"

#include <stdlib.h>

#include "cli_commands.h"
#include "cli_filter.h"
#include "cli_format.h"
#include "cli_message.h"
#include "cli_status.h"
#include "xalloc.h"

static char *chosen_sql(const CliOptions *options, const CliSetRequest *request);
static PGresult *chosen_call(CliConnection *c, const CliOptions *options, const CliSetRequest *request);
static PGresult *query(CliConnection *c, const CliOptions *options, const char *sql, bool has_reason);

bool
cli_chosen_check(const CliOptions *options, bool *is_set)
{
	CliFilter	filter;
	bool		is_empty;

	cli_filter_init(&filter, options);
	is_empty = cli_filter_is_empty(&filter);
	cli_filter_free(&filter);
	*is_set = !is_empty;
	if (is_empty != (options->argument_count == 0))
		return true;
	cli_error(is_empty ? "no instance is given" : "an instance and a filter are given");
	cli_hint("Give either an instance id, or at least one of --name, --status, --tag, --older-than.");
	return false;
}

CliExit
cli_chosen_send(CliConnection *c, const CliOptions *options, const CliSetRequest *request)
{
	PGresult   *result = options->dry_run ? cli_chosen_list(c, options, request) :
		chosen_call(c, options, request);

	if (result == NULL)
		return CLI_ERROR;
	if (options->json)
		cli_print_json(cli_format_array(result));
	else
	{
		cli_print_table(result);
		if (options->dry_run)
			cli_notice("%d to %s (dry run: nothing was done)", PQntuples(result), request->verb);
		else
			cli_notice("%s %d", request->doing, PQntuples(result));
	}
	PQclear(result);
	return CLI_OK;
}

PGresult *
cli_chosen_list(CliConnection *c, const CliOptions *options, const CliSetRequest *request)
{
	char	   *chosen = chosen_sql(options, request);
	char	   *sql = xasprintf("%s SELECT instance_id, name, runtime_status FROM chosen", chosen);
	PGresult   *result = query(c, options, sql, false);

	free(sql);
	free(chosen);
	return result;
}

CliExit
cli_chosen_rehearse_one(CliConnection *c, const CliOptions *options, const char *nothing)
{
	const char *values[] = {options->arguments[0]};
	CliExit		code = CLI_OK;
	PGresult   *result = cli_query(c, "SELECT instance_id, name, runtime_status::text FROM @extschema@.df_status($1)",
								   1, values, NULL);

	if (result == NULL)
		return CLI_ERROR;
	if (PQntuples(result) == 0)
		code = cli_status_unknown(values[0]);
	else if (options->json)
		cli_print_json(cli_format_object(result, 0));
	else if (nothing != NULL && cli_status_is_final(PQgetvalue(result, 0, 2)))
		cli_notice("instance \"%s\" %s: nothing to do", values[0], nothing);
	else
		cli_print_table(result);
	PQclear(result);
	return code;
}

static char *
chosen_sql(const CliOptions *options, const CliSetRequest *request)
{
	return xasprintf("WITH chosen AS MATERIALIZED ("
					 "SELECT instance_id, name, runtime_status::text FROM df.instances"
					 " WHERE " CLI_FILTER_SQL " AND (%s)"
					 " ORDER BY created_time, instance_id LIMIT nullif(%d, 0))",
					 request->eligible, options->max_instances);
}

static PGresult *
chosen_call(CliConnection *c, const CliOptions *options, const CliSetRequest *request)
{
	char	   *chosen = chosen_sql(options, request);
	char	   *sql = xasprintf("%s SELECT instance_id, name, runtime_status, %s AS %s FROM chosen",
								chosen, request->call, request->column);
	PGresult   *result = query(c, options, sql, request->has_reason);

	free(sql);
	free(chosen);
	return result;
}

static PGresult *
query(CliConnection *c, const CliOptions *options, const char *sql, bool has_reason)
{
	const char *values[CLI_FILTER_VALUES + 1];
	CliFilter	filter;
	PGresult   *result;

	cli_filter_init(&filter, options);
	cli_filter_bind(&filter, values);
	values[CLI_FILTER_VALUES] = options->reason;
	result = cli_query(c, sql, CLI_FILTER_VALUES + (has_reason ? 1 : 0), values, NULL);
	cli_filter_free(&filter);
	return result;
}
