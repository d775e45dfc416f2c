/*
 * cli_status.c
 *		An instance's status: pgdf status, and what an end means for the exit code.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_status.h"

#include <string.h>

#include "cli_commands.h"
#include "cli_format.h"
#include "cli_message.h"
#include "json.h"
#include "xalloc.h"

/* SQLSTATE of a function that is given an id nobody has (undefined_object). */
#define SQLSTATE_UNKNOWN "42704"

typedef struct StatusEnd
{
	const char *status;
	CliExit		code;
	const char *verb;			/* what the instance did, for a message; NULL: none */
} StatusEnd;

static const StatusEnd ends[] = {
	{"Completed", CLI_OK, NULL},
	{"Failed", CLI_FAILED, "failed"},
	{"Terminated", CLI_TERMINATED, "was terminated"},
	{"Canceled", CLI_TERMINATED, "was canceled"},
};

static const StatusEnd *end_find(const char *status);
static const char *column_text(const PGresult *result, const char *name);
static CliExit fields_print(CliConnection *c, const char *instance_id);

CliExit
cli_status(CliConnection *c, const CliOptions *options)
{
	const char *values[] = {options->arguments[0]};
	PGresult   *result;
	CliExit		code = CLI_OK;

	if (!cli_connect(c))
		return CLI_ERROR;
	if (!options->json)
		return fields_print(c, options->arguments[0]);
	result = cli_query(c, CLI_STATUS_SQL, 1, values, NULL);
	if (result == NULL)
		return CLI_ERROR;
	if (PQntuples(result) == 0)
		code = cli_status_unknown(options->arguments[0]);
	else
		cli_print_json(cli_format_object(result, 0));
	PQclear(result);
	return code;
}

bool
cli_status_is_final(const char *status)
{
	return end_find(status) != NULL;
}

CliExit
cli_status_report_end(const PGresult *result)
{
	const char *instance_id = column_text(result, "instance_id");
	const StatusEnd *end = end_find(column_text(result, "runtime_status"));
	const char *failure = column_text(result, "failure_details");
	char	   *reason;

	if (end == NULL || end->verb == NULL)
		return CLI_OK;
	if (failure != NULL)
	{
		reason = cli_status_failure_text(failure);
		cli_error("instance \"%s\" %s: %s", instance_id, end->verb, reason);
		free(reason);
	}
	else if (column_text(result, "output") != NULL)
		cli_error("instance \"%s\" %s: %s", instance_id, end->verb, column_text(result, "output"));
	else
		cli_error("instance \"%s\" %s", instance_id, end->verb);
	return end->code;
}

char *
cli_status_failure_text(const char *failure_details)
{
	const char *error;
	json_object *details = json_parse(failure_details, strlen(failure_details), &error);
	json_object *type = json_get(details, "errorType", json_type_string);
	json_object *message = json_get(details, "errorMessage", json_type_string);
	char	   *text;

	if (message == NULL)
		text = xstrdup(failure_details);
	else if (type == NULL)
		text = xstrdup(json_object_get_string(message));
	else
		text = xasprintf("%s: %s", json_object_get_string(type), json_object_get_string(message));
	json_object_put(details);
	return text;
}

CliExit
cli_status_error(const char *sqlstate)
{
	return strcmp(sqlstate, SQLSTATE_UNKNOWN) == 0 ? CLI_UNKNOWN : CLI_ERROR;
}

CliExit
cli_status_unknown(const char *instance_id)
{
	cli_error("instance \"%s\" does not exist", instance_id);
	return CLI_UNKNOWN;
}

static const StatusEnd *
end_find(const char *status)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
	{
		if (strcmp(ends[i].status, status) == 0)
			return &ends[i];
	}
	return NULL;
}

/* The first row's value of a column, NULL for SQL NULL and for JSON null. */
static const char *
column_text(const PGresult *result, const char *name)
{
	int			column = PQfnumber(result, name);

	if (column < 0 || PQgetisnull(result, 0, column) || strcmp(PQgetvalue(result, 0, column), "null") == 0)
		return NULL;
	return PQgetvalue(result, 0, column);
}

/* The same for people: without what is not there. */
static CliExit
fields_print(CliConnection *c, const char *instance_id)
{
	const char *values[] = {instance_id};
	CliExit		code = CLI_OK;
	PGresult   *result = cli_query(c,
								   "SELECT instance_id, name, runtime_status::text, blocked_reason, CASE WHEN tasks_total > 0"
								   " THEN tasks_completed::text || ' of ' || tasks_total::text || ' completed' END AS tasks,"
								   " " CLI_SQL_TIME("created_time") " AS created_time,"
								   " " CLI_SQL_TIME("last_updated_time") " AS last_updated_time,"
								   " " CLI_SQL_TIME("completed_time") " AS completed_time,"
								   " input, custom_status, output, failure_details"
								   " FROM @extschema@.df_status($1)", 1, values, NULL);

	if (result == NULL)
		return CLI_ERROR;
	if (PQntuples(result) == 0)
		code = cli_status_unknown(instance_id);
	else
		cli_print_fields(result, 0);
	PQclear(result);
	return code;
}
