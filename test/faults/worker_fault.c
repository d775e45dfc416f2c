/*
 * worker_fault.c
 *		What a fault point of the worker does: see worker/fault.h.
 *
 * A fault is armed by a file POINT.ACTION in the directory PGDF_FAULT_DIR, and
 * strikes once: who removes the file has it.  Actions are crash (the process is
 * killed), error (all its connections break), hang (for PGDF_FAULT_HANG
 * milliseconds) and duplicate (what follows is done twice).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fault.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const point_names[] = {
#define FAULT_NAME(name) #name,
	FAULT_POINTS(FAULT_NAME)
};

static bool strikes(const char *dir, const char *point, const char *action);
static void break_connections(void);

bool
fault_reached(FaultPoint point)
{
	const char *dir = getenv("PGDF_FAULT_DIR");
	const char *hang = getenv("PGDF_FAULT_HANG");
	const char *name = point_names[point];

	if (dir == NULL)
		return false;
	if (strikes(dir, name, "crash"))
		kill(getpid(), SIGKILL);
	if (strikes(dir, name, "hang"))
		usleep((useconds_t) (hang != NULL ? strtol(hang, NULL, 10) : 1000) * 1000);
	if (strikes(dir, name, "error"))
		break_connections();
	return strikes(dir, name, "duplicate");
}

static bool
strikes(const char *dir, const char *point, const char *action)
{
	char		path[1024];

	snprintf(path, sizeof(path), "%s/%s.%s", dir, point, action);
	return unlink(path) == 0;
}

/* As if every cable were pulled. */
static void
break_connections(void)
{
	DIR		   *fds = opendir("/proc/self/fd");
	struct dirent *entry;

	while (fds != NULL && (entry = readdir(fds)) != NULL)
		(void) shutdown((int) strtol(entry->d_name, NULL, 10), SHUT_RDWR);
	if (fds != NULL)
		closedir(fds);
}
