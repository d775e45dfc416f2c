/*
 * e2.h
 *		The activities of the cloud backup sample: list a directory, copy a file.
 *
 * E2_GetFileList takes the absolute path of a directory (a JSON string) and
 * returns the absolute paths of all regular files below it, as an array of the
 * items that e2_path.h describes.  E2_CopyFileToBlob takes such an item, copies
 * the file into the blob store, and returns the number of bytes that it sent.
 *
 * errorType of a failure                                               retriable
 *	InvalidInput			the input is not such a path					no
 *	AccessDenied			outside of --e2-root, behind a symbolic link,
 *							a ".." component, in /proc or the like			no
 *	PermissionDenied		the operating system does not let us			no
 *	DirectoryNotFound, NotADirectory, TooDeep, TooManyFiles					no
 *	FileNotFound, NotARegularFile											no
 *	FileChanged				while it was read, twice						no
 *	IOError					reading went wrong								yes
 *	BlobStoreNotConfigured, BlobStoreAccessDenied, BlobStoreNotFound,
 *	BlobConflict, InvalidBlobName, BlobTooLarge								no
 *	BlobStoreUnavailable, BlobStoreFull, BlobStoreError (from an errno)		yes
 *	Canceled				stopped; nobody sees this						yes
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_E2_H
#define PGDF_E2_H

#include <stdbool.h>
#include <stddef.h>

#include "activity.h"
#include "e2_open.h"
#include "e2_path.h"
#include "io_failure.h"

typedef struct E2State
{
	E2Root		root;
} E2State;

extern const ActivityType e2_get_file_list_type;
extern const ActivityType e2_copy_file_to_blob_type;

/* Opens the root, the thread pool and the blob store, by the configuration; logs why not. */
extern bool e2_init(struct Worker *w);

/* What is under way is abandoned: no activity is touched any more. */
extern void e2_free(struct Worker *w);

/* The input is not a path. */
extern void e2_refuse(Activity *activity, E2PathProblem problem);

/* "could not DOING "PATH": MESSAGE" */
extern void e2_fail(Activity *activity, const char *doing, const Buf *path, const IoFailure *failure);

#endif							/* PGDF_E2_H */
