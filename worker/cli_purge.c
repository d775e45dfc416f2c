/*
 * cli_purge.c
 *		Delete instances that have ended: pgdf purge.
 *
 * Takes an instance id, or filters; never "everything".
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <string.h>

#include "cli_chosen.h"
#include "cli_commands.h"
#include "cli_format.h"
#include "cli_message.h"
#include "cli_status.h"
#include "xalloc.h"

#define IS_FINAL	"runtime_status::text IN ('Completed', 'Failed', 'Terminated', 'Canceled')"

static const CliSetRequest purge_request = {.eligible = IS_FINAL,.verb = "purge"};

static bool request_is_valid(const CliOptions *options, bool *is_set);
static CliExit purge_one(CliConnection *c, const CliOptions *options);
static CliExit purge_chosen(CliConnection *c, const CliOptions *options);
static CliExit total_print(CliConnection *c, long long purged, bool is_json);
static void count_print(const PGresult *result, bool is_json);

CliExit
cli_purge(CliConnection *c, const CliOptions *options)
{
	bool		is_set;

	if (!request_is_valid(options, &is_set))
		return CLI_USAGE;
	if (!cli_connect(c))
		return CLI_ERROR;
	if (options->dry_run)
		return is_set ? cli_chosen_send(c, options, &purge_request) : cli_chosen_rehearse_one(c, options, NULL);
	return is_set ? purge_chosen(c, options) : purge_one(c, options);
}

static bool
request_is_valid(const CliOptions *options, bool *is_set)
{
	if (!cli_chosen_check(options, is_set))
		return false;
	if (*is_set && options->older_than == NULL && options->name == NULL && options->tags.count == 0)
	{
		cli_error("no instance is given");
		cli_hint("Give either an instance id, or at least one of --name, --tag, --older-than, with --status if need be.");
		return false;
	}
	if (!*is_set && options->max_instances > 0)
	{
		cli_error("an instance and --limit are given");
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

/* One after the other: what has gone with its parent is gone, and nothing is held for long. */
static CliExit
purge_chosen(CliConnection *c, const CliOptions *options)
{
	PGresult   *chosen = cli_chosen_list(c, options, &purge_request);
	long long	purged = 0;

	if (chosen == NULL)
		return CLI_ERROR;
	for (int i = 0; i < PQntuples(chosen) && (options->max_instances == 0 || purged < options->max_instances); i++)
	{
		const char *values[] = {PQgetvalue(chosen, i, 0)};
		PGresult   *result = cli_query(c, "SELECT coalesce(sum(@extschema@.df_purge(instance_id)), 0) FROM df.instances"
									   " WHERE instance_id = $1 AND " IS_FINAL, 1, values, NULL);

		if (result == NULL)
		{
			PQclear(chosen);
			return CLI_ERROR;
		}
		purged += strtoll(PQgetvalue(result, 0, 0), NULL, 10);
		PQclear(result);
	}
	PQclear(chosen);
	return total_print(c, purged, options->json);
}

static CliExit
total_print(CliConnection *c, long long purged, bool is_json)
{
	char	   *count = xasprintf("%lld", purged);
	const char *values[] = {count};
	PGresult   *result = cli_query(c, "SELECT $1::bigint AS instances_deleted", 1, values, NULL);

	free(count);
	if (result == NULL)
		return CLI_ERROR;
	count_print(result, is_json);
	PQclear(result);
	return CLI_OK;
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
