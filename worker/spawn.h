/*
 * spawn.h
 *		Make a child process: a command, or the host of a plugin.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SPAWN_H
#define PGDF_SPAWN_H

#include <sys/types.h>

#include "exec_guard.h"
#include "sandbox.h"

#define SPAWN_MAX_FDS 4

typedef struct SpawnRequest
{
	const char *path;			/* of the program */
	char	  **argv;
	char	  **environment;
	int			fds[SPAWN_MAX_FDS]; /* become 0, 1, 2, 3 */
	int			fd_count;
	const char *directory;		/* where it runs, or NULL: / */
	const Sandbox *sandbox;
} SpawnRequest;

/*
 * Run it, in a process group of its own, with no other descriptor of ours, dying
 * with us.  Returns its process id, which is also its process group, or -1 with
 * the reason in *spawn_errno when it could not be executed; then there is no
 * process.  The descriptors stay the caller's.
 */
extern pid_t spawn(const SpawnRequest *request, const ExecGuard *guard, int *spawn_errno);

/* Close every descriptor beyond this one: async-signal-safe. */
extern void spawn_close_above(int last);

#endif							/* PGDF_SPAWN_H */
