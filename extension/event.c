/*
 * event.c
 *		External events: df_raise_event, and how one reaches its waiter.
 *
 * An event travels through the inbox.  When an awaited expression has an open
 * waiter of its name, the lowest-numbered one gets it, and history records the
 * binding (EventRaised with the waiter's task number).  Otherwise it is buffered,
 * first in, first out, until a turn suspends on such a waiter.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "event.h"
#include "failure.h"
#include "fault.h"
#include "identity.h"
#include "instance.h"
#include "payload.h"
#include "registry.h"
#include "spi.h"
#include "wake.h"

static PgdfStatement buffer_statement = {
	"INSERT INTO df.buffered_events (instance_key, name, payload, raised_at) VALUES ($1, $2, $3, $4)",
	4, {INT8OID, TEXTOID, JSONOID, TIMESTAMPTZOID}
};

static PgdfStatement buffered_statement = {
	"SELECT event_seq, name, payload, raised_at FROM df.buffered_events"
	" WHERE instance_key = $1 ORDER BY event_seq",
	1, {INT8OID}
};

static PgdfStatement unbuffer_statement = {
	"DELETE FROM df.buffered_events WHERE instance_key = $1 AND event_seq = $2",
	2, {INT8OID, INT8OID}
};

static PgdfStatement event_id_statement = {
	"INSERT INTO df.event_ids (instance_key, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
	2, {INT8OID, TEXTOID}
};

PG_FUNCTION_INFO_V1(df_raise_event);

static bool bind_event(Instance *instance, const Delivery *delivery);
static bool raise_from_turn(FunctionCallInfo fcinfo);
static char *required_text(FunctionCallInfo fcinfo, int arg, const char *what);

/* ---------------------------------------------------------------- receiving */

void
pgdf_event_receive(Instance *instance, const Delivery *delivery)
{
	Datum		values[4] = {
		Int64GetDatum(instance->key), PointerGetDatum(delivery->name),
		PointerGetDatum(delivery->payload), TimestampTzGetDatum(delivery->time)
	};
	bool		nulls[4] = {false, false, delivery->payload == NULL, false};

	if (bind_event(instance, delivery))
		return;
	pgdf_spi_execute(&buffer_statement, values, nulls);
	instance->buffered_events++;
	instance->is_dirty = true;
}

void
pgdf_event_too_late(Instance *instance, const Delivery *delivery)
{
	MemoryContext caller = MemoryContextSwitchTo(instance->context);
	Event	   *event = pgdf_instance_add_event(instance, EVENT_EVENT_RAISED, delivery->time);

	event->name = DatumGetTextPCopy(PointerGetDatum(delivery->name));
	if (delivery->payload != NULL)
		event->payload = DatumGetTextPCopy(PointerGetDatum(delivery->payload));
	MemoryContextSwitchTo(caller);
}

void
pgdf_event_bind_buffered(Instance *instance)
{
	Datum		values[2] = {Int64GetDatum(instance->key)};
	SPITupleTable *rows;
	uint64		n;

	if (instance->buffered_events == 0 || instance->awaited == NULL ||
		instance->awaited->nwaiters == 0)
		return;
	n = pgdf_spi_execute(&buffered_statement, values, NULL);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < n && !pgdf_await_is_satisfied(instance->awaited); row++)
	{
		Delivery	delivery = {.type = EVENT_EVENT_RAISED};
		bool		isnull;

		SPI_tuptable = rows;
		values[1] = Int64GetDatum(pgdf_spi_int64(row, 1));
		delivery.name = pgdf_spi_text(row, 2, instance->context);
		delivery.payload = pgdf_spi_text(row, 3, instance->context);
		delivery.time = DatumGetTimestampTz(pgdf_spi_datum(row, 4, &isnull));
		if (!bind_event(instance, &delivery))
			continue;
		pgdf_spi_execute(&unbuffer_statement, values, NULL);
		instance->buffered_events--;
	}
}

