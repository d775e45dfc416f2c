/*
 * instance.c
 *		Life of an instance: statuses, start, purge.
 *
 * Only this file inserts into df.instance_state and deletes from it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "child_retry.h"
#include "compat.h"
#include "engine.h"
#include "failure.h"
#include "fault.h"
#include "history.h"
#include "home.h"
#include "identity.h"
#include "instance.h"
#include "payload.h"
#include "registry.h"
#include "row.h"
#include "spi.h"
#include "wake.h"

/* Characters that ids of Durable Functions may not have; they would need escapes in a URL. */
#define ID_REFUSED_CHARACTERS	"/\\#?"
#define ID_REFUSED_FIRST		'@'

/* Final statuses, for SQL. */
#define FINAL_STATUSES			"(1, 3, 4, 5)"

static const char *const status_names[] = {
	[STATUS_RUNNING] = "Running",
	[STATUS_COMPLETED] = "Completed",
	[STATUS_CONTINUED_AS_NEW] = "ContinuedAsNew",
	[STATUS_FAILED] = "Failed",
	[STATUS_CANCELED] = "Canceled",
	[STATUS_TERMINATED] = "Terminated",
	[STATUS_PENDING] = "Pending",
	[STATUS_SUSPENDED] = "Suspended",
};

/* What may follow what.  Continue-as-new begins another execution; the status stays. */
static const struct StatusEdge
{
	InstanceStatus from;
	InstanceStatus to;
	const char *cause;
}			status_edges[] = {
	{STATUS_PENDING, STATUS_RUNNING, "first turn"},
	{STATUS_PENDING, STATUS_SUSPENDED, "df_suspend"},
	{STATUS_PENDING, STATUS_TERMINATED, "df_terminate"},
	{STATUS_RUNNING, STATUS_COMPLETED, "orchestrator returned"},
	{STATUS_RUNNING, STATUS_FAILED, "orchestrator raised"},
	{STATUS_RUNNING, STATUS_SUSPENDED, "df_suspend"},
	{STATUS_RUNNING, STATUS_TERMINATED, "df_terminate"},
	{STATUS_SUSPENDED, STATUS_PENDING, "df_resume before the first turn"},
	{STATUS_SUSPENDED, STATUS_RUNNING, "df_resume"},
	{STATUS_SUSPENDED, STATUS_TERMINATED, "df_terminate"},
	{STATUS_FAILED, STATUS_RUNNING, "df_rewind"},
	{STATUS_COMPLETED, STATUS_PENDING, "df_restart"},
	{STATUS_FAILED, STATUS_PENDING, "df_restart"},
	{STATUS_CANCELED, STATUS_PENDING, "df_restart"},
	{STATUS_TERMINATED, STATUS_PENDING, "df_restart"},
};

static const char *const instance_columns[] = {
	"instance_key", "execution", "instance_id", "run_id", "name", "version", "owner",
	"status", "parent_instance_key", "parent_execution", "parent_task_id", "root_instance_key",
	"tags", "priority", "queue", "created_at", "last_updated_at", "scheduled_start_at", "input"
};

#define INSERT_INSTANCE \
	"INSERT INTO df.instance_state (instance_key, execution, instance_id, run_id, name, version, owner," \
	" status, parent_instance_key, parent_execution, parent_task_id, root_instance_key," \
	" tags, priority, queue, created_at, last_updated_at, scheduled_start_at, input)" \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
#define INSERT_INSTANCE_NARGS 19
#define INSERT_INSTANCE_ARGTYPES \
	{INT8OID, INT4OID, TEXTOID, UUIDOID, TEXTOID, TEXTOID, REGROLEOID, INT2OID, INT8OID, INT4OID, \
	INT4OID, INT8OID, JSONBOID, INT4OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, JSONOID}

StaticAssertDecl(lengthof(instance_columns) == INSERT_INSTANCE_NARGS, "one value for each column");

static PgdfRowTable instance_table = {"instance_state", instance_columns, lengthof(instance_columns)};

