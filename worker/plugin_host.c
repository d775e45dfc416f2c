/*
 * plugin_host.c
 *		pgdf plugin-host: the process that a plugin runs in.
 *
 * A worker starts it with a socket as descriptor 3.  It loads the plugin, tells
 * the names of its activities, and runs one after the other as it is told.  It
 * ends when the worker closes the socket; everything else is the worker's
 * business, which may kill it at any time.
 *
 * The plugin may have threads: what they can call takes a lock.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "plugin_host.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "activity.h"
#include "buf.h"
#include "frame.h"
#include "plugin_load.h"
#include "plugin_process.h"
#include "worker.h"
#include "xalloc.h"

#define READ_BYTES		65536

/* So many reports of progress are sent at once, and one more in each interval; what is over is left out. */
#define PROGRESS_BURST			20
#define PROGRESS_INTERVAL_MS	100

/* A run, and what the plugin sees of it. */
typedef struct Run
{
	PgdfContext context;		/* first */
	int64_t		number;
	Buf			outcome;		/* the frame with which it ends; empty: nothing was said yet */
	int64_t		tokens_at_ms;	/* reports of progress */
	int			tokens;
} Run;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* of the socket and of the run */

static bool is_run_by_worker(int argc);
static void send_hello(const PgdfPlugin *plugin);
static void serve(const PgdfPlugin *plugin);
static bool read_more(Buf *in);
static void run_frame(const PgdfPlugin *plugin, const Frame *frame);
static const PgdfActivity *find_activity(const PgdfPlugin *plugin, const char *name);
static void end_run(Run *run);
static void complete(PgdfContext *context, const char *result, size_t length);
static void fail(PgdfContext *context, const PgdfFailure *failure);
static void note_failure(Run *run, const char *error_type, const char *message, bool is_non_retriable,
						 const char *properties);
static int	is_cancelled(PgdfContext *context);
static void progress(PgdfContext *context, const char *text);
static bool may_report(Run *run);
static void log_line(PgdfContext *context, PgdfLogLevel level, const char *message);
static void send_frame(Buf *out);
static void leave(const char *problem) __attribute__((noreturn));
static int64_t now_ms(void);

int
plugin_host_main(int argc, char **argv)
{
	Buf			problem = {0};
	const PgdfPlugin *plugin;

	if (!is_run_by_worker(argc))
	{
		fprintf(stderr, "pgdf: plugin-host is run by a worker\n");
		return EXIT_USAGE;
	}
	plugin = plugin_load(argv[1], argv[2], &problem);
	if (plugin == NULL)
	{
		Buf			out = {0};
		size_t		begin = frame_begin(&out, FRAME_REFUSED);

		frame_put_text(&out, problem.data, problem.used);
		frame_end(&out, begin);
		send_frame(&out);
		buf_free(&problem);
		return EXIT_USAGE;
	}
	send_hello(plugin);
	serve(plugin);
	return EXIT_OK;
}

static bool
is_run_by_worker(int argc)
{
	struct stat found;

	return argc == 3 && fstat(PLUGIN_HOST_FD, &found) == 0 && S_ISSOCK(found.st_mode);
}

static void
send_hello(const PgdfPlugin *plugin)
{
	Buf			out = {0};
	size_t		begin = frame_begin(&out, FRAME_HELLO);

	frame_put_number(&out, (int64_t) plugin->activity_count);
	for (size_t i = 0; i < plugin->activity_count; i++)
	{
		const char *name = plugin_activity(plugin, i)->name;

		frame_put_text(&out, name, strlen(name));
	}
	frame_end(&out, begin);
	send_frame(&out);
}

/* One frame after the other, until the worker has gone. */
static void
serve(const PgdfPlugin *plugin)
{
	Buf			in = {0};
	Frame		frame;

	while (read_more(&in))
	{
		FrameState	state;

		while ((state = frame_next(in.data, in.used, UINT32_MAX - 1, &frame)) == FRAME_COMPLETE)
		{
			size_t		length = FRAME_HEADER_BYTES + frame.length;

			/* a cancellation that is read here came too late for its run */
			if (frame.type == FRAME_RUN)
				run_frame(plugin, &frame);
			else if (frame.type != FRAME_CANCEL)
				leave("unexpected frame");
			buf_consume(&in, length);
		}
		if (state == FRAME_INVALID)
			leave("invalid frame");
		if (in.used == 0)
			buf_free(&in);		/* it may have been a large one */
	}
	buf_free(&in);
}

static bool
read_more(Buf *in)
{
	ssize_t		got;

	do
		got = read(PLUGIN_HOST_FD, buf_reserve(in, READ_BYTES), READ_BYTES);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		in->used += (size_t) got;
	return got > 0;
}

/* The texts stay in the buffer that the frame is in. */
static void
run_frame(const PgdfPlugin *plugin, const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	Run			run = {.tokens = PROGRESS_BURST, .tokens_at_ms = now_ms()};
	PgdfContext *context = &run.context;
	const PgdfActivity *activity;

	run.number = frame_get_number(&reader);
	context->size = sizeof(PgdfContext);
	context->attempt = (int) frame_get_number(&reader);
	context->timeout_ms = frame_get_number(&reader);
	context->activity = frame_get_text(&reader, NULL);
	context->instance_id = frame_get_text(&reader, NULL);
	context->idempotency_key = frame_get_text(&reader, NULL);
	context->traceparent = frame_get_optional_text(&reader, NULL);
	context->input = frame_get_text(&reader, &context->input_length);
	if (!frame_is_read(&reader))
		leave("wrong frame");
	context->cancel_fd = PLUGIN_HOST_FD;
	context->complete = complete;
	context->fail = fail;
	context->is_cancelled = is_cancelled;
	context->progress = progress;
	context->log = log_line;

	activity = find_activity(plugin, context->activity);
	if (activity != NULL)
		activity->run(context);
	else
		note_failure(&run, "ActivityNotFound", "the plugin does not have this activity any more", false, NULL);
	end_run(&run);
}

