/*
 * e2_walk.c
 *		List the regular files of a directory tree.
 *
 * Depth first, with a stack of our own: a frame holds the sorted entries of one
 * directory.  A directory counts as its name with a slash behind it, which
 * makes the order of the walk the order of the paths' bytes.  No descriptor
 * stays open while a subdirectory is listed, so depth costs memory only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "e2_path.h"
#include "log.h"
#include "xalloc.h"

/* A directory that is being listed. */
typedef struct Frame
{
	Buf			names;			/* entry after entry: 'd' or 'f', the name, NUL */
	char	  **entries;		/* into names, sorted */
	size_t		count;
	size_t		next;
	size_t		path_length;	/* of the directory's path, without a slash at its end */
	dev_t		device;
} Frame;

/* What a directory's entry is to us. */
typedef enum EntryKind
{
	ENTRY_IGNORED,
	ENTRY_FILE,
	ENTRY_DIRECTORY
} EntryKind;

typedef struct Stack
{
	Frame	   *frames;
	size_t		used;
	size_t		size;
} Stack;

static bool walk_entries(E2Walk *walk, Stack *stack);
static bool enter_start(E2Walk *walk, Stack *stack);
static bool enter_directory(E2Walk *walk, Stack *stack);
static bool is_left_out(const E2Walk *walk, int fd, const struct stat *status, dev_t parent_device);
static bool is_gone(const IoFailure *failure);
static bool push(E2Walk *walk, Stack *stack, int fd, dev_t device);
static bool read_entries(E2Walk *walk, Frame *frame, int fd);
static EntryKind entry_kind(int fd, const struct dirent *entry);
static void sort_entries(Frame *frame);
static int	compare_entries(const void *left, const void *right);
static void set_path(E2Walk *walk, const Frame *frame, const char *name);
static bool add_file(E2Walk *walk);
static bool is_too_long(E2Walk *walk, size_t bytes);
static void fail_here(E2Walk *walk);
static void pop(Stack *stack);

bool
e2_walk(E2Walk *walk)
{
	Stack		stack = {0};
	bool		ok;

	buf_append_text(&walk->json, "[");
	ok = enter_start(walk, &stack) && walk_entries(walk, &stack);
	buf_append_text(&walk->json, "]");

	while (stack.used > 0)
		pop(&stack);
	free(stack.frames);
	if (!ok && walk->failed_path.used == 0)
		fail_here(walk);
	return ok;
}

static bool
walk_entries(E2Walk *walk, Stack *stack)
{
	while (stack->used > 0)
	{
		Frame	   *frame = &stack->frames[stack->used - 1];
		const char *entry;

		if (atomic_load(walk->canceled))
		{
			io_fail(&walk->failure, "Canceled", "it was cancelled");
			return false;
		}
		if (frame->next == frame->count)
		{
			pop(stack);
			continue;
		}
		entry = frame->entries[frame->next++];
		set_path(walk, frame, entry + 1);
		if (entry[0] == 'f' ? !add_file(walk) : !enter_directory(walk, stack))
			return false;
	}
	return true;
}

static bool
enter_start(E2Walk *walk, Stack *stack)
{
	int			fd = e2_open_start(walk->root, &walk->path, &walk->failure);
	struct stat status;

	if (fd < 0)
		return false;
	if (fstat(fd, &status) != 0)
	{
		io_fail(&walk->failure, "IOError", "could not examine it");
		close(fd);
		return false;
	}

	/* paths are built by appending "/name" */
	if (strcmp(walk->path.data, "/") == 0)
		buf_reset(&walk->path);
	return push(walk, stack, fd, status.st_dev);
}

/* Go into walk->path, unless it is gone, excluded, or nothing to back up. */
static bool
enter_directory(E2Walk *walk, Stack *stack)
{
	dev_t		parent_device = stack->frames[stack->used - 1].device;
	struct stat status;
	int			fd;

	if (stack->used > E2_WALK_MAX_DEPTH || walk->path.used > E2_PATH_MAX_BYTES)
	{
		io_fail_for_good(&walk->failure, "TooDeep", "it is too deep in other directories");
		return false;
	}
	fd = e2_open_directory(walk->root, walk->path.data, &walk->failure);
	if (fd < 0)
	{
		if (!is_gone(&walk->failure))
			return false;
		walk->failure = (IoFailure) {0};
		return true;
	}
	if (fstat(fd, &status) != 0)
	{
		io_fail(&walk->failure, "IOError", "could not examine it");
		close(fd);
		return false;
	}

	if (!is_left_out(walk, fd, &status, parent_device))
		return push(walk, stack, fd, status.st_dev);
	close(fd);
	return true;
}

static bool
is_left_out(const E2Walk *walk, int fd, const struct stat *status, dev_t parent_device)
{
	const char *reason = NULL;
	Buf			path = {0};

	if (walk->has_excluded && status->st_dev == walk->excluded_device && status->st_ino == walk->excluded_inode)
		reason = "it is the blob store";
	else if (status->st_dev != parent_device && e2_is_kernel_made(fd))
		reason = "its files are made up by the kernel";
	if (reason == NULL)
		return false;

	e2_path_append_readable(&path, walk->path.data, walk->path.used);
	log_info("left directory \"%s\" out: %s", path.data, reason);
	buf_free(&path);
	return true;
}

