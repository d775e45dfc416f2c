/*
 * blob.c
 *		The blob store: the table of schemes, and what all stores share.
 *
 * A failure's text never holds a URL's query, a key or a signature: it is made
 * from an errno, an HTTP status, the service's error code, or curl's own text.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "blob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "worker.h"
#include "xalloc.h"

static const BlobScheme *const schemes[] = {
	&blob_file_scheme,
	&blob_azure_scheme,
};

/* What an errno of the store's file system means. */
static const ErrnoMeaning store_errors[] = {
	{EACCES, "BlobStoreAccessDenied", true},
	{EPERM, "BlobStoreAccessDenied", true},
	{EROFS, "BlobStoreAccessDenied", true},
	{ENOSPC, "BlobStoreFull", false},
	{EDQUOT, "BlobStoreFull", false},
	{EFBIG, "BlobTooLarge", true},
	{ENAMETOOLONG, "InvalidBlobName", true},
	{ENOTDIR, "BlobConflict", true},
	{EISDIR, "BlobConflict", true},
	{ENOTEMPTY, "BlobConflict", true},
	{0, "BlobStoreError", false},
};

/* What one means when a file is read that is open already. */
static const ErrnoMeaning source_errors[] = {
	{0, BLOB_SOURCE_IO, false},
};

const char *
blob_url(const Config *config)
{
	if (config->blob_store == NULL && getenv("AZURE_STORAGE_CONNECTION_STRING") != NULL)
		return blob_azure_scheme.prefix;
	return config->blob_store;
}

bool
blob_init(Worker *w)
{
	const char *url = blob_url(&w->config);

	if (url == NULL)
		return true;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
	{
		if (strncmp(url, schemes[i]->prefix, strlen(schemes[i]->prefix)) != 0)
			continue;
		w->blob_store = schemes[i]->open(w, url);
		if (w->blob_store == NULL)
			return false;
		log_info("blob store is %s", w->blob_store->name);
		return true;
	}
	log_error_more(NULL, "Use file:///directory or azure:", "unknown kind of blob store URL");
	return false;
}

void
blob_free(Worker *w)
{
	BlobStore  *store = w->blob_store;

	if (store == NULL)
		return;
	w->blob_store = NULL;
	store->scheme->close(w, store);
}

BlobPut *
blob_put_start(Worker *w, const char *key, const BlobSource *source, BlobPutFn fn, void *arg, IoFailure *failure)
{
	BlobStore  *store = w->blob_store;
	BlobPut    *put;

	if (!store->scheme->check_key(store, key, failure))
		return NULL;
	put = xcalloc(1, store->scheme->put_size);
	put->worker = w;
	put->store = store;
	put->key = xstrdup(key);
	put->source = *source;
	put->fn = fn;
	put->arg = arg;
	store->scheme->put(w, put);
	return put;
}

void
blob_put_cancel(BlobPut *put)
{
	put->store->scheme->cancel(put->worker, put);
}

void
blob_put_finish(BlobPut *put)
{
	put->fn(put->worker, put, put->arg);
	free(put->key);
	free(put);
}

void
blob_fail_errno(IoFailure *failure, int error, const char *doing)
{
	io_fail_errno(failure, error, doing, store_errors);
}

bool
blob_source_read(const BlobSource *source, void *bytes, size_t length, int64_t offset, IoFailure *failure)
{
	size_t		done = 0;

	while (done < length)
	{
		ssize_t		n = pread(source->fd, (char *) bytes + done, length - done, offset + (int64_t) done);

		if (n > 0)
			done += (size_t) n;
		else if (n == 0)
		{
			io_fail(failure, BLOB_SOURCE_CHANGED, "it became shorter while it was read");
			return false;
		}
		else if (errno != EINTR)
		{
			io_fail_errno(failure, errno, "read it", source_errors);
			return false;
		}
	}
	return offset + (int64_t) length < source->before.st_size || blob_source_is_same(source, failure);
}

bool
blob_source_is_same(const BlobSource *source, IoFailure *failure)
{
	const struct stat *before = &source->before;
	struct stat now;

	if (fstat(source->fd, &now) != 0)
	{
		io_fail_errno(failure, errno, NULL, source_errors);
		return false;
	}
	if (now.st_size == before->st_size &&
		now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
		now.st_ctim.tv_sec == before->st_ctim.tv_sec && now.st_ctim.tv_nsec == before->st_ctim.tv_nsec)
		return true;
	io_fail(failure, BLOB_SOURCE_CHANGED, "it changed while it was read");
	return false;
}
