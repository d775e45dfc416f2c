/*
 * cli_control.c
 *		Requests to instances: pgdf terminate, suspend, resume, rewind, raise-event.
 *
 * A request is a message: it takes effect when a worker advances the instance.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "cli_commands.h"
#include "cli_filter.h"
#include "cli_format.h"
#include "cli_input.h"
#include "cli_message.h"
#include "cli_status.h"
#include "xalloc.h"

/* The instances a request is for, chosen before the function is called for any of them. */
#define CHOSEN_SQL \
	"WITH chosen AS MATERIALIZED (" \
	"SELECT instance_id, name, runtime_status::text FROM df.instances" \
	" WHERE " CLI_FILTER_SQL \
	" AND runtime_status::text NOT IN ('Completed', 'Failed', 'Terminated', 'Canceled')" \
	" ORDER BY created_time, instance_id)"

/* A call of a function that returns whether there was something to do. */
typedef struct Request
{
	const char *sql;			/* selects instance_id = $1, and the function's answer */
	const char *doing;			/* "doing instance ..." */
	const char *nothing;		/* "instance ... nothing: nothing to do" */
} Request;

static const Request terminate_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_terminate($1, $2) AS terminated",
	"terminating", "has ended already"
};
static const Request suspend_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_suspend($1, $2) AS suspended",
	"suspending", "is suspended or has ended"
};
static const Request resume_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_resume($1, $2) AS resumed",
	"resuming", "is not suspended"
};
static const Request rewind_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_rewind($1, $2) AS rewound",
	"rewinding", "has not failed"
};
static const Request event_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_raise_event($1, $2, $3::jsonb, $4) AS raised",
	"raised an event for", "has had an event of this id"
};

static CliExit request_send(CliConnection *c, const Request *request, const char *const *values, int nvalues, bool is_json);
static CliExit reason_send(CliConnection *c, const Request *request, const CliOptions *options);
static CliExit terminate_rehearse(CliConnection *c, const CliOptions *options);
static CliExit terminate_chosen(CliConnection *c, const CliOptions *options);
static PGresult *terminate_call(CliConnection *c, const CliOptions *options, const CliFilter *filter);
static void nothing_to_do(const Request *request, const char *instance_id);

CliExit
cli_terminate(CliConnection *c, const CliOptions *options)
{
	CliFilter	filter;
	bool		is_empty;

	cli_filter_init(&filter, options);
	is_empty = cli_filter_is_empty(&filter);
	cli_filter_free(&filter);
	if (is_empty == (options->argument_count == 0))
	{
		cli_error(is_empty ? "no instance is given" : "an instance and a filter are given");
		cli_hint("Give either an instance id, or at least one of --name, --status, --tag, --older-than.");
		return CLI_USAGE;
	}
	if (!cli_connect(c))
		return CLI_ERROR;
	if (options->argument_count == 0)
		return terminate_chosen(c, options);
	return options->dry_run ? terminate_rehearse(c, options) : reason_send(c, &terminate_request, options);
}

CliExit
cli_suspend(CliConnection *c, const CliOptions *options)
{
	return cli_connect(c) ? reason_send(c, &suspend_request, options) : CLI_ERROR;
}

CliExit
cli_resume(CliConnection *c, const CliOptions *options)
{
	return cli_connect(c) ? reason_send(c, &resume_request, options) : CLI_ERROR;
}

CliExit
cli_rewind(CliConnection *c, const CliOptions *options)
{
	return cli_connect(c) ? reason_send(c, &rewind_request, options) : CLI_ERROR;
}

CliExit
cli_raise_event(CliConnection *c, const CliOptions *options)
{
	char	   *payload;
	CliExit		code = CLI_ERROR;

	if (!cli_input_read(options, options->arguments[2], &payload))
		return CLI_USAGE;
	if (cli_connect(c))
	{
		const char *values[] = {options->arguments[0], options->arguments[1], payload, options->event_id};

		code = request_send(c, &event_request, values, 4, options->json);
	}
	free(payload);
	return code;
}

static CliExit
request_send(CliConnection *c, const Request *request, const char *const *values, int nvalues, bool is_json)
{
	char		sqlstate[6];
	PGresult   *result = cli_query(c, request->sql, nvalues, values, sqlstate);

	if (result == NULL)
		return cli_status_error(sqlstate);
	if (is_json)
		cli_print_json(cli_format_object(result, 0));
	else if (*PQgetvalue(result, 0, 1) == 't')
		printf("%s instance \"%s\"\n", request->doing, values[0]);
	else
		nothing_to_do(request, values[0]);
	PQclear(result);
	return CLI_OK;
}

/* A request whose only other parameter is a reason. */
static CliExit
reason_send(CliConnection *c, const Request *request, const CliOptions *options)
{
	const char *values[] = {options->arguments[0], options->reason};

	return request_send(c, request, values, 2, options->json);
}

/* --dry-run of one instance. */
static CliExit
terminate_rehearse(CliConnection *c, const CliOptions *options)
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
	else if (cli_status_is_final(PQgetvalue(result, 0, 2)))
		nothing_to_do(&terminate_request, values[0]);
	else
		cli_print_table(result);
	PQclear(result);
	return code;
}

static CliExit
terminate_chosen(CliConnection *c, const CliOptions *options)
{
	CliFilter	filter;
	PGresult   *result;
	int			count;

	cli_filter_init(&filter, options);
	result = terminate_call(c, options, &filter);
	cli_filter_free(&filter);
	if (result == NULL)
		return CLI_ERROR;
	count = PQntuples(result);
	if (options->json)
		cli_print_json(cli_format_array(result));
	else
	{
		cli_print_table(result);
		cli_notice(options->dry_run ? "%d to terminate (dry run: nothing was done)" : "terminating %d", count);
	}
	PQclear(result);
	return CLI_OK;
}

static PGresult *
terminate_call(CliConnection *c, const CliOptions *options, const CliFilter *filter)
{
	const char *values[CLI_FILTER_VALUES + 1];

	cli_filter_bind(filter, values);
	values[CLI_FILTER_VALUES] = options->reason;
	if (options->dry_run)
		return cli_query(c, CHOSEN_SQL "SELECT instance_id, name, runtime_status FROM chosen",
						 CLI_FILTER_VALUES, values, NULL);
	return cli_query(c, CHOSEN_SQL "SELECT instance_id, name, runtime_status,"
					 " @extschema@.df_terminate(instance_id, $5) AS terminated FROM chosen",
					 CLI_FILTER_VALUES + 1, values, NULL);
}

static void
nothing_to_do(const Request *request, const char *instance_id)
{
	cli_notice("instance \"%s\" %s: nothing to do", instance_id, request->nothing);
}
