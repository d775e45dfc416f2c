/*
 * e2_driver.c
 *		Run E2's activities without a database: the real loop, thread pool and stores.
 *
 *	e2_driver [--blob-store=URL] [--e2-root=DIR] [--at-once=N] [--cancel-after=MS] list|copy
 *
 * Each line of standard input is the input of one activity.  For each outcome
 * a line is written: {"n": line, "result": ...} or {"n": line, "failure":
 * {...}}; at the end {"peak_kb": resident memory, "ms": time}.
 * Not a test: without arguments it says so in TAP.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activity.h"
#include "e2.h"
#include "json.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

typedef struct Run
{
	Activity	activity;		/* first */
	int			number;
	struct Run *next;
	struct Run *previous;
} Run;

typedef struct Options
{
	int			at_once;
	int			cancel_after_ms;	/* -1: never */
	const ActivityType *type;
} Options;

static Run	running = {.next = &running, .previous = &running};
static int	running_count;

static bool parse_options(Worker *w, Options *options, int argc, char **argv);
static void run_all(Worker *w, const Options *options);
static void start_next(Worker *w, const Options *options, bool *has_more);
static void cancel_all(Worker *w, void *arg);
static void print_outcome(Activity *activity, const char *what, const char *json, size_t length);
static void print_summary(int64_t started_us, int64_t ended_us);

int
main(int argc, char **argv)
{
	Worker	   *w;
	Options		options = {.at_once = 100, .cancel_after_ms = -1};
	bool		has_begun;

	if (argc == 1)
	{
		puts("1..0 # SKIP used by test/tap/2*.pl");
		return 0;
	}
	w = xcalloc(1, sizeof(Worker));
	log_set_level(LOG_LEVEL_INFO);
	if (!parse_options(w, &options, argc, argv))
		return 2;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	has_begun = loop_init(w) && e2_init(w);
	if (has_begun)
		run_all(w, &options);
	e2_free(w);
	loop_free(w);
	curl_global_cleanup();
	free(w);
	return has_begun ? 0 : 1;
}

static void
run_all(Worker *w, const Options *options)
{
	Timer		cancel = {0};
	bool		has_more = true;
	int64_t		started_us = loop_now_us(w);

	if (options->cancel_after_ms >= 0)
		timer_start(w, &cancel, options->cancel_after_ms, cancel_all, NULL);
	while (has_more || running_count > 0)
	{
		while (has_more && running_count < options->at_once)
			start_next(w, options, &has_more);
		if (running_count > 0)
			loop_wait(w, -1);
	}
	timer_stop(w, &cancel);
	print_summary(started_us, loop_now_us(w));
}

static bool
parse_options(Worker *w, Options *options, int argc, char **argv)
{
	static const struct option table[] = {
		{"blob-store", required_argument, NULL, 'b'},
		{"e2-root", required_argument, NULL, 'r'},
		{"at-once", required_argument, NULL, 'n'},
		{"cancel-after", required_argument, NULL, 'c'},
		{0}
	};
	int			option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1)
	{
		if (option == 'b')
			w->config.blob_store = optarg;
		else if (option == 'r')
			w->config.e2_root = optarg;
		else if (option == 'n')
			options->at_once = atoi(optarg);
		else if (option == 'c')
			options->cancel_after_ms = atoi(optarg);
		else
			return false;
	}
	if (optind + 1 != argc)
		return false;
	options->type = strcmp(argv[optind], "list") == 0 ? &e2_get_file_list_type : &e2_copy_file_to_blob_type;
	return true;
}

static void
start_next(Worker *w, const Options *options, bool *has_more)
{
	static int	number;
	static char name[] = "E2";
	char	   *line = NULL;
	size_t		size = 0;
	ssize_t		length = getline(&line, &size, stdin);
	Run		   *run;

	if (length <= 0)
	{
		*has_more = false;
		free(line);
		return;
	}
	line[strcspn(line, "\n")] = '\0';
	run = xcalloc(1, sizeof(Run));
	run->number = ++number;
	run->next = &running;
	run->previous = running.previous;
	running.previous->next = run;
	running.previous = run;
	running_count++;
	run->activity.worker = w;
	run->activity.type = options->type;
	run->activity.name = name;
	run->activity.input = line;
	options->type->start(&run->activity);
}

static void
cancel_all(Worker *w, void *arg)
{
	Run		   *next;

	for (Run *run = running.next; run != &running; run = next)
	{
		next = run->next;
		run->activity.type->cancel(&run->activity);
	}
}

void
activity_complete(Activity *activity, const char *result, size_t length)
{
	print_outcome(activity, "result", result, length);
}

/* Only its end is told. */
void
activity_progress(Activity *activity, const char *progress, size_t length)
{
}

void
activity_fail(Activity *activity, const ActivityFailure *failure)
{
	Buf			json = {0};

	buf_append_text(&json, "{\"type\": ");
	json_append_string(&json, failure->error_type, strlen(failure->error_type));
	buf_append_text(&json, ", \"message\": ");
	json_append_string(&json, failure->message, strlen(failure->message));
	buf_append_format(&json, ", \"final\": %s, \"properties\": %s}",
					  failure->is_non_retriable ? "true" : "false",
					  failure->properties == NULL ? "null" : failure->properties);
	print_outcome(activity, "failure", json.data, json.used);
	buf_free(&json);
}

static void
print_outcome(Activity *activity, const char *what, const char *json, size_t length)
{
	Run		   *run = (Run *) activity;

	printf("{\"n\": %d, \"%s\": %.*s}\n", run->number, what, (int) length, json);
	fflush(stdout);
	run->previous->next = run->next;
	run->next->previous = run->previous;
	running_count--;
	free(activity->input);
	free(run);
}

static void
print_summary(int64_t started_us, int64_t ended_us)
{
	FILE	   *status = fopen("/proc/self/status", "r");
	char		line[256];
	long		peak_kb = 0;

	/* not getrusage(), which counts what the process was before exec() */
	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		sscanf(line, "VmHWM: %ld kB", &peak_kb);
	if (status != NULL)
		fclose(status);
	printf("{\"peak_kb\": %ld, \"ms\": %lld}\n", peak_kb, (long long) (ended_us - started_us) / 1000);
}
