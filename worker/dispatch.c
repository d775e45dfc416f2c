/*
 * dispatch.c
 *		What to ask the database for, and when.
 *
 * Everything is decided in dispatch_step(), once a round of the loop, from the
 * flags in struct Dispatch; callbacks only set flags and lists.  So no call is
 * made from within another call's answer, and what gathers in a round goes out
 * together.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "http_wait.h"
#include "log.h"
#include "plugin.h"
#include "sd_notify.h"
#include "retention.h"
#include "sql_pool.h"
#include "worker.h"
#include "xalloc.h"

/* Instances that one call may advance; the engine has its own budgets besides. */
#define TURNS_PER_CALL			250

/*
 * When a call has left more and had turns of so many, a second one goes on beside the
 * next: what it would wait for is a processor, not a row.
 */
#define CROWD_TURNS				8
#define CALLS_FOR_CROWD			2

/* After an error: by this number the engine knows that it is to be careful. */
#define TURNS_PER_CAREFUL_CALL	1

/* What one call may carry; of so many instances, or the turns that they wake would not fit in. */
#define OUTCOMES_PER_CALL		1000
#define INSTANCES_PER_CALL		200
#define OUTCOME_BYTES_PER_CALL	(4 * 1024 * 1024)

/*
 * While a call is in flight, outcomes gather for the next one.  A second call
 * beside it pays when so many have gathered, or have waited so long.
 */
#define GATHER_COUNT			64
#define GATHER_MS				3

/* For a call that holds their instance they wait longer; but it may be stuck. */
#define SAME_INSTANCE_MS		1000

/* After a full batch and then nothing: look again every ms for so long before idling. */
#define LINGER_US				20000
#define LINGER_POLL_MS			1

/* Asleep: look around by oneself, although a NOTIFY would come; and when a producer is in flight. */
#define SLEEP_MS				5000
#define PRODUCER_POLL_MS		20

/* Nobody can wake us through a pooler. */
#define POOLED_POLL_MS			250

/* Busy for so long: producers need not notify us. */
#define KEEP_IDLE_LOCK_US		10000

/* After a row was locked by somebody else. */
#define PARK_BASE_MS			5
#define PARK_CAP_MS				500

/* The outcomes of a careful call double with every one that works, to so many. */
#define FULL_TRUST				64

#define ERROR_BASE_MS			50
#define ERROR_CAP_MS			5000

/* An outcome that the server has refused three times (ten, for internal errors) is replaced. */
#define REFUSAL_LIMIT			10

/* Shutdown: how long stopped activities may take to end, and the database to answer. */
#define STOP_GRACE_MS			3000
#define LEAVE_GRACE_MS			5000

#define REPORT_INTERVAL_MS		60000

static void add_fences(PgArray *fences, const OutcomeList *outcomes);
static bool may_call(const Worker *w);
static bool make_call(Worker *w);
static bool outcomes_are_due(Worker *w);
static int64_t instance_wait_ms(const Worker *w);
static bool linger(Worker *w);
static void call_work(Worker *w);
static int	outcomes_for_call(const OutcomeList *outcomes);
static bool is_divided(const Worker *w, const OutcomeList *batch);
static void call_idle(Worker *w);
static void call_careful(Worker *w);
static int	room_for_call(const Worker *w);
static void replace_refused(Worker *w);
static void after_good_call(Worker *w, const CallReport *report);
static void after_busy_call(Worker *w, const CallReport *report);
static void after_empty_call(Worker *w, const CallReport *report);
static void after_failed_call(Worker *w, const CallReport *report);
static void sleep_until_due(Worker *w, const CallReport *report);
static void poll_due(Worker *w, void *arg);
static void gather_due(Worker *w, void *arg);
static void parked_due(Worker *w, void *arg);
static void error_pause_over(Worker *w, void *arg);
static void drain_step(Worker *w);
static void drain_due(Worker *w, void *arg);
static void leave(Worker *w);
static void report_due(Worker *w, void *arg);

