/*
 * exec_guard.h
 *		Kills the commands of a worker that died, and what they have started.
 *
 * PR_SET_PDEATHSIG ends a command with its worker, but not the processes that
 * the command has made.  The guard is a small process that holds the reading end
 * of a pipe: commands are entered before they run and removed before they are
 * reaped, and when the pipe ends it kills the process groups that are left.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_EXEC_GUARD_H
#define PGDF_EXEC_GUARD_H

#include <sys/types.h>

typedef struct ExecGuard
{
	pid_t		pid;			/* 0: not started */
	int			fd;				/* writing end of its pipe */
} ExecGuard;

/* Start the guard unless it runs.  Without one commands work, too. */
extern void exec_guard_start(ExecGuard *guard);

/* The guard sees the end of the pipe when the last holder of it is gone. */
extern void exec_guard_stop(ExecGuard *guard);

/* For the child, about itself: async-signal-safe. */
extern void exec_guard_enter(const ExecGuard *guard, pid_t group);
extern void exec_guard_remove(const ExecGuard *guard, pid_t group);

#endif							/* PGDF_EXEC_GUARD_H */