/* For an id that is free: one that we have made, for it is random; one that we have freed. */
static PgdfStatement insert_free_stmt = {
	.sql = INSERT_INSTANCE,
	.nargs = INSERT_INSTANCE_NARGS,
	.argtypes = INSERT_INSTANCE_ARGTYPES
};

/* For an id that the caller has chosen. */
static PgdfStatement insert_stmt = {
	.sql = INSERT_INSTANCE " ON CONFLICT (instance_id) DO NOTHING",
	.nargs = INSERT_INSTANCE_NARGS,
	.argtypes = INSERT_INSTANCE_ARGTYPES
};

static PgdfStatement insert_timer_stmt = {
	.sql = "INSERT INTO df.timers (instance_key, task_id, execution, fire_at) VALUES ($1, 0, $2, $3)",
	.nargs = 3,
	.argtypes = {INT8OID, INT4OID, TIMESTAMPTZOID}
};

static PgdfStatement find_stmt = {
	.sql = "SELECT instance_key, owner, status, xmin FROM df.instance_state"
	" WHERE instance_id OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static PgdfStatement identity_stmt = {
	.sql = "SELECT instance_id, execution FROM df.instance_state"
	" WHERE instance_key OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {INT8OID}
};

static PgdfStatement parse_request_stmt = {
	.sql = "SELECT $1 OPERATOR(pg_catalog.->>) 'name',"
	" $1 OPERATOR(pg_catalog.->>) 'instance_id',"
	" $1 OPERATOR(pg_catalog.->>) 'version',"
	" $1 OPERATOR(pg_catalog.->>) 'queue',"
	" ($1 OPERATOR(pg_catalog.->>) 'priority')::pg_catalog.int4,"
	" ($1 OPERATOR(pg_catalog.->>) 'start_at')::pg_catalog.timestamptz,"
	" nullif(($1 OPERATOR(pg_catalog.->) 'tags')::pg_catalog.jsonb, 'null'),"
	" pg_catalog.to_regrole($1 OPERATOR(pg_catalog.->>) 'owner'),"
	" ($1 OPERATOR(pg_catalog.->) 'input')::pg_catalog.text",
	.nargs = 1,
	.argtypes = {JSONOID}
};

static PgdfStatement final_tree_stmt = {
	.sql = "WITH RECURSIVE tree AS ("
	" SELECT instance_key FROM df.instance_state"
	" WHERE instance_key OPERATOR(pg_catalog.=) $1 AND status IN " FINAL_STATUSES
	" UNION ALL"
	" SELECT child.instance_key FROM tree JOIN df.instance_state AS child"
	" ON child.parent_instance_key OPERATOR(pg_catalog.=) tree.instance_key"
	" WHERE child.status IN " FINAL_STATUSES ")"
	" SELECT pg_catalog.array_agg(instance_key) FROM tree",
	.nargs = 1,
	.argtypes = {INT8OID}
};

/* $2: the root; without it nothing is to be deleted. */
#define LOCK_FINAL(locking) \
	{ \
		.sql = "WITH locked AS MATERIALIZED (" \
		" SELECT instance_key FROM df.instance_state" \
		" WHERE instance_key OPERATOR(pg_catalog.=) ANY ($1) AND status IN " FINAL_STATUSES \
		" ORDER BY instance_key " locking ")" \
		" SELECT pg_catalog.array_agg(instance_key), pg_catalog.count(*) FROM locked" \
		" HAVING pg_catalog.bool_or(instance_key OPERATOR(pg_catalog.=) $2)", \
		.nargs = 2, \
		.argtypes = {INT8ARRAYOID, INT8OID} \
	}

static PgdfStatement lock_final_stmt = LOCK_FINAL("FOR UPDATE");
static PgdfStatement lock_final_unlocked_stmt = LOCK_FINAL("FOR UPDATE SKIP LOCKED");

#define DELETE_FROM(table) \
	{ \
		.sql = "DELETE FROM df." table " WHERE instance_key OPERATOR(pg_catalog.=) ANY ($1)", \
		.nargs = 1, \
		.argtypes = {INT8ARRAYOID} \
	}