void
dispatch_init(Worker *w)
{
	Dispatch   *dispatch = xcalloc(1, sizeof(Dispatch));

	w->dispatch = dispatch;
	backoff_init(&dispatch->parked_backoff, PARK_BASE_MS, PARK_CAP_MS);
	backoff_init(&dispatch->error_backoff, ERROR_BASE_MS, ERROR_CAP_MS);
	engine_init(w);
	session_init(w);
	sql_pool_init(w);
	retention_init(w);
	timer_start(w, &dispatch->report_timer, REPORT_INTERVAL_MS, report_due, NULL);
}

void
dispatch_free(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;

	if (dispatch == NULL)
		return;
	retention_free(w);
	sql_pool_free(w);
	session_free(w);
	engine_free(w);
	claims_free(w);
	timer_stop(w, &dispatch->parked_timer);
	timer_stop(w, &dispatch->poll_timer);
	timer_stop(w, &dispatch->gather_timer);
	timer_stop(w, &dispatch->error_timer);
	timer_stop(w, &dispatch->drain_timer);
	timer_stop(w, &dispatch->report_timer);
	outcomes_free(&dispatch->outcomes);
	outcomes_free(&dispatch->parked);
	free(dispatch);
	w->dispatch = NULL;
}

void
dispatch_step(Worker *w)
{
	while (may_call(w) && make_call(w))
		;
	if (w->phase == WORKER_DRAINING)
		drain_step(w);
	session_step(w);
}

void
dispatch_settings_changed(Worker *w)
{
	engine_settings_changed(w);
	session_refresh(w);
	dispatch_chance(w);
}

void
dispatch_drain(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;

	if (dispatch->drain_stage == DRAIN_NONE)
	{
		dispatch->drain_stage = DRAIN_WAITING;
		session_want_idle(w, false);
		sql_pool_drain(w);
		plugins_drain(w);
		timer_start(w, &dispatch->drain_timer, w->config.drain_ms, drain_due, NULL);
	}
	else if (dispatch->drain_stage == DRAIN_WAITING)
		drain_due(w, NULL);
}

void
dispatch_chance(Worker *w)
{
	w->dispatch->has_chance = true;
}

void
dispatch_claims_lost(Worker *w)
{
	claims_stop_all(w, STOP_VOID);
}

void
dispatch_held_fences(const Worker *w, PgArray *fences)
{
	const Dispatch *dispatch = w->dispatch;

	pgarray_begin(fences, PG_INT8_OID);
	for (int i = 0; i < CLAIM_BUCKETS; i++)
	{
		for (const Claim *claim = dispatch->claims.buckets[i]; claim != NULL; claim = claim->next)
			pgarray_add_int8(fences, claim->key.fence);
	}
	add_fences(fences, &dispatch->outcomes);
	add_fences(fences, &dispatch->parked);
	for (int i = 0; i < dispatch->engine.count; i++)
		add_fences(fences, &dispatch->engine.conns[i].sent);
	pgarray_finish(fences);
}

void
dispatch_idle_begun(Worker *w)
{
	w->dispatch->is_scan_due = true;
}

void
dispatch_outcome(Worker *w, Outcome *outcome)
{
	outcomes_push(&w->dispatch->outcomes, outcome);
}

void
dispatch_withdraw(Worker *w, const TaskKey *key)
{
	outcomes_forget(&w->dispatch->outcomes, key, 0);
	outcomes_forget(&w->dispatch->parked, key, 0);
}

void
dispatch_withdraw_progress(Worker *w, const TaskKey *key)
{
	outcomes_forget(&w->dispatch->outcomes, key, OUTCOME_PROGRESS);
	outcomes_forget(&w->dispatch->parked, key, OUTCOME_PROGRESS);
}

void
dispatch_park(Worker *w, Outcome *outcome)
{
	Dispatch   *dispatch = w->dispatch;

	outcomes_push(&dispatch->parked, outcome);
	if (!timer_is_running(&dispatch->parked_timer))
		timer_start(w, &dispatch->parked_timer, backoff_next(&dispatch->parked_backoff, loop_now_us(w)),
					parked_due, NULL);
}

