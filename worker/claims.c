/*
 * claims.c
 *		The tasks that this worker has claimed and not finished.
 *
 * Only this file makes and frees a Claim.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "claims.h"

#include <stdlib.h>
#include <string.h>

#include "db.h"
#include "dispatch.h"
#include "fault.h"
#include "log.h"
#include "sql_pool.h"
#include "worker.h"
#include "xalloc.h"

/* Reports of progress of one activity are at least so far apart. */
#define PROGRESS_INTERVAL_MS 1000

static Claim *claim_new(Worker *w, const PGresult *rows, int row);
static void claim_free(Worker *w, Claim *claim);
static void start(Worker *w, Claim *claim);
static void stop(Claim *claim, ClaimStop reason);
static void time_out(Worker *w, void *arg);
static void start_clock(Claim *claim);
static void send_progress(Claim *claim);
static void progress_due(Worker *w, void *arg);
static Claim *find(Claims *claims, const TaskKey *key);
static int64_t shorter_timeout(int64_t left_ms, int64_t right_ms);
static void record(Claim *claim, char what, char *payload, size_t length);
static char *timeout_details(const Claim *claim, size_t *length);
static Claim **bucket_of(Claims *claims, const TaskKey *key);
static char *copy_text(const PGresult *rows, int row, int column);

void
claims_start(Worker *w, const PGresult *rows, int row)
{
	Claim	   *claim = claim_new(w, rows, row);
	Claim	  **bucket;

	if (PQgetvalue(rows, row, WORK_WHAT)[0] == 'Q')
		claim->activity.type = &sql_activity_type;
	else
	{
		claim->offered = registry_take(w, claim->activity.name);
		claim->activity.type = claim->offered != NULL ? &claim->offered->type : NULL;
	}
	if (claim->activity.type == NULL || w->phase != WORKER_RUNNING)
	{
		record(claim, OUTCOME_RETURNED, NULL, 0);
		claim_free(w, claim);
		return;
	}
	bucket = bucket_of(&w->dispatch->claims, &claim->key);
	claim->next = *bucket;
	*bucket = claim;
	w->dispatch->claims.count++;
	start(w, claim);
}

void
claims_void(Worker *w, const TaskKey *key)
{
	Claim	   *claim = find(&w->dispatch->claims, key);

	if (claim != NULL)
		stop(claim, STOP_VOID);
}

void
claims_stop_all(Worker *w, ClaimStop reason)
{
	for (int i = 0; i < CLAIM_BUCKETS; i++)
	{
		Claim	   *next;

		/* stopping may end the activity at once, and free the claim */
		for (Claim *claim = w->dispatch->claims.buckets[i]; claim != NULL; claim = next)
		{
			next = claim->next;
			stop(claim, reason);
		}
	}
}

void
claims_report_started(Worker *w, int64_t older_than_ms)
{
	int64_t		limit_us = loop_now_us(w) - older_than_ms * 1000;

	for (int i = 0; i < CLAIM_BUCKETS; i++)
	{
		for (Claim *claim = w->dispatch->claims.buckets[i]; claim != NULL; claim = claim->next)
		{
			/* df.run_sql counts its own attempts */
			if (claim->is_reported || claim->is_waiting || claim->offered == NULL ||
				claim->stop != STOP_NONE || claim->started_us > limit_us)
				continue;
			claim->is_reported = true;
			record(claim, OUTCOME_STARTED, NULL, 0);
		}
	}
}

void
claims_end(Activity *activity, char what, char *payload, size_t length)
{
	Claim	   *claim = (Claim *) activity;
	Claims	   *claims = &activity->worker->dispatch->claims;

	if (PGDF_FAULT(activity_ended) && claim->stop == STOP_NONE)
		record(claim, what, payload != NULL ? xstrndup(payload, length) : NULL, length);
	if (claim->stop == STOP_VOID || claim->is_failed_early)
		free(payload);
	else if (claim->stop == STOP_SHUTDOWN && what == OUTCOME_FAILED)
	{
		/* df.detach gives it back; but it was started */
		free(payload);
		if (!claim->is_reported)
			record(claim, OUTCOME_STARTED, NULL, 0);
	}
	else if (claim->stop == STOP_TIMEOUT && what == OUTCOME_FAILED)
	{
		free(payload);
		payload = timeout_details(claim, &length);
		record(claim, what, payload, length);
	}
	else
		record(claim, what, payload, length);

	if (what == OUTCOME_COMPLETED)
		claims->completed++;
	else if (what == OUTCOME_FAILED)
		claims->failed++;
	if (what == OUTCOME_COMPLETED || what == OUTCOME_FAILED)
		histogram_add(&claims->times, loop_now_us(activity->worker) - claim->started_us);
	claim_free(activity->worker, claim);
}

