/*
 * cli_doctor.c
 *		What is wrong in the database: pgdf doctor.
 *
 * Findings of df.doctor, and with --full the replays: a call for each owner of
 * live instances, since code of two owners must not run in one transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_commands.h"
#include "cli_format.h"
#include "cli_message.h"

#define FINDINGS_SQL	"SELECT severity, finding, instance_id, task_id, detail FROM df.doctor"

static PGresult *owners_replay(CliConnection *c, PGresult *findings);
static CliExit findings_print(const PGresult *findings, const CliOptions *options);

CliExit
cli_doctor(CliConnection *c, const CliOptions *options)
{
	PGresult   *findings;
	CliExit		code;

	if (!cli_connect(c))
		return CLI_ERROR;
	findings = cli_query(c, options->full ? FINDINGS_SQL "(full => true)" : FINDINGS_SQL "()", 0, NULL, NULL);
	if (findings != NULL && options->full)
		findings = owners_replay(c, findings);
	if (findings == NULL)
		return CLI_ERROR;
	code = findings_print(findings, options);
	PQclear(findings);
	return code;
}

/* Takes the findings, returns them with those of the replays; NULL after an error. */
static PGresult *
owners_replay(CliConnection *c, PGresult *findings)
{
	PGresult   *owners = cli_query(c, "SELECT DISTINCT owner::oid::text FROM df.instances"
								   " WHERE completed_time IS NULL ORDER BY 1", 0, NULL, NULL);

	if (owners == NULL)
	{
		PQclear(findings);
		return NULL;
	}
	for (int row = 0; row < PQntuples(owners) && findings != NULL; row++)
	{
		const char *values[] = {PQgetvalue(owners, row, 0)};
		PGresult   *replayed = cli_query(c, FINDINGS_SQL "(replay => $1::text::oid::regrole)"
										 " WHERE finding = 'I10'", 1, values, NULL);

		findings = cli_rows_append(findings, replayed);
		PQclear(replayed);
	}
	PQclear(owners);
	return findings;
}

static CliExit
findings_print(const PGresult *findings, const CliOptions *options)
{
	CliExit		code = PQntuples(findings) == 0 ? CLI_OK : CLI_FOUND;

	if (options->json)
		cli_print_json(cli_format_array(findings));
	else if (code == CLI_FOUND)
		cli_print_table(findings);
	else
		cli_notice("nothing is wrong%s", options->full ? "" : " (--full also reads all of history)");
	return code;
}
