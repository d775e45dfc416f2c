/*
 * e2_open.c
 *		Open what E2 reads: below a root, through no symbolic link, regular files only.
 *
 * One openat2() resolves up to PATH_MAX bytes of a path with RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS; a longer path is opened in
 * pieces.  Where there is no openat2() each component is a piece, opened with
 * O_NOFOLLOW, which comes to the same because a path has no ".." component.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "e2_path.h"
#include "log.h"
#include "xalloc.h"

#ifndef TRACEFS_MAGIC
#define TRACEFS_MAGIC 0x74726163
#endif
#define CONFIGFS_MAGIC 0x62656570
#define FUSECTL_MAGIC 0x65735543
#define MQUEUE_FS_MAGIC 0x19800202

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

static const ErrnoMeaning file_errors[] = {
	{ENOENT, "FileNotFound", true},
	{ENOTDIR, "FileNotFound", true},
	{ENAMETOOLONG, "FileNotFound", true},
	{EACCES, "PermissionDenied", true},
	{EPERM, "PermissionDenied", true},
	{ENXIO, "NotARegularFile", true},
	{0, "IOError", false},
};

static const ErrnoMeaning directory_errors[] = {
	{ENOENT, "DirectoryNotFound", true},
	{ENOTDIR, "NotADirectory", true},
	{ENAMETOOLONG, "DirectoryNotFound", true},
	{EACCES, "PermissionDenied", true},
	{EPERM, "PermissionDenied", true},
	{0, "IOError", false},
};

/* File systems whose files are no stored content. */
static const long kernel_made[] = {
	PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC, SELINUX_MAGIC, SMACK_MAGIC,
	CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC, EFIVARFS_MAGIC, PSTOREFS_MAGIC, BINFMTFS_MAGIC,
	DEVPTS_SUPER_MAGIC, NSFS_MAGIC, CONFIGFS_MAGIC, FUSECTL_MAGIC, MQUEUE_FS_MAGIC,
};

static bool openat2_works(int fd);
static const char *path_below(const E2Root *root, const char *path, IoFailure *failure);
static int	open_below(const E2Root *root, const char *rest, int flags);
static size_t piece_length(const E2Root *root, const char *rest);
static int	open_piece(const E2Root *root, int directory, const char *piece, size_t length, int flags);
static int	open_one(int directory, const char *name, int flags);
static int	fail_open(int error, const ErrnoMeaning *meanings, IoFailure *failure);
static bool is_regular(int fd, struct stat *status, IoFailure *failure);

bool
e2_root_open(E2Root *root, const char *directory)
{
	Buf			given = {0};

	*root = (E2Root) {.fd = -1, .is_bound = directory != NULL};
	if (e2_path_clean(&given, directory == NULL ? "/" : directory, strlen(directory == NULL ? "/" : directory)) != E2_PATH_OK)
	{
		log_error_more(NULL, "Write an absolute path.", "invalid --e2-root \"%s\"", directory);
		buf_free(&given);
		return false;
	}
	root->given = buf_take(&given);
	root->path = realpath(root->given, NULL);
	if (root->path != NULL)
		root->fd = open(root->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0)
	{
		log_error("could not open --e2-root \"%s\": %s", root->given, strerror(errno));
		e2_root_close(root);
		return false;
	}
	root->has_openat2 = openat2_works(root->fd);
	return true;
}

void
e2_root_close(E2Root *root)
{
	if (root->given != NULL && root->fd >= 0)
		close(root->fd);
	free(root->given);
	free(root->path);
	*root = (E2Root) {.fd = -1};
}