/* The inbox comes first: see DeleteExtent. */
static PgdfStatement delete_stmts[] = {
	DELETE_FROM("inbox"),
	DELETE_FROM("timers"),
	DELETE_FROM("tasks"),		/* waits for who is writing results */
	DELETE_FROM("history"),
	DELETE_FROM("buffered_events"),
	DELETE_FROM("event_ids"),
	DELETE_FROM("instance_state"),
};

/* Not in a database that was not updated to 1.1. */
static PgdfStatement delete_maps_stmts[] = {
	DELETE_FROM("maps"),
	DELETE_FROM("map_inputs"),
	DELETE_FROM("map_results"),
};

/* How much of an instance goes: from which of delete_stmts on. */
typedef enum DeleteExtent
{
	DELETE_ALL = 0,
	DELETE_ALL_BUT_INBOX = 1
} DeleteExtent;

/* Under which name an instance begins. */
typedef struct NewInstance
{
	int64		instance_key;
	int			execution;
	const char *instance_id;
	bool		is_free;		/* nobody can have taken the id */
} NewInstance;

uint64		pgdf_purges = 0;

static text *try_request(int64 replaced_key, const StartRequest *request);
static void check_request(const StartRequest *request);
static void check_instance_id(const char *instance_id);
static Registration *find_orchestrator(const char *name, const char *version);
static bool insert_instance(const NewInstance *new, const StartRequest *request,
							const Registration *registration);
static void insert_first_wake(const NewInstance *new, const StartRequest *request,
							  const Registration *registration, TimestampTz now);
static bool keep_existing(const StartRequest *request, const char *instance_id);
static void request_replacement(int64 instance_key, const StartRequest *request,
								const char *instance_id);
static text *start_request_to_json(const StartRequest *request, const char *instance_id);
static void append_string(StringInfo buf, const char *key, const char *value);
static bool find_instance(const char *instance_id, InstanceRef *ref);
static Datum one_key(int64 instance_key);
static void delete_rows(Datum keys, DeleteExtent extent);
static void random_bytes(void *buffer, size_t length);

/* ----------------------------------------------------------------- statuses */

const char *
pgdf_status_name(InstanceStatus status)
{
	if ((int) status < 0 || (size_t) status >= lengthof(status_names))
		elog(ERROR, "unexpected status %d", (int) status);
	return status_names[status];
}

bool
pgdf_status_parse(const char *name, InstanceStatus *status)
{
	for (size_t i = 0; i < lengthof(status_names); i++)
	{
		if (pg_strcasecmp(name, status_names[i]) == 0)
		{
			*status = (InstanceStatus) i;
			return true;
		}
	}
	return false;
}

bool
pgdf_status_is_final(InstanceStatus status)
{
	switch (status)
	{
		case STATUS_COMPLETED:
		case STATUS_FAILED:
		case STATUS_CANCELED:
		case STATUS_TERMINATED:
			return true;
		case STATUS_RUNNING:
		case STATUS_CONTINUED_AS_NEW:
		case STATUS_PENDING:
		case STATUS_SUSPENDED:
			return false;
	}
	return false;
}

void
pgdf_status_check_transition(InstanceStatus from, InstanceStatus to)
{
	for (size_t i = 0; i < lengthof(status_edges); i++)
	{
		if (status_edges[i].from == from && status_edges[i].to == to)
			return;
	}
	elog(ERROR, "an instance cannot go from status %s to %s",
		 pgdf_status_name(from), pgdf_status_name(to));
}

/* -------------------------------------------------------------------- start */

/*
 * The loop ends: an id that is taken is either kept, or refused, or freed by
 * deleting a final instance; going round again means that somebody else has freed
 * it just now.
 *
 * An id that was asked for is looked up first: an INSERT would wait for an engine
 * call that is writing to the instance of that id, and with the snapshot of a
 * REPEATABLE READ transaction it cannot tell an id that was taken later from a
 * conflict, and raises 40001.  What remains is the conflict with an instance that
 * is not committed, or is final but not to be seen.
 */
