/*
 * dir_sync.c
 *		Make entries of directories durable: one fsync() for many who ask.
 *
 * The only thing that the loop's thread and a thread of the pool share is the
 * flag has_begun.  Who found it unset has changed the directory before it was
 * set, and so before the fsync.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "dir_sync.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "iopool.h"
#include "xalloc.h"

/* One fsync; the descriptor is that of its first waiter. */
typedef struct DirSync
{
	IoJob		job;			/* first */
	DirSyncs   *syncs;
	struct DirSync *next;
	atomic_bool has_begun;
	int			fd;
	int			error;			/* set by the thread */
	DirSyncWaiter *first;
	DirSyncWaiter *last;
} DirSync;

static DirSync *find_waiting(const DirSyncs *syncs, const DirSyncWaiter *waiter);
static void sync_run(IoJob *job);
static void sync_done(struct Worker *w, IoJob *job);
static void unlink_sync(DirSync *sync);

void
dir_sync(struct Worker *w, DirSyncs *syncs, DirSyncWaiter *waiter)
{
	DirSync    *sync = find_waiting(syncs, waiter);

	waiter->next = NULL;
	if (sync != NULL)
	{
		sync->last->next = waiter;
		sync->last = waiter;
		return;
	}
	sync = xcalloc(1, sizeof(DirSync));
	sync->job.run = sync_run;
	sync->job.done = sync_done;
	sync->syncs = syncs;
	sync->next = syncs->first;
	syncs->first = sync;
	atomic_init(&sync->has_begun, false);
	sync->fd = waiter->fd;
	sync->first = waiter;
	sync->last = waiter;
	iopool_submit(w, &sync->job);
}

/* There are at most as many as there are puts under way. */
static DirSync *
find_waiting(const DirSyncs *syncs, const DirSyncWaiter *waiter)
{
	for (DirSync *sync = syncs->first; sync != NULL; sync = sync->next)
	{
		if (sync->first->device == waiter->device && sync->first->inode == waiter->inode &&
			!atomic_load(&sync->has_begun))
			return sync;
	}
	return NULL;
}

/* In a thread of the pool. */
static void
sync_run(IoJob *job)
{
	DirSync    *sync = (DirSync *) job;

	atomic_store(&sync->has_begun, true);
	sync->error = fsync(sync->fd) == 0 ? 0 : errno;
}

static void
sync_done(struct Worker *w, IoJob *job)
{
	DirSync    *sync = (DirSync *) job;
	DirSyncWaiter *next;

	unlink_sync(sync);
	for (DirSyncWaiter *waiter = sync->first; waiter != NULL; waiter = next)
	{
		next = waiter->next;
		waiter->fn(w, waiter, sync->error);
	}
	free(sync);
}

static void
unlink_sync(DirSync *sync)
{
	DirSync   **link = &sync->syncs->first;

	while (*link != sync)
		link = &(*link)->next;
	*link = sync->next;
}
