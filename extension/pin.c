/*
 * pin.c
 *		Code pinning: an instance in flight keeps the definition it began with.
 *
 * The text of a definition is kept in df.code under its hash from the first turn
 * that runs it.  When a later turn finds the function changed, it runs a clone of
 * the kept text: a function df.pinned_HASH, member of the extension (so it is not
 * dumped, and goes with it), made outside of the read-only subtransaction.  The
 * text keeps owner and SET clauses; nobody has EXECUTE on the clone, which the
 * engine calls directly after checking the rights on the registered function.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "pin.h"
#include "spi.h"
#include "wake.h"

#define CLONE_PREFIX	"pinned_"

/* Quarantined instances that one call looks at. */
#define RELEASE_MAX		20

static PgdfStatement exists_statement = {
	"SELECT FROM df.code WHERE code_hash = $1",
	1, {TEXTOID}
};

static PgdfStatement insert_statement = {
	"INSERT INTO df.code (code_hash, definition, owner, recorded_at)"
	" VALUES ($1, $2, $3::oid::regrole, clock_timestamp()) ON CONFLICT DO NOTHING",
	3, {TEXTOID, TEXTOID, OIDOID}
};

static PgdfStatement find_clone_statement = {
	"SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
	" WHERE n.nspname = 'df' AND p.proname = $1",
	1, {NAMEOID}
};

static PgdfStatement definition_statement = {
	"SELECT definition, owner::oid FROM df.code WHERE code_hash = $1",
	1, {TEXTOID}
};

static PgdfStatement unused_statement = {
	"SELECT p.oid::regprocedure::text FROM pg_catalog.pg_proc p"
	"  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace"
	" WHERE n.nspname = 'df' AND p.proname LIKE 'pinned\\_%' AND p.proname <> $1"
	"   AND NOT EXISTS (SELECT FROM df.instance_state s"
	"                    WHERE 'pinned_' || left(s.code_hash, 32) = p.proname"
	"                      AND s.completed_at IS NULL)",
	1, {NAMEOID}
};

static PgdfStatement blocked_statement = {
	"SELECT instance_key, name, version, blocked_hash FROM df.instance_state"
	" WHERE blocked_reason IS NOT NULL AND completed_at IS NULL AND blocked_hash IS NOT NULL"
	"   AND instance_key > $2"
	" ORDER BY instance_key LIMIT $1",
	2, {INT4OID, INT8OID}
};

/* Lost against a session that holds the row: tried again at the next scan. */
static PgdfStatement release_statement = {
	"UPDATE df.instance_state"
	"   SET blocked_reason = NULL, blocked_hash = NULL, code_hash = NULL, turn_failures = 0"
	" WHERE instance_key = (SELECT instance_key FROM df.instance_state"
	"                        WHERE instance_key = $1 AND blocked_reason IS NOT NULL"
	"                          FOR UPDATE SKIP LOCKED)",
	1, {INT8OID}
};

static char *clone_name(const char *code_hash);
static char *definition_tail(Oid function);
static Oid	find_clone(const char *name);
static void create_clone(const char *name, const char *tail, Oid owner);
static void drop_unused(const char *but);
static void run(const char *sql);

bool
pgdf_pin_applies(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	bool		applies;

	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	applies = !proc->prosecdef && proc->prolang != ClanguageId && proc->prolang != INTERNALlanguageId;
	ReleaseSysCache(tuple);
	return applies;
}

void
pgdf_pin_record(const char *code_hash, const Registration *registration, Oid owner)
{
	Oid			function;
	Datum		values[3];

	values[0] = CStringGetTextDatum(code_hash);
	if (pgdf_spi_execute(&exists_statement, values, NULL) > 0)
		return;
	function = pgdf_registry_resolve(registration, owner);
	values[1] = CStringGetTextDatum(definition_tail(function));
	values[2] = ObjectIdGetDatum(pgdf_function_owner(function));
	pgdf_spi_execute(&insert_statement, values, NULL);
}

Oid
pgdf_pin_clone(const char *code_hash)
{
	char	   *name = clone_name(code_hash);
	Oid			clone = find_clone(name);
	Datum		hash = CStringGetTextDatum(code_hash);
	char	   *tail;
	bool		isnull;

	if (OidIsValid(clone))
		return clone;
	pgdf_pin_lock();			/* two calls may want it at once */
	clone = find_clone(name);
	if (OidIsValid(clone))
		return clone;

	if (pgdf_spi_execute(&definition_statement, &hash, NULL) == 0)
		return InvalidOid;
	tail = pgdf_spi_cstring(0, 1);
	create_clone(name, tail, DatumGetObjectId(pgdf_spi_datum(0, 2, &isnull)));
	drop_unused(name);
	return find_clone(name);
}

