/*
 * deploy_check.c
 *		df_deploy_check: would a function's present body still match the histories
 *		of its live instances?  df.replay_check: does the code that they run?
 *
 * Each history is replayed as a turn would, in the same read-only subtransaction,
 * and whatever it decides is thrown away.  Inside a transaction that replaces the
 * function, df_deploy_check asks before anybody else sees the new body.
 *
 * As in an engine call, a transaction runs the code of one owner only: PL/pgSQL
 * remembers for a transaction what an earlier owner was allowed to call.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "engine.h"
#include "identity.h"
#include "map.h"
#include "orchestrate.h"
#include "payload.h"
#include "pin.h"
#include "spi.h"
#include "user_code.h"

static PgdfStatement names_statement = {
	"SELECT name, version FROM df.registrations WHERE kind = 'orchestrator' AND function = $1",
	1, {TEXTOID}
};

static PgdfStatement instances_statement = {
	"SELECT instance_key, instance_id, run_id, execution, name, owner::oid, input, next_event_id"
	"  FROM df.instance_state"
	" WHERE completed_at IS NULL AND next_event_id > 1 AND name = $1 AND version = $2"
	"   AND owner::oid = $3"
	" ORDER BY instance_key",
	3, {TEXTOID, TEXTOID, OIDOID}
};

/* $3: the caller is an administrator. */
static PgdfStatement owners_statement = {
	"SELECT DISTINCT s.owner::oid"
	"  FROM df.registrations r"
	" CROSS JOIN LATERAL (SELECT owner FROM df.instance_state"
	"                      WHERE completed_at IS NULL AND next_event_id > 1"
	"                        AND name = r.name AND version = r.version"
	"                        AND ($3 OR pg_has_role($2, owner, 'MEMBER')) OFFSET 0) s"
	" WHERE r.kind = 'orchestrator' AND r.function = $1"
	" ORDER BY 1 LIMIT 11",
	3, {TEXTOID, OIDOID, BOOLOID}
};

/* A window of the instances that would run their next turn with the code they are pinned to. */
static PgdfStatement replayed_statement = {
	"SELECT instance_key, instance_id, run_id, execution, name, owner::oid, input, next_event_id,"
	"       version, code_hash"
	"  FROM df.instance_state"
	" WHERE completed_at IS NULL AND next_event_id > 1 AND blocked_reason IS NULL"
	"   AND owner::oid = $1 AND instance_key > $2"
	" ORDER BY instance_key LIMIT 100",
	2, {OIDOID, INT8OID}
};

PG_FUNCTION_INFO_V1(df_deploy_check);
PG_FUNCTION_INFO_V1(df_replay_check);

static int64 check_window(ReturnSetInfo *rsinfo, Oid owner, int64 after_key);
static void check_name(ReturnSetInfo *rsinfo, const char *name, const char *version, Oid owner);
static Oid	only_owner(Datum signature, Oid role);
static char *owner_names(uint64 n);
static void begin_owner(Oid owner);
static void check_instance(ReturnSetInfo *rsinfo, const Registration *registration,
						   const char *code_hash, uint64 row);
static void run_pinned(Turn *turn, UserCode *code);
static void report(ReturnSetInfo *rsinfo, const char *instance_id, const Turn *turn);

/*
 * df_deploy_check(function, owner): live instances of one owner whose history the
 * function's present body does not match; NULL: of the only one whose instances
 * the caller may see.  Error 42704 when it is not registered, 55000 when there
 * are several owners.
 */
