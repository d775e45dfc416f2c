/*
 * exec_spawn.c
 *		Make the process of an exec activity.
 *
 * Between fork() and execve() only async-signal-safe calls are made, because
 * other threads of the worker may hold any lock at that moment.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "exec_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config_file.h"
#include "signals.h"
#include "xalloc.h"

/* Where a failed child reports errno; closed by a successful execve(). */
#define REPORT_FD 3

/* One end for the child, one for us. */
typedef struct PipePair
{
	int			theirs;
	int			ours;
} PipePair;

typedef enum PipeDirection
{
	PIPE_TO_CHILD,
	PIPE_FROM_CHILD
} PipeDirection;

static bool make_pipe(PipePair *pair, PipeDirection direction);
static void close_pair(PipePair *pair);
static void close_end(int *fd);
static StringList make_environment(const Activity *activity, const ExecConfig *command);
static void add_variable(StringList *environment, const char *name, const char *value);
static void run_child(const ExecConfig *command, char **environment, const int *fds, pid_t parent)
			__attribute__((noreturn));
static bool move_fds(const int *fds);
static int	read_report(int fd);

pid_t
exec_spawn(const Activity *activity, const ExecGuard *guard, ExecPipes *pipes, int *spawn_errno)
{
	const ExecConfig *command = activity->type->config;
	StringList	environment = make_environment(activity, command);
	PipePair	pairs[4] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};	/* stdin, stdout, stderr, report */
	pid_t		parent = getpid();
	pid_t		pid = -1;

	*spawn_errno = 0;
	if (make_pipe(&pairs[0], PIPE_TO_CHILD) && make_pipe(&pairs[1], PIPE_FROM_CHILD) &&
		make_pipe(&pairs[2], PIPE_FROM_CHILD) && make_pipe(&pairs[3], PIPE_FROM_CHILD))
		pid = fork();
	if (pid < 0)
		*spawn_errno = errno;
	if (pid == 0)
	{
		int			fds[4] = {pairs[0].theirs, pairs[1].theirs, pairs[2].theirs, pairs[3].theirs};

		exec_guard_enter(guard, getpid());
		run_child(command, environment.items, fds, parent);
	}
	if (pid > 0)
	{
		(void) setpgid(pid, pid);	/* whoever of the two comes first */
		for (int i = 0; i < 4; i++)
			close_end(&pairs[i].theirs);
		*spawn_errno = read_report(pairs[3].ours);
		close_end(&pairs[3].ours);
	}
	if (*spawn_errno != 0)
	{
		if (pid > 0)
		{
			exec_guard_remove(guard, pid);
			(void) waitpid(pid, NULL, 0);
		}
		for (int i = 0; i < 4; i++)
			close_pair(&pairs[i]);
		pid = -1;
	}
	pipes->stdin_fd = pairs[0].ours;
	pipes->stdout_fd = pairs[1].ours;
	pipes->stderr_fd = pairs[2].ours;
	string_list_free(&environment);
	return pid;
}

void
exec_close_above(int last)
{
	struct rlimit limit;

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned int) last + 1, ~0U, 0) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1048576)
		limit.rlim_cur = 1048576;
	for (int fd = last + 1; fd < (int) limit.rlim_cur; fd++)
		(void) close(fd);
}

/* Our end does not block; the child's does, as commands expect. */
static bool
make_pipe(PipePair *pair, PipeDirection direction)
{
	int			fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	pair->theirs = direction == PIPE_TO_CHILD ? fds[0] : fds[1];
	pair->ours = direction == PIPE_TO_CHILD ? fds[1] : fds[0];
	return fcntl(pair->ours, F_SETFL, O_NONBLOCK) == 0;
}

static void
close_pair(PipePair *pair)
{
	close_end(&pair->theirs);
	close_end(&pair->ours);
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Nothing of the worker's own environment but what the configuration lists. */
static StringList
make_environment(const Activity *activity, const ExecConfig *command)
{
	StringList	environment = {0};
	char		attempt[16];

	add_variable(&environment, "PATH", "/usr/local/bin:/usr/bin:/bin");
	for (int i = 0; i < command->env.count; i++)
	{
		const char *entry = command->env.items[i];

		if (strchr(entry, '=') != NULL)
			add_variable(&environment, entry, NULL);
		else if (getenv(entry) != NULL)
			add_variable(&environment, entry, getenv(entry));
	}
	snprintf(attempt, sizeof(attempt), "%d", activity->attempt);
	add_variable(&environment, "PGDF_INSTANCE_ID", activity->instance_id);
	add_variable(&environment, "PGDF_ATTEMPT", attempt);
	add_variable(&environment, "PGDF_IDEMPOTENCY_KEY", activity->idempotency_key);
	if (activity->traceparent != NULL)
		add_variable(&environment, "TRACEPARENT", activity->traceparent);
	return environment;
}

/* Replaces an earlier one of that name.  Without a value, name is NAME=value already. */
static void
add_variable(StringList *environment, const char *name, const char *value)
{
	char	   *entry = value != NULL ? xasprintf("%s=%s", name, value) : xstrdup(name);
	size_t		prefix = strcspn(entry, "=") + 1;

	for (int i = 0; i < environment->count; i++)
	{
		if (strncmp(environment->items[i], entry, prefix) == 0)
		{
			free(environment->items[i]);
			environment->items[i] = entry;
			return;
		}
	}
	string_list_add(environment, entry, strlen(entry));
	free(entry);
}

/* The child, until execve(): only async-signal-safe calls from here on. */
static void
run_child(const ExecConfig *command, char **environment, const int *fds, pid_t parent)
{
	struct rlimit no_core = {0, 0};
	int			error;
	ssize_t		ignored;

	if (!move_fds(fds))
		_exit(127);
	exec_close_above(REPORT_FD);
	signals_reset_in_child();
	(void) setrlimit(RLIMIT_CORE, &no_core);
	(void) setpgid(0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
	{
		/* the worker may have died before it could be said that we die with it */
		if (getppid() != parent)
			_exit(127);
		(void) execve(command->argv.items[0], command->argv.items, environment);
	}
	error = errno;
	ignored = write(REPORT_FD, &error, sizeof(error));
	(void) ignored;
	_exit(127);
}

/* Put the four descriptors at 0, 1, 2 and REPORT_FD, whatever they are now. */
static bool
move_fds(const int *fds)
{
	int			high[4];

	for (int i = 0; i < 4; i++)
	{
		high[i] = fcntl(fds[i], F_DUPFD, 10);
		if (high[i] < 0)
			return false;
	}
	for (int i = 0; i < 4; i++)
	{
		if (dup2(high[i], i) < 0)
			return false;
	}
	return fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) == 0;
}

/* Wait for execve(): the descriptor ends with it, or carries errno.  That is at once. */
static int
read_report(int fd)
{
	int			error = 0;
	ssize_t		got;

	(void) fcntl(fd, F_SETFL, 0);
	do
		got = read(fd, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t) sizeof(error) ? error : 0;
}
