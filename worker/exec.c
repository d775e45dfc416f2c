/*
 * exec.c
 *		Activities that are commands of the worker's configuration.
 *
 * The database names a command, it never writes one: argv and environment come
 * from the configuration alone, no shell is involved, and the input reaches the
 * command on standard input only.  A command runs in a directory and a process
 * group of its own, which go with it, and dies with the worker.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "config_child.h"
#include "exec_spawn.h"
#include "json.h"
#include "log.h"
#include "loop.h"
#include "orphans.h"
#include "progress_lines.h"
#include "scratch.h"
#include "worker.h"
#include "xalloc.h"

#define MAX_OUTPUT_BYTES	(16 * 1024 * 1024)
#define READ_BYTES			65536

/* The end of standard error goes into a failure. */
#define STDERR_TAIL_BYTES	4096

/* Between SIGTERM and SIGKILL. */
#define KILL_GRACE_MS		2000

/* A running command; Activity.state. */
typedef struct Child
{
	struct Child *next;
	Activity   *activity;
	pid_t		pid;
	char	   *directory;		/* where it runs */
	int			stdin_fd;		/* -1: closed, each of the four */
	int			stdout_fd;
	int			stderr_fd;
	int			progress_fd;
	size_t		input_length;
	size_t		input_sent;
	Buf			output;
	Buf			error_tail;
	ProgressLines progress;
	bool		is_too_large;	/* it was killed for its output */
	bool		is_reaped;
	int			status;			/* of waitpid(), when it was reaped */
	Timer		kill_timer;
} Child;

typedef struct Children
{
	Child	   *first;
	ExecGuard	guard;
} Children;

static void write_input(Worker *w, int fd, int events, void *arg);
static void read_output(Worker *w, int fd, int events, void *arg);
static void read_error(Worker *w, int fd, int events, void *arg);
static void read_progress(Worker *w, int fd, int events, void *arg);
static void close_fd(Worker *w, int *fd);
static void kill_due(Worker *w, void *arg);
static void stop_reading(Worker *w, void *arg);
static void signal_group(const Child *child, int signal_number);
static void child_ended(Worker *w, Child *child);
static void finish_if_ended(Worker *w, Child *child);
static void finish(Worker *w, Child *child);
static void finish_by_exit(Child *child);
static void finish_by_output(Child *child);
static void fail_to_start(Worker *w, Child *child, int error);
static void fail(Child *child, const char *error_type, const char *message, json_object *properties);
static json_object *stderr_properties(const Child *child);
static void unlink_child(Worker *w, Child *child);
static void child_free(Worker *w, Child *child);

bool
exec_init(Worker *w)
{
	w->children = xcalloc(1, sizeof(Children));
	orphans_adopt();
	return true;
}

/* What still runs is killed; its activities are not told. */
void
exec_free(Worker *w)
{
	if (w->children == NULL)
		return;
	while (w->children->first != NULL)
	{
		Child	   *child = w->children->first;

		if (!child->is_reaped)
		{
			signal_group(child, SIGKILL);
			(void) waitpid(child->pid, NULL, 0);
		}
		unlink_child(w, child);
		child_free(w, child);
	}
	exec_guard_stop(&w->children->guard);
	free(w->children);
	w->children = NULL;
}

const ExecCommand *
exec_command_new(const ExecConfig *source)
{
	ExecCommand *command = xcalloc(1, sizeof(ExecCommand));
	char	   *whose = xasprintf("command \"%s\"", source->name);
	bool		ok = sandbox_init(&command->sandbox, &source->sandbox, whose);

	free(whose);
	exec_config_copy(&command->config, source);
	if (ok)
		return command;
	exec_command_free(command);
	return NULL;
}

void
exec_command_free(const void *command)
{
	ExecCommand *own = (ExecCommand *) command;

	if (own == NULL)
		return;
	exec_config_free(&own->config);
	sandbox_free(&own->sandbox);
	free(own);
}

ExecGuard *
exec_guard(Worker *w)
{
	exec_guard_start(&w->children->guard);
	return &w->children->guard;
}

bool
exec_has_process(const Worker *w, pid_t pid)
{
	const Child *child = w->children->first;

	while (child != NULL && (child->is_reaped || child->pid != pid))
		child = child->next;
	return child != NULL || w->children->guard.pid == pid;
}

