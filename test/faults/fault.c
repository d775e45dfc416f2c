/*
 * fault.c
 *		What a fault point of the extension does: see extension/fault.h.
 *
 * A fault is armed by a file POINT.ACTION in the directory that pgdf.fault_dir
 * names, and strikes once: who removes the file has it.  Actions are crash (the
 * backend is killed, and the server restarts), error, hang (for pgdf.fault_hang)
 * and duplicate (the transaction commits, and its client is cut off before it is
 * told, so that it asks again).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <dirent.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "fault.h"

static const char *const point_names[] = {
#define FAULT_NAME(name) #name,
	PGDF_FAULT_POINTS(FAULT_NAME)
};

static const char *const break_names[] = {
#define BREAK_NAME(name) #name,
	PGDF_FAULT_BREAKS(BREAK_NAME)
};

static char *fault_dir = NULL;
static char *fault_broken = NULL;
static int	fault_hang = 1000;

/* Of this transaction: has it passed a point, is its client to be cut off? */
static bool is_ours = false;
static bool must_cut = false;

static void xact_ended(XactEvent event, void *arg);
static void cut_off(void);
static bool strikes(const char *point, const char *action);

void
pgdf_fault_init(void)
{
	DefineCustomStringVariable("pgdf.fault_dir", "Names the directory of armed faults.", NULL,
							   &fault_dir, "", PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("pgdf.fault_hang", "Sets how long a fault hangs.", NULL,
							&fault_hang, 1000, 0, 60000, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomStringVariable("pgdf.fault_broken", "Names a part that is switched off.", NULL,
							   &fault_broken, "", PGC_SUSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(xact_ended, NULL);
}

void
pgdf_fault(FaultPoint point)
{
	const char *name = point_names[point];

	is_ours = true;
	if (fault_dir == NULL || fault_dir[0] == '\0')
		return;
	if (strikes(name, "crash"))
		kill(getpid(), SIGKILL);
	if (strikes(name, "hang"))
	{
		/* like a device that does not answer: no interrupt ends it */
		for (int ms = 0; ms < fault_hang; ms += 10)
			pg_usleep(10000);
	}
	if (strikes(name, "duplicate"))
		must_cut = true;
	if (point != FAULT_after_commit && strikes(name, "error"))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("fault at point \"%s\"", name)));
}

bool
pgdf_is_broken(FaultBreak what)
{
	static int	chances = 0;

	if (fault_broken == NULL || strcmp(fault_broken, break_names[what]) != 0)
		return false;
	return (what != BREAK_delivery && what != BREAK_repeat) || ++chances % 50 == 0;
}

static void
xact_ended(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (is_ours)
				pgdf_fault(FAULT_before_commit);
			break;
		case XACT_EVENT_COMMIT:
			if (is_ours)
				pgdf_fault(FAULT_after_commit);
			if (must_cut)
				cut_off();
			is_ours = must_cut = false;
			break;
		case XACT_EVENT_ABORT:
			is_ours = must_cut = false;
			break;
		default:
			break;
	}
}

/* The client's is the only socket that a backend has. */
static void
cut_off(void)
{
	DIR		   *fds = opendir("/proc/self/fd");
	struct dirent *entry;

	while (fds != NULL && (entry = readdir(fds)) != NULL)
		(void) shutdown((int) strtol(entry->d_name, NULL, 10), SHUT_RDWR);
	if (fds != NULL)
		closedir(fds);
}

static bool
strikes(const char *point, const char *action)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), "%s/%s.%s", fault_dir, point, action);
	return unlink(path) == 0;
}