Oid
pgdf_pin_find_clone(const char *code_hash)
{
	return find_clone(clone_name(code_hash));
}

int
pgdf_pin_release_changed(Engine *engine)
{
	static int64 last_key = 0;	/* each call looks at the next ones */
	Datum		values[2] = {Int32GetDatum(RELEASE_MAX), Int64GetDatum(last_key)};
	uint64		n = pgdf_spi_execute(&blocked_statement, values, NULL);
	SPITupleTable *rows = SPI_tuptable;
	int			released = 0;

	for (uint64 row = 0; row < n; row++)
	{
		const Registration *registration;
		Datum		key;
		char	   *tried;
		char	   *current;

		SPI_tuptable = rows;
		last_key = pgdf_spi_int64(row, 1);
		key = Int64GetDatum(last_key);
		tried = pgdf_spi_cstring(row, 4);
		registration = pgdf_engine_registration(engine, pgdf_spi_cstring(row, 2),
												pgdf_spi_cstring(row, 3));
		current = registration ? pgdf_registry_current_hash(registration) : NULL;
		if (current == NULL || strcmp(tried, current) == 0)
			continue;
		if (pgdf_spi_execute(&release_statement, &key, NULL) > 0)
		{
			Delivery	wake = {.type = EVENT_ORCHESTRATOR_STARTED,.execution = -1,.time = engine->now};

			pgdf_delivery_insert(DatumGetInt64(key), &wake);
			released++;
		}
	}
	if (n < RELEASE_MAX)
		last_key = 0;
	return released;
}

static char *
clone_name(const char *code_hash)
{
	return psprintf(CLONE_PREFIX "%.32s", code_hash);
}

/* The definition from its argument list on: what follows the name. */
static char *
definition_tail(Oid function)
{
	int			guc_level = NewGUCNestLevel();
	char	   *definition;
	char	   *head;

	(void) set_config_option("quote_all_identifiers", "off",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	definition = TextDatumGetCString(DirectFunctionCall1(pg_get_functiondef,
														 ObjectIdGetDatum(function)));
	AtEOXact_GUC(true, guc_level);

	head = psprintf("CREATE OR REPLACE FUNCTION %s",
					quote_qualified_identifier(get_namespace_name(get_func_namespace(function)),
											   get_func_name(function)));
	if (strncmp(definition, head, strlen(head)) != 0)
		elog(ERROR, "could not take apart the definition of function %u", function);
	return definition + strlen(head);
}

static Oid
find_clone(const char *name)
{
	NameData	clone;
	Datum		value = NameGetDatum(&clone);
	bool		isnull;

	namestrcpy(&clone, name);
	if (pgdf_spi_execute(&find_clone_statement, &value, NULL) == 0)
		return InvalidOid;
	return DatumGetObjectId(pgdf_spi_datum(0, 1, &isnull));
}

/* Its body was checked when it was written; now it may refer to what has changed since. */
static void
create_clone(const char *name, const char *tail, Oid owner)
{
	int			guc_level = NewGUCNestLevel();
	char	   *signature;
	Oid			clone;

	(void) set_config_option("check_function_bodies", "off",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	run(psprintf("CREATE FUNCTION df.%s%s", quote_identifier(name), tail));
	AtEOXact_GUC(true, guc_level);

	clone = find_clone(name);
	signature = format_procedure_qualified(clone);
	run(psprintf("ALTER FUNCTION %s OWNER TO %s", signature,
				 quote_identifier(GetUserNameFromId(owner, false))));
	run(psprintf("REVOKE ALL ON FUNCTION %s FROM PUBLIC, %s", signature,
				 quote_identifier(GetUserNameFromId(owner, false))));
	/* last: privileges that a member has from the start are not dumped */
	run(psprintf("ALTER EXTENSION pgdf ADD FUNCTION %s", signature));
}

/* An instance that is being rewound needs its clone, and is final still in the table. */
static void
drop_unused(const char *but)
{
	NameData	clone;
	Datum		value = NameGetDatum(&clone);
	SPITupleTable *rows;
	uint64		n;

	namestrcpy(&clone, but);
	n = pgdf_spi_execute(&unused_statement, &value, NULL);
	rows = SPI_tuptable;

	for (uint64 row = 0; row < n; row++)
	{
		char	   *signature;

		SPI_tuptable = rows;
		signature = pgdf_spi_cstring(row, 1);
		run(psprintf("ALTER EXTENSION pgdf DROP FUNCTION %s", signature));
		run(psprintf("DROP FUNCTION %s", signature));
	}
}

static void
run(const char *sql)
{
	int			code = SPI_execute(sql, false, 0);

	if (code < 0)
		elog(ERROR, "could not run statement (%s): %s", SPI_result_code_string(code), sql);
}
