/*
 * log_lines.c
 *		Log lines in PostgreSQL's style and as JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "log.h"
#include "tap.h"

static int	log_pipe[2];

static void read_log(char *text, size_t size);
static void text_lines(void);
static void json_lines(void);
static void levels(void);

int
main(void)
{
	if (pipe2(log_pipe, O_NONBLOCK) != 0)
		return 1;
	log_set_fd(log_pipe[1]);
	text_lines();
	levels();
	json_lines();
	return done_testing();
}

static void
text_lines(void)
{
	char		log[4096];
	char		expected[64];

	log_info("started");
	read_log(log, sizeof(log));
	snprintf(expected, sizeof(expected), " UTC [%d] INFO:  started\n", (int) getpid());
	ok(strlen(log) > 23 && strcmp(log + 23, expected) == 0, "a line: timestamp, process id, level, message");
	ok(log[4] == '-' && log[10] == ' ' && log[13] == ':' && log[19] == '.', "the timestamp has milliseconds");

	log_write(&(LogRecord) {.level = LOG_LEVEL_ERROR, .detail = "Two\nlines.", .hint = "Try.", .sqlstate = "42P01",
			  .instance_id = "i1", .activity = "Copy", .attempt = 3}, "no %s", "luck");
	read_log(log, sizeof(log));
	ok(strstr(log, "ERROR:  instance \"i1\" activity \"Copy\" attempt 3: no luck\n") != NULL, "the activity's prefix");
	ok(strstr(log, "DETAIL:  Two\n\tlines.\n") != NULL, "a detail of two lines");
	ok(strstr(log, "SQLSTATE:  42P01\n") != NULL, "the SQLSTATE");
	ok(strstr(log, "HINT:  Try.\n") != NULL, "the hint");

	log_info("a\033[31m\rb\n");
	read_log(log, sizeof(log));
	ok(strstr(log, "INFO:  a\\x1b[31m\\x0db\n") != NULL, "control characters do not reach the terminal");
}

static void
levels(void)
{
	char		log[4096];

	log_debug("hidden");
	read_log(log, sizeof(log));
	is_str(log, "", "debug is not logged by default");
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("hidden");
	read_log(log, sizeof(log));
	is_str(log, "", "a warning is not an error");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	read_log(log, sizeof(log));
	ok(strstr(log, "DEBUG:  shown") != NULL, "debug is logged when it is wanted");
}

static void
json_lines(void)
{
	char		log[4096];
	const char *error;
	json_object *object;

	log_set_format(LOG_FORMAT_JSON);
	log_write(&(LogRecord) {.level = LOG_LEVEL_WARNING, .detail = "D \"x\"\n\377", .activity = "Copy", .attempt = 2},
			  "a \"b\"");
	read_log(log, sizeof(log));
	is_int((int64_t) strcspn(log, "\n"), (int64_t) strlen(log) - 1, "a record is one line");
	object = json_parse(log, strlen(log), &error);
	ok(object != NULL, "which is valid JSON");
	is_str(json_object_get_string(json_get(object, "message", json_type_string)), "a \"b\"", "message");
	is_str(json_object_get_string(json_get(object, "level", json_type_string)), "warning", "level");
	is_int(json_object_get_int(json_get(object, "pid", json_type_int)), getpid(), "pid");
	is_int(json_object_get_int(json_get(object, "attempt", json_type_int)), 2, "attempt");
	ok(json_get(object, "hint", json_type_string) == NULL, "no hint, no member");
	json_object_put(object);
}

static void
read_log(char *text, size_t size)
{
	ssize_t		got = read(log_pipe[0], text, size - 1);

	text[got > 0 ? got : 0] = '\0';
}