void
dispatch_call_done(Worker *w, EngineConn *conn, const CallReport *report)
{
	w->dispatch->totals.calls++;
	histogram_add(&w->dispatch->totals.call_times, loop_now_us(w) - conn->sent_us);
	if (conn->room > 0)
		w->dispatch->has_backlog = report->claimed >= conn->room;
	if (report->is_ok)
		after_good_call(w, report);
	else
		after_failed_call(w, report);
}

static void
add_fences(PgArray *fences, const OutcomeList *outcomes)
{
	for (const Outcome *outcome = outcomes->head; outcome != NULL; outcome = outcome->next)
		pgarray_add_int8(fences, outcome->key.fence);
}

static bool
may_call(const Worker *w)
{
	const Dispatch *dispatch = w->dispatch;

	return dispatch->session.is_attached && !timer_is_running(&dispatch->error_timer) &&
		dispatch->drain_stage != DRAIN_LEAVING && engine_free_count(w) > 0;
}

/* Make the most useful call; false: there is none to be made now. */
static bool
make_call(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;

	if (dispatch->trust > 0)
	{
		/* one thing at a time, until it is known what the server cannot do */
		bool		has_chance = dispatch->has_chance && w->phase == WORKER_RUNNING;

		if (dispatch->engine.calls > 0 || (dispatch->outcomes.count == 0 && !has_chance))
			return false;
		call_careful(w);
		return true;
	}
	if (outcomes_are_due(w))
	{
		call_work(w);
		return true;
	}
	if (w->phase != WORKER_RUNNING)
		return false;
	if (dispatch->has_more || (dispatch->has_chance && dispatch->engine.calls == 0) ||
		(dispatch->has_crowd && dispatch->engine.calls < CALLS_FOR_CROWD))
	{
		call_work(w);
		return true;
	}
	if (dispatch->engine.calls > 0 || dispatch->outcomes.count > 0 || linger(w))
		return false;

	/* nothing to do: idle, and look around once more when that is known to the producers */
	session_want_idle(w, session_can_idle(w));
	if (session_is_idle(w) && dispatch->is_scan_due)
	{
		call_idle(w);
		return true;
	}
	if (!session_can_idle(w) && !timer_is_running(&dispatch->poll_timer))
		timer_start(w, &dispatch->poll_timer, PRODUCER_POLL_MS, poll_due, NULL);
	return false;
}

static bool
outcomes_are_due(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;
	int64_t		wait_ms;

	if (dispatch->outcomes.count == 0)
		return false;
	wait_ms = instance_wait_ms(w);
	if (wait_ms == 0)
	{
		if (dispatch->engine.calls == 0 || dispatch->outcomes.count >= GATHER_COUNT)
			return true;
		wait_ms = GATHER_MS - (loop_now_us(w) - dispatch->outcomes.head->made_us) / 1000;
		if (wait_ms <= 0)
			return true;
	}
	timer_start(w, &dispatch->gather_timer, wait_ms, gather_due, NULL);
	return false;
}

/*
 * Outcomes of one instance that a call in flight holds: a second call would only
 * leave them in the inbox, to be read again.  How long they are to wait for it; 0: no longer.
 */
static int64_t
instance_wait_ms(const Worker *w)
{
	const OutcomeList *outcomes = &w->dispatch->outcomes;
	int64_t		held_ms;

	if (outcomes->head == NULL || outcomes->is_mixed)
		return 0;
	held_ms = engine_recording_ms(w, outcomes->head->key.instance_key);
	return held_ms < 0 || held_ms >= SAME_INSTANCE_MS ? 0 : SAME_INSTANCE_MS - held_ms;
}

/* True while the worker keeps looking instead of idling. */
static bool
linger(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;

	if (dispatch->linger_until_us == 0)
		return false;
	if (loop_now_us(w) >= dispatch->linger_until_us)
	{
		dispatch->linger_until_us = 0;
		return false;
	}
	if (!timer_is_running(&dispatch->poll_timer))
		timer_start(w, &dispatch->poll_timer, LINGER_POLL_MS, poll_due, NULL);
	return true;
}

