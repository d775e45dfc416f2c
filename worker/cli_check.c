/*
 * cli_check.c
 *		For who writes orchestrators: pgdf lint, deploy-check.
 *
 * A check that finds something ends with an exit code of its own, so that a
 * script can stop there.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_commands.h"
#include "cli_format.h"
#include "cli_message.h"

/* $1 as a function: its name is enough where that is unique, as in pay; otherwise pay(jsonb). */
#define FUNCTION_SQL \
	"CASE WHEN pg_catalog.strpos($1, '(') > 0 THEN $1::text::regprocedure" \
	" ELSE $1::text::regproc::regprocedure END"

#define DEPLOY_CHECK_SQL \
	"SELECT instance_id, event_id, expected, actual, line FROM @extschema@.df_deploy_check(" FUNCTION_SQL

static PGresult *owners_check(CliConnection *c, const char *function, PGresult *owners);
static CliExit findings_print(const CliOptions *options, PGresult *result, const char *nothing);

CliExit
cli_lint(CliConnection *c, const CliOptions *options)
{
	const char *values[] = {options->arguments[0]};

	if (!cli_connect(c))
		return CLI_ERROR;
	return findings_print(options, cli_query(c, "SELECT line, problem, hint FROM @extschema@.df_lint(" FUNCTION_SQL ")",
											 1, values, NULL),
						  "nothing found in function");
}

/* A transaction runs the code of one owner only, so each has a call of its own. */
CliExit
cli_deploy_check(CliConnection *c, const CliOptions *options)
{
	const char *values[] = {options->arguments[0]};
	PGresult   *owners;
	PGresult   *found;

	if (!cli_connect(c))
		return CLI_ERROR;
	owners = cli_query(c, "SELECT DISTINCT i.owner::oid::text FROM df.instances i"
					   " WHERE i.completed_time IS NULL AND i.name IN"
					   " (SELECT o.name FROM df.orchestrators o"
					   "   WHERE pg_catalog.to_regprocedure(o.function) = " FUNCTION_SQL ") ORDER BY 1",
					   1, values, NULL);
	if (owners == NULL)
		return CLI_ERROR;
	found = PQntuples(owners) > 1 ? owners_check(c, values[0], owners) :
		cli_query(c, DEPLOY_CHECK_SQL ")", 1, values, NULL);
	PQclear(owners);
	return findings_print(options, found, "every live instance matches function");
}

/* What is found for all of them; NULL after an error. */
static PGresult *
owners_check(CliConnection *c, const char *function, PGresult *owners)
{
	PGresult   *all = NULL;

	for (int row = 0; row < PQntuples(owners); row++)
	{
		const char *values[] = {function, PQgetvalue(owners, row, 0)};
		PGresult   *found = cli_query(c, DEPLOY_CHECK_SQL ", $2::text::oid::regrole)", 2, values, NULL);

		if (row == 0)
			all = found;
		else
		{
			all = cli_rows_append(all, found);
			PQclear(found);
		}
		if (all == NULL)
			return NULL;
	}
	return all;
}

/* Takes the result; NULL: an error, which has been reported.  nothing: what to say of the function when there is no row. */
static CliExit
findings_print(const CliOptions *options, PGresult *result, const char *nothing)
{
	CliExit		code;

	if (result == NULL)
		return CLI_ERROR;
	code = PQntuples(result) == 0 ? CLI_OK : CLI_FOUND;
	if (options->json)
		cli_print_json(cli_format_array(result));
	else if (code == CLI_FOUND)
		cli_print_table(result);
	else
		cli_notice("%s \"%s\"", nothing, options->arguments[0]);
	PQclear(result);
	return code;
}