char *
pgdf_instance_start(const StartRequest *request)
{
	Registration *registration;
	char	   *instance_id;

	check_request(request);
	registration = find_orchestrator(request->name, request->version);
	(void) pgdf_registry_resolve(registration, request->owner);

	instance_id = request->instance_id != NULL ? pstrdup(request->instance_id) : pgdf_random_id();
	if (request->instance_id != NULL && keep_existing(request, instance_id))
		return instance_id;

	pgdf_wake_workers();
	for (;;)
	{
		NewInstance new = {
			.instance_key = pgdf_sequence_next("instance_key_seq"),
			.instance_id = instance_id,
			.is_free = request->instance_id == NULL,
		};

		if (insert_instance(&new, request, registration) || keep_existing(request, instance_id))
		{
			PGDF_FAULT(started);
			return instance_id;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

void
pgdf_instance_replace(int64 instance_key, const StartRequest *request)
{
	Registration *registration = find_orchestrator(request->name, request->version);
	Datum		key = Int64GetDatum(instance_key);
	NewInstance new = {.instance_key = instance_key, .is_free = true};

	(void) pgdf_registry_resolve(registration, request->owner);
	if (pgdf_spi_execute(&identity_stmt, &key, NULL) == 0)
		elog(ERROR, "instance with key " INT64_FORMAT " does not exist", instance_key);
	new.instance_id = pgdf_spi_cstring(0, 1);
	new.execution = pgdf_spi_int32(0, 2) + 1;

	delete_rows(one_key(instance_key), DELETE_ALL_BUT_INBOX);
	(void) insert_instance(&new, request, registration);
}

text *
pgdf_instance_try_start(const StartRequest *request)
{
	return try_request(0, request);
}

text *
pgdf_instance_try_replace(int64 instance_key, const StartRequest *request)
{
	return try_request(instance_key, request);
}

void
pgdf_start_request_parse(text *payload, StartRequest *request)
{
	Datum		value = PointerGetDatum(payload);
	bool		isnull;

	memset(request, 0, sizeof(*request));
	(void) pgdf_spi_execute(&parse_request_stmt, &value, NULL);
	request->name = pgdf_spi_cstring(0, 1);
	request->instance_id = pgdf_spi_cstring(0, 2);
	request->version = pgdf_spi_cstring(0, 3);
	request->queue = pgdf_spi_cstring(0, 4);
	request->priority = pgdf_spi_int32(0, 5);
	value = pgdf_spi_datum(0, 6, &isnull);
	request->has_start_at = !isnull;
	request->start_at = isnull ? 0 : DatumGetTimestampTz(value);
	value = pgdf_spi_datum(0, 7, &isnull);
	request->tags = isnull ? NULL : DatumGetJsonbPCopy(value);
	value = pgdf_spi_datum(0, 8, &isnull);
	request->owner = isnull ? InvalidOid : DatumGetObjectId(value);
	request->input = pgdf_spi_text(0, 9, CurrentMemoryContext);
	request->if_exists = IF_EXISTS_REPLACE;
}

/* replaced_key 0: start. */
static text *
try_request(int64 replaced_key, const StartRequest *request)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;
	text	   *volatile failure = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		if (!OidIsValid(request->owner))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("role that asked for the start does not exist")));
		if (replaced_key != 0)
			pgdf_instance_replace(replaced_key, request);
		else
			(void) pgdf_instance_start(request);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (pgdf_error_is_transient(error))
			ReThrowError(error);
		failure = pgdf_failure_from_error(error, NULL);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = resource_owner;
	return failure;
}

static void
check_request(const StartRequest *request)
{
	pgdf_check_name(request->name, "orchestrator name", PGDF_NAME_MAX);
	if (request->instance_id != NULL)
		check_instance_id(request->instance_id);
	if (request->queue != NULL)
		pgdf_check_name(request->queue, "queue name", PGDF_QUEUE_MAX);
	if (request->tags != NULL && !JB_ROOT_IS_OBJECT(request->tags))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tags must be a JSON object")));
	if (request->has_start_at && TIMESTAMP_NOT_FINITE(request->start_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("start_at must be finite")));
}

