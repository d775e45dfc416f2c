/*
 * scratch.c
 *		A directory for each command while it runs.
 *
 * What is in one was made by a command, so nothing is believed about it: names
 * are only ever looked up relative to an open directory, links are removed and
 * never followed, and a tree of any depth is removed with two descriptors.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "iopool.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

#define PREFIX		"pgdf-"
#define TEMPLATE	PREFIX "XXXXXX"

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A removal under way. */
typedef struct Removal
{
	IoJob		job;			/* first */
	char	   *path;
} Removal;

static const char *base_directory(const Worker *w);
static bool make_root(Worker *w);
static bool lock_root(Scratch *scratch);
static void remove_if_left(int base_fd, const char *base, const char *name);
static void removal_run(IoJob *job);
static void removal_done(Worker *w, IoJob *job);
static bool empty_directory(int top_fd);
static bool lift_contents(int top_fd, const char *name, uint64_t *counter);
static int	open_directory(int at_fd, const char *name);
static void make_usable(int at_fd, const char *name);
static DIR *list_directory(int fd);
static bool is_dot(const char *name);

void
scratch_init(Worker *w)
{
	const char *base = base_directory(w);
	int			base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR		   *entries = base_fd >= 0 ? list_directory(base_fd) : NULL;
	struct dirent *entry;

	w->scratch = xcalloc(1, sizeof(Scratch));
	while (entries != NULL && (entry = readdir(entries)) != NULL)
	{
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && strlen(entry->d_name) == strlen(TEMPLATE))
			remove_if_left(base_fd, base, entry->d_name);
	}
	if (entries != NULL)
		closedir(entries);
	if (base_fd >= 0)
		close(base_fd);
}

char *
scratch_make(Worker *w, const Sandbox *sandbox)
{
	Scratch    *scratch = w->scratch;
	char	   *path;

	if (scratch->root == NULL && !make_root(w))
		return NULL;
	path = xasprintf("%s/%lld", scratch->root, (long long) ++scratch->made);
	if (mkdir(path, 0700) == 0)
	{
		if (!sandbox->has_user || chown(path, sandbox->uid, sandbox->gid) == 0)
			return path;
		(void) rmdir(path);
	}
	free(path);
	return NULL;
}

void
scratch_remove(Worker *w, char *path)
{
	Removal    *removal;

	/* most commands leave nothing; at the end scratch_free() removes it all */
	if (path == NULL || rmdir(path) == 0 || w->phase == WORKER_STOPPED)
	{
		free(path);
		return;
	}
	removal = xcalloc(1, sizeof(Removal));
	removal->path = path;
	removal->job.run = removal_run;
	removal->job.done = removal_done;
	iopool_submit(w, &removal->job);
}

void
scratch_free(Worker *w)
{
	Scratch    *scratch = w->scratch;

	if (scratch == NULL)
		return;
	if (scratch->root != NULL)
	{
		(void) scratch_remove_tree(scratch->root);
		close(scratch->lock_fd);
		free(scratch->root);
	}
	free(scratch);
	w->scratch = NULL;
}

bool
scratch_remove_tree(const char *path)
{
	int			fd = open_directory(AT_FDCWD, path);
	bool		is_empty;

	if (fd < 0)
		return errno == ENOENT;
	is_empty = empty_directory(fd);
	close(fd);
	return is_empty && rmdir(path) == 0;
}

static const char *
base_directory(const Worker *w)
{
	const char *directory = w->config.scratch_dir;

	if (directory == NULL)
		directory = getenv("TMPDIR");
	return directory != NULL && directory[0] == '/' ? directory : "/tmp";
}

/* Commands of other users must get through it to their own. */
static bool
make_root(Worker *w)
{
	Scratch    *scratch = w->scratch;

	do
	{
		free(scratch->root);
		scratch->root = xasprintf("%s/" TEMPLATE, base_directory(w));
		if (mkdtemp(scratch->root) == NULL)
		{
			free(scratch->root);
			scratch->root = NULL;
			return false;
		}
	}
	while (!lock_root(scratch));
	return chmod(scratch->root, 0711) == 0;
}

