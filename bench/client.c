/*
 * client.c
 *		The clients of the benchmark that psql and pgbench cannot be.
 *
 *	client drain USER_CONNINFO ADMIN_CONNINFO SQL
 *		Run SQL, then wait until no instance is left that is not final.  Prints
 *		the seconds that the SQL took and those from then to the end.
 *
 *	client pairs CONNINFO COUNT PAUSE_MS FIRST SECOND
 *		So often: run FIRST, pause when asked to, run SECOND with the first
 *		column of its answer as $1.  Prints the microseconds of each SECOND,
 *		from the moment FIRST had committed.
 *
 *	client sustain USER_CONNINFO ADMIN_CONNINFO SECONDS BACKLOG SQL
 *		For so long: run SQL, which starts instances, whenever fewer than BACKLOG
 *		are unfinished.  Prints how often it ran.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The oldest instance that is not final, and the newest there is.  Each look
 * begins where the last one ended, so that a long run is not slowed by looking.
 */
static const char oldest_sql[] =
	"SELECT i.instance_key, (SELECT max(instance_key) FROM df.instance_state), i.blocked_reason"
	"  FROM (SELECT) AS one"
	"  LEFT JOIN LATERAL (SELECT instance_key, blocked_reason FROM df.instance_state"
	"                      WHERE instance_key >= $1::bigint AND completed_at IS NULL"
	"                      ORDER BY instance_key LIMIT 1) AS i ON true";

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

static void
pause_for(double seconds)
{
	struct timespec time;

	time.tv_sec = (time_t) seconds;
	time.tv_nsec = (long) ((seconds - (double) time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
}

static void
fail(PGconn *conn, const char *what)
{
	fprintf(stderr, "client: could not %s: %s", what, PQerrorMessage(conn));
	exit(1);
}

static PGconn *
connect_to(const char *conninfo)
{
	PGconn	   *conn = PQconnectdb(conninfo);

	if (PQstatus(conn) != CONNECTION_OK)
		fail(conn, "connect");
	return conn;
}

static PGresult *
run(PGconn *conn, const char *sql, const char *param)
{
	PGresult   *result = PQexecParams(conn, sql, param != NULL ? 1 : 0, NULL, &param, NULL, NULL, 0);

	if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		fail(conn, sql);
	return result;
}

/* How many keys lie between the oldest unfinished instance and the newest; 0: all are final. */
static long long
unfinished(PGconn *admin, char *oldest, size_t size)
{
	PGresult   *result = run(admin, oldest_sql, oldest);
	long long	count = 0;

	if (!PQgetisnull(result, 0, 2))
	{
		fprintf(stderr, "client: an instance stands still: %s\n", PQgetvalue(result, 0, 2));
		exit(1);
	}
	if (!PQgetisnull(result, 0, 0))
	{
		snprintf(oldest, size, "%s", PQgetvalue(result, 0, 0));
		count = atoll(PQgetvalue(result, 0, 1)) - atoll(oldest) + 1;
	}
	PQclear(result);
	return count;
}

static int
drain(char **argv)
{
	PGconn	   *user = connect_to(argv[0]);
	PGconn	   *admin = connect_to(argv[1]);
	char		oldest[32] = "0";
	double		started;
	double		committed;

	(void) unfinished(admin, oldest, sizeof(oldest));
	started = now();
	PQclear(run(user, argv[2], NULL));
	committed = now();
	while (unfinished(admin, oldest, sizeof(oldest)) > 0)
	{
		/* half a percent of what has passed */
		double		pause = (now() - committed) / 200;

		pause_for(pause < 0.0005 ? 0.0005 : pause > 0.1 ? 0.1 : pause);
	}
	printf("%.6f %.6f\n", committed - started, now() - committed);
	PQfinish(user);
	PQfinish(admin);
	return 0;
}

static int
pairs(char **argv)
{
	PGconn	   *conn = connect_to(argv[0]);
	int			count = (int) strtol(argv[1], NULL, 10);
	double		pause = (double) strtol(argv[2], NULL, 10) / 1000;

	for (int i = 0; i < count; i++)
	{
		PGresult   *first;
		double		started;

		if (pause > 0)
			pause_for(pause);
		first = run(conn, argv[3], NULL);
		started = now();
		PQclear(run(conn, argv[4], PQnfields(first) > 0 ? PQgetvalue(first, 0, 0) : NULL));
		printf("%.1f\n", (now() - started) * 1e6);
		PQclear(first);
	}
	PQfinish(conn);
	return 0;
}

static int
sustain(char **argv)
{
	PGconn	   *user = connect_to(argv[0]);
	PGconn	   *admin = connect_to(argv[1]);
	double		end = now() + (double) strtol(argv[2], NULL, 10);
	long long	backlog = atoll(argv[3]);
	long long	count = 0;
	char		oldest[32] = "0";

	while (now() < end)
	{
		if (unfinished(admin, oldest, sizeof(oldest)) >= backlog)
		{
			pause_for(0.005);
			continue;
		}
		PQclear(run(user, argv[4], NULL));
		count++;
	}
	while (unfinished(admin, oldest, sizeof(oldest)) > 0)
		pause_for(0.005);
	printf("%lld\n", count);
	PQfinish(user);
	PQfinish(admin);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "drain") == 0)
		return drain(argv + 2);
	if (argc == 7 && strcmp(argv[1], "pairs") == 0)
		return pairs(argv + 2);
	if (argc == 7 && strcmp(argv[1], "sustain") == 0)
		return sustain(argv + 2);
	fprintf(stderr, "client: wrong arguments, see client.c\n");
	return 2;
}
