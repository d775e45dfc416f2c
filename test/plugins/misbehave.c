/*
 * misbehave.c
 *		A plugin whose activities do all that a plugin should not.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <pgdf_activity.h>

static int	started;

static int
start(void)
{
	started++;
	return getenv("REFUSE_START") != NULL;
}

static void
echo(PgdfContext *context)
{
	context->complete(context, context->input, context->input_length);
}

/* What it is given. */
static void
tell(PgdfContext *context)
{
	char		text[1000];

	snprintf(text, sizeof(text),
			 "{\"pid\": %d, \"attempt\": %d, \"timeout\": %lld, \"instance\": \"%s\", \"key\": \"%s\", \"activity\": \"%s\","
			 " \"started\": %d, \"listed\": \"%s\", \"home\": %s, \"size\": %d}",
			 (int) getpid(), context->attempt, (long long) context->timeout_ms, context->instance_id,
			 context->idempotency_key, context->activity, started, getenv("LISTED"),
			 getenv("SECRET") != NULL ? "true" : "false", context->size == sizeof(PgdfContext));
	context->log(context, PGDF_LOG_INFO, "told what it was given");
	pgdf_complete(context, text);
	pgdf_fail(context, "Second", "the first counts");
}

static void
crash(PgdfContext *context)
{
	fprintf(stderr, "about to crash\n");
	raise(SIGSEGV);
}

static void
crash_at_first(PgdfContext *context)
{
	if (context->attempt < 3)
		abort();
	pgdf_complete(context, "\"third\"");
}

static void
leave(PgdfContext *context)
{
	pgdf_complete(context, "\"said too early\"");
	exit(0);
}

/* Writes its process id, and nothing ends it but SIGKILL. */
static void
hang(PgdfContext *context)
{
	char		text[40];

	signal(SIGTERM, SIG_IGN);
	snprintf(text, sizeof(text), "{\"pid\": %d}", (int) getpid());
	context->progress(context, text);
	for (;;)
		sleep(600);
}

static void
wait_politely(PgdfContext *context)
{
	char		text[40];

	snprintf(text, sizeof(text), "{\"pid\": %d}", (int) getpid());
	context->progress(context, text);
	while (!context->is_cancelled(context))
		usleep(1000);
	pgdf_complete(context, "\"stopped\"");
}

static void
garbage(PgdfContext *context)
{
	static const char bytes[] = "\377\377\377\377what is this";

	if (write(context->cancel_fd, bytes, sizeof(bytes)) < 0)
		abort();
	for (;;)
		sleep(600);
}

static void
too_much(PgdfContext *context)
{
	size_t		length = 17 * 1024 * 1024;
	char	   *text = malloc(length);

	memset(text, '1', length);
	context->complete(context, text, length);
	free(text);
}

static void
not_json(PgdfContext *context)
{
	pgdf_complete(context, "not JSON");
}

static void
nothing(PgdfContext *context)
{
}

static void
report_much(PgdfContext *context)
{
	static char large[20000];

	memset(large, '1', sizeof(large) - 1);
	context->progress(context, large);
	context->progress(context, "not JSON");
	for (int i = 0; i < 100000; i++)
		context->progress(context, "[1]");
	pgdf_complete(context, "1");
}

static void
fail(PgdfContext *context)
{
	PgdfFailure failure = {sizeof(PgdfFailure), "TooLate", "it is too late", 1, "{\"hour\": 25}"};

	context->fail(context, &failure);
}

/* Leaves a process behind, which holds the socket too. */
static void
leave_process(PgdfContext *context)
{
	char		text[40];
	pid_t		pid = fork();

	if (pid == 0)
	{
		sleep(600);
		_exit(0);
	}
	snprintf(text, sizeof(text), "%d", (int) pid);
	pgdf_complete(context, text);
}

static const PgdfActivity activities[] = {
	{"Echo", echo},
	{"Tell", tell},
	{"Crash", crash},
	{"CrashAtFirst", crash_at_first},
	{"Leave", leave},
	{"Hang", hang},
	{"WaitPolitely", wait_politely},
	{"Garbage", garbage},
	{"TooMuch", too_much},
	{"NotJson", not_json},
	{"Nothing", nothing},
	{"ReportMuch", report_much},
	{"Fail", fail},
	{"LeaveProcess", leave_process},
};

PGDF_PLUGIN_START(activities, start);
