/*
 * exec_spawn.h
 *		Make the process of an exec activity.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_EXEC_SPAWN_H
#define PGDF_EXEC_SPAWN_H

#include <sys/types.h>

#include "activity.h"
#include "exec_guard.h"

/* Our ends of the command's standard streams: non-blocking, closed on exec. */
typedef struct ExecPipes
{
	int			stdin_fd;
	int			stdout_fd;
	int			stderr_fd;
} ExecPipes;

/*
 * Run the command of activity->type->config.  Returns its process id, which is
 * also its process group, or -1 with the reason in *spawn_errno when it could
 * not be executed; then there is no process and no pipe.
 */
extern pid_t exec_spawn(const Activity *activity, const ExecGuard *guard, ExecPipes *pipes, int *spawn_errno);

/* Close every descriptor beyond this one: async-signal-safe. */
extern void exec_close_above(int last);

#endif							/* PGDF_EXEC_SPAWN_H */
