/*
 * plugin_process.c
 *		One process of a plugin, as the worker sees it.
 *
 * Nothing that it sends is believed: a frame that is not one, or that does not
 * fit the state, is the end of the process.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "plugin_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config_file.h"
#include "exec.h"
#include "exec_spawn.h"
#include "frame.h"
#include "json.h"
#include "log.h"
#include "plugin.h"
#include "spawn.h"
#include "worker.h"
#include "xalloc.h"

#define READ_BYTES			65536
#define OUTPUT_TAIL_BYTES	4096

/* A result, and what is around it. */
#define FRAME_BYTES_MAX		(PLUGIN_RESULT_BYTES_MAX + 4 * PLUGIN_TEXT_BYTES_MAX)

/* From its start to its hello. */
#define START_DEADLINE_MS	10000

/* Between the cancellation, SIGTERM and SIGKILL. */
#define CANCEL_STEP_MS		1000

#define RESTART_BASE_MS		20
#define RESTART_CAP_MS		2000

static bool spawn_host(PluginProcess *process, int *error);
static void started(PluginProcess *process);
static void start_overdue(Worker *w, void *arg);
static void restart_due(Worker *w, void *arg);
static void send_terminate(Worker *w, void *arg);
static void send_kill(Worker *w, void *arg);
static void send_pending(PluginProcess *process);
static void socket_ready(Worker *w, int fd, int events, void *arg);
static ssize_t read_socket(PluginProcess *process);
static bool take_frames(PluginProcess *process);
static bool take_frame(PluginProcess *process, const Frame *frame);
static bool take_hello(PluginProcess *process, const Frame *frame);
static bool take_refusal(PluginProcess *process, const Frame *frame);
static bool take_report(PluginProcess *process, const Frame *frame);
static void log_line(const PluginProcess *process, int64_t level, const char *text);
static bool take_outcome(PluginProcess *process, const Frame *frame);
static Activity *end_activity(PluginProcess *process);
static void finish_result(Activity *activity, const char *result, size_t length);
static void read_output(Worker *w, int fd, int events, void *arg);
static void kill_now(PluginProcess *process);
static void ended(PluginProcess *process, int status);
static void fail_crashed(PluginProcess *process, int status);
static void signal_group(const PluginProcess *process, int signal_number);
static void close_fds(PluginProcess *process);

void
plugin_process_init(PluginProcess *process, Worker *w, Plugin *plugin)
{
	memset(process, 0, sizeof(*process));
	process->worker = w;
	process->plugin = plugin;
	process->fd = -1;
	process->output_fd = -1;
	backoff_init(&process->backoff, RESTART_BASE_MS, RESTART_CAP_MS);
}

void
plugin_process_free(PluginProcess *process)
{
	if (process->worker == NULL)
		return;
	timer_stop(process->worker, &process->timer);
	if (process->state != PROCESS_DOWN)
	{
		signal_group(process, SIGKILL);
		exec_guard_remove(exec_guard(process->worker), process->pid);
		(void) waitpid(process->pid, NULL, 0);
	}
	close_fds(process);
	process->state = PROCESS_DOWN;
	process->worker = NULL;
}

void
plugin_process_start(PluginProcess *process)
{
	int			error;

	if (process->state != PROCESS_DOWN)
		return;
	process->was_ready = false;
	process->is_refused = false;
	if (spawn_host(process, &error))
	{
		started(process);
		return;
	}
	log_warning("could not start a process of plugin \"%s\": %s", process->plugin->config.name, strerror(error));
	close_fds(process);
	timer_start(process->worker, &process->timer, backoff_next(&process->backoff, loop_now_us(process->worker)),
				restart_due, process);
	plugin_process_down(process->plugin, "it could not be started", NULL);
}

void
plugin_process_run(PluginProcess *process, Activity *activity)
{
	Buf		   *out = &process->out;
	size_t		begin = frame_begin(out, FRAME_RUN);

	process->state = PROCESS_RUNNING;
	process->activity = activity;
	process->is_cancelled = false;
	buf_reset(&process->output_tail);
	activity->state = process;

	frame_put_number(out, ++process->run);
	frame_put_number(out, activity->attempt);
	frame_put_number(out, activity->timeout_ms);
	frame_put_text(out, activity->name, strlen(activity->name));
	frame_put_text(out, activity->instance_id, strlen(activity->instance_id));
	frame_put_text(out, activity->idempotency_key, strlen(activity->idempotency_key));
	frame_put_text(out, activity->traceparent, activity->traceparent != NULL ? strlen(activity->traceparent) : 0);
	frame_put_text(out, activity->input, strlen(activity->input));
	frame_end(out, begin);
	send_pending(process);
}

