/*
 * cli_input.h
 *		The input of a new instance: from the command line, a file or standard input.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_INPUT_H
#define PGDF_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli_options.h"

/*
 * The JSON text that options and the argument (NULL: none) ask for; *json is
 * NULL when there is no input, otherwise the caller frees it.  False: the input
 * is refused, which has been reported.
 */
extern bool cli_input_read(const CliOptions *options, const char *argument, char **json)
			__attribute__((warn_unused_result));

/* Is this valid as an input?  If not, says why and what to do. */
extern bool cli_input_check(const char *text, size_t length, const char *source)
			__attribute__((warn_unused_result));

/* Tags ("key=value") as a JSON object, or NULL when there are none; the caller frees it. */
extern char *cli_input_tags(const StringList *tags);

#endif							/* PGDF_CLI_INPUT_H */
