/*
 * registry.c
 *		Names of orchestrators and activities, and the functions behind them.
 *
 * A backend remembers the registrations it has used, and the functions they
 * name.  Whoever changes df.registrations sends a relation cache invalidation
 * for that table with his commit, and changes of functions, schemas and types
 * are sent by the server itself; either makes the backend forget everything.
 * Rights are never remembered.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "compat.h"
#include "pgdf.h"
#include "registry.h"
#include "spi.h"

#define CACHE_ENTRIES_MAX	1000

/* So long is it remembered that a name is not registered: a restored table sends no invalidation. */
#define ABSENT_MS	1000

/* Names are looked up as they are written: no folding to lower case for a hit. */
typedef struct CacheKey
{
	const char *name;
	const char *version;		/* or NULL */
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;			/* must be first */
	Registration *registration; /* NULL: there was none */
	TimestampTz looked_at;
} CacheEntry;

static PgdfStatement find_stmt = {
	.sql = "SELECT name, version, kind, function, search_path, queue, retry, timeout, settings, code_hash,"
	" function_owner::oid, registrar::oid"
	" FROM df.registrations"
	" WHERE name_key OPERATOR(pg_catalog.=) $1"
	" AND ($2 IS NULL OR version OPERATOR(pg_catalog.=) $2)"
	" ORDER BY registration_seq DESC LIMIT 1",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID}
};

static PgdfStatement orchestrator_names_stmt = {
	.sql = "SELECT DISTINCT name FROM df.registrations"
	" WHERE kind OPERATOR(pg_catalog.=) 'orchestrator'"
};

static PgdfStatement activity_names_stmt = {
	.sql = "SELECT name FROM df.registrations WHERE kind OPERATOR(pg_catalog.<>) 'orchestrator'"
	" UNION SELECT a FROM df.worker_sessions, pg_catalog.unnest(activities) AS a"
};

/* In the order of RegistrationKind. */
static const char *const kind_names[] = {"orchestrator", "sql", "worker", "http"};

/* Raised by every invalidation; entries were read under cache_generation. */
static uint64 generation = 1;
static uint64 cache_generation = 0;
static HTAB *cache = NULL;
static MemoryContext cache_context = NULL;
static Oid	registrations_relid = InvalidOid;

static CacheEntry *cache_lookup(const char *name, const char *version);
static void cache_store(const char *name, const char *version, Registration *registration);
static void cache_watch(void);
static void cache_create(void);
static uint32 cache_key_hash(const void *key, Size keysize);
static int	cache_key_compare(const void *a, const void *b, Size keysize);
static void on_relation_invalidated(Datum arg, Oid relid);
static void on_catalog_invalidated(Datum arg, int cacheid, uint32 hashvalue);
static Registration *registration_load(const char *name, const char *version);
static Registration *registration_copy(const Registration *source);
static char *copy_string(const char *string);
static text *copy_text(const text *value);
static Oid	resolve_function(const Registration *registration, Oid owner);
static Oid	try_resolve(const Registration *registration);
static void check_function_owner(const Registration *registration, Oid function);
static void check_superuser(const Registration *registration, Oid function, Oid owner);

Registration *
pgdf_registry_find(const char *name, const char *version)
{
	CacheEntry *entry = cache_lookup(name, version);
	Registration *registration;
	uint64		before;

	if (entry != NULL && entry->registration != NULL)
		return registration_copy(entry->registration);
	if (entry != NULL &&
		!TimestampDifferenceExceeds(entry->looked_at, GetCurrentTimestamp(), ABSENT_MS))
		return NULL;

	cache_watch();
	before = generation;
	registration = registration_load(name, version);
	/* a change that came in while reading: good for this call, not for keeping */
	if (before == generation)
		cache_store(name, version, registration);
	return registration;
}