Datum
df_deploy_check(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	Oid			owner = PG_NARGS() > 1 && !PG_ARGISNULL(1) ? PG_GETARG_OID(1) : InvalidOid;
	Datum		signature;
	PgdfIdentity caller;
	SPITupleTable *rows;
	uint64		n;

	pgdf_refuse_in_engine("df_deploy_check");
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	signature = CStringGetTextDatum(format_procedure_qualified(PG_GETARG_OID(0)));
	pgdf_enter(&caller);
	SPI_connect();
	n = pgdf_spi_execute(&names_statement, &signature, NULL);
	rows = SPI_tuptable;
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("function %s is not registered as an orchestrator",
						TextDatumGetCString(signature))));
	if (!OidIsValid(owner))
		owner = only_owner(signature, role);
	else if (!pgdf_may_act_for(role, owner))
		owner = InvalidOid;		/* somebody else's are like none */
	if (OidIsValid(owner))
		begin_owner(owner);
	for (uint64 row = 0; row < n && OidIsValid(owner); row++)
	{
		char	   *name;
		char	   *version;

		SPI_tuptable = rows;
		name = pgdf_spi_cstring(row, 1);
		version = pgdf_spi_cstring(row, 2);
		check_name((ReturnSetInfo *) fcinfo->resultinfo, name, version, owner);
	}
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* InvalidOid: there is no live instance. */
static Oid
only_owner(Datum signature, Oid role)
{
	Datum		values[3] = {signature, ObjectIdGetDatum(role), BoolGetDatum(pgdf_is_admin(role))};
	uint64		n = pgdf_spi_execute(&owners_statement, values, NULL);
	bool		isnull;

	if (n > 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("live instances of function %s belong to several roles",
						TextDatumGetCString(signature)),
				 errdetail("They belong to %s.", owner_names(n)),
				 errhint("Name the owner, and check each of them in a transaction of its own.")));
	return n == 0 ? InvalidOid : DatumGetObjectId(pgdf_spi_datum(0, 1, &isnull));
}

static char *
owner_names(uint64 n)
{
	StringInfoData names;
	bool		isnull;

	initStringInfo(&names);
	for (uint64 row = 0; row < n && row < 10; row++)
	{
		char	   *name = GetUserNameFromId(DatumGetObjectId(pgdf_spi_datum(row, 1, &isnull)), true);

		if (name != NULL)
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "", name);
	}
	if (n > 10)
		appendStringInfoString(&names, " and others");
	return names.data;
}

/* The session is the caller's own: what is in it is not taken away, and what such code leaves in it is little. */
static void
begin_owner(Oid owner)
{
	static LocalTransactionId last_lxid = InvalidLocalTransactionId;
	static Oid	last_owner = InvalidOid;

	if (last_lxid == pgdf_my_lxid() && last_owner != owner)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("code of another owner has already run in this transaction"),
				 errhint("Check each owner in a transaction of its own.")));
	last_lxid = pgdf_my_lxid();
	last_owner = owner;
	pgdf_session_lend();
}

/*
 * df.replay_check(owner): live instances of this owner whose history the code
 * that they run does not match.  One owner a transaction, as in an engine call.
 */