void
plugin_process_cancel(PluginProcess *process)
{
	size_t		begin;

	if (process->state != PROCESS_RUNNING || process->is_cancelled)
		return;
	process->is_cancelled = true;
	begin = frame_begin(&process->out, FRAME_CANCEL);
	frame_put_number(&process->out, process->run);
	frame_end(&process->out, begin);
	timer_start(process->worker, &process->timer, CANCEL_STEP_MS, send_terminate, process);
	send_pending(process);
}

void
plugin_process_reap(PluginProcess *process)
{
	siginfo_t	info = {0};
	int			status;

	if (process->state == PROCESS_DOWN ||
		waitid(P_PID, (id_t) process->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != process->pid)
		return;

	/* what it has said before its end counts; what it left in its group goes */
	while (process->fd >= 0 && process->state != PROCESS_ENDING &&
		   read_socket(process) > 0 && take_frames(process))
		;
	if (process->output_fd >= 0)
		read_output(process->worker, process->output_fd, LOOP_READ, process);
	signal_group(process, SIGKILL);
	exec_guard_remove(exec_guard(process->worker), process->pid);
	(void) waitpid(process->pid, &status, 0);
	ended(process, status);
}

/* The same program as ours, told what to load. */
static bool
spawn_host(PluginProcess *process, int *error)
{
	Plugin	   *plugin = process->plugin;
	char	   *argv[] = {(char *) "pgdf", (char *) "plugin-host", process->worker->config.plugin_dir,
	plugin->config.name, NULL};
	StringList	environment = exec_environment(&plugin->config.env, NULL);
	SpawnRequest request = {
		.path = "/proc/self/exe", .argv = argv, .environment = environment.items,
		.fds = {-1, -1, -1, -1}, .fd_count = 4, .sandbox = &plugin->sandbox
	};
	int			sockets[2] = {-1, -1};
	int			pipe_fds[2] = {-1, -1};
	int			null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	process->pid = -1;
	if (null_fd >= 0 && pipe2(pipe_fds, O_CLOEXEC) == 0 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0 &&
		fcntl(sockets[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) == 0)
	{
		request.fds[0] = null_fd;
		request.fds[1] = request.fds[2] = pipe_fds[1];
		request.fds[3] = sockets[1];
		process->pid = spawn(&request, exec_guard(process->worker), error);
	}
	else
		*error = errno;
	process->fd = sockets[0];
	process->output_fd = pipe_fds[0];
	if (null_fd >= 0)
		close(null_fd);
	if (pipe_fds[1] >= 0)
		close(pipe_fds[1]);
	if (sockets[1] >= 0)
		close(sockets[1]);
	string_list_free(&environment);
	return process->pid > 0;
}

static void
started(PluginProcess *process)
{
	process->state = PROCESS_STARTING;
	process->run = 0;
	loop_watch(process->worker, process->fd, LOOP_READ, socket_ready, process);
	loop_watch(process->worker, process->output_fd, LOOP_READ, read_output, process);
	timer_start(process->worker, &process->timer, START_DEADLINE_MS, start_overdue, process);
}

static void
start_overdue(Worker *w, void *arg)
{
	PluginProcess *process = arg;

	log_warning("process %d of plugin \"%s\" does not say that it is ready", (int) process->pid,
				process->plugin->config.name);
	kill_now(process);
}

static void
restart_due(Worker *w, void *arg)
{
	plugin_process_start(arg);
}

static void
send_terminate(Worker *w, void *arg)
{
	PluginProcess *process = arg;

	signal_group(process, SIGTERM);
	timer_start(w, &process->timer, CANCEL_STEP_MS, send_kill, process);
}

static void
send_kill(Worker *w, void *arg)
{
	signal_group(arg, SIGKILL);
}

static void
send_pending(PluginProcess *process)
{
	size_t		done = 0;

	while (done < process->out.used)
	{
		ssize_t		sent = send(process->fd, process->out.data + done, process->out.used - done, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			break;				/* full; or its end, which reading finds */
		done += (size_t) sent;
	}
	buf_consume(&process->out, done);
	if (process->out.used == 0)
		buf_free(&process->out);	/* it may have been a large one */
	loop_watch(process->worker, process->fd, process->out.used > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ,
			   socket_ready, process);
}

static void
socket_ready(Worker *w, int fd, int events, void *arg)
{
	PluginProcess *process = arg;

	ssize_t		got = (events & LOOP_READ) ? read_socket(process) : -1;

	if (got == 0 || (got > 0 && !take_frames(process)))
	{
		kill_now(process);
		return;
	}
	if ((events & LOOP_WRITE) && process->fd >= 0)
		send_pending(process);
}

/* How many bytes; 0: there is no more to come; below 0: not now. */
static ssize_t
read_socket(PluginProcess *process)
{
	ssize_t		got = read(process->fd, buf_reserve(&process->in, READ_BYTES), READ_BYTES);

	if (got > 0)
		process->in.used += (size_t) got;
	return got < 0 && errno != EAGAIN && errno != EINTR ? 0 : got;
}

/* False: it does not keep to the protocol, or has nothing more to say. */
static bool
take_frames(PluginProcess *process)
{
	Frame		frame;
	FrameState	state;
	size_t		done = 0;
	bool		ok = true;

	while (ok && (state = frame_next(process->in.data + done, process->in.used - done, FRAME_BYTES_MAX,
									 &frame)) == FRAME_COMPLETE)
	{
		ok = take_frame(process, &frame);
		done += FRAME_HEADER_BYTES + frame.length;
	}
	if (!ok || state == FRAME_INVALID)
	{
		if (!process->is_refused)
			log_warning("process %d of plugin \"%s\" does not keep to the protocol", (int) process->pid,
						process->plugin->config.name);
		return false;
	}
	buf_consume(&process->in, done);
	if (process->in.used == 0)
		buf_free(&process->in);
	return true;
}

static bool
take_frame(PluginProcess *process, const Frame *frame)
{
	switch (frame->type)
	{
		case FRAME_HELLO:
			return process->state == PROCESS_STARTING && take_hello(process, frame);
		case FRAME_REFUSED:
			return process->state == PROCESS_STARTING && take_refusal(process, frame);
		case FRAME_PROGRESS:
		case FRAME_LOG:
			return process->state == PROCESS_RUNNING && take_report(process, frame);
		case FRAME_RESULT:
		case FRAME_FAILURE:
			return process->state == PROCESS_RUNNING && take_outcome(process, frame);
		case FRAME_RUN:
		case FRAME_CANCEL:
			return false;
	}
	return false;
}

static bool
take_hello(PluginProcess *process, const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	StringList	names = {0};
	int64_t		count = frame_get_number(&reader);

	for (int64_t i = 0; i < count && !reader.is_wrong; i++)
	{
		size_t		length;
		const char *name = frame_get_text(&reader, &length);

		if (name != NULL)
			string_list_add(&names, name, length);
	}
	if (!frame_is_read(&reader) || names.count == 0)
	{
		string_list_free(&names);
		return false;
	}
	process->state = PROCESS_IDLE;
	process->was_ready = true;
	timer_stop(process->worker, &process->timer);
	plugin_process_ready(process->plugin, &names);
	return true;
}

/* Always false: it ends now. */
static bool
take_refusal(PluginProcess *process, const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	const char *problem = frame_get_text(&reader, NULL);

	process->is_refused = frame_is_read(&reader);
	if (process->is_refused)
		plugin_process_down(process->plugin, problem, NULL);
	return false;
}

static bool
take_report(PluginProcess *process, const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	bool		is_ours = frame_get_number(&reader) == process->run;
	int64_t		level = frame->type == FRAME_LOG ? frame_get_number(&reader) : 0;
	size_t		length;
	const char *text = frame_get_text(&reader, &length);

	if (!is_ours || !frame_is_read(&reader))
		return false;
	if (frame->type == FRAME_LOG)
		log_line(process, level, text);
	else
		activity_progress(process->activity, text, length);
	return true;
}

static void
log_line(const PluginProcess *process, int64_t level, const char *text)
{
	LogRecord	record = {0};

	record.level = level >= LOG_LEVEL_DEBUG && level <= LOG_LEVEL_ERROR ? (LogLevel) level : LOG_LEVEL_INFO;
	record.instance_id = process->activity->instance_id;
	record.activity = process->activity->name;
	record.attempt = process->activity->attempt;
	log_write(&record, "%.*s", PLUGIN_LOG_BYTES_MAX, text);
}

/* The process is idle again, and keeps its pace at the next start. */
static bool
take_outcome(PluginProcess *process, const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	bool		is_ours = frame_get_number(&reader) == process->run;
	bool		is_result = frame->type == FRAME_RESULT;
	ActivityFailure failure = {0};
	size_t		length = 0;
	const char *result = NULL;

	if (is_result)
		result = frame_get_text(&reader, &length);
	else
	{
		failure.error_type = frame_get_text(&reader, NULL);
		failure.message = frame_get_text(&reader, NULL);
		failure.is_non_retriable = frame_get_number(&reader) != 0;
		failure.properties = frame_get_optional_text(&reader, NULL);
	}
	if (!is_ours || !frame_is_read(&reader))
		return false;

	backoff_reset(&process->backoff);
	process->state = PROCESS_IDLE;
	if (is_result)
		finish_result(end_activity(process), result, length);
	else
		activity_fail(end_activity(process), &failure);
	plugin_process_idle(process->plugin);
	return true;
}

static Activity *
end_activity(PluginProcess *process)
{
	Activity   *activity = process->activity;

	timer_stop(process->worker, &process->timer);
	process->activity = NULL;
	activity->state = NULL;
	return activity;
}

static void
finish_result(Activity *activity, const char *result, size_t length)
{
	if (length <= PLUGIN_RESULT_BYTES_MAX && json_is_valid(result, length, NULL))
	{
		activity_complete(activity, result, length);
		return;
	}
	activity_fail(activity, &(ActivityFailure) {
		.error_type = "InvalidOutput",
		.message = "the result of the plugin is not JSON",
	});
}

/* Kept for the case that it crashes. */
static void
read_output(Worker *w, int fd, int events, void *arg)
{
	PluginProcess *process = arg;
	Buf		   *tail = &process->output_tail;
	ssize_t		got = read(fd, buf_reserve(tail, READ_BYTES), READ_BYTES);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
	{
		loop_unwatch(w, process->output_fd);
		close(process->output_fd);
		process->output_fd = -1;
		return;
	}
	tail->used += (size_t) got;
	tail->data[tail->used] = '\0';
	if (tail->used > OUTPUT_TAIL_BYTES)
		buf_consume(tail, tail->used - OUTPUT_TAIL_BYTES);
}

/* It has closed its socket, or is not to be listened to any more.  SIGCHLD follows. */
static void
kill_now(PluginProcess *process)
{
	timer_stop(process->worker, &process->timer);
	loop_unwatch(process->worker, process->fd);
	close(process->fd);
	process->fd = -1;
	process->state = PROCESS_ENDING;
	signal_group(process, SIGKILL);
}

static void
ended(PluginProcess *process, int status)
{
	timer_stop(process->worker, &process->timer);
	process->state = PROCESS_DOWN;
	if (process->activity != NULL)
		fail_crashed(process, status);
	if (!process->was_ready && !process->is_refused)
		plugin_process_down(process->plugin, "its process ended before it was ready",
							process->output_tail.used > 0 ? process->output_tail.data : NULL);
	close_fds(process);
	timer_start(process->worker, &process->timer, backoff_next(&process->backoff, loop_now_us(process->worker)),
				restart_due, process);
}

static void
fail_crashed(PluginProcess *process, int status)
{
	json_object *properties = json_object_new_object();
	bool		is_exit = WIFEXITED(status);
	int			number = is_exit ? WEXITSTATUS(status) : WTERMSIG(status);
	char	   *message = xasprintf(is_exit ? "plugin \"%s\" exited with status %d" : "plugin \"%s\" was terminated by signal %d",
									process->plugin->config.name, number);
	ActivityFailure failure = {.error_type = "Crashed", .message = message};
	const Buf  *tail = &process->output_tail;

	json_object_object_add(properties, is_exit ? "exit_status" : "signal", json_object_new_int(number));
	json_object_object_add(properties, "stderr", json_string_new(tail->data != NULL ? tail->data : "", tail->used));
	failure.properties = json_text(properties);
	activity_fail(end_activity(process), &failure);
	json_object_put(properties);
	free(message);
}

static void
signal_group(const PluginProcess *process, int signal_number)
{
	/* until it is reaped, nobody else can have its number */
	(void) kill(-process->pid, signal_number);
}

static void
close_fds(PluginProcess *process)
{
	if (process->fd >= 0)
	{
		loop_unwatch(process->worker, process->fd);
		close(process->fd);
	}
	if (process->output_fd >= 0)
	{
		loop_unwatch(process->worker, process->output_fd);
		close(process->output_fd);
	}
	process->fd = -1;
	process->output_fd = -1;
	buf_free(&process->in);
	buf_free(&process->out);
	buf_free(&process->output_tail);
}
