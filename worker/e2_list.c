/*
 * e2_list.c
 *		E2_GetFileList: the regular files below a directory.
 *
 * The whole walk is one job of the thread pool.  When the blob store is a
 * directory in the tree it is left out: a backup of backups doubles each time.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "blob.h"
#include "e2.h"
#include "e2_walk.h"
#include "iopool.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

typedef struct ListTask
{
	IoJob		job;			/* first */
	Activity   *activity;
	atomic_bool canceled;
	E2Walk		walk;
	bool		ok;
} ListTask;

static void list_start(Activity *activity);
static void list_cancel(Activity *activity);
static void list_run(IoJob *job);
static void list_done(Worker *w, IoJob *job);
static void task_free(ListTask *task);

const ActivityType e2_get_file_list_type = {
	.name = "e2_getfilelist",
	.start = list_start,
	.cancel = list_cancel,
};

static void
list_start(Activity *activity)
{
	Worker	   *w = activity->worker;
	ListTask   *task = xcalloc(1, sizeof(ListTask));
	E2PathProblem problem = e2_path_from_item(&task->walk.path, activity->input);

	if (problem != E2_PATH_OK)
	{
		task_free(task);
		e2_refuse(activity, problem);
		return;
	}
	task->job.run = list_run;
	task->job.done = list_done;
	task->activity = activity;
	atomic_init(&task->canceled, false);
	task->walk.root = &w->e2->root;
	task->walk.canceled = &task->canceled;
	if (w->blob_store != NULL && w->blob_store->is_local)
	{
		task->walk.has_excluded = true;
		task->walk.excluded_device = w->blob_store->device;
		task->walk.excluded_inode = w->blob_store->inode;
	}
	activity->state = task;
	iopool_submit(w, &task->job);
}

static void
list_cancel(Activity *activity)
{
	ListTask   *task = activity->state;

	atomic_store(&task->canceled, true);
}

/* In a thread of the pool. */
static void
list_run(IoJob *job)
{
	ListTask   *task = (ListTask *) job;

	task->ok = e2_walk(&task->walk);
}

static void
list_done(Worker *w, IoJob *job)
{
	ListTask   *task = (ListTask *) job;

	if (task->ok && task->walk.not_utf8 > 0)
		log_write(&(LogRecord) {.level = LOG_LEVEL_INFO, .instance_id = task->activity->instance_id,
				  .activity = task->activity->name, .attempt = task->activity->attempt},
				  "listed %zu files, of which %zu have paths that are not UTF-8", task->walk.count, task->walk.not_utf8);
	if (task->ok)
		activity_complete(task->activity, task->walk.json.data, task->walk.json.used);
	else
		e2_fail(task->activity, "list directory", &task->walk.failed_path, &task->walk.failure);
	task_free(task);
}

static void
task_free(ListTask *task)
{
	buf_free(&task->walk.path);
	buf_free(&task->walk.json);
	buf_free(&task->walk.failed_path);
	free(task);
}
