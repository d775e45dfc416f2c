/*
 * activity.c
 *		How an activity ends: its result, or its failure as failureDetails.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "activity.h"

#include <string.h>

#include "buf.h"
#include "claims.h"
#include "json.h"
#include "log.h"
#include "xalloc.h"

static char *failure_details(const ActivityFailure *failure, size_t *length);

void
activity_complete(Activity *activity, const char *result, size_t length)
{
	claims_end(activity, OUTCOME_COMPLETED, xstrndup(result, length), length);
}

void
activity_postpone(Activity *activity, const char *payload, size_t length)
{
	claims_end(activity, OUTCOME_POSTPONED, xstrndup(payload, length), length);
}

void
activity_fail(Activity *activity, const ActivityFailure *failure)
{
	size_t		length;
	char	   *details = failure_details(failure, &length);
	LogRecord	record = {0};

	record.level = LOG_LEVEL_DEBUG;
	record.instance_id = activity->instance_id;
	record.activity = activity->name;
	record.attempt = activity->attempt;
	log_write(&record, "ended with %s: %s", failure->error_type, failure->message);
	claims_end(activity, OUTCOME_FAILED, details, length);
}

void
activity_progress(Activity *activity, const char *progress, size_t length)
{
	LogRecord	record = {0};

	if (length <= PROGRESS_BYTES_MAX && json_is_valid(progress, length, NULL))
	{
		claims_progress(activity, progress, length);
		return;
	}
	record.level = LOG_LEVEL_DEBUG;
	record.instance_id = activity->instance_id;
	record.activity = activity->name;
	record.attempt = activity->attempt;
	log_write(&record, "reported progress that is not JSON or too long");
}

void
activity_wait(Activity *activity)
{
	claims_wait(activity);
}

void
activity_begin(Activity *activity)
{
	claims_begin(activity);
}

static char *
failure_details(const ActivityFailure *failure, size_t *length)
{
	Buf			text = {0};
	const char *properties = failure->properties;

	if (properties == NULL || !json_is_valid(properties, strlen(properties), NULL))
		properties = "null";
	buf_append_text(&text, "{\"errorType\":");
	json_append_string(&text, failure->error_type, strlen(failure->error_type));
	buf_append_text(&text, ",\"errorMessage\":");
	json_append_string(&text, failure->message, strlen(failure->message));
	buf_append_format(&text, ",\"stackTrace\":null,\"innerFailure\":null,\"isNonRetriable\":%s,\"properties\":",
					  failure->is_non_retriable ? "true" : "false");
	buf_append_text(&text, properties);
	buf_append_text(&text, "}");
	*length = text.used;
	return buf_take(&text);
}
