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
#include "config.h"
#include "exec_guard.h"

/* Our ends of the command's standard streams: non-blocking, closed on exec. */
typedef struct ExecPipes
{
	int			stdin_fd;
	int			stdout_fd;
	int			stderr_fd;
	int			progress_fd;	/* descriptor 3 of the command */
} ExecPipes;

/*
 * Run the command of activity->type->config in this directory.  Returns its
 * process id, which is also its process group, or -1 with the reason in
 * *spawn_errno when it could not be executed; then there is no process and no
 * pipe.
 */
extern pid_t exec_spawn(const Activity *activity, const char *directory, const ExecGuard *guard,
						ExecPipes *pipes, int *spawn_errno);

/*
 * Nothing of the worker's own environment but PATH and what the configuration
 * lists; TMPDIR is directory, unless that is NULL.
 */
extern StringList exec_environment(const StringList *listed, const char *directory);

/* Replaces an earlier one of that name. */
extern void exec_set_variable(StringList *environment, const char *name, const char *value);

#endif							/* PGDF_EXEC_SPAWN_H */