void
exec_start(Activity *activity)
{
	const ExecCommand *command = activity->type->config;
	Worker	   *w = activity->worker;
	Child	   *child = xcalloc(1, sizeof(Child));
	ExecPipes	pipes = {-1, -1, -1, -1};
	int			spawn_errno;

	child->activity = activity;
	child->pid = -1;
	child->directory = scratch_make(w, &command->sandbox);
	spawn_errno = errno;
	if (child->directory != NULL)
		child->pid = exec_spawn(activity, child->directory, exec_guard(w), &pipes, &spawn_errno);
	child->stdin_fd = pipes.stdin_fd;
	child->stdout_fd = pipes.stdout_fd;
	child->stderr_fd = pipes.stderr_fd;
	child->progress_fd = pipes.progress_fd;
	if (child->pid <= 0)
	{
		fail_to_start(w, child, spawn_errno);
		return;
	}
	activity->state = child;
	child->input_length = strlen(activity->input);
	child->next = w->children->first;
	w->children->first = child;
	loop_watch(w, child->stdin_fd, LOOP_WRITE, write_input, child);
	loop_watch(w, child->stdout_fd, LOOP_READ, read_output, child);
	loop_watch(w, child->stderr_fd, LOOP_READ, read_error, child);
	loop_watch(w, child->progress_fd, LOOP_READ, read_progress, child);
}

void
exec_cancel(Activity *activity)
{
	Child	   *child = activity->state;

	if (child->is_reaped)
		return;					/* it is about to finish */
	signal_group(child, SIGTERM);
	timer_start(activity->worker, &child->kill_timer, KILL_GRACE_MS, kill_due, child);
}

