/*
 * home.c
 *		The server and database that instances live in.
 *
 * A copy of a database has the same instances in flight as the original.  If
 * workers ran them in both, activities would be done twice: mails sent twice,
 * money moved twice.  So df.home remembers where the data lives, and a worker is
 * refused where that is not true:
 *
 * - another system identifier or database OID: a dump restored elsewhere, a copy
 *   made by CREATE DATABASE, a server after pg_upgrade;
 * - a higher timeline: either a standby that was promoted, or a copy restored from
 *   an archive.  Which of them, the worker knows: a process that was connected to
 *   the lower timeline has followed the failover, and a connection string with
 *   several hosts says that there are standbys;
 * - a lower timeline: an old primary that has come back, never right.
 *
 * df_adopt() makes the copy a home of its own.  A clone of the disks that starts
 * on the same timeline cannot be told from the original.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "home.h"
#include "identity.h"
#include "spi.h"
#include "turn.h"

/* Strangers first; of our own rows the highest timeline. */
static PgdfStatement read_statement = {
	"SELECT system_identifier, database_oid, timeline,"
	"       system_identifier = $1 AND database_oid = $2"
	"  FROM df.home ORDER BY 4, 3 DESC LIMIT 1",
	2, {INT8OID, OIDOID}
};

static PgdfStatement follow_statement = {
	"UPDATE df.home SET timeline = $1 WHERE timeline < $1",
	1, {INT4OID}
};

static PgdfStatement clear_statement = {
	"DELETE FROM df.home",
	0, {0}
};

static PgdfStatement insert_statement = {
	"INSERT INTO df.home (system_identifier, database_oid, timeline, adopted_at) VALUES ($1, $2, $3, $4)",
	4, {INT8OID, OIDOID, INT4OID, TIMESTAMPTZOID}
};

static PgdfStatement worker_statement = {
	"SELECT coalesce(($1 ->> 'timeline')::integer, 0), coalesce(($1 ->> 'multi_host')::boolean, false)",
	1, {JSONOID}
};

PG_FUNCTION_INFO_V1(df_adopt);

static bool read_home(int64 *system_identifier, Oid *database_oid, int *timeline);
static void refuse_copy(int64 system_identifier, Oid database_oid) pg_attribute_noreturn();
static void read_worker(Datum details, bool is_null, int *known_timeline, bool *knows_standbys);

/*
 * df_adopt(): let workers run the instances of this copy of a database.  False: it
 * was its own home already.  For administrators.
 */
Datum
df_adopt(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	int64		system_identifier;
	Oid			database_oid;
	int			timeline;
	bool		is_home;

	pgdf_refuse_in_engine("df_adopt");
	if (!pgdf_is_admin(GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to adopt this database"),
				 errdetail("Only members of the role that owns the extension may do that.")));
	pgdf_enter(&caller);
	SPI_connect();
	is_home = read_home(&system_identifier, &database_oid, &timeline) &&
		timeline == (int) GetWALInsertionTimeLine();
	if (!is_home)
	{
		Datum		values[4] = {
			Int64GetDatum((int64) GetSystemIdentifier()), ObjectIdGetDatum(MyDatabaseId),
			Int32GetDatum((int32) GetWALInsertionTimeLine()), TimestampTzGetDatum(GetCurrentTimestamp())
		};

		pgdf_spi_execute(&clear_statement, NULL, NULL);
		pgdf_spi_execute(&insert_statement, values, NULL);
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(!is_home);
}

bool
pgdf_home_is_updated(void)
{
	return OidIsValid(get_relname_relid("home", get_namespace_oid("df", false)));
}

int
pgdf_home_outdated(void)
{
	errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE);
	errmsg("extension \"pgdf\" in this database is older than its library, which is version %s",
		   PGDF_VERSION);
	errhint("Run ALTER EXTENSION pgdf UPDATE.");
	return 0;
}

void
pgdf_home_check(Datum details, bool is_null)
{
	int64		system_identifier;
	Oid			database_oid;
	int			home_timeline;
	int			known_timeline;
	bool		knows_standbys;
	int			timeline = (int) GetWALInsertionTimeLine();
	Datum		value = Int32GetDatum(timeline);

	if (!pgdf_home_is_updated())
		ereport(ERROR, pgdf_home_outdated());
	if (!read_home(&system_identifier, &database_oid, &home_timeline))
		refuse_copy(system_identifier, database_oid);
	read_worker(details, is_null, &known_timeline, &knows_standbys);
	if (timeline < Max(home_timeline, known_timeline))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server is on timeline %d, and its instances have been run on timeline %d",
						timeline, Max(home_timeline, known_timeline)),
				 errhint("It is an old primary, or a copy of an older state: connect to the server that took over.")));
	if (timeline == home_timeline)
		return;
	if (known_timeline < home_timeline && !knows_standbys)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server is on timeline %d, and its instances have been run on timeline %d",
						timeline, home_timeline),
				 errdetail("It is a promoted standby, or a copy whose original may still be running."),
				 errhint("If it is to run its instances, call df_adopt().")));
	pgdf_spi_execute(&follow_statement, &value, NULL);
}

/* Where the data lives; is that here?  Without any row it is nowhere. */
static bool
read_home(int64 *system_identifier, Oid *database_oid, int *timeline)
{
	Datum		values[2] = {Int64GetDatum((int64) GetSystemIdentifier()), ObjectIdGetDatum(MyDatabaseId)};
	bool		isnull;

	*system_identifier = 0;
	*database_oid = InvalidOid;
	*timeline = 0;
	if (pgdf_spi_execute(&read_statement, values, NULL) == 0)
		return false;
	*system_identifier = pgdf_spi_int64(0, 1);
	*database_oid = DatumGetObjectId(pgdf_spi_datum(0, 2, &isnull));
	*timeline = pgdf_spi_int32(0, 3);
	return DatumGetBool(pgdf_spi_datum(0, 4, &isnull));
}

static void
refuse_copy(int64 system_identifier, Oid database_oid)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this database is a copy, whose instances may be running in the original"),
			 errdetail("It was made from database %u of the server with system identifier " INT64_FORMAT ".",
					   database_oid, system_identifier),
			 errhint("If it is to run its instances, call df_adopt().")));
}

/* What a worker says of itself: the timeline it was last attached to (0: none), and does it connect to one of several? */
static void
read_worker(Datum details, bool is_null, int *known_timeline, bool *knows_standbys)
{
	bool		isnull;

	*known_timeline = 0;
	*knows_standbys = false;
	if (is_null)
		return;
	pgdf_spi_execute(&worker_statement, &details, NULL);
	*known_timeline = pgdf_spi_int32(0, 1);
	*knows_standbys = DatumGetBool(pgdf_spi_datum(0, 2, &isnull));
}