int
e2_open_file(const E2Root *root, const char *path, struct stat *status, IoFailure *failure)
{
	const char *rest = path_below(root, path, failure);
	int			fd;

	if (rest == NULL)
		return -1;

	/* look before opening: even to open a device or a FIFO for a moment has effects */
	fd = open_below(root, rest, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_open(errno, file_errors, failure);
	if (!is_regular(fd, status, failure))
	{
		close(fd);
		return -1;
	}
	close(fd);

	/* O_NONBLOCK: what somebody put there meanwhile must not hold us */
	fd = open_below(root, rest, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fail_open(errno, file_errors, failure);
	if (is_regular(fd, status, failure))
		return fd;
	close(fd);
	return -1;
}

int
e2_open_directory(const E2Root *root, const char *path, IoFailure *failure)
{
	const char *rest = path_below(root, path, failure);
	int			fd;

	if (rest == NULL)
		return -1;
	fd = open_below(root, rest, DIRECTORY_FLAGS);
	if (fd < 0)
		return fail_open(errno, directory_errors, failure);
	return fd;
}

int
e2_open_start(const E2Root *root, Buf *path, IoFailure *failure)
{
	int			fd = e2_open_directory(root, path->data, failure);
	char	   *real;

	if (fd < 0 && !root->is_bound && failure->type != NULL && strcmp(failure->type, "AccessDenied") == 0)
	{
		real = realpath(path->data, NULL);
		if (real == NULL)
			return fail_open(errno, directory_errors, failure);
		buf_reset(path);
		buf_append_text(path, real);
		free(real);
		*failure = (IoFailure) {0};
		fd = e2_open_directory(root, path->data, failure);
	}
	if (fd >= 0 && e2_is_kernel_made(fd))
	{
		io_fail_for_good(failure, "AccessDenied", "it is in a file system that the kernel makes up");
		close(fd);
		return -1;
	}

	/* items are named by the root's real path */
	if (fd >= 0 && e2_path_below(root->path, path->data) == NULL)
	{
		char	   *rest = xstrdup(e2_path_below(root->given, path->data));

		buf_reset(path);
		buf_append_format(path, "%s%s%s", root->path, *rest == '\0' ? "" : "/", rest);
		free(rest);
	}
	return fd;
}

bool
e2_is_kernel_made(int fd)
{
	struct statfs status;

	if (fstatfs(fd, &status) != 0)
		return false;
	for (size_t i = 0; i < sizeof(kernel_made) / sizeof(kernel_made[0]); i++)
	{
		if ((uint32_t) status.f_type == (uint32_t) kernel_made[i])
			return true;
	}
	return false;
}

static bool
openat2_works(int fd)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
	int			opened = (int) syscall(SYS_openat2, fd, ".", &how, sizeof(how));

	if (opened >= 0)
		close(opened);
	return opened >= 0;
}

/* The part of a path below the root; NULL and a failure when it is outside. */
static const char *
path_below(const E2Root *root, const char *path, IoFailure *failure)
{
	const char *rest = e2_path_below(root->path, path);

	if (rest == NULL)
		rest = e2_path_below(root->given, path);
	if (rest == NULL)
		io_fail_for_good(failure, "AccessDenied", "it is outside of the directory that --e2-root allows");
	return rest;
}

static int
open_below(const E2Root *root, const char *rest, int flags)
{
	int			at = root->fd;

	for (;;)
	{
		size_t		length = piece_length(root, rest);
		bool		is_last = rest[length] == '\0';
		int			next = open_piece(root, at, rest, length,
									  is_last ? flags : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int			error = errno;

		if (at != root->fd)
			close(at);
		errno = error;
		if (next < 0 || is_last)
			return next;
		at = next;
		rest += length + 1;
	}
}

/* As much of the path as is opened at once: whole components, without the slash that follows. */
static size_t
piece_length(const E2Root *root, const char *rest)
{
	size_t		limit = root->has_openat2 ? PATH_MAX - 1 : 0;
	size_t		length = strcspn(rest, "/");

	while (rest[length] == '/')
	{
		size_t		longer = length + 1 + strcspn(rest + length + 1, "/");

		if (longer > limit)
			break;
		length = longer;
	}
	return length;
}

/* Not O_NOFOLLOW for a directory: it would turn the error of a symbolic link into ENOTDIR. */
static int
open_piece(const E2Root *root, int directory, const char *piece, size_t length, int flags)
{
	struct open_how how = {
		.flags = (uint64_t) (flags & O_DIRECTORY ? flags & ~O_NOFOLLOW : flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char		name[PATH_MAX];

	if (length >= sizeof(name))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(name, length == 0 ? "." : piece, length == 0 ? 1 : length);
	name[length == 0 ? 1 : length] = '\0';
	if (root->has_openat2)
		return (int) syscall(SYS_openat2, directory, name, &how, sizeof(how));
	return open_one(directory, name, flags);
}

/* A single component; the error of a symbolic link is made the one of openat2(). */
static int
open_one(int directory, const char *name, int flags)
{
	int			fd = openat(directory, name, flags);
	struct stat status;

	if (fd >= 0 || errno != ENOTDIR)
		return fd;
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
		errno = ELOOP;
	else
		errno = ENOTDIR;
	return -1;
}

static int
fail_open(int error, const ErrnoMeaning *meanings, IoFailure *failure)
{
	if (error == ELOOP)
		io_fail_for_good(failure, "AccessDenied", "there is a symbolic link in its path");
	else
		io_fail_errno(failure, error, NULL, meanings);
	return -1;
}

static bool
is_regular(int fd, struct stat *status, IoFailure *failure)
{
	if (fstat(fd, status) != 0)
	{
		io_fail_errno(failure, errno, NULL, file_errors);
		return false;
	}
	if (!S_ISREG(status->st_mode))
	{
		io_fail_for_good(failure, "NotARegularFile", "it is not a regular file");
		return false;
	}
	if (e2_is_kernel_made(fd))
	{
		io_fail_for_good(failure, "AccessDenied", "it is in a file system that the kernel makes up");
		return false;
	}
	return true;
}
