/*
 * e2_walk.h
 *		List the regular files of a directory tree.
 *
 * For a thread of the pool; nothing but the struct is touched.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_E2_WALK_H
#define PGDF_E2_WALK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "e2_open.h"
#include "io_failure.h"

/* A list of more text than this is refused: it would not fit into a payload. */
#define E2_WALK_MAX_BYTES ((size_t) 64 * 1024 * 1024)

/* Directories in directories. */
#define E2_WALK_MAX_DEPTH 1000

/* The caller frees the three buffers. */
typedef struct E2Walk
{
	const E2Root *root;
	const atomic_bool *canceled;
	bool		has_excluded;	/* a directory below the start that is left out: the blob store */
	dev_t		excluded_device;
	ino_t		excluded_inode;

	Buf			path;			/* in: where to start; meanwhile: where we are */
	Buf			json;			/* out: the list as a JSON array */
	size_t		count;			/* out: items of it */
	size_t		not_utf8;		/* out: of them, those whose path is not UTF-8 */
	IoFailure	failure;		/* out: why there is no list */
	Buf			failed_path;	/* out: of the directory that could not be listed */
} E2Walk;

/*
 * Regular files only, dot files included; symbolic links are not followed.  The
 * order is that of the bytes of the whole paths.  A directory that cannot be
 * read fails the whole list, since a backup must not leave out silently what
 * it could not see; one that disappears meanwhile is simply not there.  What is
 * left out on purpose, the excluded directory and what the kernel makes up, is
 * logged.
 */
extern bool e2_walk(E2Walk *walk);

#endif							/* PGDF_E2_WALK_H */