static const PgdfActivity *
find_activity(const PgdfPlugin *plugin, const char *name)
{
	for (size_t i = 0; i < plugin->activity_count; i++)
	{
		const PgdfActivity *activity = plugin_activity(plugin, i);

		if (strcasecmp(activity->name, name) == 0)
			return activity;
	}
	return NULL;
}

/* Only now: the worker may send the next one when it has this. */
static void
end_run(Run *run)
{
	pthread_mutex_lock(&lock);
	if (run->outcome.used == 0)
		note_failure(run, "NoResult", "the activity returned without a result", false, NULL);
	send_frame(&run->outcome);
	pthread_mutex_unlock(&lock);
}

static void
complete(PgdfContext *context, const char *result, size_t length)
{
	Run		   *run = (Run *) context;

	pthread_mutex_lock(&lock);
	if (run->outcome.used == 0 && length > PLUGIN_RESULT_BYTES_MAX)
		note_failure(run, "OutputTooLarge", "the result is too large", true, NULL);
	else if (run->outcome.used == 0)
	{
		size_t		begin = frame_begin(&run->outcome, FRAME_RESULT);

		frame_put_number(&run->outcome, run->number);
		frame_put_text(&run->outcome, result, length);
		frame_end(&run->outcome, begin);
	}
	pthread_mutex_unlock(&lock);
}

static void
fail(PgdfContext *context, const PgdfFailure *failure)
{
	Run		   *run = (Run *) context;

	pthread_mutex_lock(&lock);
	if (run->outcome.used == 0)
		note_failure(run, failure->error_type != NULL ? failure->error_type : "Failure",
					 failure->message != NULL ? failure->message : "", failure->is_non_retriable != 0,
					 failure->properties);
	pthread_mutex_unlock(&lock);
}

static void
note_failure(Run *run, const char *error_type, const char *message, bool is_non_retriable, const char *properties)
{
	Buf		   *out = &run->outcome;
	size_t		begin = frame_begin(out, FRAME_FAILURE);

	frame_put_number(out, run->number);
	frame_put_text(out, error_type, strnlen(error_type, PLUGIN_TEXT_BYTES_MAX));
	frame_put_text(out, message, strnlen(message, PLUGIN_TEXT_BYTES_MAX));
	frame_put_number(out, is_non_retriable);
	if (properties != NULL && strnlen(properties, PLUGIN_TEXT_BYTES_MAX + 1) > PLUGIN_TEXT_BYTES_MAX)
		properties = NULL;
	frame_put_text(out, properties, properties != NULL ? strlen(properties) : 0);
	frame_end(out, begin);
}

/* While it runs, the worker sends nothing but its cancellation; or it is gone. */
static int
is_cancelled(PgdfContext *context)
{
	struct pollfd socket = {.fd = PLUGIN_HOST_FD, .events = POLLIN};

	return poll(&socket, 1, 0) > 0;
}

static void
progress(PgdfContext *context, const char *text)
{
	Run		   *run = (Run *) context;
	size_t		length = strnlen(text, PROGRESS_BYTES_MAX + 1);

	if (length > PROGRESS_BYTES_MAX)
		return;
	pthread_mutex_lock(&lock);
	if (may_report(run))
	{
		Buf			out = {0};
		size_t		begin = frame_begin(&out, FRAME_PROGRESS);

		frame_put_number(&out, run->number);
		frame_put_text(&out, text, length);
		frame_end(&out, begin);
		send_frame(&out);
	}
	pthread_mutex_unlock(&lock);
}

/* A bucket of tokens: the last report before a long step is hardly ever the one that is left out. */
static bool
may_report(Run *run)
{
	int64_t		fresh = (now_ms() - run->tokens_at_ms) / PROGRESS_INTERVAL_MS;

	run->tokens_at_ms += fresh * PROGRESS_INTERVAL_MS;
	run->tokens = fresh < PROGRESS_BURST - run->tokens ? run->tokens + (int) fresh : PROGRESS_BURST;
	if (run->tokens == 0)
		return false;
	run->tokens--;
	return true;
}

static void
log_line(PgdfContext *context, PgdfLogLevel level, const char *message)
{
	Run		   *run = (Run *) context;
	Buf			out = {0};
	size_t		begin = frame_begin(&out, FRAME_LOG);

	frame_put_number(&out, run->number);
	frame_put_number(&out, (int64_t) level);
	frame_put_text(&out, message, strnlen(message, PLUGIN_LOG_BYTES_MAX));
	frame_end(&out, begin);
	pthread_mutex_lock(&lock);
	send_frame(&out);
	pthread_mutex_unlock(&lock);
}

/* Frees what it sends.  Without a worker there is nothing left to do. */
static void
send_frame(Buf *out)
{
	size_t		sent = 0;

	while (sent < out->used)
	{
		ssize_t		n = send(PLUGIN_HOST_FD, out->data + sent, out->used - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			_exit(EXIT_RUNTIME);
		if (n > 0)
			sent += (size_t) n;
	}
	buf_free(out);
}

static void
leave(const char *problem)
{
	fprintf(stderr, "pgdf: plugin-host received an %s\n", problem);
	_exit(EXIT_RUNTIME);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
