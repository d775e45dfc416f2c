/*
 * e2_copy.c
 *		E2_CopyFileToBlob: copy a file into the blob store.
 *
 * Open it (thread pool), put it (blob.c), say how many bytes were sent.  A file
 * that changed while it was read is tried once more before that is a failure.
 * Doing it again, after a crash or beside another worker, replaces the blob by
 * the same one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "e2.h"
#include "iopool.h"
#include "worker.h"
#include "xalloc.h"

/* How often a copy tells how far it is. */
#define PROGRESS_INTERVAL_MS 1000

typedef struct CopyTask
{
	IoJob		job;			/* first */
	Activity   *activity;
	const E2Root *root;
	Buf			path;
	BlobSource	source;			/* fd -1: not open */
	BlobPut    *put;			/* under way, or NULL */
	Timer		progress_timer; /* while it is */
	bool		is_canceled;
	bool		is_second;		/* it had changed */
	IoFailure	failure;
} CopyTask;

static void copy_start(Activity *activity);
static void copy_cancel(Activity *activity);
static void open_run(IoJob *job);
static void open_done(Worker *w, IoJob *job);
static void begin_put(Worker *w, CopyTask *task);
static void put_ended(Worker *w, BlobPut *put, void *arg);
static void tell_progress(Worker *w, void *arg);
static void close_source(CopyTask *task);
static void complete(CopyTask *task, int64_t bytes);
static void fail(CopyTask *task);
static void task_free(CopyTask *task);

const ActivityType e2_copy_file_to_blob_type = {
	.name = "e2_copyfiletoblob",
	.start = copy_start,
	.cancel = copy_cancel,
};

static void
copy_start(Activity *activity)
{
	Worker	   *w = activity->worker;
	CopyTask   *task = xcalloc(1, sizeof(CopyTask));
	E2PathProblem problem = e2_path_from_item(&task->path, activity->input);

	task->activity = activity;
	task->source.fd = -1;
	if (problem != E2_PATH_OK)
	{
		task_free(task);
		e2_refuse(activity, problem);
		return;
	}
	if (w->blob_store == NULL)
	{
		io_fail_for_good(&task->failure, "BlobStoreNotConfigured",
						 "this worker has neither --blob-store nor AZURE_STORAGE_CONNECTION_STRING");
		fail(task);
		return;
	}
	task->root = &w->e2->root;
	task->job.run = open_run;
	task->job.done = open_done;
	activity->state = task;
	iopool_submit(w, &task->job);
}

static void
copy_cancel(Activity *activity)
{
	CopyTask   *task = activity->state;

	task->is_canceled = true;
	if (task->put != NULL)
		blob_put_cancel(task->put);
}

/* In a thread of the pool. */
static void
open_run(IoJob *job)
{
	CopyTask   *task = (CopyTask *) job;

	task->source.fd = e2_open_file(task->root, task->path.data, &task->source.before, &task->failure);
}

static void
open_done(Worker *w, IoJob *job)
{
	CopyTask   *task = (CopyTask *) job;

	if (task->failure.type == NULL && task->is_canceled)
		io_fail(&task->failure, BLOB_CANCELED, "it was cancelled");
	if (task->failure.type == NULL)
		begin_put(w, task);
	if (task->failure.type != NULL)
		fail(task);
}

static void
begin_put(Worker *w, CopyTask *task)
{
	Buf			key = {0};

	e2_path_append_key(&key, task->path.data, task->path.used);
	task->put = blob_put_start(w, key.data, &task->source, put_ended, task, &task->failure);
	buf_free(&key);
	if (task->put != NULL)
		timer_start(w, &task->progress_timer, PROGRESS_INTERVAL_MS, tell_progress, task);
}

static void
tell_progress(Worker *w, void *arg)
{
	CopyTask   *task = arg;
	char		progress[80];
	int			length = snprintf(progress, sizeof(progress), "{\"bytes\": %" PRId64 ", \"total\": %" PRId64 "}",
								  task->put->copied, (int64_t) task->source.before.st_size);

	activity_progress(task->activity, progress, (size_t) length);
	timer_start(w, &task->progress_timer, PROGRESS_INTERVAL_MS, tell_progress, task);
}

static void
put_ended(Worker *w, BlobPut *put, void *arg)
{
	CopyTask   *task = arg;

	task->put = NULL;
	timer_stop(w, &task->progress_timer);
	close_source(task);
	if (put->failure.type == NULL)
	{
		complete(task, put->sent);
		return;
	}
	if (strcmp(put->failure.type, BLOB_SOURCE_CHANGED) == 0 && !task->is_second && !task->is_canceled)
	{
		task->is_second = true;
		iopool_submit(w, &task->job);
		return;
	}
	task->failure = put->failure;
	fail(task);
}

/* The file was only read, so this does not block. */
static void
close_source(CopyTask *task)
{
	if (task->source.fd >= 0)
		close(task->source.fd);
	task->source.fd = -1;
}

static void
complete(CopyTask *task, int64_t bytes)
{
	char		result[32];
	int			length = snprintf(result, sizeof(result), "%" PRId64, bytes);

	activity_complete(task->activity, result, (size_t) length);
	task_free(task);
}

static void
fail(CopyTask *task)
{
	/* a third try is as good as the second: the file is being written */
	if (strcmp(task->failure.type, BLOB_SOURCE_CHANGED) == 0)
		task->failure.is_non_retriable = true;
	e2_fail(task->activity, "copy file", &task->path, &task->failure);
	task_free(task);
}

static void
task_free(CopyTask *task)
{
	close_source(task);
	buf_free(&task->path);
	free(task);
}