/* False when nobody waits for it. */
static bool
bind_event(Instance *instance, const Delivery *delivery)
{
	Delivery	bound = *delivery;

	if (instance->awaited == NULL || pgdf_await_is_satisfied(instance->awaited))
		return false;
	bound.task_id = pgdf_await_take_waiter(instance->awaited, text_to_cstring(delivery->name));
	if (bound.task_id == 0)
		return false;
	if (bound.payload == NULL)
		bound.payload = cstring_to_text("null");
	instance->is_awaited_dirty = true;
	pgdf_instance_record_outcome(instance, &bound);
	return true;
}

/* ------------------------------------------------------------------ raising */

/*
 * df_raise_event(instance_id, event_name, payload, event_id): part of the
 * caller's transaction.  False when an event of that event_id was raised before.
 */
Datum
df_raise_event(PG_FUNCTION_ARGS)
{
	char	   *instance_id = required_text(fcinfo, 0, "instance ID");
	char	   *name = required_text(fcinfo, 1, "event name");
	text	   *payload = PG_ARGISNULL(2) ? NULL :
	pgdf_payload_from_jsonb_checked(PG_GETARG_JSONB_P(2), "event payload");
	char	   *event_id = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef target;
	bool		is_new;

	pgdf_check_name(name, "event name", PGDF_NAME_MAX);
	if (event_id != NULL && strlen(event_id) > PGDF_EVENT_ID_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event ID is too long"),
				 errdetail("It has %zu bytes, the limit is %d.", strlen(event_id), PGDF_EVENT_ID_MAX)));
	if (pgdf_turn_is_active())
		PG_RETURN_BOOL(raise_from_turn(fcinfo));

	pgdf_enter(&caller);
	SPI_connect();
	pgdf_instance_require(instance_id, role, &target);
	is_new = pgdf_event_note_id(target.instance_key, event_id);
	if (is_new && !pgdf_instance_will_be_live(&target))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("instance \"%s\" is final", instance_id),
				 errdetail("Its status is %s.", pgdf_status_name(target.status))));
	if (is_new)
	{
		pgdf_wake_workers();
		pgdf_inbox_insert(target.instance_key, EVENT_EVENT_RAISED, name, payload);
		PGDF_FAULT(raised);
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_new);
}

text *
pgdf_event_send(Engine *engine, const Instance *sender, const TaskOptions *options, text *payload)
{
	Failure		failure = {.error_type = "55000",.is_non_retriable = true};
	InstanceRef target;

	if (!pgdf_instance_find(options->instance_id, sender->owner, &target))
	{
		failure.error_type = "42704";
		failure.message = psprintf("instance \"%s\" does not exist", options->instance_id);
	}
	else if (!pgdf_instance_will_be_live(&target))
		failure.message = psprintf("instance \"%s\" is final", options->instance_id);
	else
	{
		if (pgdf_event_note_id(target.instance_key, options->event_id))
			pgdf_inbox_insert(target.instance_key, EVENT_EVENT_RAISED, options->event_name, payload);
		engine->sent++;
		engine->more = true;
		return NULL;
	}
	return pgdf_failure_to_json(&failure);
}

bool
pgdf_event_note_id(int64 instance_key, const char *event_id)
{
	Datum		values[2] = {Int64GetDatum(instance_key), (Datum) 0};

	if (event_id == NULL)
		return true;
	values[1] = CStringGetTextDatum(event_id);
	return pgdf_spi_execute(&event_id_statement, values, NULL) > 0;
}

/* Recorded the first time, and sent once, when the turn is committed. */
static bool
raise_from_turn(FunctionCallInfo fcinfo)
{
	Turn	   *turn = pgdf_turn_require("df_raise_event");
	MemoryContext caller = MemoryContextSwitchTo(turn->context);
	TaskOptions options = {0};

	options.instance_id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	options.event_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	options.event_id = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	MemoryContextSwitchTo(caller);
	(void) pgdf_turn_schedule(turn, TASK_SEND,
							  psprintf(PGDF_EVENT_PREFIX "%s to %s", options.event_name, options.instance_id),
							  PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), &options);
	return true;
}

static char *
required_text(FunctionCallInfo fcinfo, int arg, const char *what)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", what)));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}
