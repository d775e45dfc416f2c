/*
 * cli_wait.h
 *		Wait until an instance is final, showing its progress.
 *
 * The server is asked by short calls, so that no statement is held open; a
 * connection that is lost meanwhile is made again, however long that takes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_WAIT_H
#define PGDF_CLI_WAIT_H

#include <libpq-fe.h>

#include "cli.h"
#include "cli_connect.h"
#include "cli_options.h"

/*
 * Wait.  CLI_OK: *result is the only row of CLI_STATUS_SQL, of a final instance,
 * and the caller clears it.  CLI_TIMED_OUT: the same, of one that goes on, or
 * NULL when the server could not be asked.  Otherwise *result is NULL.  What is
 * not CLI_OK has been reported.  Does not return when the user presses Ctrl-C.
 */
extern CliExit cli_wait_for_end(CliConnection *c, const char *instance_id,
								const CliOptions *options, PGresult **result)
			__attribute__((warn_unused_result));

/* How long to wait before asking again, after so much waiting. */
extern int64_t cli_wait_interval_ms(int64_t elapsed_ms);

/* The text as one word of a shell command; the caller frees it. */
extern char *cli_shell_quote(const char *text);

#endif							/* PGDF_CLI_WAIT_H */