static void
check_instance_id(const char *instance_id)
{
	const char *refused = strpbrk(instance_id, ID_REFUSED_CHARACTERS);

	pgdf_check_name(instance_id, "instance ID", PGDF_INSTANCE_ID_MAX);
	if (instance_id[0] == ID_REFUSED_FIRST)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("instance ID \"%s\" must not begin with \"%c\"",
						instance_id, ID_REFUSED_FIRST)));
	if (refused != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("instance ID \"%s\" must not contain \"%c\"", instance_id, *refused)));
}

static Registration *
find_orchestrator(const char *name, const char *version)
{
	Registration *registration = pgdf_registry_find(name, version);
	char	   *nearest;

	if (registration != NULL && registration->kind == KIND_ORCHESTRATOR)
		return registration;
	if (registration != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("\"%s\" is an activity, not an orchestrator", registration->name)));
	if (version != NULL && pgdf_registry_find(name, NULL) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("orchestrator \"%s\" has no version \"%s\"", name, version)));
	nearest = pgdf_registry_nearest(name, KIND_ORCHESTRATOR);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("orchestrator \"%s\" does not exist", name),
			 nearest != NULL ? errhint("Perhaps you meant \"%s\".", nearest) :
			 errhint("Register it with df_register_orchestrator().")));
	return NULL;
}

/* False when the id is taken. */
static bool
insert_instance(const NewInstance *new, const StartRequest *request,
				const Registration *registration)
{
	Datum		values[INSERT_INSTANCE_NARGS] = {0};
	bool		nulls[INSERT_INSTANCE_NARGS] = {false};
	TimestampTz now = GetCurrentTimestamp();

	values[0] = Int64GetDatum(new->instance_key);
	values[1] = Int32GetDatum(new->execution);
	values[2] = CStringGetTextDatum(new->instance_id);
	values[3] = UUIDPGetDatum(pgdf_random_uuid());
	values[4] = CStringGetTextDatum(registration->name);
	values[5] = CStringGetTextDatum(registration->version);
	values[6] = ObjectIdGetDatum(request->owner);
	values[7] = Int16GetDatum(STATUS_PENDING);
	nulls[8] = nulls[9] = nulls[10] = request->parent_instance_key == 0;
	values[8] = Int64GetDatum(request->parent_instance_key);
	values[9] = Int32GetDatum(request->parent_execution);
	values[10] = Int32GetDatum(request->parent_task_id);
	values[11] = Int64GetDatum(request->root_instance_key != 0 ?
							   request->root_instance_key : new->instance_key);
	nulls[12] = request->tags == NULL;
	values[12] = PointerGetDatum(request->tags);
	values[13] = Int32GetDatum(request->priority);
	nulls[14] = request->queue == NULL;
	if (request->queue != NULL)
		values[14] = CStringGetTextDatum(request->queue);
	values[15] = TimestampTzGetDatum(now);
	values[16] = TimestampTzGetDatum(now);
	nulls[17] = !request->has_start_at;
	values[17] = TimestampTzGetDatum(request->start_at);
	nulls[18] = request->input == NULL;
	values[18] = PointerGetDatum(request->input);

	if (!new->is_free)
	{
		if (pgdf_spi_execute(&insert_stmt, values, nulls) == 0)
			return false;
	}
	else if (!pgdf_row_insert(&instance_table, values, nulls))
		(void) pgdf_spi_execute(&insert_free_stmt, values, nulls);
	if (request->retry != NULL)
		pgdf_child_note_policy(new->instance_key, request->retry);
	insert_first_wake(new, request, registration, now);
	return true;
}