Datum
df_replay_check(PG_FUNCTION_ARGS)
{
	Oid			owner = PG_GETARG_OID(0);
	PgdfIdentity caller;
	int64		key = 0;

	pgdf_refuse_in_engine("df.replay_check");
	InitMaterializedSRF(fcinfo, 0);
	pgdf_enter(&caller);
	SPI_connect();
	begin_owner(owner);
	while ((key = check_window((ReturnSetInfo *) fcinfo->resultinfo, owner, key)) > 0)
		CHECK_FOR_INTERRUPTS();
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* Returns the key of the last one that was looked at; 0: there are no more. */
static int64
check_window(ReturnSetInfo *rsinfo, Oid owner, int64 after_key)
{
	Datum		values[2] = {ObjectIdGetDatum(owner), Int64GetDatum(after_key)};
	uint64		n = pgdf_spi_execute(&replayed_statement, values, NULL);
	SPITupleTable *rows = SPI_tuptable;
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "pgdf replay check",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(each);
	int64		last_key = 0;

	for (uint64 row = 0; row < n; row++)
	{
		Registration *registration;

		SPI_tuptable = rows;
		last_key = pgdf_spi_int64(row, 1);
		registration = pgdf_registry_find(pgdf_spi_cstring(row, 5), pgdf_spi_cstring(row, 9));
		SPI_tuptable = rows;
		if (registration != NULL && registration->kind == KIND_ORCHESTRATOR)
		{
			const char *code_hash = pgdf_spi_cstring(row, 10);

			check_instance(rsinfo, registration, code_hash ? code_hash : "", row);
		}
		MemoryContextReset(each);
	}
	SPI_freetuptable(rows);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(each);
	return last_key;
}

static void
check_name(ReturnSetInfo *rsinfo, const char *name, const char *version, Oid owner)
{
	Registration *registration = pgdf_registry_find(name, version);
	Datum		values[3] = {
		CStringGetTextDatum(name), CStringGetTextDatum(version), ObjectIdGetDatum(owner)
	};
	uint64		n = pgdf_spi_execute(&instances_statement, values, NULL);
	SPITupleTable *rows = SPI_tuptable;
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext, "pgdf deploy check",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(each);

	for (uint64 row = 0; row < n; row++)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_tuptable = rows;
		check_instance(rsinfo, registration, NULL, row);
		MemoryContextReset(each);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(each);
}

/* code_hash: run what has this hash, empty: whatever is current, as a turn; NULL: the present body. */
static void
check_instance(ReturnSetInfo *rsinfo, const Registration *registration, const char *code_hash,
			   uint64 row)
{
	UserCode	code = {.registration = registration,.budget_ms = pgdf_turn_timeout,
		.is_read_only = true};
	Replay	   *replay = pgdf_replay_create(CurrentMemoryContext);
	char	   *instance_id = pgdf_spi_cstring(row, 2);
	char	   *name = pgdf_spi_cstring(row, 5);
	text	   *input = pgdf_spi_text(row, 7, CurrentMemoryContext);
	int			next_event_id = pgdf_spi_int32(row, 8);
	int64		key = pgdf_spi_int64(row, 1);
	int			execution = pgdf_spi_int32(row, 4);
	bool		isnull;
	pg_uuid_t	run_id = *DatumGetUUIDP(pgdf_spi_datum(row, 3, &isnull));
	Turn	   *turn;

	code.owner = DatumGetObjectId(pgdf_spi_datum(row, 6, &isnull));
	pgdf_replay_load(replay, key, execution, 0);
	pgdf_replay_add_start(replay, next_event_id, GetCurrentTimestamp());

	turn = pgdf_turn_create(CurrentMemoryContext, replay);
	turn->instance_key = key;
	turn->instance_id = instance_id;
	turn->name = name;
	turn->run_id = run_id;
	turn->execution = execution;
	turn->input = code.input = pgdf_payload_to_jsonb(input);
	code.instance_key = key;
	code.is_pinned = code_hash != NULL;
	code.code_hash = code_hash != NULL && code_hash[0] != '\0' ? code_hash : NULL;
	run_pinned(turn, &code);
	pgdf_map_inputs_free(turn);
	if (turn->expected != NULL)
		report(rsinfo, instance_id, turn);
}

/* A clone that there is not yet is for the next turn to make: it takes locks. */
static void
run_pinned(Turn *turn, UserCode *code)
{
	pgdf_turn_run(turn, code);
	if (code->end != USER_CODE_CHANGED)
		return;
	code->clone = pgdf_pin_find_clone(code->code_hash);
	if (OidIsValid(code->clone))
		pgdf_turn_run(turn, code);
}

static void
report(ReturnSetInfo *rsinfo, const char *instance_id, const Turn *turn)
{
	Datum		values[5] = {0};
	bool		nulls[5] = {0};
	const char *line = turn->divergence_context ? strstr(turn->divergence_context, " line ") : NULL;

	values[0] = CStringGetTextDatum(instance_id);
	values[1] = Int32GetDatum(turn->divergence_event);
	nulls[1] = turn->divergence_event == 0;
	values[2] = CStringGetTextDatum(turn->expected);
	values[3] = CStringGetTextDatum(turn->actual);
	nulls[4] = line == NULL;
	if (line != NULL)
		values[4] = Int32GetDatum((int32) strtol(line + strlen(" line "), NULL, 10));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