/* False: a worker that starts has found it before it was locked, and removed it. */
static bool
lock_root(Scratch *scratch)
{
	struct stat now;

	scratch->lock_fd = open_directory(AT_FDCWD, scratch->root);
	if (scratch->lock_fd < 0)
		return false;
	if (flock(scratch->lock_fd, LOCK_EX) == 0 && fstat(scratch->lock_fd, &now) == 0 && now.st_nlink > 0)
		return true;
	close(scratch->lock_fd);
	return false;
}

/* Ours, and nobody has its lock any more. */
static void
remove_if_left(int base_fd, const char *base, const char *name)
{
	int			fd = openat(base_fd, name, OPEN_DIRECTORY);
	struct stat found;

	if (fd < 0)
		return;
	if (fstat(fd, &found) == 0 && found.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
	{
		if (empty_directory(fd) && unlinkat(base_fd, name, AT_REMOVEDIR) == 0)
			log_info("removed directory \"%s/%s\" of a worker that was killed", base, name);
	}
	close(fd);
}

static void
removal_run(IoJob *job)
{
	(void) scratch_remove_tree(((Removal *) job)->path);
}

static void
removal_done(Worker *w, IoJob *job)
{
	Removal    *removal = (Removal *) job;

	free(removal->path);
	free(removal);
}

/*
 * Files are removed; what is in a directory is first moved to the top, so that
 * depth costs neither memory nor descriptors.
 */
static bool
empty_directory(int top_fd)
{
	uint64_t	counter = 0;
	bool		is_empty = false;
	bool		is_moving = true;

	while (!is_empty && is_moving)
	{
		DIR		   *entries = list_directory(top_fd);
		struct dirent *entry;

		is_empty = entries != NULL;
		is_moving = false;
		while (entries != NULL && (entry = readdir(entries)) != NULL)
		{
			if (is_dot(entry->d_name))
				continue;
			is_empty = false;
			if (unlinkat(top_fd, entry->d_name, 0) == 0 || lift_contents(top_fd, entry->d_name, &counter))
				is_moving = true;
		}
		if (entries != NULL)
			closedir(entries);
	}
	return is_empty;
}

/* Remove a directory whose files go and whose directories become those of the top. */
static bool
lift_contents(int top_fd, const char *name, uint64_t *counter)
{
	int			fd = open_directory(top_fd, name);
	DIR		   *entries = fd >= 0 ? list_directory(fd) : NULL;
	struct dirent *entry;

	while (entries != NULL && (entry = readdir(entries)) != NULL)
	{
		char		lifted[40];

		if (is_dot(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		/* to be moved, a directory must be writable itself: its ".." changes */
		make_usable(fd, entry->d_name);
		do
			snprintf(lifted, sizeof(lifted), ".lifted-%llu", (unsigned long long) ++*counter);
		while (renameat(fd, entry->d_name, top_fd, lifted) != 0 &&
			   (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR || errno == EISDIR));
	}
	if (entries != NULL)
		closedir(entries);
	if (fd >= 0)
		close(fd);
	return unlinkat(top_fd, name, AT_REMOVEDIR) == 0;
}

/* Whatever its mode is. */
static int
open_directory(int at_fd, const char *name)
{
	int			fd = openat(at_fd, name, OPEN_DIRECTORY);
	struct stat found;

	if (fd >= 0)
	{
		(void) fchmod(fd, 0700);
		return fd;
	}
	if (errno != EACCES || fstatat(at_fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(found.st_mode))
		return -1;
	make_usable(at_fd, name);
	return openat(at_fd, name, OPEN_DIRECTORY);
}

/*
 * fchmodat() follows a link that a process of the command may have put there
 * meanwhile.  Root, for whom that would matter, needs no mode.
 */
static void
make_usable(int at_fd, const char *name)
{
	if (geteuid() != 0 && fchmodat(at_fd, name, 0700, 0) != 0)
		log_debug("could not change the mode of a directory: %s", strerror(errno));
}

/* From the beginning; the caller's descriptor stays open. */
static DIR *
list_directory(int fd)
{
	int			copy = openat(fd, ".", OPEN_DIRECTORY);
	DIR		   *entries = copy >= 0 ? fdopendir(copy) : NULL;

	if (entries == NULL && copy >= 0)
		close(copy);
	return entries;
}

static bool
is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}
