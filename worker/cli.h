/*
 * cli.h
 *		The command-line client: every subcommand of pgdf that is not a daemon.
 *
 * A subcommand is one row in the table of cli.c and one function in a
 * cli_*.c file.  Each call connects, makes a few short calls of public
 * functions, prints, and leaves; nothing is kept between calls.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_H
#define PGDF_CLI_H

#include <stdbool.h>
#include <stdio.h>

/* What a subcommand's process ends with; documented by cli_print_exit_codes(). */
typedef enum CliExit
{
	CLI_OK = 0,
	CLI_ERROR = 1,				/* connection, SQL error, output not writable */
	CLI_USAGE = 2,				/* the command line is wrong, or the input is not JSON */
	CLI_FAILED = 3,				/* the instance failed */
	CLI_TERMINATED = 4,			/* the instance was terminated or canceled */
	CLI_UNKNOWN = 5,			/* there is no such instance, or it is not the user's */
	CLI_TIMED_OUT = 6,			/* --timeout passed before the instance was final */
	CLI_FOUND = 7,				/* a check has something to report */
	CLI_INTERRUPTED = 130		/* Ctrl-C while waiting; the instance continues */
} CliExit;

/* Run the subcommand that argv[0] names.  Returns a CliExit for exit(). */
extern int	cli_main(int argc, char **argv);

/* Is this the name of a client subcommand? */
extern bool cli_has_command(const char *name);

/* The parts of `pgdf --help` that belong to the client: a line per subcommand, and per exit code. */
extern void cli_print_commands(FILE *out);
extern void cli_print_exit_codes(FILE *out);

#endif							/* PGDF_CLI_H */
