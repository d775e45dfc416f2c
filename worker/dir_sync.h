/*
 * dir_sync.h
 *		Make entries of directories durable: one fsync() for many who ask.
 *
 * Whoever asks while the fsync of the same directory waits for a thread joins
 * it.  So a single rename waits for one fsync, and many at once share a few.
 * For the event loop's thread.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_DIR_SYNC_H
#define PGDF_DIR_SYNC_H

#include <sys/types.h>

struct DirSync;
struct DirSyncWaiter;
struct Worker;

/* error: an errno, or 0: what was in the directory when dir_sync() was called is durable. */
typedef void (*DirSyncFn) (struct Worker *w, struct DirSyncWaiter *waiter, int error);

/* Lives in the struct of whoever asks, until its fn is called. */
typedef struct DirSyncWaiter
{
	int			fd;				/* the directory; stays open until fn is called */
	dev_t		device;
	ino_t		inode;
	DirSyncFn	fn;
	struct DirSyncWaiter *next; /* belongs to dir_sync.c */
} DirSyncWaiter;

/* The syncs that wait or run; a zeroed set is empty. */
typedef struct DirSyncs
{
	struct DirSync *first;
} DirSyncs;

extern void dir_sync(struct Worker *w, DirSyncs *syncs, DirSyncWaiter *waiter);

#endif							/* PGDF_DIR_SYNC_H */
