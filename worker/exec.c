/*
 * exec.c
 *		Activities that are commands of the worker's configuration.
 *
 * The database names a command, it never writes one: argv and environment come
 * from the configuration alone, no shell is involved, and the input reaches the
 * command on standard input only.  A command runs in a process group of its own,
 * which is killed with it, and dies with the worker.
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
#include "config_file.h"
#include "exec_guard.h"
#include "exec_spawn.h"
#include "json.h"
#include "log.h"
#include "loop.h"
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
	int			stdin_fd;		/* -1: closed, each of the three */
	int			stdout_fd;
	int			stderr_fd;
	size_t		input_length;
	size_t		input_sent;
	Buf			output;
	Buf			error_tail;
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
static void close_fd(Worker *w, int *fd);
static void kill_due(Worker *w, void *arg);
static void stop_reading(Worker *w, void *arg);
static void signal_group(const Child *child, int signal_number);
static void child_ended(Worker *w, Child *child);
static void finish_if_ended(Worker *w, Child *child);
static void finish(Worker *w, Child *child);
static void finish_by_exit(Child *child);
static void finish_by_output(Child *child);
static void fail(Child *child, const char *error_type, const char *message, json_object *properties);
static json_object *stderr_properties(const Child *child);
static void unlink_child(Worker *w, Child *child);
static void child_free(Worker *w, Child *child);
static StringList copy_list(const StringList *source);

bool
exec_init(Worker *w)
{
	w->children = xcalloc(1, sizeof(Children));
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

const ExecConfig *
exec_command_new(const ExecConfig *source)
{
	ExecConfig *command = xcalloc(1, sizeof(ExecConfig));

	command->name = xstrdup(source->name);
	command->argv = copy_list(&source->argv);
	command->env = copy_list(&source->env);
	command->timeout_ms = source->timeout_ms;
	return command;
}

void
exec_command_free(const void *command)
{
	ExecConfig *own = (ExecConfig *) command;

	if (own == NULL)
		return;
	free(own->name);
	string_list_free(&own->argv);
	string_list_free(&own->env);
	free(own);
}

void
exec_start(Activity *activity)
{
	Worker	   *w = activity->worker;
	Child	   *child = xcalloc(1, sizeof(Child));
	ExecPipes	pipes;
	int			spawn_errno;

	child->activity = activity;
	exec_guard_start(&w->children->guard);
	child->pid = exec_spawn(activity, &w->children->guard, &pipes, &spawn_errno);
	child->stdin_fd = child->pid > 0 ? pipes.stdin_fd : -1;
	child->stdout_fd = child->pid > 0 ? pipes.stdout_fd : -1;
	child->stderr_fd = child->pid > 0 ? pipes.stderr_fd : -1;
	if (child->pid <= 0)
	{
		char	   *message = xasprintf("could not execute command \"%s\": %s", activity->name, strerror(spawn_errno));

		child->is_reaped = true;
		fail(child, "CommandNotExecuted", message, NULL);
		free(message);
		child_free(w, child);
		return;
	}
	activity->state = child;
	child->input_length = strlen(activity->input);
	child->next = w->children->first;
	w->children->first = child;
	loop_watch(w, child->stdin_fd, LOOP_WRITE, write_input, child);
	loop_watch(w, child->stdout_fd, LOOP_READ, read_output, child);
	loop_watch(w, child->stderr_fd, LOOP_READ, read_error, child);
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
	buf_free(&child->output);
	buf_free(&child->error_tail);
	free(child);
}

static StringList
copy_list(const StringList *source)
{
	StringList	copy = {0};

	for (int i = 0; i < source->count; i++)
		string_list_add(&copy, source->items[i], strlen(source->items[i]));
	return copy;
}
