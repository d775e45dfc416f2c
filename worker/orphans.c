/*
 * orphans.c
 *		Processes that left the group of their command, or of their plugin.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "orphans.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "exec.h"
#include "log.h"
#include "plugin.h"
#include "worker.h"

/* So many bytes of the kernel's list are read at most; the next SIGCHLD goes on. */
#define LIST_BYTES_MAX 65536

static void read_children(Buf *list);

void
orphans_adopt(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		log_warning("processes that leave the group of their command will not be found: %s", strerror(errno));
}

/* Each one that ends is told by another SIGCHLD, which then finds its children here. */
void
orphans_end(Worker *w)
{
	Buf			list = {0};
	const char *at;
	char	   *end;

	read_children(&list);
	at = list.data != NULL ? list.data : "";
	for (pid_t pid = (pid_t) strtol(at, &end, 10); end != at; pid = (pid_t) strtol(at, &end, 10))
	{
		at = end;
		if (pid <= 0 || exec_has_process(w, pid) || plugins_have_process(w, pid))
			continue;
		(void) kill(pid, SIGKILL);
		(void) waitpid(pid, NULL, WNOHANG);
	}
	buf_free(&list);
}

/* The kernel gives them to the first thread.  Where it has no such list, nothing is found. */
static void
read_children(Buf *list)
{
	char		path[64];
	int			fd;
	ssize_t		got = 1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int) getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && got > 0 && list->used < LIST_BYTES_MAX)
	{
		got = read(fd, buf_reserve(list, 4096), 4096);
		if (got > 0)
			list->used += (size_t) got;
		list->data[list->used] = '\0';
	}
	/* a number that was cut is somebody else's */
	while (got > 0 && list->used > 0 && list->data[list->used - 1] != ' ')
		list->data[--list->used] = '\0';
	if (fd >= 0)
		close(fd);
}
