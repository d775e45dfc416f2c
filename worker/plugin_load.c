/*
 * plugin_load.c
 *		Load a plugin: from one directory that only its owner can write to.
 *
 * What was checked is what is loaded: the file is opened once, and dlopen() gets
 * the descriptor.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "plugin_load.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "xalloc.h"

#define MAX_ACTIVITIES	1000
#define MAX_NAME_BYTES	800		/* 200 characters */

static int	open_file(const char *directory, const char *name, Buf *problem);
static bool is_safe(int fd, const char *what, Buf *problem);
static void *open_object(int fd, Buf *problem);
static const PgdfPlugin *find_table(void *object, Buf *problem);
static bool check_activities(const PgdfPlugin *plugin, Buf *problem);
static bool name_is_valid(const char *name);

const PgdfPlugin *
plugin_load(const char *directory, const char *name, Buf *problem)
{
	int			fd = open_file(directory, name, problem);
	void	   *object = fd >= 0 ? open_object(fd, problem) : NULL;
	const PgdfPlugin *plugin = object != NULL ? find_table(object, problem) : NULL;

	if (fd >= 0)
		close(fd);
	if (plugin == NULL || !check_activities(plugin, problem))
		return NULL;
	if (plugin->start != NULL && plugin->start() != 0)
	{
		buf_append_text(problem, "its start function did not return 0");
		return NULL;
	}
	return plugin;
}

const PgdfActivity *
plugin_activity(const PgdfPlugin *plugin, size_t i)
{
	return (const PgdfActivity *) ((const char *) plugin->activities + i * plugin->activity_size);
}

static int
open_file(const char *directory, const char *name, Buf *problem)
{
	int			directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char	   *file = xasprintf("%s.so", name);
	int			fd = -1;

	if (directory_fd < 0)
		buf_append_format(problem, "could not open directory \"%s\": %s", directory, strerror(errno));
	else if (is_safe(directory_fd, "the plugin directory", problem))
	{
		fd = openat(directory_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			buf_append_format(problem, "could not open \"%s/%s\": %s", directory, file, strerror(errno));
		else if (!is_safe(fd, "its file", problem))
		{
			close(fd);
			fd = -1;
		}
	}
	if (directory_fd >= 0)
		close(directory_fd);
	free(file);
	return fd;
}

/* Whoever can write to it could run code in this process. */
static bool
is_safe(int fd, const char *what, Buf *problem)
{
	struct stat found;

	if (fstat(fd, &found) != 0)
		buf_append_format(problem, "could not look at %s: %s", what, strerror(errno));
	else if (!S_ISDIR(found.st_mode) && !S_ISREG(found.st_mode))
		buf_append_format(problem, "%s is not a regular file", what);
	else if (found.st_uid != 0 && found.st_uid != geteuid())
		buf_append_format(problem, "%s belongs neither to root nor to the user of this process", what);
	else if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		buf_append_format(problem, "%s can be written by others than its owner", what);
	else
		return true;
	return false;
}

static void *
open_object(int fd, Buf *problem)
{
	char		path[64];
	void	   *object;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (object == NULL)
		buf_append_format(problem, "could not load it: %s", dlerror());
	return object;
}

static const PgdfPlugin *
find_table(void *object, Buf *problem)
{
	const uint32_t *abi = dlsym(object, "pgdf_plugin_abi");
	const PgdfPlugin *plugin = dlsym(object, "pgdf_plugin");

	if (abi == NULL || plugin == NULL)
		buf_append_text(problem, "it is not a plugin of pgdf: it does not say PGDF_PLUGIN()");
	else if (*abi != PGDF_PLUGIN_ABI)
		buf_append_format(problem, "it was made for version %u of pgdf_activity.h, this is version %u",
						  *abi, (unsigned) PGDF_PLUGIN_ABI);
	else if (plugin->size < sizeof(PgdfPlugin) || plugin->activity_size < sizeof(PgdfActivity))
		buf_append_text(problem, "its table is too small");
	else
		return plugin;
	return NULL;
}

static bool
check_activities(const PgdfPlugin *plugin, Buf *problem)
{
	if (plugin->activity_count < 1 || plugin->activity_count > MAX_ACTIVITIES)
	{
		buf_append_format(problem, "it has %zu activities; 1 to %d are allowed", plugin->activity_count, MAX_ACTIVITIES);
		return false;
	}
	for (size_t i = 0; i < plugin->activity_count; i++)
	{
		const PgdfActivity *activity = plugin_activity(plugin, i);

		if (activity->run == NULL || activity->name == NULL || !name_is_valid(activity->name))
		{
			buf_append_format(problem, "its activity number %zu has no function, or no valid name", i + 1);
			return false;
		}
		for (size_t j = 0; j < i; j++)
		{
			if (strcasecmp(plugin_activity(plugin, j)->name, activity->name) == 0)
			{
				buf_append_format(problem, "it has activity \"%s\" twice", activity->name);
				return false;
			}
		}
	}
	return true;
}

/* As df.work takes it. */
static bool
name_is_valid(const char *name)
{
	size_t		length = strnlen(name, MAX_NAME_BYTES + 1);

	if (length < 1 || length > MAX_NAME_BYTES || name[0] == '*' || !json_utf8_is_valid(name, length))
		return false;
	for (size_t i = 0; i < length; i++)
	{
		if ((unsigned char) name[i] < ' ' || name[i] == 0x7f)
			return false;
	}
	return true;
}