Oid
pgdf_registry_resolve(const Registration *registration, Oid owner)
{
	bool		is_current = registration->cached != NULL && registration->generation == generation;
	Oid			function = is_current ? registration->cached->function_oid : InvalidOid;

	/* without one, it would run with what PUBLIC may, and belong to whoever gets the OID next */
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(owner)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", owner),
				 errdetail("\"%s\" was to be run with its rights.", registration->name)));
	if (!OidIsValid(function))
	{
		function = resolve_function(registration, owner);
		if (OidIsValid(function))
			pgdf_registration_check_form(function, registration->kind);
	}
	if (is_current && registration->generation == generation)
		registration->cached->function_oid = function;
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function %s does not exist", registration->function),
				 errdetail("It is registered as \"%s\".", registration->name)));

	if (pgdf_namespace_aclcheck(get_func_namespace(function), owner) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for schema %s",
						get_namespace_name(get_func_namespace(function))),
				 errdetail("Function %s is registered as \"%s\".",
						   registration->function, registration->name)));
	if (pgdf_proc_aclcheck(function, owner) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", registration->function),
				 errdetail("It is registered as \"%s\".", registration->name)));
	check_function_owner(registration, function);
	check_superuser(registration, function, owner);
	return function;
}

void
pgdf_registry_invalidate(void)
{
	CacheInvalidateRelcacheByRelid(get_relname_relid("registrations",
													 get_namespace_oid("df", false)));
}

/*
 * pg_get_functiondef() shows types as the search path and the quoting setting
 * have it: both are fixed here.
 */
char *
pgdf_registry_current_hash(const Registration *registration)
{
	bool		is_current = registration->cached != NULL && registration->generation == generation;
	Oid			function;
	char	   *hash;

	if (is_current && registration->cached->current_hash != NULL)
		return registration->cached->current_hash;
	if (registration->function == NULL)
		return NULL;
	function = try_resolve(registration);
	if (!OidIsValid(function))
		return NULL;
	hash = pgdf_registry_code_hash(function);
	if (is_current && registration->generation == generation)
		registration->cached->current_hash = MemoryContextStrdup(cache_context, hash);
	return hash;
}

char *
pgdf_registry_code_hash(Oid function)
{
	int			guc_level = NewGUCNestLevel();
	StringInfoData buf;
	Datum		digest;
	char	   *hex;

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("quote_all_identifiers", "off",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);

	initStringInfo(&buf);
	appendStringInfoString(&buf,
						   TextDatumGetCString(DirectFunctionCall1(pg_get_functiondef,
																   ObjectIdGetDatum(function))));
	appendStringInfo(&buf, "OWNER %s",
					 GetUserNameFromId(pgdf_function_owner(function), true));
	AtEOXact_GUC(true, guc_level);

	digest = DirectFunctionCall1(sha256_bytea,
								 PointerGetDatum(cstring_to_text_with_len(buf.data, buf.len)));
	hex = palloc(PG_SHA256_DIGEST_STRING_LENGTH);
	hex[hex_encode(VARDATA_ANY(DatumGetByteaPP(digest)), PG_SHA256_DIGEST_LENGTH, hex)] = '\0';
	return hex;
}

Oid
pgdf_function_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

char *
pgdf_registry_nearest(const char *name, RegistrationKind kind)
{
	char	   *key = pgdf_name_key(name);
	int			best = Max(2, pg_mbstrlen(key) / 3) + 1;
	char	   *nearest = NULL;
	uint64		count;

	count = pgdf_spi_execute_latest(kind == KIND_ORCHESTRATOR ? &orchestrator_names_stmt :
									&activity_names_stmt, NULL, NULL);
	for (uint64 row = 0; row < count; row++)
	{
		char	   *known = pgdf_spi_cstring(row, 1);
		char	   *known_key = pgdf_name_key(known);
		int			distance = varstr_levenshtein_less_equal(key, strlen(key),
															 known_key, strlen(known_key),
															 1, 1, 1, best, true);

		if (distance < best)
		{
			best = distance;
			nearest = known;
		}
	}
	return nearest;
}

char *
pgdf_name_key(const char *name)
{
	return str_tolower(name, strlen(name), DEFAULT_COLLATION_OID);
}

void
pgdf_check_name(const char *name, const char *what, int max_characters)
{
	if (name == NULL || name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", what)));
	if (pg_mbstrlen(name) > max_characters)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is too long", what),
				 errdetail("It has %d characters, the limit is %d.",
						   pg_mbstrlen(name), max_characters)));
	if (name[0] == '*')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s \"%s\" must not begin with \"*\"", what, name)));
	for (const char *c = name; *c != '\0'; c++)
	{
		if ((unsigned char) *c < 0x20 || *c == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s must not contain control characters", what)));
	}
}

const char *
pgdf_registration_kind_name(RegistrationKind kind)
{
	return kind_names[kind];
}

