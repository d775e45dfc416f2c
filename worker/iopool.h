/*
 * iopool.h
 *		A small fixed pool of threads for file work that may block.
 *
 * open(), read(), fsync() and readdir() have no asynchronous form that works
 * everywhere, and the event loop must never wait for a disk.  A job's run()
 * is called in a thread of the pool and touches nothing but the job's own
 * memory; then done() is called in the event loop's thread.  Everything else
 * here is for the event loop's thread only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_IOPOOL_H
#define PGDF_IOPOOL_H

#include <stdbool.h>

struct Worker;

/* Threads of the pool: enough to keep a disk's queue filled, few enough for their buffers. */
#define IOPOOL_THREADS 8

/* A job is a member of the struct that holds its memory; it may be submitted again from done() on. */
typedef struct IoJob
{
	void		(*run) (struct IoJob *job);
	void		(*done) (struct Worker *w, struct IoJob *job);
	struct IoJob *next;			/* belongs to the pool */
} IoJob;

/* Threads start when there is work for them.  Sets w->iopool; logs why not. */
extern bool iopool_init(struct Worker *w, int threads);

/*
 * Wait for the jobs that run, drop those that do not, and stop: no done() is
 * called any more.  False when a thread is still stuck in the kernel after
 * wait_ms: then what its job points to must stay allocated.
 */
extern bool iopool_free(struct Worker *w, int wait_ms);

extern void iopool_submit(struct Worker *w, IoJob *job);

/* Take a job back that no thread has begun: then done() is not called.  False: it will be. */
extern bool iopool_withdraw(struct Worker *w, IoJob *job);

#endif							/* PGDF_IOPOOL_H */
