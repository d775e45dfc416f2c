/*
 * blob_file.c
 *		The blob store in a directory: file:///dir.
 *
 * A put writes a temporary file in the blob's own directory, makes it durable
 * (fsync), renames it onto the blob, and makes the directory durable.  A crash
 *
 *	- before the rename leaves a temporary file, and the old blob or none;
 *	- after the rename, before the directory's fsync leaves the old blob or the
 *	  new one, complete either way, and nobody was told that the put is done;
 *	- after that leaves the new blob.
 *
 * A new directory's entry is made durable in its parent before the put ends.
 * Puts into one directory that end together share its fsync (dir_sync.c).
 *
 * Temporary files are called .pgdf-HASH-N.tmp, where HASH is of the blob's
 * file name, and are locked (flock) while they are written.  So a writer that
 * was killed leaves a file that the next put of the same blob finds unlocked
 * and uses again, two writers of one blob have different N, and neither needs
 * to read the directory.  No blob has such a name: one that begins with
 * .pgdf- is stored as %2Epgdf-, which no other key has.
 *
 * Long copies give the thread back after each slice, so that other jobs get
 * their turn; holes of the source stay holes.  Files are made for their owner
 * only: a backup may hold what others must not read.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "blob.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "dir_sync.h"
#include "iopool.h"
#include "log.h"
#include "xalloc.h"

#define DIRECTORY_MODE 0700
#define FILE_MODE 0600

/* Read and written at once; there is one such buffer per thread of the pool. */
#define BUFFER_BYTES (128 * 1024)

/* Copied before the thread goes to another job. */
#define SLICE_BYTES (8 * 1024 * 1024)

#define TEMPORARY_PREFIX ".pgdf-"

/* Writers of one blob at a time. */
#define TEMPORARY_LIMIT 64

typedef struct FileStore
{
	BlobStore	base;
	int			fd;				/* of the directory */
	DirSyncs	syncs;
} FileStore;

typedef struct FilePut
{
	BlobPut		put;
	IoJob		job;
	atomic_bool canceled;
	bool		ended;			/* nothing is left to do in a thread ... */
	bool		is_renamed;		/* ... but to make this durable */
	DirSyncWaiter waiter;
	char	   *path;			/* of the blob's directory, below the store's; "" for that itself */
	char	   *leaf;			/* the blob's file name; points into path's memory */
	int			directory_fd;	/* -1: not open */
	int			file_fd;		/* -1: not open */
	char		temporary[64];	/* name of the open file */
	int64_t		offset;			/* copied so far */
} FilePut;

static BlobStore *file_open(struct Worker *w, const char *url);
static void file_close(struct Worker *w, BlobStore *store);
static bool file_check_key(const BlobStore *store, const char *key, IoFailure *failure);
static void file_put(struct Worker *w, BlobPut *base);
static void file_cancel(struct Worker *w, BlobPut *base);

static bool url_directory(const char *url, Buf *directory);
static int	hex_value(char digit);
static bool make_directories(char *path);
static bool is_reserved(const char *component);
static void split_key(FilePut *put);
static FilePut *put_of_job(IoJob *job);
static void put_run(IoJob *job);
static void put_done(struct Worker *w, IoJob *job);
static bool put_step(FilePut *put);
static void put_synced(struct Worker *w, DirSyncWaiter *waiter, int error);
static void put_finish(FilePut *put);
static void close_file(FilePut *put);
static bool open_directory(FilePut *put);
static int	make_path(int store_fd, const char *path);
static bool open_temporary(FilePut *put);
static void name_temporary(FilePut *put, int number);
static int	lock_temporary(FilePut *put, int flags);
static bool is_named(const FilePut *put, int fd);
static void remove_stale(FilePut *put, int number);
static bool copy_slice(FilePut *put);
static int64_t find_data(FilePut *put, int64_t *length);
static bool copy_range(FilePut *put, void *buffer, int64_t length);
static bool write_all(FilePut *put, const char *bytes, size_t length, int64_t offset);
static bool commit(FilePut *put);

const BlobScheme blob_file_scheme = {
	.prefix = "file://",
	.put_size = sizeof(FilePut),
	.open = file_open,
	.close = file_close,
	.check_key = file_check_key,
	.put = file_put,
	.cancel = file_cancel,
};