bool
pgdf_registration_kind_parse(const char *name, RegistrationKind *kind)
{
	for (size_t i = 0; i < lengthof(kind_names); i++)
	{
		if (pg_strcasecmp(name, kind_names[i]) == 0)
		{
			*kind = (RegistrationKind) i;
			return true;
		}
	}
	return false;
}

/* ------------------------------------------------------------------- cache */

static CacheEntry *
cache_lookup(const char *name, const char *version)
{
	CacheKey	key = {name, version};

	if (cache == NULL || cache_generation != generation)
		return NULL;
	return hash_search(cache, &key, HASH_FIND, NULL);
}

/* Keep a copy, and let *registration know where; NULL: that there is none. */
static void
cache_store(const char *name, const char *version, Registration *registration)
{
	MemoryContext caller;
	CacheKey	key = {name, version};
	CacheEntry *entry;
	Registration *copy = NULL;

	if (cache == NULL || cache_generation != generation ||
		hash_get_num_entries(cache) >= CACHE_ENTRIES_MAX)
		cache_create();

	/* everything that can run out of memory comes before the entry */
	caller = MemoryContextSwitchTo(cache_context);
	if (hash_search(cache, &key, HASH_FIND, NULL) == NULL)
	{
		key.name = pstrdup(name);
		key.version = copy_string(version);
	}
	if (registration != NULL)
		copy = registration_copy(registration);
	MemoryContextSwitchTo(caller);
	entry = hash_search(cache, &key, HASH_ENTER, NULL);
	entry->registration = copy;
	entry->looked_at = GetCurrentTimestamp();
	if (copy == NULL)
		return;
	copy->cached = registration->cached = copy;
	copy->generation = registration->generation = generation;
}