/* Record, advance, claim; or these in two calls side by side. */
static void
call_work(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;
	bool		is_running = w->phase == WORKER_RUNNING;
	OutcomeList batch = {0};
	bool		claims_apart;

	if (instance_wait_ms(w) == 0)
		outcomes_take(&dispatch->outcomes, outcomes_for_call(&dispatch->outcomes), OUTCOME_BYTES_PER_CALL, &batch);
	claims_apart = is_running && is_divided(w, &batch);
	dispatch->has_chance = false;
	dispatch->has_more = claims_apart;	/* the next call is for them */
	timer_stop(w, &dispatch->poll_timer);
	engine_call(engine_free_conn(w), CALL_WORK, is_running && !claims_apart ? room_for_call(w) : 0,
				is_running ? TURNS_PER_CALL : 0, &batch);
}

/* An instance whose outcomes do not follow each other counts as several. */
static int
outcomes_for_call(const OutcomeList *outcomes)
{
	int			ninstances = 0;
	int			count = 0;
	int64_t		last_key = 0;

	for (const Outcome *outcome = outcomes->head; outcome != NULL && count < OUTCOMES_PER_CALL; outcome = outcome->next)
	{
		if (outcome->key.instance_key != last_key && ++ninstances > INSTANCES_PER_CALL)
			break;
		last_key = outcome->key.instance_key;
		count++;
	}
	return count;
}

/*
 * A part of a large fan-out: to record it and to claim the next part take about as
 * long, and need not wait for each other.
 */
static bool
is_divided(const Worker *w, const OutcomeList *batch)
{
	return w->dispatch->has_backlog && batch->count >= GATHER_COUNT && !batch->is_mixed &&
		engine_free_count(w) > 1 && room_for_call(w) > 0;
}

static void
call_idle(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;
	OutcomeList none = {0};

	dispatch->is_scan_due = false;
	timer_stop(w, &dispatch->poll_timer);
	engine_call(engine_free_conn(w), CALL_IDLE, room_for_call(w), TURNS_PER_CALL, &none);
}

/*
 * After an error: few outcomes and one instance, or one instance and claims.
 * With one turn the engine contains what a turn does wrong, so a call that raises
 * an error all the same does it because of its outcomes.
 */
static void
call_careful(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;
	bool		is_running = w->phase == WORKER_RUNNING;
	OutcomeList batch = {0};

	replace_refused(w);
	outcomes_take(&dispatch->outcomes, dispatch->trust, OUTCOME_BYTES_PER_CALL, &batch);
	dispatch->has_chance = false;
	engine_call(engine_free_conn(w), CALL_WORK, is_running && batch.count == 0 ? room_for_call(w) : 0,
				is_running ? TURNS_PER_CAREFUL_CALL : 0, &batch);
}

/*
 * Free places.  One call at a time may fill them all: two claimers would only meet at the same
 * tasks.  But of a crowd each call makes tasks, which it hands out itself if it has places.
 */
static int
room_for_call(const Worker *w)
{
	const Dispatch *dispatch = w->dispatch;
	int			room = w->config.max_activities - dispatch->claims.count - dispatch->engine.room_reserved -
		dispatch->outcomes.count;
	int			share = w->config.max_activities / CALLS_FOR_CROWD;

	if (dispatch->has_crowd && room > share)
		room = share;
	return room > 0 ? room : 0;
}

/*
 * The first outcome alone was refused again and again, for no reason of the
 * system's making.  Tell so instead; if that is refused as well, give it back.
 */
static void
replace_refused(Worker *w)
{
	static const char details[] = "{\"errorType\":\"InvalidResult\",\"errorMessage\":\"result could not be recorded\","
		"\"stackTrace\":null,\"innerFailure\":null,\"isNonRetriable\":false,\"properties\":null}";
	Outcome    *outcome = w->dispatch->outcomes.head;

	if (outcome == NULL || outcome->refusals < REFUSAL_LIMIT)
		return;
	if (outcome->what == OUTCOME_PROGRESS)
	{
		OutcomeList one = {0};

		/* the activity still runs, and does not depend on it */
		outcomes_take(&w->dispatch->outcomes, 1, SIZE_MAX, &one);
		outcomes_free(&one);
		return;
	}
	log_warning("result of task %d could not be recorded, recording a failure", outcome->key.task_id);
	free(outcome->payload);
	outcome->payload = NULL;
	outcome->length = 0;
	outcome->refusals = 0;
	if (outcome->what == OUTCOME_COMPLETED || outcome->what == OUTCOME_POSTPONED)
	{
		outcome->what = OUTCOME_FAILED;
		outcome->payload = xstrdup(details);
		outcome->length = strlen(details);
	}
	else
		outcome->what = OUTCOME_RETURNED;
}

