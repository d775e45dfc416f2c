/*
 * cli_chosen.h
 *		One request for all instances that filters choose.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_CHOSEN_H
#define PGDF_CLI_CHOSEN_H

#include <stdbool.h>

#include "cli.h"
#include "cli_connect.h"
#include "cli_options.h"

typedef struct CliSetRequest
{
	const char *eligible;		/* SQL condition on df.instances: those there is something to do for */
	const char *call;			/* SQL expression: the function's answer for instance_id; $5 is the reason */
	bool		has_reason;		/* does it have $5? */
	const char *column;			/* what the answer is called */
	const char *doing;			/* "doing 3" */
	const char *verb;			/* "3 to verb (dry run ...)" */
} CliSetRequest;

/*
 * Is the request for instances that filters choose, rather than for the one whose id
 * is given?  False, with a message, when the command line says neither or both.
 */
extern bool cli_chosen_check(const CliOptions *options, bool *is_set);

/* Send it to all of them in one transaction, or show them (--dry-run). */
extern CliExit cli_chosen_send(CliConnection *c, const CliOptions *options, const CliSetRequest *request);

/* Those it would be sent to; the caller clears the result. */
extern PGresult *cli_chosen_list(CliConnection *c, const CliOptions *options, const CliSetRequest *request);

/* --dry-run of the instance whose id is given; when it is final, it "nothing: nothing to do" (NULL: there is). */
extern CliExit cli_chosen_rehearse_one(CliConnection *c, const CliOptions *options, const char *nothing);

#endif							/* PGDF_CLI_CHOSEN_H */
