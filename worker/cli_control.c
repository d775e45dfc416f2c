/*
 * cli_control.c
 *		Requests to instances: pgdf terminate, suspend, resume, rewind, redrive, repin,
 *		raise-event.
 *
 * A request is a message: it takes effect when a worker advances the instance.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "cli_chosen.h"
#include "cli_commands.h"
#include "cli_format.h"
#include "cli_input.h"
#include "cli_message.h"
#include "cli_status.h"

#define IS_FINAL	"runtime_status::text IN ('Completed', 'Failed', 'Terminated', 'Canceled')"

/* A call of a function that returns whether, or for how much, there was something to do. */
typedef struct Request
{
	const char *sql;			/* selects instance_id = $1, and the function's answer */
	const char *nothing;		/* "instance ... nothing: nothing to do" */
	CliSetRequest set;
} Request;

static const Request terminate_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_terminate($1, $2) AS terminated",
	"has ended already",
	{"NOT " IS_FINAL, "@extschema@.df_terminate(instance_id, $5)", true, "terminated", "terminating", "terminate"}
};
static const Request suspend_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_suspend($1, $2) AS suspended",
	"is suspended or has ended",
	{"runtime_status::text IN ('Pending', 'Running')", "@extschema@.df_suspend(instance_id, $5)", true,
	"suspended", "suspending", "suspend"}
};
static const Request resume_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_resume($1, $2) AS resumed",
	"is not suspended",
	{"runtime_status::text = 'Suspended'", "@extschema@.df_resume(instance_id, $5)", true,
	"resumed", "resuming", "resume"}
};
static const Request rewind_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_rewind($1, $2) AS rewound",
	"has not failed",
	{"runtime_status::text = 'Failed'", "@extschema@.df_rewind(instance_id, $5)", true,
	"rewound", "rewinding", "rewind"}
};
static const Request redrive_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_redrive($1, $2::bigint) AS tasks_redriven",
	"has no dead letter",
	{"EXISTS (SELECT FROM df.dead_letters d WHERE d.instance_id = instances.instance_id)",
		"@extschema@.df_redrive(instance_id)", false, "tasks_redriven", "queueing again the tasks of", "redrive"}
};
static const Request repin_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_repin($1) AS released",
	"is not quarantined",
	{"blocked_reason IS NOT NULL AND NOT " IS_FINAL, "@extschema@.df_repin(instance_id)", false,
	"released", "releasing", "release"}
};
static const Request event_request = {
	"SELECT $1::text AS instance_id, @extschema@.df_raise_event($1, $2, $3::jsonb, $4) AS raised",
	"has had an event of this id",
	{.doing = "raised an event for"}
};

static CliExit control(CliConnection *c, const CliOptions *options, const Request *request, int nvalues);
static CliExit request_send(CliConnection *c, const Request *request, const char *const *values, int nvalues, bool is_json);
static void nothing_to_do(const Request *request, const char *instance_id);

CliExit
cli_terminate(CliConnection *c, const CliOptions *options)
{
	return control(c, options, &terminate_request, 2);
}

CliExit
cli_suspend(CliConnection *c, const CliOptions *options)
{
	return control(c, options, &suspend_request, 2);
}

CliExit
cli_resume(CliConnection *c, const CliOptions *options)
{
	return control(c, options, &resume_request, 2);
}

CliExit
cli_rewind(CliConnection *c, const CliOptions *options)
{
	return control(c, options, &rewind_request, 2);
}

CliExit
cli_redrive(CliConnection *c, const CliOptions *options)
{
	return control(c, options, &redrive_request, 2);
}

CliExit
cli_repin(CliConnection *c, const CliOptions *options)
{
	return control(c, options, &repin_request, 1);
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

/* For the instance that is given, or for those that filters choose. */
static CliExit
control(CliConnection *c, const CliOptions *options, const Request *request, int nvalues)
{
	const char *values[] = {options->arguments[0], options->argument_count > 1 ? options->arguments[1] : options->reason};
	bool		is_set;

	if (!cli_chosen_check(options, &is_set))
		return CLI_USAGE;
	if (!cli_connect(c))
		return CLI_ERROR;
	if (is_set)
		return cli_chosen_send(c, options, &request->set);
	if (options->dry_run)
		return cli_chosen_rehearse_one(c, options, request == &terminate_request ? request->nothing : NULL);
	return request_send(c, request, values, nvalues, options->json);
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
	else if (*PQgetvalue(result, 0, 1) != 'f' && *PQgetvalue(result, 0, 1) != '0')
		printf("%s instance \"%s\"\n", request->set.doing, values[0]);
	else
		nothing_to_do(request, values[0]);
	PQclear(result);
	return CLI_OK;
}

static void
nothing_to_do(const Request *request, const char *instance_id)
{
	cli_notice("instance \"%s\" %s: nothing to do", instance_id, request->nothing);
}
