/*
 * e2.c
 *		What the activities of the cloud backup sample share.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2.h"

#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "iopool.h"
#include "json.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* How long a thread may take to finish its slice of work when the worker ends. */
#define STOP_WAIT_MS 2000

bool
e2_init(Worker *w)
{
	w->e2 = xcalloc(1, sizeof(E2State));
	if (e2_root_open(&w->e2->root, w->config.e2_root) && iopool_init(w, IOPOOL_THREADS) && blob_init(w))
		return true;
	e2_free(w);
	return false;
}

void
e2_free(Worker *w)
{
	if (!iopool_free(w, STOP_WAIT_MS))
	{
		/* a thread that hangs in the kernel may still use the root and the store */
		log_warning("a file operation does not end, leaving it to the end of the process");
		w->e2 = NULL;
		w->blob_store = NULL;
		return;
	}
	blob_free(w);
	if (w->e2 != NULL)
		e2_root_close(&w->e2->root);
	free(w->e2);
	w->e2 = NULL;
}

void
e2_refuse(Activity *activity, E2PathProblem problem)
{
	Buf			message = {0};
	bool		is_escape = problem == E2_PATH_HAS_DOT_DOT;

	buf_append_format(&message, "invalid input of activity \"%s\": the path %s", activity->name,
					  e2_path_problem_text(problem));
	activity_fail(activity, &(ActivityFailure) {
		.error_type = is_escape ? "AccessDenied" : "InvalidInput",
		.message = message.data,
		.is_non_retriable = true,
	});
	buf_free(&message);
}

void
e2_fail(Activity *activity, const char *doing, const Buf *path, const IoFailure *failure)
{
	Buf			message = {0};
	Buf			properties = {0};

	buf_append_format(&message, "could not %s \"", doing);
	e2_path_append_readable(&message, path->data, path->used);
	buf_append_format(&message, "\": %s", failure->message);

	buf_append_text(&properties, "{\"path\": ");
	e2_path_append_item(&properties, path->data, path->used);
	if (failure->http_status != 0)
		buf_append_format(&properties, ", \"http_status\": %d", failure->http_status);
	if (failure->code[0] != '\0')
	{
		buf_append_text(&properties, ", \"code\": ");
		json_append_string(&properties, failure->code, strlen(failure->code));
	}
	buf_append_text(&properties, "}");

	activity_fail(activity, &(ActivityFailure) {
		.error_type = failure->type,
		.message = message.data,
		.is_non_retriable = failure->is_non_retriable,
		.properties = properties.data,
	});
	buf_free(&message);
	buf_free(&properties);
}
