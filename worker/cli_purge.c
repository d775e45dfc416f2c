/*
 * cli_purge.c
 *		Delete instances that have ended: pgdf purge.
 *
 * Takes an instance id, or an age; never "everything".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_filter.h"
#include "cli_format.h"
#include "cli_message.h"
#include "cli_status.h"
#include "xalloc.h"

#define FINAL_STATUSES "'{Completed,Failed,Terminated,Canceled}'"

static bool request_is_valid(const CliOptions *options);
static CliExit purge_one(CliConnection *c, const CliOptions *options);
static CliExit purge_old(CliConnection *c, const CliOptions *options);
static PGresult *old_purge(CliConnection *c, const CliFilter *filter, const char *limit);
static PGresult *old_list(CliConnection *c, const CliFilter *filter, const char *limit);
static void count_print(const PGresult *result, bool is_json);

CliExit
cli_purge(CliConnection *c, const CliOptions *options)
{
	if (!request_is_valid(options))
		return CLI_USAGE;
	if (!cli_connect(c))
		return CLI_ERROR;
	return options->argument_count == 0 ? purge_old(c, options) : purge_one(c, options);
}

static bool
request_is_valid(const CliOptions *options)
{
	bool		has_filter = options->older_than != NULL || options->statuses.count > 0 ||
		options->max_instances > 0 || options->dry_run;

	if (options->argument_count > 0 ? has_filter : options->older_than == NULL)
	{
		cli_error(options->argument_count > 0 ? "an instance and a filter are given" : "no instance is given");
		cli_hint("Give either an instance id, or --older-than, with --status, --limit and --dry-run if need be.");
		return false;
	}
	for (int i = 0; i < options->statuses.count; i++)
	{
		if (cli_status_is_final(options->statuses.items[i]))
			continue;
		cli_error("status \"%s\" is not final", options->statuses.items[i]);
		cli_detail("Only instances that are Completed, Failed, Terminated or Canceled can be purged.");
		return false;
	}
	return true;
}

static CliExit
purge_one(CliConnection *c, const CliOptions *options)
{
	const char *values[] = {options->arguments[0]};
	char		sqlstate[6];
	PGresult   *result = cli_query(c, "SELECT @extschema@.df_purge($1) AS instances_deleted", 1, values, sqlstate);
	CliExit		code = CLI_OK;

	if (result == NULL)
		return cli_status_error(sqlstate);
	if (strcmp(PQgetvalue(result, 0, 0), "0") == 0)
		code = cli_status_unknown(options->arguments[0]);
	else
		count_print(result, options->json);
	PQclear(result);
	return code;
}

static CliExit
purge_old(CliConnection *c, const CliOptions *options)
{
	CliFilter	filter;
	char	   *limit = xasprintf("%d", options->max_instances);
	PGresult   *result;

	cli_filter_init(&filter, options);
	result = options->dry_run ? old_list(c, &filter, limit) : old_purge(c, &filter, limit);
	cli_filter_free(&filter);
	free(limit);
	if (result == NULL)
		return CLI_ERROR;
	if (!options->dry_run)
		count_print(result, options->json);
	else if (options->json)
		cli_print_json(cli_format_array(result));
	else
	{
		cli_print_table(result);
		cli_notice("%d to purge (dry run: nothing was done)", PQntuples(result));
	}
	PQclear(result);
	return CLI_OK;
}

static PGresult *
old_purge(CliConnection *c, const CliFilter *filter, const char *limit)
{
	const char *values[] = {filter->older_than, filter->statuses, limit};

	return cli_query(c, "SELECT @extschema@.df_purge_before(created_before => pg_catalog.now() - $1::interval,"
					 " runtime_status => coalesce($2::text[], " FINAL_STATUSES "),"
					 " max_instances => nullif($3::bigint, 0)) AS instances_deleted", 3, values, NULL);
}

/* What the filters choose; children that would go with them are not among it unless they are old as well. */
static PGresult *
old_list(CliConnection *c, const CliFilter *filter, const char *limit)
{
	const char *values[CLI_FILTER_VALUES + 1];

	cli_filter_bind(filter, values);
	values[CLI_FILTER_VALUES] = limit;
	return cli_query(c, "SELECT instance_id, name, runtime_status::text FROM df.instances WHERE " CLI_FILTER_SQL
					 " AND runtime_status::text = ANY (" FINAL_STATUSES ")"
					 " ORDER BY created_time, instance_id LIMIT nullif($5::bigint, 0)",
					 CLI_FILTER_VALUES + 1, values, NULL);
}

static void
count_print(const PGresult *result, bool is_json)
{
	const char *count = PQgetvalue(result, 0, 0);

	if (is_json)
		cli_print_json(cli_format_object(result, 0));
	else
		printf("purged %s %s\n", count, strcmp(count, "1") == 0 ? "instance" : "instances");
}