void
claims_progress(Activity *activity, const char *progress, size_t length)
{
	Claim	   *claim = (Claim *) activity;

	if (claim->stop == STOP_VOID || claim->is_failed_early)
		return;
	free(claim->progress);
	claim->progress = xstrndup(progress, length);
	claim->progress_length = length;
	if (!timer_is_running(&claim->progress_timer))
		send_progress(claim);
}

void
claims_progress_back(Worker *w, Outcome *outcome)
{
	const Claim *claim = find(&w->dispatch->claims, &outcome->key);

	if (claim != NULL && claim->stop != STOP_VOID && outcome->made_us >= claim->progress_us)
		dispatch_park(w, outcome);
	else
		outcome_free(outcome);
}

void
claims_wait(Activity *activity)
{
	Claim	   *claim = (Claim *) activity;

	claim->is_waiting = true;
	timer_stop(activity->worker, &claim->timeout);
}

void
claims_begin(Activity *activity)
{
	Claim	   *claim = (Claim *) activity;

	claim->is_waiting = false;
	start_clock(claim);
}

void
claims_finish_recorded(Activity *activity)
{
	Worker	   *w = activity->worker;

	w->dispatch->claims.completed++;
	histogram_add(&w->dispatch->claims.times, loop_now_us(w) - ((Claim *) activity)->started_us);
	dispatch_withdraw(w, &((Claim *) activity)->key);	/* its progress */
	claim_free(w, (Claim *) activity);
}

void
claims_give_back(Activity *activity)
{
	Claim	   *claim = (Claim *) activity;

	if (claim->stop != STOP_VOID)
		record(claim, OUTCOME_RETURNED, NULL, 0);
	claim_free(activity->worker, claim);
}

/* At the end of the process: what runs is abandoned, and the owners of its state have released that. */
void
claims_free(Worker *w)
{
	for (int i = 0; i < CLAIM_BUCKETS; i++)
	{
		while (w->dispatch->claims.buckets[i] != NULL)
			claim_free(w, w->dispatch->claims.buckets[i]);
	}
}

static Claim *
claim_new(Worker *w, const PGresult *rows, int row)
{
	Claim	   *claim = xcalloc(1, sizeof(Claim));
	Activity   *activity = &claim->activity;

	activity->worker = w;
	activity->instance_key = db_int8(rows, row, WORK_INSTANCE_KEY);
	activity->task_id = (int32_t) db_int8(rows, row, WORK_TASK_ID);
	activity->fence = db_int8(rows, row, WORK_FENCE);
	activity->attempt = (int) db_int8(rows, row, WORK_ATTEMPT);
	activity->timeout_ms = db_int8(rows, row, WORK_TIMEOUT_MS);
	activity->name = xstrdup(PQgetvalue(rows, row, WORK_NAME));
	activity->instance_id = xstrdup(PQgetvalue(rows, row, WORK_INSTANCE_ID));
	activity->idempotency_key = xstrdup(PQgetvalue(rows, row, WORK_IDEMPOTENCY_KEY));
	activity->input = copy_text(rows, row, WORK_INPUT);
	if (activity->input == NULL)
		activity->input = xstrdup("null");
	activity->settings = copy_text(rows, row, WORK_SETTINGS);
	activity->traceparent = copy_text(rows, row, WORK_TRACEPARENT);

	claim->key.instance_key = activity->instance_key;
	claim->key.task_id = activity->task_id;
	claim->key.fence = activity->fence;
	return claim;
}

/* Also takes it out of the table, when it is there. */
static void
claim_free(Worker *w, Claim *claim)
{
	Activity   *activity = &claim->activity;

	for (Claim **link = bucket_of(&w->dispatch->claims, &claim->key); *link != NULL; link = &(*link)->next)
	{
		if (*link == claim)
		{
			*link = claim->next;
			w->dispatch->claims.count--;
			break;
		}
	}
	timer_stop(w, &claim->timeout);
	timer_stop(w, &claim->progress_timer);
	free(claim->progress);
	registry_release(claim->offered);
	free(activity->name);
	free(activity->instance_id);
	free(activity->idempotency_key);
	free(activity->input);
	free(activity->settings);
	free(activity->traceparent);
	free(claim);
}