void
exec_reap(Worker *w)
{
	Child	   *next;

	for (Child *child = w->children->first; child != NULL; child = next)
	{
		siginfo_t	info = {0};

		next = child->next;
		if (!child->is_reaped &&
			waitid(P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == child->pid)
			child_ended(w, child);
	}
}

static void
write_input(Worker *w, int fd, int events, void *arg)
{
	Child	   *child = arg;
	const char *input = child->activity->input;
	ssize_t		written = write(fd, input + child->input_sent, child->input_length - child->input_sent);

	if (written < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (written > 0)
		child->input_sent += (size_t) written;
	/* a command need not read its input */
	if (written < 0 || child->input_sent == child->input_length)
		close_fd(w, &child->stdin_fd);
}

static void
read_output(Worker *w, int fd, int events, void *arg)
{
	Child	   *child = arg;
	ssize_t		got = read(fd, buf_reserve(&child->output, READ_BYTES), READ_BYTES);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		child->output.used += (size_t) got;
	if (child->output.used > MAX_OUTPUT_BYTES)
	{
		child->is_too_large = true;
		buf_free(&child->output);
		signal_group(child, SIGKILL);
		got = 0;
	}
	if (got <= 0)
	{
		close_fd(w, &child->stdout_fd);
		finish_if_ended(w, child);
	}
}

static void
read_error(Worker *w, int fd, int events, void *arg)
{
	Child	   *child = arg;
	ssize_t		got = read(fd, buf_reserve(&child->error_tail, READ_BYTES), READ_BYTES);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
	{
		close_fd(w, &child->stderr_fd);
		finish_if_ended(w, child);
		return;
	}
	child->error_tail.used += (size_t) got;
	if (child->error_tail.used > STDERR_TAIL_BYTES)
		buf_consume(&child->error_tail, child->error_tail.used - STDERR_TAIL_BYTES);
}

/* A line of JSON is a report; the end of the activity does not wait for any. */
static void
read_progress(Worker *w, int fd, int events, void *arg)
{
	Child	   *child = arg;
	char		bytes[READ_BYTES];
	ssize_t		got = read(fd, bytes, sizeof(bytes));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		close_fd(w, &child->progress_fd);
	else if (progress_lines_feed(&child->progress, bytes, (size_t) got))
		activity_progress(child->activity, child->progress.newest.data, child->progress.newest.used);
}

static void
close_fd(Worker *w, int *fd)
{
	if (*fd < 0)
		return;
	loop_unwatch(w, *fd);
	close(*fd);
	*fd = -1;
}

static void
kill_due(Worker *w, void *arg)
{
	signal_group(arg, SIGKILL);
}

static void
stop_reading(Worker *w, void *arg)
{
	Child	   *child = arg;

	close_fd(w, &child->stdout_fd);
	close_fd(w, &child->stderr_fd);
	finish_if_ended(w, child);
}

static void
signal_group(const Child *child, int signal_number)
{
	/* until it is reaped, nobody else can have its number */
	if (!child->is_reaped)
		(void) kill(-child->pid, signal_number);
}

/* The command has exited; what it left in its group goes too, while its number is still ours. */
static void
child_ended(Worker *w, Child *child)
{
	signal_group(child, SIGKILL);
	exec_guard_remove(&w->children->guard, child->pid);
	(void) waitpid(child->pid, &child->status, 0);
	child->is_reaped = true;
	close_fd(w, &child->stdin_fd);
	close_fd(w, &child->progress_fd);
	/* a process that left the group may hold the pipes open */
	timer_start(w, &child->kill_timer, KILL_GRACE_MS, stop_reading, child);
	finish_if_ended(w, child);
}

/* The end is when it has exited and everything that it wrote was read. */
static void
finish_if_ended(Worker *w, Child *child)
{
	if (!child->is_reaped || child->stdout_fd >= 0 || child->stderr_fd >= 0)
		return;
	unlink_child(w, child);
	finish(w, child);
	child_free(w, child);
}

static void
finish(Worker *w, Child *child)
{
	if (child->is_too_large)
	{
		char	   *message = xasprintf("command \"%s\" wrote more than %d bytes",
										child->activity->name, MAX_OUTPUT_BYTES);

		fail(child, "OutputTooLarge", message, stderr_properties(child));
		free(message);
	}
	else if (!WIFEXITED(child->status) || WEXITSTATUS(child->status) != 0)
		finish_by_exit(child);
	else
		finish_by_output(child);
}

static void
finish_by_exit(Child *child)
{
	json_object *properties = stderr_properties(child);
	char	   *message;

	if (WIFEXITED(child->status))
	{
		json_object_object_add(properties, "exit_status", json_object_new_int(WEXITSTATUS(child->status)));
		message = xasprintf("command \"%s\" exited with status %d",
							child->activity->name, WEXITSTATUS(child->status));
	}
	else
	{
		json_object_object_add(properties, "signal", json_object_new_int(WTERMSIG(child->status)));
		message = xasprintf("command \"%s\" was terminated by signal %d",
							child->activity->name, WTERMSIG(child->status));
	}
	fail(child, "ExitStatus", message, properties);
	free(message);
}

/* Standard output is the result, every byte but the blanks around it. */
static void
finish_by_output(Child *child)
{
	const char *text = child->output.data != NULL ? child->output.data : "";
	size_t		length = child->output.used;

	while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
		length--;
	while (length > 0 && strchr(" \t\r\n", text[0]) != NULL)
	{
		text++;
		length--;
	}
	if (json_is_valid(text, length, NULL))
		activity_complete(child->activity, text, length);
	else
	{
		char	   *message = xasprintf("command \"%s\" did not write JSON", child->activity->name);

		fail(child, "InvalidOutput", message, stderr_properties(child));
		free(message);
	}
}

static void
fail_to_start(Worker *w, Child *child, int error)
{
	char	   *message = xasprintf("could not execute command \"%s\": %s", child->activity->name, strerror(error));

	child->is_reaped = true;
	fail(child, "CommandNotExecuted", message, NULL);
	free(message);
	child_free(w, child);
}

/* Takes over properties. */
static void
fail(Child *child, const char *error_type, const char *message, json_object *properties)
{
	ActivityFailure failure = {error_type, message, false, properties != NULL ? json_text(properties) : NULL};

	activity_fail(child->activity, &failure);
	json_object_put(properties);
}

static json_object *
stderr_properties(const Child *child)
{
	json_object *properties = json_object_new_object();

	json_object_object_add(properties, "stderr",
						   json_string_new(child->error_tail.data != NULL ? child->error_tail.data : "",
										   child->error_tail.used));
	return properties;
}

static void
unlink_child(Worker *w, Child *child)
{
	for (Child **link = &w->children->first; *link != NULL; link = &(*link)->next)
	{
		if (*link == child)
		{
			*link = child->next;
			return;
		}
	}
}

static void
child_free(Worker *w, Child *child)
{
	timer_stop(w, &child->kill_timer);
	close_fd(w, &child->stdin_fd);
	close_fd(w, &child->stdout_fd);
	close_fd(w, &child->stderr_fd);
	close_fd(w, &child->progress_fd);
	scratch_remove(w, child->directory);
	progress_lines_free(&child->progress);
	buf_free(&child->output);
	buf_free(&child->error_tail);
	free(child);
}
