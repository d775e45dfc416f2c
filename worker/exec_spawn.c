/*
 * exec_spawn.c
 *		Make the process of an exec activity: its pipes and its environment.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "exec_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_file.h"
#include "exec.h"
#include "spawn.h"
#include "xalloc.h"

/* Standard input, output and error, and progress. */
#define PIPE_COUNT 4

/* One end for the child, one for us. */
typedef struct PipePair
{
	int			theirs;
	int			ours;
} PipePair;

typedef enum PipeDirection
{
	PIPE_TO_CHILD,
	PIPE_FROM_CHILD
} PipeDirection;

static StringList make_environment(const Activity *activity, const char *directory);
static bool make_pipe(PipePair *pair, PipeDirection direction);
static void close_pair(PipePair *pair);
static void close_end(int *fd);
static void add_entry(StringList *environment, char *entry);

pid_t
exec_spawn(const Activity *activity, const char *directory, const ExecGuard *guard,
		   ExecPipes *pipes, int *spawn_errno)
{
	const ExecCommand *command = activity->type->config;
	StringList	environment = make_environment(activity, directory);
	PipePair	pairs[PIPE_COUNT] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	SpawnRequest request = {
		.path = command->config.argv.items[0], .argv = command->config.argv.items,
		.environment = environment.items, .fd_count = PIPE_COUNT,
		.directory = directory, .sandbox = &command->sandbox
	};
	bool		has_pipes = true;
	pid_t		pid = -1;

	for (int i = 0; i < PIPE_COUNT && has_pipes; i++)
		has_pipes = make_pipe(&pairs[i], i == 0 ? PIPE_TO_CHILD : PIPE_FROM_CHILD);
	*spawn_errno = errno;
	for (int i = 0; i < PIPE_COUNT; i++)
		request.fds[i] = pairs[i].theirs;
	if (has_pipes)
		pid = spawn(&request, guard, spawn_errno);
	for (int i = 0; i < PIPE_COUNT; i++)
	{
		close_end(&pairs[i].theirs);
		if (pid <= 0)
			close_pair(&pairs[i]);
	}
	pipes->stdin_fd = pairs[0].ours;
	pipes->stdout_fd = pairs[1].ours;
	pipes->stderr_fd = pairs[2].ours;
	pipes->progress_fd = pairs[3].ours;
	string_list_free(&environment);
	return pid;
}

StringList
exec_environment(const StringList *listed, const char *directory)
{
	StringList	environment = {0};

	exec_set_variable(&environment, "PATH", "/usr/local/bin:/usr/bin:/bin");
	if (directory != NULL)
		exec_set_variable(&environment, "TMPDIR", directory);
	for (int i = 0; i < listed->count; i++)
	{
		const char *entry = listed->items[i];

		if (strchr(entry, '=') != NULL)
			add_entry(&environment, xstrdup(entry));
		else if (getenv(entry) != NULL)
			exec_set_variable(&environment, entry, getenv(entry));
	}
	return environment;
}

void
exec_set_variable(StringList *environment, const char *name, const char *value)
{
	add_entry(environment, xasprintf("%s=%s", name, value));
}

static StringList
make_environment(const Activity *activity, const char *directory)
{
	const ExecCommand *command = activity->type->config;
	StringList	environment = exec_environment(&command->config.env, directory);
	char		attempt[16];

	snprintf(attempt, sizeof(attempt), "%d", activity->attempt);
	exec_set_variable(&environment, "PGDF_INSTANCE_ID", activity->instance_id);
	exec_set_variable(&environment, "PGDF_ATTEMPT", attempt);
	exec_set_variable(&environment, "PGDF_IDEMPOTENCY_KEY", activity->idempotency_key);
	exec_set_variable(&environment, "PGDF_PROGRESS_FD", "3");
	if (activity->traceparent != NULL)
		exec_set_variable(&environment, "TRACEPARENT", activity->traceparent);
	return environment;
}

/* Our end does not block; the child's does, as commands expect. */
static bool
make_pipe(PipePair *pair, PipeDirection direction)
{
	int			fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	pair->theirs = direction == PIPE_TO_CHILD ? fds[0] : fds[1];
	pair->ours = direction == PIPE_TO_CHILD ? fds[1] : fds[0];
	return fcntl(pair->ours, F_SETFL, O_NONBLOCK) == 0;
}

static void
close_pair(PipePair *pair)
{
	close_end(&pair->theirs);
	close_end(&pair->ours);
}

static void
close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* NAME=value, taken over. */
static void
add_entry(StringList *environment, char *entry)
{
	size_t		prefix = strcspn(entry, "=") + 1;

	for (int i = 0; i < environment->count; i++)
	{
		if (strncmp(environment->items[i], entry, prefix) == 0)
		{
			free(environment->items[i]);
			environment->items[i] = entry;
			return;
		}
	}
	string_list_add(environment, entry, strlen(entry));
	free(entry);
}