/* What makes the instance ready: an inbox row now, or a timer for later. */
static void
insert_first_wake(const NewInstance *new, const StartRequest *request,
				  const Registration *registration, TimestampTz now)
{
	if (request->has_start_at && request->start_at > now)
	{
		Datum		values[] = {
			Int64GetDatum(new->instance_key), Int32GetDatum(new->execution),
			TimestampTzGetDatum(request->start_at)
		};

		(void) pgdf_spi_execute(&insert_timer_stmt, values, NULL);
	}
	else
		pgdf_inbox_insert(new->instance_key, EVENT_EXECUTION_STARTED, registration->name, NULL);
}

/*
 * The id is taken: do what if_exists says.  True when the start has nothing more
 * to do, false when the id is free now.
 */
static bool
keep_existing(const StartRequest *request, const char *instance_id)
{
	InstanceRef existing;

	if (!find_instance(instance_id, &existing))
		return false;
	if (!pgdf_may_act_for(request->owner, existing.owner))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("instance \"%s\" already exists", instance_id)));
	if (request->if_exists == IF_EXISTS_IGNORE)
		return true;
	if (pgdf_status_is_final(existing.status))
	{
		(void) pgdf_instance_purge(existing.instance_key);
		return false;
	}
	if (request->if_exists == IF_EXISTS_REPLACE)
	{
		request_replacement(existing.instance_key, request, instance_id);
		return true;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("instance \"%s\" already exists", instance_id),
			 errdetail("Its status is %s.", pgdf_status_name(existing.status)),
			 errhint("Use if_exists => 'ignore' to keep it, or 'replace' to terminate it and start anew.")));
	return false;
}

static void
request_replacement(int64 instance_key, const StartRequest *request, const char *instance_id)
{
	pgdf_wake_workers();
	pgdf_inbox_insert(instance_key, EVENT_EXECUTION_TERMINATED, PGDF_REPLACE_NAME,
					  start_request_to_json(request, instance_id));
}

static text *
start_request_to_json(const StartRequest *request, const char *instance_id)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_string(&buf, "{\"name\"", request->name);
	append_string(&buf, ", \"instance_id\"", instance_id);
	append_string(&buf, ", \"version\"", request->version);
	append_string(&buf, ", \"queue\"", request->queue);
	appendStringInfo(&buf, ", \"priority\": %d", request->priority);
	append_string(&buf, ", \"start_at\"",
				  request->has_start_at ? timestamptz_to_str(request->start_at) : NULL);
	append_string(&buf, ", \"owner\"",
				  quote_identifier(GetUserNameFromId(request->owner, false)));
	appendStringInfoString(&buf, ", \"tags\": ");
	if (request->tags == NULL)
		appendStringInfoString(&buf, "null");
	else
		(void) JsonbToCString(&buf, &request->tags->root, VARSIZE(request->tags));
	appendStringInfoString(&buf, ", \"input\": ");
	pgdf_append_json(&buf, request->input);
	appendStringInfoChar(&buf, '}');
	return cstring_to_text_with_len(buf.data, buf.len);
}

static void
append_string(StringInfo buf, const char *key, const char *value)
{
	appendStringInfo(buf, "%s: ", key);
	pgdf_append_string(buf, value);
}

/* --------------------------------------------------------------------- find */

bool
pgdf_instance_find(const char *instance_id, Oid caller, InstanceRef *ref)
{
	return find_instance(instance_id, ref) && pgdf_may_act_for(caller, ref->owner);
}

void
pgdf_instance_require(const char *instance_id, Oid caller, InstanceRef *ref)
{
	if (!pgdf_instance_find(instance_id, caller, ref))
		pgdf_instance_raise_unknown(instance_id);
}

void
pgdf_instance_raise_unknown(const char *instance_id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("instance \"%s\" does not exist", instance_id)));
	pg_unreachable();
}

static bool
find_instance(const char *instance_id, InstanceRef *ref)
{
	Datum		value = CStringGetTextDatum(instance_id);
	bool		isnull;
	bool		is_found = pgdf_spi_execute_latest(&find_stmt, &value, NULL) > 0;

	if (is_found)
	{
		ref->instance_key = pgdf_spi_int64(0, 1);
		ref->owner = DatumGetObjectId(pgdf_spi_datum(0, 2, &isnull));
		ref->status = (InstanceStatus) pgdf_spi_int16(0, 3);
		ref->is_own_start =
			TransactionIdIsCurrentTransactionId(DatumGetTransactionId(pgdf_spi_datum(0, 4, &isnull)));
	}
	SPI_freetuptable(SPI_tuptable);
	return is_found;
}

