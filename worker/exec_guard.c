/*
 * exec_guard.c
 *		Kills the commands of a worker that died, and what they have started.
 *
 * The guard is forked from a process with threads and never calls execve(), so
 * it does nothing that is not async-signal-safe: its list is static memory.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "exec_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"
#include "log.h"
#include "signals.h"

/* More commands than that do not run at the same time. */
#define MAX_GROUPS 16384

/* Process groups of running commands; used by the guard's process only. */
static pid_t groups[MAX_GROUPS];
static int	group_count;

static void run_guard(int fd) __attribute__((noreturn));
static void ignore_signals(void);
static void note(pid_t record);
static void send_record(const ExecGuard *guard, pid_t record);

void
exec_guard_start(ExecGuard *guard)
{
	int			fds[2];
	pid_t		pid;

	if (guard->pid != 0 || pipe2(fds, O_CLOEXEC) != 0)
		return;
	pid = fork();
	if (pid == 0)
	{
		close(fds[1]);
		run_guard(fds[0]);
	}
	close(fds[0]);
	if (pid < 0)
	{
		log_warning("could not start the guard of commands: %s", strerror(errno));
		close(fds[1]);
		return;
	}
	guard->pid = pid;
	guard->fd = fds[1];
}

void
exec_guard_stop(ExecGuard *guard)
{
	if (guard->pid == 0)
		return;
	close(guard->fd);
	(void) waitpid(guard->pid, NULL, 0);
	memset(guard, 0, sizeof(*guard));
}

void
exec_guard_enter(const ExecGuard *guard, pid_t group)
{
	send_record(guard, group);
}

void
exec_guard_remove(const ExecGuard *guard, pid_t group)
{
	send_record(guard, -group);
}

static void
run_guard(int fd)
{
	pid_t		record;
	ssize_t		got;

	ignore_signals();
	(void) setsid();			/* signals of a terminal are not for us */
	(void) prctl(PR_SET_NAME, "pgdf-guard");
	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(1);
	spawn_close_above(STDIN_FILENO);

	/* records are shorter than PIPE_BUF, so they come whole */
	while ((got = read(STDIN_FILENO, &record, sizeof(record))) != 0)
	{
		if (got == (ssize_t) sizeof(record))
			note(record);
		else if (got < 0 && errno != EINTR)
			break;
	}
	for (int i = 0; i < group_count; i++)
		(void) kill(-groups[i], SIGKILL);
	_exit(0);
}

/* What ends the worker must not end its guard. */
static void
ignore_signals(void)
{
	signals_reset_in_child();
	(void) signal(SIGTERM, SIG_IGN);
	(void) signal(SIGINT, SIG_IGN);
	(void) signal(SIGHUP, SIG_IGN);
}

static void
note(pid_t record)
{
	if (record > 0)
	{
		if (group_count < MAX_GROUPS)
			groups[group_count++] = record;
		return;
	}
	for (int i = 0; i < group_count; i++)
	{
		if (groups[i] == -record)
		{
			groups[i] = groups[--group_count];
			return;
		}
	}
}

static void
send_record(const ExecGuard *guard, pid_t record)
{
	ssize_t		ignored;

	if (guard->pid == 0)
		return;
	ignored = write(guard->fd, &record, sizeof(record));
	(void) ignored;
}