static void
after_good_call(Worker *w, const CallReport *report)
{
	Dispatch   *dispatch = w->dispatch;

	backoff_reset(&dispatch->error_backoff);
	if (dispatch->trust > 0)
	{
		dispatch->trust *= 2;
		if (dispatch->trust > FULL_TRUST)
			dispatch->trust = 0;
		dispatch->has_chance = true;
	}
	dispatch->claimed += report->claimed;
	dispatch->totals.recorded += report->recorded;
	dispatch->totals.turns += report->turns;
	if (report->turns > 0)
		http_waits_hint(w);
	if (report->surplus)
		session_want_wake(w);
	if (report->claimed > 0 || report->recorded > 0 || report->turns > 0)
		after_busy_call(w, report);
	else
		after_empty_call(w, report);
}

static void
after_busy_call(Worker *w, const CallReport *report)
{
	Dispatch   *dispatch = w->dispatch;

	dispatch->has_chance = true;
	dispatch->has_more = report->more;
	dispatch->has_crowd = report->more && report->turns >= CROWD_TURNS;
	dispatch->empty_more = 0;
	dispatch->was_full = report->is_full;
	dispatch->linger_until_us = 0;
	backoff_reset(&dispatch->parked_backoff);
	if (dispatch->busy_since_us == 0)
		dispatch->busy_since_us = loop_now_us(w);
	else if (loop_now_us(w) - dispatch->busy_since_us > KEEP_IDLE_LOCK_US)
		session_want_idle(w, false);
}

static void
after_empty_call(Worker *w, const CallReport *report)
{
	Dispatch   *dispatch = w->dispatch;

	dispatch->has_crowd = false;
	if (report->more)
	{
		/* what is ready is locked by somebody else, who is at it */
		int			delay_ms = dispatch->empty_more < PRODUCER_POLL_MS ? dispatch->empty_more : PRODUCER_POLL_MS;

		dispatch->empty_more++;
		dispatch->linger_until_us = loop_now_us(w) + (delay_ms + 1) * 1000;
		timer_start(w, &dispatch->poll_timer, delay_ms, poll_due, NULL);
		return;
	}
	dispatch->empty_more = 0;
	if (report->mode == CALL_IDLE)
		sleep_until_due(w, report);
	else if (dispatch->was_full && !session_is_idle(w))
	{
		dispatch->linger_until_us = loop_now_us(w) + LINGER_US;
		dispatch->was_full = false;
	}
	else
		dispatch->is_scan_due = true;	/* when the idle lock is held still */
}

/* Nothing of it happened, or nobody knows: its outcomes are in the list again. */
static void
after_failed_call(Worker *w, const CallReport *report)
{
	Dispatch   *dispatch = w->dispatch;

	dispatch->totals.failed_calls++;
	dispatch->has_crowd = false;
	dispatch->has_chance = true;
	dispatch->is_scan_due = true;
	if (!report->is_answered)
		return;					/* the connection has a back-off of its own */
	dispatch->trust = 1;
	timer_start(w, &dispatch->error_timer, backoff_next(&dispatch->error_backoff, loop_now_us(w)),
				error_pause_over, NULL);
	/* was it because our session is gone? */
	session_want_sweep(w);
}

static void
sleep_until_due(Worker *w, const CallReport *report)
{
	Dispatch   *dispatch = w->dispatch;
	int64_t		delay_ms = report->quiet ? SLEEP_MS : PRODUCER_POLL_MS;

	if (session_is_pooled(w))
		delay_ms = POOLED_POLL_MS;

	if (report->next_due_ms >= 0 && report->next_due_ms < delay_ms)
		delay_ms = report->next_due_ms;
	if (report->quiet)
		dispatch->busy_since_us = 0;
	timer_start(w, &dispatch->poll_timer, delay_ms, poll_due, NULL);
}