static BlobStore *
file_open(struct Worker *w, const char *url)
{
	FileStore  *store = NULL;
	Buf			directory = {0};
	struct stat status;
	int			fd = -1;

	if (!url_directory(url, &directory))
	{
		log_error_more(NULL, "Write an absolute directory: file:///directory", "invalid blob store URL \"%s\"", url);
		goto done;
	}
	if (!make_directories(directory.data))
	{
		log_error("could not create directory \"%s\" of the blob store: %s", directory.data, strerror(errno));
		goto done;
	}
	fd = open(directory.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0 || faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
	{
		log_error("could not use directory \"%s\" as the blob store: %s", directory.data, strerror(errno));
		if (fd >= 0)
			close(fd);
		goto done;
	}

	store = xcalloc(1, sizeof(FileStore));
	store->base.scheme = &blob_file_scheme;
	store->base.name = xstrdup(url);
	store->base.is_local = true;
	store->base.device = status.st_dev;
	store->base.inode = status.st_ino;
	store->fd = fd;

done:
	buf_free(&directory);
	return store == NULL ? NULL : &store->base;
}

static void
file_close(struct Worker *w, BlobStore *base)
{
	FileStore  *store = (FileStore *) base;

	close(store->fd);
	free(store->base.name);
	free(store);
}

/* The directory that file:///dir names, percent-decoded. */
static bool
url_directory(const char *url, Buf *directory)
{
	const char *at = url + strlen(blob_file_scheme.prefix);

	if (*at != '/')
		return false;
	while (*at != '\0')
	{
		char		byte = *at++;

		if (byte == '?' || byte == '#')
			return false;
		if (byte == '%')
		{
			int			high = hex_value(at[0]);
			int			low = high < 0 ? -1 : hex_value(at[1]);

			if (low < 0 || high * 16 + low == 0)
				return false;
			byte = (char) (high * 16 + low);
			at += 2;
		}
		buf_append(directory, &byte, 1);
	}
	return true;
}

static int
hex_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *place = isxdigit((unsigned char) digit) ? strchr(digits, tolower((unsigned char) digit)) : NULL;

	return place == NULL ? -1 : (int) (place - digits);
}

/* mkdir -p */
static bool
make_directories(char *path)
{
	for (char *slash = path + 1;; slash++)
	{
		char		saved = *slash;

		if (saved != '/' && saved != '\0')
			continue;
		*slash = '\0';
		if (mkdir(path, DIRECTORY_MODE) != 0 && errno != EEXIST && access(path, F_OK) != 0)
			return false;
		*slash = saved;
		if (saved == '\0')
			return true;
	}
}

static bool
file_check_key(const BlobStore *store, const char *key, IoFailure *failure)
{
	for (const char *at = key;; at++)
	{
		size_t		length = strcspn(at, "/");

		if (length == 0 || (length == 1 && at[0] == '.') || (length == 2 && strncmp(at, "..", 2) == 0))
		{
			io_fail_for_good(failure, "InvalidBlobName", "its blob name has a component \"%.*s\"", (int) length, at);
			return false;
		}
		if (length + (is_reserved(at) ? 2 : 0) > NAME_MAX)
		{
			io_fail_for_good(failure, "InvalidBlobName",
							 "a component of its blob name has %zu bytes, the blob store's limit is %d",
							 length, NAME_MAX);
			return false;
		}
		at += length;
		if (*at == '\0')
			break;
	}
	return true;
}

