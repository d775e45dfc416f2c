/*
 * blob.h
 *		The blob store: a place, named by a URL, that files are copied to.
 *
 *	file:///dir		a directory, made if it is missing; keys are paths below it
 *	azure:			Azure Blob Storage, account and key from the environment's
 *					AZURE_STORAGE_CONNECTION_STRING; a key's first component is
 *					the container, the rest the blob
 *
 * Without a URL, Azure is used when that variable is set, and otherwise there
 * is no store.  A put replaces the blob as a whole or leaves it as it was.
 *
 * Everything is called from the event loop's thread, except what says that it
 * is for a thread of the pool.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_BLOB_H
#define PGDF_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "config.h"
#include "io_failure.h"

struct Worker;
struct BlobPut;
struct BlobStore;

/* The failure that an errno of the store's file system stands for. */
extern void blob_fail_errno(IoFailure *failure, int error, const char *doing);

/*
 * What is copied: an open file, as it was when it was opened.  The stores read
 * it with blob_source_read(), which notices that it is not the same any more,
 * before they make the blob visible.
 */
typedef struct BlobSource
{
	int			fd;				/* belongs to the caller of blob_put_start() */
	struct stat before;
} BlobSource;

/* Errors of BlobSource, by which the caller tells them from the store's. */
#define BLOB_SOURCE_CHANGED		"FileChanged"
#define BLOB_SOURCE_IO			"IOError"
#define BLOB_CANCELED			"Canceled"

/*
 * For a thread of the pool.  Read exactly so many bytes, which must be within
 * the size; the read that reaches the end, and blob_source_is_same(), compare
 * the file with what it was.  False: *failure says why.
 */
extern bool blob_source_read(const BlobSource *source, void *bytes, size_t length, int64_t offset,
							 IoFailure *failure);
extern bool blob_source_is_same(const BlobSource *source, IoFailure *failure);

/* Called once when a put has ended; the put is released when it returns, and the source is not used any more. */
typedef void (*BlobPutFn) (struct Worker *w, struct BlobPut *put, void *arg);

/* A put under way.  A store's own struct begins with it. */
typedef struct BlobPut
{
	struct Worker *worker;
	struct BlobStore *store;
	char	   *key;
	BlobSource	source;
	BlobPutFn	fn;
	void	   *arg;
	struct BlobPut *next;		/* for the store's own queue */
	int64_t		copied;			/* bytes so far; for the loop's thread */
	int64_t		sent;			/* bytes of the blob that is there now */
	IoFailure failure;		/* type NULL: success */
} BlobPut;

/* What a scheme has to offer. */
typedef struct BlobScheme
{
	const char *prefix;			/* of the URL */
	size_t		put_size;		/* of the store's own struct */

	/* Make a store; NULL: an error was logged. */
	struct BlobStore *(*open) (struct Worker *w, const char *url);
	void		(*close) (struct Worker *w, struct BlobStore *store);

	/* Can there be a blob of this key?  False: *failure says why not. */
	bool		(*check_key) (const struct BlobStore *store, const char *key, IoFailure *failure);

	/* Begin; blob_put_finish() is called once, later, not from within. */
	void		(*put) (struct Worker *w, BlobPut *put);

	/* Give up, leave nothing behind, and call blob_put_finish() soon. */
	void		(*cancel) (struct Worker *w, BlobPut *put);
} BlobScheme;

/* The part that all stores have. */
typedef struct BlobStore
{
	const BlobScheme *scheme;
	char	   *name;			/* for logs: the URL without secrets */
	bool		is_local;		/* it is the directory (device, inode) */
	dev_t		device;
	ino_t		inode;
} BlobStore;

/* URL of the store that is configured, or NULL. */
extern const char *blob_url(const Config *config);

/* Opens the store of the configuration, if any, as w->blob_store; logs why not. */
extern bool blob_init(struct Worker *w);
extern void blob_free(struct Worker *w);

/* NULL: the key is impossible, *failure says why, and fn is not called. */
extern BlobPut *blob_put_start(struct Worker *w, const char *key, const BlobSource *source, BlobPutFn fn, void *arg,
							   IoFailure *failure);
extern void blob_put_cancel(BlobPut *put);

/* For the stores. */
extern void blob_put_finish(BlobPut *put);
extern const BlobScheme blob_file_scheme;
extern const BlobScheme blob_azure_scheme;

#endif							/* PGDF_BLOB_H */
