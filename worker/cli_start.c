/*
 * cli_start.c
 *		Start an instance and wait for it: pgdf start, run, restart, wait.
 *
 * stdout gets the one thing that was asked for (the id, or the output);
 * progress and everything else goes to stderr.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <string.h>

#include "cli_chosen.h"
#include "cli_commands.h"
#include "cli_format.h"
#include "cli_input.h"
#include "cli_message.h"
#include "cli_status.h"
#include "cli_wait.h"
#include "json.h"
#include "xalloc.h"

/* What goes to stdout when an instance has ended. */
typedef enum EndPrint
{
	PRINT_OUTPUT,
	PRINT_NOTHING
} EndPrint;

/* What can be started anew. */
#define IS_FINAL	"runtime_status::text IN ('Completed', 'Failed', 'Terminated', 'Canceled')"

static CliExit start_instance(CliConnection *c, const CliOptions *options, char **instance_id);
static PGresult *start_call(CliConnection *c, const CliOptions *options, const char *input);
static PGresult *start_query(CliConnection *c, const char *sql, int nvalues, const char *const *values);
static CliExit wait_and_print(CliConnection *c, const char *instance_id, const CliOptions *options, EndPrint print);

CliExit
cli_run(CliConnection *c, const CliOptions *options)
{
	char	   *instance_id;
	CliExit		code = start_instance(c, options, &instance_id);

	if (code == CLI_OK)
		code = wait_and_print(c, instance_id, options, PRINT_OUTPUT);
	free(instance_id);
	return code;
}

CliExit
cli_start(CliConnection *c, const CliOptions *options)
{
	char	   *instance_id;
	CliExit		code = start_instance(c, options, &instance_id);

	if (code == CLI_OK && options->json && !options->wait)
	{
		json_object *object = json_object_new_object();

		json_object_object_add(object, "instanceId", json_object_new_string(instance_id));
		cli_print_json(object);
	}
	else if (code == CLI_OK && !options->json)
	{
		/* whoever reads may go on before the instance ends */
		puts(instance_id);
		fflush(stdout);
	}
	if (code == CLI_OK && options->wait)
		code = wait_and_print(c, instance_id, options, PRINT_NOTHING);
	free(instance_id);
	return code;
}

CliExit
cli_wait(CliConnection *c, const CliOptions *options)
{
	if (!cli_connect(c))
		return CLI_ERROR;
	return wait_and_print(c, options->arguments[0], options, PRINT_OUTPUT);
}

static bool
restart_is_valid(const CliOptions *options, bool *is_set)
{
	if (!cli_chosen_check(options, is_set))
		return false;
	if (options->same_id && options->id != NULL)
	{
		cli_error("--id and --same-id are given");
		cli_hint("Give one of them, or none for a generated id.");
		return false;
	}
	if (*is_set && options->id != NULL)
	{
		cli_error("--id and a filter are given");
		cli_hint("Only one instance can have an id: use --same-id, or none for generated ids.");
		return false;
	}
	return true;
}

CliExit
cli_restart(CliConnection *c, const CliOptions *options)
{
	static const CliSetRequest anew = {IS_FINAL, "@extschema@.df_restart(instance_id)", false,
	"new_instance_id", "restarting", "restart"};
	static const CliSetRequest in_place = {IS_FINAL, "@extschema@.df_restart(instance_id, instance_id)", false,
	"new_instance_id", "restarting", "restart"};
	const char *instance_id = options->arguments[0];
	const char *values[] = {instance_id, options->same_id ? instance_id : options->id};
	PGresult   *result = NULL;
	CliExit		code = CLI_OK;
	bool		is_set;

	if (!restart_is_valid(options, &is_set))
		return CLI_USAGE;
	if (is_set || options->dry_run)
	{
		if (!cli_connect(c))
			return CLI_ERROR;
		return is_set ? cli_chosen_send(c, options, options->same_id ? &in_place : &anew) :
			cli_chosen_rehearse_one(c, options, NULL);
	}

	/* an orchestrator that is not registered has the SQLSTATE of an unknown instance: no row tells them apart */
	if (cli_connect(c))
		result = start_query(c, "SELECT @extschema@.df_restart(instance_id, $2) AS instance_id"
							 " FROM @extschema@.df_status($1)", 2, values);
	if (result == NULL)
		return CLI_ERROR;
	if (PQntuples(result) == 0)
		code = cli_status_unknown(instance_id);
	else if (options->json)
		cli_print_json(cli_format_object(result, 0));
	else
		puts(PQgetvalue(result, 0, 0));
	PQclear(result);
	return code;
}

/* On CLI_OK the caller frees *instance_id; otherwise it is NULL. */
static CliExit
start_instance(CliConnection *c, const CliOptions *options, char **instance_id)
{
	char	   *input;
	PGresult   *result = NULL;
	CliExit		code = CLI_ERROR;

	*instance_id = NULL;
	if (!cli_input_read(options, options->arguments[1], &input))
		return CLI_USAGE;
	if (cli_connect(c))
		result = start_call(c, options, input);
	if (result != NULL)
	{
		*instance_id = xstrdup(PQgetvalue(result, 0, 0));
		code = CLI_OK;
	}
	PQclear(result);
	free(input);
	return code;
}

static PGresult *
start_call(CliConnection *c, const CliOptions *options, const char *input)
{
	char	   *tags = cli_input_tags(&options->tags);
	char	   *priority = xasprintf("%d", options->priority);
	const char *values[] = {
		options->arguments[0], input, options->id, options->start_at,
		options->if_exists ? options->if_exists : "error",
		tags, options->version, priority, options->queue
	};
	PGresult   *result;

	result = start_query(c,
						 "SELECT @extschema@.df_start(name => $1, input => $2::jsonb, instance_id => $3,"
						 " start_at => $4::timestamptz, if_exists => $5, tags => $6::jsonb, version => $7,"
						 " priority => $8::integer, queue => $9)",
						 sizeof(values) / sizeof(values[0]), values);
	free(tags);
	free(priority);
	return result;
}

/* cli_query() of a statement that starts an instance. */
static PGresult *
start_query(CliConnection *c, const char *sql, int nvalues, const char *const *values)
{
	PGresult   *result = cli_query(c, sql, nvalues, values, NULL);

	if (result == NULL && PQstatus(c->conn) != CONNECTION_OK)
		cli_detail("The connection was lost; the instance may have been started or not.");
	return result;
}

static CliExit
wait_and_print(CliConnection *c, const char *instance_id, const CliOptions *options, EndPrint print)
{
	PGresult   *result;
	CliExit		code = cli_wait_for_end(c, instance_id, options, &result);

	if (code == CLI_OK)
		code = cli_status_report_end(result);
	if (result != NULL && options->json)
		cli_print_json(cli_format_object(result, 0));
	else if (code == CLI_OK && print == PRINT_OUTPUT)
	{
		int			column = PQfnumber(result, "output");

		puts(PQgetisnull(result, 0, column) ? "null" : PQgetvalue(result, 0, column));
	}
	PQclear(result);
	return code;
}
