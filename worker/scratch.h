/*
 * scratch.h
 *		A directory for each command while it runs.
 *
 * They are in a directory of this worker's, made when the first command needs
 * one: SCRATCH-DIR/pgdf-XXXXXX/N.  The worker holds a lock on its directory as
 * long as it lives; a directory without a lock was left by a worker that was
 * killed, and the next worker that starts removes it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SCRATCH_H
#define PGDF_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "sandbox.h"

struct Worker;

typedef struct Scratch
{
	char	   *root;			/* this worker's directory; NULL: not made yet */
	int			lock_fd;		/* valid when there is a root */
	int64_t		made;			/* directories so far */
} Scratch;

/* Remove what dead workers have left. */
extern void scratch_init(struct Worker *w);

/* A new empty directory of the sandbox's user; NULL: errno says why not.  The caller hands it to scratch_remove(). */
extern char *scratch_make(struct Worker *w, const Sandbox *sandbox);

/* Remove it with all that is in it, in a thread of the pool; takes over path. */
extern void scratch_remove(struct Worker *w, char *path);

/* Remove everything, now. */
extern void scratch_free(struct Worker *w);

/* Remove a directory with all that is in it; no symbolic link is followed, depth and number do not matter. */
extern bool scratch_remove_tree(const char *path);

#endif							/* PGDF_SCRATCH_H */
