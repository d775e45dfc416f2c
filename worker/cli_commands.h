/*
 * cli_commands.h
 *		The subcommands: what the table of cli.c calls.
 *
 * Each gets parsed options and a connection that is not open yet, opens it when
 * it has what it needs, and prints its result.  cli_main() closes it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_COMMANDS_H
#define PGDF_CLI_COMMANDS_H

#include "cli.h"
#include "cli_connect.h"
#include "cli_options.h"

typedef CliExit (*CliCommandFn) (CliConnection *c, const CliOptions *options);

/* cli_start.c */
extern CliExit cli_run(CliConnection *c, const CliOptions *options);
extern CliExit cli_start(CliConnection *c, const CliOptions *options);
extern CliExit cli_wait(CliConnection *c, const CliOptions *options);
extern CliExit cli_restart(CliConnection *c, const CliOptions *options);

/* cli_status.c */
extern CliExit cli_status(CliConnection *c, const CliOptions *options);

/* cli_list.c */
extern CliExit cli_list(CliConnection *c, const CliOptions *options);
extern CliExit cli_history(CliConnection *c, const CliOptions *options);
extern CliExit cli_waits(CliConnection *c, const CliOptions *options);
extern CliExit cli_tree(CliConnection *c, const CliOptions *options);
extern CliExit cli_orchestrators(CliConnection *c, const CliOptions *options);
extern CliExit cli_activities(CliConnection *c, const CliOptions *options);
extern CliExit cli_workers(CliConnection *c, const CliOptions *options);

/* cli_control.c */
extern CliExit cli_terminate(CliConnection *c, const CliOptions *options);
extern CliExit cli_suspend(CliConnection *c, const CliOptions *options);
extern CliExit cli_resume(CliConnection *c, const CliOptions *options);
extern CliExit cli_rewind(CliConnection *c, const CliOptions *options);
extern CliExit cli_redrive(CliConnection *c, const CliOptions *options);
extern CliExit cli_repin(CliConnection *c, const CliOptions *options);
extern CliExit cli_raise_event(CliConnection *c, const CliOptions *options);

/* cli_purge.c */
extern CliExit cli_purge(CliConnection *c, const CliOptions *options);

/* cli_doctor.c */
extern CliExit cli_doctor(CliConnection *c, const CliOptions *options);

/* cli_check.c */
extern CliExit cli_lint(CliConnection *c, const CliOptions *options);
extern CliExit cli_deploy_check(CliConnection *c, const CliOptions *options);

#endif							/* PGDF_CLI_COMMANDS_H */