/* Would a blob of this name look like a temporary file? */
static bool
is_reserved(const char *component)
{
	return strncmp(component, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0;
}

static void
file_put(struct Worker *w, BlobPut *base)
{
	FilePut    *put = (FilePut *) base;

	atomic_init(&put->canceled, false);
	put->directory_fd = -1;
	put->file_fd = -1;
	split_key(put);
	put->job.run = put_run;
	put->job.done = put_done;
	iopool_submit(w, &put->job);
}

static void
file_cancel(struct Worker *w, BlobPut *base)
{
	atomic_store(&((FilePut *) base)->canceled, true);
}

/* The directory and the file name of a key. */
static void
split_key(FilePut *put)
{
	Buf			path = {0};
	const char *at = put->put.key;
	char	   *slash;

	for (;;)
	{
		size_t		length = strcspn(at, "/");

		if (is_reserved(at))
		{
			buf_append_text(&path, "%2E");
			buf_append(&path, at + 1, length - 1);
		}
		else
			buf_append(&path, at, length);
		at += length;
		if (*at == '\0')
			break;
		buf_append(&path, at++, 1);
	}
	put->path = buf_take(&path);
	slash = strrchr(put->path, '/');
	if (slash == NULL)
	{
		/* the store's own directory, written as an empty path before the name */
		size_t		length = strlen(put->path);

		put->path = xrealloc(put->path, length + 2);
		memmove(put->path + 1, put->path, length + 1);
		slash = put->path;
	}
	*slash = '\0';
	put->leaf = slash + 1;
}

static FilePut *
put_of_job(IoJob *job)
{
	return (FilePut *) ((char *) job - offsetof(FilePut, job));
}

/* One slice, in a thread of the pool. */
static void
put_run(IoJob *job)
{
	FilePut    *put = put_of_job(job);

	if (atomic_load(&put->canceled))
		io_fail(&put->put.failure, BLOB_CANCELED, "it was cancelled");
	else if (put_step(put))
		return;
	put->ended = true;
	close_file(put);
}

static void
put_done(struct Worker *w, IoJob *job)
{
	FilePut    *put = put_of_job(job);

	put->put.copied = put->offset;
	if (!put->ended)
		iopool_submit(w, job);
	else if (put->is_renamed)
		dir_sync(w, &((FileStore *) put->put.store)->syncs, &put->waiter);
	else
		put_finish(put);
}

static void
put_synced(struct Worker *w, DirSyncWaiter *waiter, int error)
{
	FilePut    *put = (FilePut *) ((char *) waiter - offsetof(FilePut, waiter));

	if (error == 0)
		put->put.sent = put->offset;
	else
		blob_fail_errno(&put->put.failure, error, "write to the blob store's directory");
	put_finish(put);
}

static void
put_finish(FilePut *put)
{
	if (put->directory_fd >= 0)
		close(put->directory_fd);
	free(put->path);
	blob_put_finish(&put->put);
}

/* True: there is more to do.  False: the put was successful, or failure is set. */
static bool
put_step(FilePut *put)
{
	if (put->directory_fd < 0 && !open_directory(put))
		return false;
	if (put->file_fd < 0 && !open_temporary(put))
		return false;
	if (!copy_slice(put))
		return false;
	if (put->offset < put->put.source.before.st_size)
		return true;
	put->is_renamed = commit(put);
	return false;
}

/* Close the file that was written; without success it goes. */
static void
close_file(FilePut *put)
{
	if (put->file_fd < 0)
		return;

	/* while the lock is held, nobody else has a file under this name */
	if (!put->is_renamed && put->temporary[0] != '\0')
		(void) unlinkat(put->directory_fd, put->temporary, 0);
	close(put->file_fd);
	put->file_fd = -1;
}

static bool
open_directory(FilePut *put)
{
	int			store_fd = ((FileStore *) put->put.store)->fd;
	const char *path = put->path[0] == '\0' ? "." : put->path;

	put->directory_fd = openat(store_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (put->directory_fd < 0 && (errno == ENOENT || errno == ENAMETOOLONG))
		put->directory_fd = make_path(store_fd, path);
	if (put->directory_fd >= 0)
		return true;
	blob_fail_errno(&put->put.failure, errno, "create its directory in the blob store");
	return false;
}

/*
 * Open a directory component by component, making those that are missing.
 * Every parent is made durable, even of a directory that is there by now:
 * another writer may have made it a moment ago.
 */
static int
make_path(int store_fd, const char *path)
{
	int			parent = openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char		name[NAME_MAX + 1];

	while (parent >= 0 && *path != '\0')
	{
		size_t		length = strcspn(path, "/");
		int			child = -1;
		int			error;

		snprintf(name, sizeof(name), "%.*s", (int) length, path);
		if (mkdirat(parent, name, DIRECTORY_MODE) == 0 || errno == EEXIST)
			child = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child >= 0 && fsync(parent) != 0)
		{
			error = errno;
			close(child);
			child = -1;
			errno = error;
		}
		error = errno;
		close(parent);
		errno = error;
		parent = child;
		path += length;
		path += *path == '/' ? 1 : 0;
	}
	return parent;
}

/* A temporary file that is ours alone, and empty. */
static bool
open_temporary(FilePut *put)
{
	for (int number = 0; number < TEMPORARY_LIMIT;)
	{
		int			fd;

		name_temporary(put, number);
		fd = lock_temporary(put, O_CREAT);
		if (fd < 0)
		{
			/* another writer has it, or it belongs to another user */
			if (errno != EWOULDBLOCK && errno != EACCES && errno != EPERM)
				break;
			number++;
			continue;
		}

		/* between open and lock its owner may have renamed it onto the blob */
		if (!is_named(put, fd))
		{
			close(fd);
			continue;
		}
		remove_stale(put, number + 1);
		name_temporary(put, number);
		put->file_fd = fd;
		if (ftruncate(fd, 0) == 0)
			return true;
		break;
	}
	blob_fail_errno(&put->put.failure, errno, "create a file in the blob store");
	if (put->file_fd < 0)
		put->temporary[0] = '\0';
	return false;
}

/* The hash is FNV-1a: when two names share one, their writers merely take different numbers. */
static void
name_temporary(FilePut *put, int number)
{
	uint64_t	hash = UINT64_C(0xcbf29ce484222325);

	for (const char *at = put->leaf; *at != '\0'; at++)
		hash = (hash ^ (unsigned char) *at) * UINT64_C(0x100000001b3);
	snprintf(put->temporary, sizeof(put->temporary), TEMPORARY_PREFIX "%016" PRIx64 "-%d.tmp", hash, number);
}

/* Open and lock the file of that name; -1 and EWOULDBLOCK when another writer has it. */
static int
lock_temporary(FilePut *put, int flags)
{
	int			fd = openat(put->directory_fd, put->temporary, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags,
							FILE_MODE);
	int			error;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool
is_named(const FilePut *put, int fd)
{
	struct stat named;
	struct stat opened;

	return fstatat(put->directory_fd, put->temporary, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		fstat(fd, &opened) == 0 && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* Remove what killed writers left under higher numbers. */
static void
remove_stale(FilePut *put, int number)
{
	for (; number < TEMPORARY_LIMIT; number++)
	{
		int			fd;

		name_temporary(put, number);
		fd = lock_temporary(put, 0);
		if (fd < 0)
		{
			if (errno == ENOENT)
				return;
			continue;
		}
		if (is_named(put, fd))
			(void) unlinkat(put->directory_fd, put->temporary, 0);
		close(fd);
	}
}

/* Copy the next SLICE_BYTES of data, and any holes before them. */
static bool
copy_slice(FilePut *put)
{
	int64_t		budget = SLICE_BYTES;
	void	   *buffer = xmalloc(BUFFER_BYTES);
	bool		ok = true;

	while (ok && budget > 0 && put->offset < put->put.source.before.st_size && !atomic_load(&put->canceled))
	{
		int64_t		length;

		put->offset = find_data(put, &length);
		if (length > budget)
			length = budget;
		budget -= length;
		ok = copy_range(put, buffer, length);
	}
	free(buffer);
	return ok;
}

/* Where data begins from the current offset on, and how much of it there is. */
static int64_t
find_data(FilePut *put, int64_t *length)
{
	const BlobSource *source = &put->put.source;
	int64_t		size = source->before.st_size;
	int64_t		start = put->offset;
	int64_t		end = size;

	/* only a file with fewer blocks than bytes has holes */
	if ((int64_t) source->before.st_blocks * 512 < size)
	{
		start = lseek(source->fd, put->offset, SEEK_DATA);
		if (start < 0)
			start = errno == ENXIO ? size : put->offset;
		else
			end = lseek(source->fd, start, SEEK_HOLE);
		if (start > size)
			start = size;
		if (end < start || end > size)
			end = size;
	}
	*length = end - start;
	return start;
}

static bool
copy_range(FilePut *put, void *buffer, int64_t length)
{
	while (length > 0 && !atomic_load(&put->canceled))
	{
		size_t		n = length < BUFFER_BYTES ? (size_t) length : BUFFER_BYTES;

		if (!blob_source_read(&put->put.source, buffer, n, put->offset, &put->put.failure))
			return false;
		if (!write_all(put, buffer, n, put->offset))
			return false;
		put->offset += (int64_t) n;
		length -= (int64_t) n;
	}
	return true;
}

static bool
write_all(FilePut *put, const char *bytes, size_t length, int64_t offset)
{
	while (length > 0)
	{
		ssize_t		n = pwrite(put->file_fd, bytes, length, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			blob_fail_errno(&put->put.failure, n < 0 ? errno : ENOSPC, "write to the blob store");
			return false;
		}
		bytes += n;
		length -= (size_t) n;
		offset += n;
	}
	return true;
}

/* Make the blob durable, then visible.  Its directory remains to be synced. */
static bool
commit(FilePut *put)
{
	IoFailure  *failure = &put->put.failure;
	struct stat status;

	if (!blob_source_is_same(&put->put.source, failure))
		return false;

	/* a hole at the end was not written */
	if (fstat(put->directory_fd, &status) != 0 || ftruncate(put->file_fd, put->offset) != 0 || fsync(put->file_fd) != 0)
	{
		blob_fail_errno(failure, errno, "write to the blob store");
		return false;
	}
	if (renameat(put->directory_fd, put->temporary, put->directory_fd, put->leaf) != 0)
	{
		blob_fail_errno(failure, errno, "replace the blob");
		return false;
	}
	put->waiter = (DirSyncWaiter) {
		.fd = put->directory_fd,
		.device = status.st_dev,
		.inode = status.st_ino,
		.fn = put_synced,
	};
	return true;
}