/* From now on, changes raise the generation. */
static void
cache_watch(void)
{
	static bool is_watching = false;

	registrations_relid = get_relname_relid("registrations", get_namespace_oid("df", false));
	if (is_watching)
		return;
	CacheRegisterRelcacheCallback(on_relation_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(PROCOID, on_catalog_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, on_catalog_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, on_catalog_invalidated, (Datum) 0);
	is_watching = true;
}

/* An empty cache, instead of the one there is; pointers into that become void. */
static void
cache_create(void)
{
	HASHCTL		info = {0};

	generation++;
	cache = NULL;
	if (cache_context != NULL)
		MemoryContextDelete(cache_context);
	cache_context = NULL;
	cache_context = AllocSetContextCreate(TopMemoryContext, "pgdf registrations",
										  ALLOCSET_DEFAULT_SIZES);
	info.keysize = sizeof(CacheKey);
	info.entrysize = sizeof(CacheEntry);
	info.hash = cache_key_hash;
	info.match = cache_key_compare;
	info.hcxt = cache_context;
	cache = hash_create("pgdf registrations", 64, &info,
						HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	cache_generation = generation;
}

static uint32
cache_key_hash(const void *key, Size keysize)
{
	const CacheKey *k = key;
	uint32		hash = string_hash(k->name, strlen(k->name) + 1);

	if (k->version != NULL)
		hash = hash * 31 + string_hash(k->version, strlen(k->version) + 1);
	return hash;
}

static int
cache_key_compare(const void *a, const void *b, Size keysize)
{
	const CacheKey *x = a;
	const CacheKey *y = b;

	if (x->version == NULL || y->version == NULL)
	{
		if (x->version != y->version)
			return 1;
	}
	else if (strcmp(x->version, y->version) != 0)
		return 1;
	return strcmp(x->name, y->name);
}

static void
on_relation_invalidated(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == registrations_relid)
		generation++;
}

static void
on_catalog_invalidated(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
}

/* ------------------------------------------------------------ registrations */

static Registration *
registration_load(const char *name, const char *version)
{
	Datum		values[2];
	bool		nulls[2] = {false, version == NULL};
	Registration *registration;
	char	   *kind;
	bool		isnull;
	Datum		timeout;

	values[0] = CStringGetTextDatum(pgdf_name_key(name));
	values[1] = version == NULL ? (Datum) 0 : CStringGetTextDatum(version);
	if (pgdf_spi_execute_latest(&find_stmt, values, nulls) == 0)
		return NULL;

	registration = palloc0(sizeof(Registration));
	registration->name = pgdf_spi_cstring(0, 1);
	registration->version = pgdf_spi_cstring(0, 2);
	kind = pgdf_spi_cstring(0, 3);
	if (!pgdf_registration_kind_parse(kind, &registration->kind))
		elog(ERROR, "unexpected kind of registration \"%s\"", kind);
	registration->function = pgdf_spi_cstring(0, 4);
	registration->search_path = pgdf_spi_cstring(0, 5);
	registration->queue = pgdf_spi_cstring(0, 6);
	registration->retry = pgdf_spi_text(0, 7, CurrentMemoryContext);
	timeout = pgdf_spi_datum(0, 8, &isnull);
	if (!isnull)
	{
		registration->timeout = palloc(sizeof(Interval));
		*registration->timeout = *DatumGetIntervalP(timeout);
	}
	registration->settings = pgdf_spi_text(0, 9, CurrentMemoryContext);
	registration->code_hash = pgdf_spi_cstring(0, 10);
	registration->function_owner = DatumGetObjectId(pgdf_spi_datum(0, 11, &isnull));
	registration->registrar = DatumGetObjectId(pgdf_spi_datum(0, 12, &isnull));
	return registration;
}

static Registration *
registration_copy(const Registration *source)
{
	Registration *copy = palloc(sizeof(Registration));

	*copy = *source;
	copy->name = pstrdup(source->name);
	copy->version = pstrdup(source->version);
	copy->function = copy_string(source->function);
	copy->search_path = copy_string(source->search_path);
	copy->queue = copy_string(source->queue);
	copy->retry = copy_text(source->retry);
	copy->settings = copy_text(source->settings);
	copy->code_hash = copy_string(source->code_hash);
	if (source->timeout != NULL)
	{
		copy->timeout = palloc(sizeof(Interval));
		*copy->timeout = *source->timeout;
	}
	return copy;
}

static char *
copy_string(const char *string)
{
	return string == NULL ? NULL : pstrdup(string);
}

static text *
copy_text(const text *value)
{
	text	   *copy;

	if (value == NULL)
		return NULL;
	copy = palloc(VARSIZE_ANY(value));
	memcpy(copy, value, VARSIZE_ANY(value));
	return copy;
}

/*
 * Look the function up as owner, who needs USAGE on its schema (42501); returns
 * InvalidOid when there is none.
 */
static Oid
resolve_function(const Registration *registration, Oid owner)
{
	Oid			userid;
	int			sec_context;
	FmgrInfo	flinfo;
	Datum		result;

	LOCAL_FCINFO(fcinfo, 1);

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(owner, sec_context | SECURITY_LOCAL_USERID_CHANGE);

	fmgr_info(F_TO_REGPROCEDURE, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = CStringGetTextDatum(registration->function);
	fcinfo->args[0].isnull = false;
	result = FunctionCallInvoke(fcinfo);

	SetUserIdAndSecContext(userid, sec_context);
	return fcinfo->isnull ? InvalidOid : DatumGetObjectId(result);
}

/*
 * As the current user, InvalidOid for every error: a type in the signature that
 * does not exist any more is one.
 */
static Oid
try_resolve(const Registration *registration)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;
	volatile Oid function = InvalidOid;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		function = resolve_function(registration, GetUserId());
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_OPERATOR_INTERVENTION)
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		function = InvalidOid;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = resource_owner;
	return function;
}

/*
 * Where the function was, somebody else may have put one of that name meanwhile:
 * only what the registrar could register today is run.
 */
static void
check_function_owner(const Registration *registration, Oid function)
{
	Oid			function_owner = pgdf_function_owner(function);

	if (function_owner == registration->function_owner ||
		is_member_of_role(registration->registrar, function_owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("function %s has another owner than when it was registered as \"%s\"",
					registration->function, registration->name),
			 errdetail("It belongs to role \"%s\".", GetUserNameFromId(function_owner, true)),
			 errhint("Register it again.")));
}

static void
check_superuser(const Registration *registration, Oid function, Oid owner)
{
	Oid			function_owner;

	if (pgdf_superuser_instances || !superuser_arg(owner))
		return;
	function_owner = pgdf_function_owner(function);
	if (!superuser_arg(function_owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s is not run with a superuser's rights",
						registration->function),
				 errdetail("It belongs to role \"%s\", who is not a superuser.",
						   GetUserNameFromId(function_owner, true)),
				 errhint("Start it as an ordinary role, or turn on pgdf.superuser_instances.")));
}
