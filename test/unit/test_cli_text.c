/*
 * test_cli_text.c
 *		The client's small pure helpers: inputs, tags, quoting, statements, intervals.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_connect.h"
#include "cli_input.h"
#include "cli_status.h"
#include "cli_wait.h"
#include "tap.h"

static void check_text(char *got, const char *expected, const char *name);
static void check_input(void);
static void check_tags(void);
static void check_status(void);
static void check_interval(void);

int
main(void)
{
	/* what is refused is reported; only sanitizers still write to descriptor 2 */
	stderr = fopen("/dev/null", "w");

	check_input();
	check_tags();
	check_text(cli_shell_quote("order-1.2:a@b"), "order-1.2:a@b", "a plain id needs no quotes");
	check_text(cli_shell_quote("my id"), "'my id'", "a blank does");
	check_text(cli_shell_quote("it's"), "'it'\\''s'", "a quote in quotes");
	check_text(cli_shell_quote("$(x)"), "'$(x)'", "nothing is expanded");
	check_text(cli_shell_quote("-x"), "-- '-x'", "a dash in front");
	check_text(cli_shell_quote(""), "''", "an empty word");

	check_text(cli_sql_qualify("SELECT @extschema@.f($1), @extschema@.g()", "\"my ext\""),
			   "SELECT \"my ext\".f($1), \"my ext\".g()", "the extension's schema");
	check_text(cli_sql_qualify("SELECT 1", "x"), "SELECT 1", "no schema");
	ok(cli_sqlstate_is_transient("57P01") && cli_sqlstate_is_transient("08006") && cli_sqlstate_is_transient("40001"),
	   "a restart, a lost connection, a conflict pass");
	ok(!cli_sqlstate_is_transient("42883") && !cli_sqlstate_is_transient("22P02"), "mistakes do not");

	check_status();
	check_interval();
	return done_testing();
}

static void
check_text(char *got, const char *expected, const char *name)
{
	is_str(got, expected, "%s", name);
	free(got);
}

static void
check_input(void)
{
	CliOptions	options = {0};
	char	   *json;

	ok(cli_input_read(&options, NULL, &json) && json == NULL, "no input");
	ok(cli_input_read(&options, "{\"a\": 1.50}", &json), "a JSON argument");
	check_text(json, "{\"a\": 1.50}", "is kept as it is");
	ok(!cli_input_read(&options, "/var/log", &json) && json == NULL, "a word is refused");
	ok(!cli_input_read(&options, "", &json), "nothing is refused");
	ok(!cli_input_read(&options, "1 2", &json), "two values are refused");

	options.string = "a\"b\\\n/\xc3\xa9";
	ok(cli_input_read(&options, NULL, &json), "--string");
	ok(json != NULL && strncmp(json, "\"a\\\"b\\\\\\n", 9) == 0 && strstr(json, "\xc3\xa9\"") != NULL, "becomes a JSON string");
	free(json);
	ok(!cli_input_read(&options, "1", &json), "--string and an argument are refused");
	options.string = "\xff";
	ok(!cli_input_read(&options, NULL, &json), "a string that is not UTF-8 is refused");

	options = (CliOptions) {.input_file = "/nonexistent/file"};
	ok(!cli_input_read(&options, NULL, &json) && json == NULL, "a file that is not there");
	options.input_file = "/dev/null";
	ok(!cli_input_read(&options, NULL, &json), "an empty file is not JSON");
	ok(!cli_input_check("[1]\0", 4, "file"), "a NUL byte is not JSON");
}

static void
check_tags(void)
{
	char	   *items[] = {(char *) "k=v", (char *) "\"q\"=x=y", (char *) "e=", NULL};
	StringList	tags = {items, 3};

	check_text(cli_input_tags(&tags), "{\"k\": \"v\", \"\\\"q\\\"\": \"x=y\", \"e\": \"\"}", "tags become an object");
	tags.count = 0;
	ok(cli_input_tags(&tags) == NULL, "no tags");
}

static void
check_status(void)
{
	ok(cli_status_is_final("Completed") && cli_status_is_final("Failed")
	   && cli_status_is_final("Terminated") && cli_status_is_final("Canceled"), "final statuses");
	ok(!cli_status_is_final("Pending") && !cli_status_is_final("Running")
	   && !cli_status_is_final("Suspended") && !cli_status_is_final("ContinuedAsNew"), "the others are not");
	check_text(cli_status_failure_text("{\"errorType\": \"NotFound\", \"errorMessage\": \"no such directory\"}"),
			   "NotFound: no such directory", "a failure");
	check_text(cli_status_failure_text("{\"errorType\": null, \"errorMessage\": \"x\"}"), "x", "a failure without a type");
	check_text(cli_status_failure_text("[1]"), "[1]", "something else");
}

static void
check_interval(void)
{
	bool		grows = true;

	is_int(cli_wait_interval_ms(0), 20, "the first interval");
	is_int(cli_wait_interval_ms(1000), 100, "after a second");
	is_int(cli_wait_interval_ms(3600000), 500, "the longest");
	for (int64_t elapsed_ms = 1; elapsed_ms < 10000; elapsed_ms++)
		grows = grows && cli_wait_interval_ms(elapsed_ms) >= cli_wait_interval_ms(elapsed_ms - 1);
	ok(grows, "intervals never shrink");
}
