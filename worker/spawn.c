/*
 * spawn.c
 *		Make a child process: a command, or the host of a plugin.
 *
 * Between fork() and execve() only async-signal-safe calls are made, because
 * other threads of the worker may hold any lock at that moment.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

static void run_child(const SpawnRequest *request, int report_fd, pid_t parent) __attribute__((noreturn));
static bool move_fds(const SpawnRequest *request, int report_fd);
static int	read_report(int fd);

pid_t
spawn(const SpawnRequest *request, const ExecGuard *guard, int *spawn_errno)
{
	int			report[2];		/* a failed child writes errno; closed by a successful execve() */
	pid_t		parent = getpid();
	pid_t		pid = -1;

	*spawn_errno = 0;
	if (pipe2(report, O_CLOEXEC) != 0)
	{
		*spawn_errno = errno;
		return -1;
	}
	pid = fork();
	if (pid < 0)
		*spawn_errno = errno;
	if (pid == 0)
	{
		exec_guard_enter(guard, getpid());
		run_child(request, report[1], parent);
	}
	close(report[1]);
	if (pid > 0)
	{
		(void) setpgid(pid, pid);	/* whoever of the two comes first */
		*spawn_errno = read_report(report[0]);
	}
	close(report[0]);
	if (pid > 0 && *spawn_errno != 0)
	{
		exec_guard_remove(guard, pid);
		(void) waitpid(pid, NULL, 0);
		pid = -1;
	}
	return pid;
}

void
spawn_close_above(int last)
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

/* The child, until execve(): only async-signal-safe calls from here on. */
static void
run_child(const SpawnRequest *request, int report_fd, pid_t parent)
{
	int			error;
	ssize_t		ignored;

	if (!move_fds(request, report_fd))
		_exit(127);
	report_fd = request->fd_count;
	spawn_close_above(report_fd);
	signals_reset_in_child();
	(void) setpgid(0, 0);
	if (chdir(request->directory != NULL ? request->directory : "/") == 0 && sandbox_enter(request->sandbox))
	{
		/* the worker may have died before it could be said that we die with it */
		if (getppid() != parent)
			_exit(127);
		(void) execve(request->path, request->argv, request->environment);
	}
	error = errno;
	ignored = write(report_fd, &error, sizeof(error));
	(void) ignored;
	_exit(127);
}

/* Put the descriptors at 0, 1, 2 ... and the one for the report behind them, whatever they are now. */
static bool
move_fds(const SpawnRequest *request, int report_fd)
{
	int			high[SPAWN_MAX_FDS + 1];
	int			count = request->fd_count;

	for (int i = 0; i <= count; i++)
	{
		high[i] = fcntl(i < count ? request->fds[i] : report_fd, F_DUPFD, 10);
		if (high[i] < 0)
			return false;
	}
	for (int i = 0; i <= count; i++)
	{
		if (dup2(high[i], i) < 0)
			return false;
	}
	return fcntl(count, F_SETFD, FD_CLOEXEC) == 0;
}

/* Wait for execve(): the descriptor ends with it, or carries errno.  That is at once. */
static int
read_report(int fd)
{
	int			error = 0;
	ssize_t		got;

	do
		got = read(fd, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	return got == (ssize_t) sizeof(error) ? error : 0;
}