static void
poll_due(Worker *w, void *arg)
{
	Dispatch   *dispatch = w->dispatch;

	if (session_is_idle(w) && dispatch->linger_until_us == 0)
		dispatch->is_scan_due = true;
	else
		dispatch->has_chance = true;
}

static void
gather_due(Worker *w, void *arg)
{
	/* dispatch_step() looks at the outcomes again */
}

static void
parked_due(Worker *w, void *arg)
{
	outcomes_append(&w->dispatch->outcomes, &w->dispatch->parked);
}

static void
error_pause_over(Worker *w, void *arg)
{
	w->dispatch->has_chance = true;
}

/* Go when nothing runs and everything is recorded. */
static void
drain_step(Worker *w)
{
	Dispatch   *dispatch = w->dispatch;
	bool		is_empty = dispatch->claims.count == 0 && dispatch->outcomes.count == 0 &&
		dispatch->parked.count == 0 && dispatch->engine.calls == 0;

	if (dispatch->drain_stage == DRAIN_LEAVING)
	{
		if (dispatch->session.is_detached)
			leave(w);
		return;
	}
	if (!is_empty)
		return;
	if (!dispatch->session.is_attached)
	{
		/* there is nothing to tell the database, and no connection to say it on */
		leave(w);
		return;
	}
	dispatch->drain_stage = DRAIN_LEAVING;
	timer_start(w, &dispatch->drain_timer, LEAVE_GRACE_MS, drain_due, NULL);
	session_want_detach(w);
}

static void
drain_due(Worker *w, void *arg)
{
	Dispatch   *dispatch = w->dispatch;

	switch (dispatch->drain_stage)
	{
		case DRAIN_NONE:
			break;
		case DRAIN_WAITING:
			if (dispatch->claims.count > 0)
				log_info("stopping %d running activities", dispatch->claims.count);
			dispatch->drain_stage = DRAIN_STOPPING;
			claims_stop_all(w, STOP_SHUTDOWN);
			timer_start(w, &dispatch->drain_timer, STOP_GRACE_MS, drain_due, NULL);
			break;
		case DRAIN_STOPPING:
			if (dispatch->outcomes.count + dispatch->parked.count + dispatch->engine.calls > 0)
			{
				log_warning("could not record %d results, their activities will be run again",
							dispatch->outcomes.count + dispatch->parked.count);
				w->exit_code = EXIT_RUNTIME;
			}
			dispatch->drain_stage = DRAIN_LEAVING;
			timer_start(w, &dispatch->drain_timer, LEAVE_GRACE_MS, drain_due, NULL);
			session_want_detach(w);
			break;
		case DRAIN_LEAVING:
			log_warning("could not end the session in the database in time");
			w->exit_code = EXIT_RUNTIME;
			leave(w);
			break;
	}
}

static void
leave(Worker *w)
{
	w->phase = WORKER_STOPPED;
}

static void
report_due(Worker *w, void *arg)
{
	Dispatch   *dispatch = w->dispatch;
	Claims	   *claims = &dispatch->claims;

	timer_start(w, &dispatch->report_timer, REPORT_INTERVAL_MS, report_due, NULL);
	if (dispatch->claimed + claims->completed + claims->failed + dispatch->fenced == 0)
		return;
	log_info("last minute: claimed %lld tasks, completed %lld, failed %lld, dropped %lld late results; %d running",
			 (long long) dispatch->claimed, (long long) claims->completed, (long long) claims->failed,
			 (long long) dispatch->fenced, claims->count);
	dispatch->totals.claimed += dispatch->claimed;
	dispatch->totals.completed += claims->completed;
	dispatch->totals.failed += claims->failed;
	dispatch->totals.fenced += dispatch->fenced;
	dispatch->claimed = claims->completed = claims->failed = dispatch->fenced = 0;
}