static void
start(Worker *w, Claim *claim)
{
	int64_t		timeout_ms = claim->activity.timeout_ms;

	if (claim->offered != NULL && claim->offered->timeout_ms != 0)
		timeout_ms = shorter_timeout(timeout_ms, claim->offered->timeout_ms);
	claim->activity.timeout_ms = timeout_ms;
	start_clock(claim);
	(void) PGDF_FAULT(activity_starting);
	claim->activity.type->start(&claim->activity);
}

/* The server keeps the time of a SQL activity. */
static void
start_clock(Claim *claim)
{
	Worker	   *w = claim->activity.worker;

	claim->started_us = loop_now_us(w);
	if (claim->activity.timeout_ms > 0 && claim->offered != NULL)
		timer_start(w, &claim->timeout, claim->activity.timeout_ms, time_out, claim);
}

/* The newest one; one that still waits for a call is replaced. */
static void
send_progress(Claim *claim)
{
	Worker	   *w = claim->activity.worker;

	dispatch_withdraw_progress(w, &claim->key);
	claim->progress_us = loop_now_us(w);
	dispatch_outcome(w, outcome_new(claim->key, OUTCOME_PROGRESS, claim->progress, claim->progress_length,
									claim->progress_us));
	claim->progress = NULL;
	timer_start(w, &claim->progress_timer, PROGRESS_INTERVAL_MS, progress_due, claim);
}

static void
progress_due(Worker *w, void *arg)
{
	Claim	   *claim = arg;

	if (claim->progress != NULL && claim->stop != STOP_VOID)
		send_progress(claim);
}

/* The first reason counts, except that a void task stays nobody's. */
static void
stop(Claim *claim, ClaimStop reason)
{
	bool		is_first = claim->stop == STOP_NONE;

	if (is_first || reason == STOP_VOID)
		claim->stop = reason;
	if (is_first && claim->activity.type->cancel != NULL)
		claim->activity.type->cancel(&claim->activity);
}

static void
time_out(Worker *w, void *arg)
{
	Claim	   *claim = arg;
	size_t		length;
	char	   *details;

	if (claim->activity.type->cancel == NULL && claim->stop == STOP_NONE)
	{
		details = timeout_details(claim, &length);
		record(claim, OUTCOME_FAILED, details, length);
		claim->is_failed_early = true;
	}
	stop(claim, STOP_TIMEOUT);
}

/* 0 is no time-out. */
static int64_t
shorter_timeout(int64_t left_ms, int64_t right_ms)
{
	if (left_ms == 0 || right_ms == 0)
		return left_ms + right_ms;
	return left_ms < right_ms ? left_ms : right_ms;
}

static void
record(Claim *claim, char what, char *payload, size_t length)
{
	Worker	   *w = claim->activity.worker;

	/* the end of an attempt says that it was started, and is as far as it gets */
	if ((claim->is_reported || claim->progress_us != 0) && what != OUTCOME_STARTED)
		dispatch_withdraw(w, &claim->key);
	dispatch_outcome(w, outcome_new(claim->key, what, payload, length, loop_now_us(w)));
}

static char *
timeout_details(const Claim *claim, size_t *length)
{
	char	   *details = xasprintf("{\"errorType\":\"Timeout\",\"errorMessage\":\"activity timed out after %lld ms\","
									"\"stackTrace\":null,\"innerFailure\":null,\"isNonRetriable\":false,\"properties\":null}",
									(long long) claim->activity.timeout_ms);

	*length = strlen(details);
	return details;
}

static Claim *
find(Claims *claims, const TaskKey *key)
{
	Claim	   *claim = *bucket_of(claims, key);

	while (claim != NULL && !task_keys_are_equal(&claim->key, key))
		claim = claim->next;
	return claim;
}

static Claim **
bucket_of(Claims *claims, const TaskKey *key)
{
	/* fences are random */
	return &claims->buckets[(uint64_t) key->fence % CLAIM_BUCKETS];
}

static char *
copy_text(const PGresult *rows, int row, int column)
{
	if (PQgetisnull(rows, row, column))
		return NULL;
	return xstrndup(PQgetvalue(rows, row, column), (size_t) PQgetlength(rows, row, column));
}
