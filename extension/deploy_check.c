/*
 * deploy_check.c
 *		df_deploy_check: would a function's present body still match the histories
 *		of its live instances?
 *
 * Each history is replayed as a turn would, in the same read-only subtransaction,
 * and whatever it decides is thrown away.  Inside a transaction that replaces the
 * function, this asks before anybody else sees the new body.
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
#include "orchestrate.h"
#include "payload.h"
#include "spi.h"

static PgdfStatement names_statement = {
	"SELECT name, version FROM df.registrations WHERE kind = 'orchestrator' AND function = $1",
	1, {TEXTOID}
};

static PgdfStatement instances_statement = {
	"SELECT instance_key, instance_id, run_id, execution, name, owner::oid, input, next_event_id"
	"  FROM df.instance_state"
	" WHERE completed_at IS NULL AND next_event_id > 1 AND name = $1 AND version = $2"
	"   AND ($4 OR pg_has_role($3, owner, 'MEMBER'))"
	" ORDER BY instance_key",
	4, {TEXTOID, TEXTOID, OIDOID, BOOLOID}
};

PG_FUNCTION_INFO_V1(df_deploy_check);

static void check_name(ReturnSetInfo *rsinfo, const char *name, const char *version, Oid role);
static void check_instance(ReturnSetInfo *rsinfo, const Registration *registration, uint64 row);
static void report(ReturnSetInfo *rsinfo, const char *instance_id, const Turn *turn);

/*
 * df_deploy_check(function): live instances of the caller's whose history the
 * function's present body does not match.  Error 42704 when it is not registered.
 */
Datum
df_deploy_check(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	Datum		signature = CStringGetTextDatum(format_procedure_qualified(PG_GETARG_OID(0)));
	PgdfIdentity caller;
	SPITupleTable *rows;
	uint64		n;

	pgdf_refuse_in_engine("df_deploy_check");
	pgdf_init_srf(fcinfo);
	pgdf_enter(&caller);
	SPI_connect();
	n = pgdf_spi_execute(&names_statement, &signature, NULL);
	rows = SPI_tuptable;
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("function %s is not registered as an orchestrator",
						TextDatumGetCString(signature))));
	for (uint64 row = 0; row < n; row++)
	{
		char	   *name;
		char	   *version;

		SPI_tuptable = rows;
		name = pgdf_spi_cstring(row, 1);
		version = pgdf_spi_cstring(row, 2);
		check_name((ReturnSetInfo *) fcinfo->resultinfo, name, version, role);
	}
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

static void
check_name(ReturnSetInfo *rsinfo, const char *name, const char *version, Oid role)
{
	Registration *registration = pgdf_registry_find(name, version);
	Datum		values[4] = {
		CStringGetTextDatum(name), CStringGetTextDatum(version),
		ObjectIdGetDatum(role), BoolGetDatum(pgdf_is_admin(role))
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
		check_instance(rsinfo, registration, row);
		MemoryContextReset(each);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(each);
}

static void
check_instance(ReturnSetInfo *rsinfo, const Registration *registration, uint64 row)
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
	pgdf_replay_load(replay, key, execution);
	pgdf_replay_add_start(replay, next_event_id, GetCurrentTimestamp());

	turn = pgdf_turn_create(CurrentMemoryContext, replay);
	turn->instance_key = key;
	turn->instance_id = instance_id;
	turn->name = name;
	turn->run_id = run_id;
	turn->execution = execution;
	turn->input = code.input = pgdf_payload_to_jsonb(input);
	code.instance_key = key;
	pgdf_turn_run(turn, &code);
	if (turn->expected != NULL)
		report(rsinfo, instance_id, turn);
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
