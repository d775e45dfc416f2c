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

static CliExit findings_print(CliConnection *c, const CliOptions *options, const char *sql, const char *nothing);

CliExit
cli_lint(CliConnection *c, const CliOptions *options)
{
	return findings_print(c, options, "SELECT line, problem, hint FROM @extschema@.df_lint(" FUNCTION_SQL ")",
						  "nothing found in function");
}

CliExit
cli_deploy_check(CliConnection *c, const CliOptions *options)
{
	return findings_print(c, options, "SELECT instance_id, event_id, expected, actual, line"
						  " FROM @extschema@.df_deploy_check(" FUNCTION_SQL ")",
						  "every live instance matches function");
}

/* nothing: what to say of the function when there is no row. */
static CliExit
findings_print(CliConnection *c, const CliOptions *options, const char *sql, const char *nothing)
{
	const char *values[] = {options->arguments[0]};
	PGresult   *result;
	CliExit		code;

	if (!cli_connect(c))
		return CLI_ERROR;
	result = cli_query(c, sql, 1, values, NULL);
	if (result == NULL)
		return CLI_ERROR;
	code = PQntuples(result) == 0 ? CLI_OK : CLI_FOUND;
	if (options->json)
		cli_print_json(cli_format_array(result));
	else if (code == CLI_FOUND)
		cli_print_table(result);
	else
		cli_notice("%s \"%s\"", nothing, values[0]);
	PQclear(result);
	return code;
}