/* -------------------------------------------------------------------- inbox */

void
pgdf_inbox_insert(int64 instance_key, EventType type, const char *name, text *payload)
{
	Delivery	delivery = {
		.type = type,
		.execution = -1,
		.time = GetCurrentTimestamp(),
		.name = name == NULL ? NULL : cstring_to_text(name),
		.payload = payload,
	};

	pgdf_delivery_insert(instance_key, &delivery);
}

/* ------------------------------------------------------------------- delete */

void
pgdf_instance_delete(int64 instance_key)
{
	delete_rows(one_key(instance_key), DELETE_ALL);
}

/*
 * What is found first is looked at again under its lock: a rewind or restart may
 * have come between.
 */
static uint64
purge_tree(int64 instance_key, PgdfStatement *lock_stmt)
{
	Datum		values[2];
	bool		isnull;
	uint64		count;

	values[0] = Int64GetDatum(instance_key);
	(void) pgdf_spi_execute(&final_tree_stmt, values, NULL);
	values[0] = pgdf_spi_datum(0, 1, &isnull);
	if (isnull)
		return 0;

	values[1] = Int64GetDatum(instance_key);
	if (pgdf_spi_execute(lock_stmt, values, NULL) == 0)
		return 0;
	count = pgdf_spi_int64(0, 2);
	delete_rows(pgdf_spi_datum(0, 1, &isnull), DELETE_ALL);
	pgdf_purges += count;
	return count;
}

uint64
pgdf_instance_purge(int64 instance_key)
{
	return purge_tree(instance_key, &lock_final_stmt);
}

uint64
pgdf_instance_purge_of_set(int64 instance_key)
{
	static LocalTransactionId purging_lxid = InvalidLocalTransactionId;
	bool		may_wait = purging_lxid != pgdf_my_lxid();
	uint64		count = may_wait ? pgdf_instance_purge(instance_key) :
	pgdf_instance_purge_unlocked(instance_key);

	if (count > 0)
		purging_lxid = pgdf_my_lxid();
	return count;
}

uint64
pgdf_instance_purge_unlocked(int64 instance_key)
{
	return purge_tree(instance_key, &lock_final_unlocked_stmt);
}

static Datum
one_key(int64 instance_key)
{
	Datum		key = Int64GetDatum(instance_key);

	return PointerGetDatum(construct_array(&key, 1, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
delete_rows(Datum keys, DeleteExtent extent)
{
	for (size_t i = extent; i < lengthof(delete_stmts); i++)
		(void) pgdf_spi_execute(&delete_stmts[i], &keys, NULL);
	for (size_t i = 0; i < lengthof(delete_maps_stmts) && pgdf_home_is_updated(); i++)
		(void) pgdf_spi_execute(&delete_maps_stmts[i], &keys, NULL);
}

/* ----------------------------------------------------------------- identity */

char *
pgdf_random_id(void)
{
	uint8		bytes[16];
	char	   *id = palloc(2 * sizeof(bytes) + 1);

	random_bytes(bytes, sizeof(bytes));
	id[hex_encode((const char *) bytes, sizeof(bytes), id)] = '\0';
	return id;
}

/* Version 4, variant 1, as RFC 9562 has it. */
pg_uuid_t *
pgdf_random_uuid(void)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	random_bytes(uuid->data, sizeof(uuid->data));
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x40;
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;
	return uuid;
}

int64
pgdf_random_fence(void)
{
	int64		fence;

	do
		random_bytes(&fence, sizeof(fence));
	while (fence == 0);
	return fence;
}

static void
random_bytes(void *buffer, size_t length)
{
	if (!pg_strong_random(buffer, length))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
}
