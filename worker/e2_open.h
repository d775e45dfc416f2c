/*
 * e2_open.h
 *		Open what E2 reads: below a root, through no symbolic link, regular files only.
 *
 * Without --e2-root the root is "/".  No component of a path below the root may
 * be a symbolic link, so a path cannot be led astray while it is used; only the
 * directory that a listing starts from may be given through one, when there is
 * no --e2-root, and is then listed under its real path.  A FIFO, a socket or a
 * device is never opened, nor anything that the kernel makes up as it is read
 * (/proc, /sys): that is no content, and may hold the worker's own secrets.
 *
 * For threads of the pool, but for the two functions that make and free a root.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_E2_OPEN_H
#define PGDF_E2_OPEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "buf.h"
#include "io_failure.h"

typedef struct E2Root
{
	int			fd;				/* -1: not open */
	bool		is_bound;		/* by --e2-root */
	bool		has_openat2;	/* false: an old kernel, or a filter of system calls */
	char	   *given;			/* the path as it was given, in its plain form */
	char	   *path;			/* its real path */
} E2Root;

/* NULL: no bound.  False: an error was logged. */
extern bool e2_root_open(E2Root *root, const char *directory);
extern void e2_root_close(E2Root *root);

/* Open a regular file; the caller closes it.  -1: *failure says why not. */
extern int	e2_open_file(const E2Root *root, const char *path, struct stat *status, IoFailure *failure);

/* Open a directory to read it. */
extern int	e2_open_directory(const E2Root *root, const char *path, IoFailure *failure);

/* The same for the directory that a listing starts from; *path becomes its real path. */
extern int	e2_open_start(const E2Root *root, Buf *path, IoFailure *failure);

/* Is this in a file system that the kernel makes up? */
extern bool e2_is_kernel_made(int fd);

#endif							/* PGDF_E2_OPEN_H */