/* Was it removed, or replaced by something else, after its parent was read? */
static bool
is_gone(const IoFailure *failure)
{
	static const char *const types[] = {"DirectoryNotFound", "NotADirectory", "AccessDenied"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		if (strcmp(failure->type, types[i]) == 0)
			return true;
	}
	return false;
}

/* Read the directory walk->path, open as fd, which is closed. */
static bool
push(E2Walk *walk, Stack *stack, int fd, dev_t device)
{
	Frame	   *frame;

	if (stack->used == stack->size)
	{
		stack->size = stack->size == 0 ? 16 : stack->size * 2;
		stack->frames = xrealloc(stack->frames, stack->size * sizeof(Frame));
	}
	frame = &stack->frames[stack->used++];
	*frame = (Frame) {.path_length = walk->path.used, .device = device};
	if (!read_entries(walk, frame, fd))
		return false;
	sort_entries(frame);
	return true;
}

static bool
read_entries(E2Walk *walk, Frame *frame, int fd)
{
	DIR		   *directory = fdopendir(fd);
	struct dirent *entry;
	bool		ok = true;

	if (directory == NULL)
	{
		close(fd);
		io_fail(&walk->failure, "IOError", "could not read it");
		return false;
	}
	while (ok && (errno = 0, entry = readdir(directory)) != NULL)
	{
		EntryKind	kind = entry_kind(dirfd(directory), entry);

		if (kind == ENTRY_IGNORED)
			continue;
		buf_append(&frame->names, kind == ENTRY_FILE ? "f" : "d", 1);
		buf_append(&frame->names, entry->d_name, strlen(entry->d_name) + 1);
		frame->count++;
		ok = !is_too_long(walk, frame->names.used);
	}
	if (ok && errno != 0)
	{
		char		text[128];

		io_fail(&walk->failure, "IOError", "could not read it: %s", strerror_r(errno, text, sizeof(text)));
		ok = false;
	}
	closedir(directory);
	return ok;
}

static EntryKind
entry_kind(int fd, const struct dirent *entry)
{
	struct stat status;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return ENTRY_IGNORED;
	if (entry->d_type == DT_REG)
		return ENTRY_FILE;
	if (entry->d_type == DT_DIR)
		return ENTRY_DIRECTORY;
	if (entry->d_type != DT_UNKNOWN || fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return ENTRY_IGNORED;
	if (S_ISREG(status.st_mode))
		return ENTRY_FILE;
	return S_ISDIR(status.st_mode) ? ENTRY_DIRECTORY : ENTRY_IGNORED;
}

static void
sort_entries(Frame *frame)
{
	char	   *at = frame->names.data;

	if (frame->count == 0)
		return;
	frame->entries = xmalloc(frame->count * sizeof(char *));
	for (size_t i = 0; i < frame->count; i++)
	{
		frame->entries[i] = at;
		at += strlen(at) + 1;
	}
	qsort(frame->entries, frame->count, sizeof(char *), compare_entries);
}

/* By bytes, as if a directory's name ended with a slash. */
static int
compare_entries(const void *left, const void *right)
{
	const char *a = *(char *const *) left;
	const char *b = *(char *const *) right;
	char		a_end = a[0] == 'd' ? '/' : '\0';
	char		b_end = b[0] == 'd' ? '/' : '\0';

	for (a++, b++; *a != '\0' && *a == *b; a++, b++)
		;
	return (unsigned char) (*a == '\0' ? a_end : *a) - (unsigned char) (*b == '\0' ? b_end : *b);
}

static void
set_path(E2Walk *walk, const Frame *frame, const char *name)
{
	walk->path.used = frame->path_length;
	buf_append(&walk->path, "/", 1);
	buf_append_text(&walk->path, name);
}

static bool
add_file(E2Walk *walk)
{
	if (walk->count++ > 0)
		buf_append_text(&walk->json, ", ");
	if (!e2_path_append_item(&walk->json, walk->path.data, walk->path.used))
		walk->not_utf8++;
	return !is_too_long(walk, walk->json.used);
}

static bool
is_too_long(E2Walk *walk, size_t bytes)
{
	if (bytes <= E2_WALK_MAX_BYTES)
		return false;
	io_fail_for_good(&walk->failure, "TooManyFiles", "the list of its files has more than %zu bytes", E2_WALK_MAX_BYTES);
	return true;
}

static void
fail_here(E2Walk *walk)
{
	buf_append(&walk->failed_path, walk->path.data, walk->path.used);
	if (walk->failed_path.used == 0)
		buf_append_text(&walk->failed_path, "/");
}

static void
pop(Stack *stack)
{
	Frame	   *frame = &stack->frames[--stack->used];

	buf_free(&frame->names);
	free(frame->entries);
}
