/*
 * cli_wait.c
 *		Wait until an instance is final, showing its progress.
 *
 * Only a few numbers are asked for while waiting; the payloads, which may be
 * large, are read once, at the end.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_wait.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backoff.h"
#include "cli_message.h"
#include "cli_progress.h"
#include "cli_status.h"
#include "xalloc.h"

#define SHORTEST_INTERVAL_MS	20
#define LONGEST_INTERVAL_MS		500

/* A server that has not answered after this is taken for lost. */
#define POLL_TIMEOUT_MS			10000
#define STATUS_TIMEOUT_MS		60000

/* And after this when --timeout is nearly over. */
#define SHORTEST_TIMEOUT_MS		2000

#define RECONNECT_FIRST_MS		50
#define RECONNECT_LONGEST_MS	1000

#define POLL_SQL \
	"SELECT runtime_status::text, tasks_completed, tasks_total, blocked_reason" \
	" FROM @extschema@.df_status($1)"

/* An instance that has not begun after this may lack a worker. */
#define WORKER_MISSED_MS		3000

/* A row if no worker is there to run turns; everybody may see that. */
#define NO_WORKER_SQL \
	"SELECT FROM df.orchestrators HAVING pg_catalog.max(live_workers) = 0"

typedef struct Wait
{
	CliConnection *connection;
	const char *instance_id;
	int64_t		started_ms;
	int64_t		deadline_ms;	/* INT64_MAX: none */
	bool		is_lost;		/* the user was told that the connection is lost */
	bool		was_worker_sought;
	char	   *blocked_reason; /* shown last, or NULL */
	Backoff		backoff;
	Progress	progress;
} Wait;

/* What Ctrl-C says: made before it can be needed, because a signal handler cannot make it. */
static char *interrupt_text;
static size_t interrupt_length;

static void wait_init(Wait *w, CliConnection *c, const char *instance_id, const CliOptions *options);
static void wait_free(Wait *w);
static void interrupt_handler(int signal_number);
static CliExit wait_loop(Wait *w);
static CliExit wait_look(Wait *w, bool *is_final);
static CliExit wait_read(Wait *w, const char *sql, int64_t timeout_ms, PGresult **result);
static CliOutcome read_once(Wait *w, const char *sql, int64_t timeout_ms, PGresult **result);
static void loss_show(Wait *w);
static void blocked_reason_show(Wait *w, const char *reason);
static void worker_seek(Wait *w);
static bool wait_pause(Wait *w, int64_t interval_ms);

CliExit
cli_wait_for_end(CliConnection *c, const char *instance_id, const CliOptions *options, PGresult **result)
{
	Wait		w;
	CliExit		code;
	CliExit		read_code;

	*result = NULL;
	wait_init(&w, c, instance_id, options);
	code = wait_loop(&w);
	if (code == CLI_OK || code == CLI_TIMED_OUT)
		cli_progress_end(&w.progress, cli_now_ms());
	if (code == CLI_TIMED_OUT)
	{
		char	   *quoted = cli_shell_quote(instance_id);

		cli_error("timed out waiting for instance \"%s\"", instance_id);
		cli_hint("The instance goes on; wait again with: pgdf wait %s", quoted);
		free(quoted);
	}
	if (code == CLI_OK || (code == CLI_TIMED_OUT && !w.is_lost))
	{
		read_code = wait_read(&w, CLI_STATUS_SQL, STATUS_TIMEOUT_MS, result);

		/* purged between the two calls: there is nothing to show */
		if (read_code == CLI_OK && PQntuples(*result) == 0)
		{
			PQclear(*result);
			*result = NULL;
			read_code = cli_status_unknown(instance_id);
		}
		if (code == CLI_OK)
			code = read_code;
	}
	wait_free(&w);
	return code;
}

/* A tenth of what was waited so far: the end is noticed soon, and a long wait costs little. */
int64_t
cli_wait_interval_ms(int64_t elapsed_ms)
{
	int64_t		interval = elapsed_ms / 10;

	if (interval < SHORTEST_INTERVAL_MS)
		return SHORTEST_INTERVAL_MS;
	return interval > LONGEST_INTERVAL_MS ? LONGEST_INTERVAL_MS : interval;
}

char *
cli_shell_quote(const char *text)
{
	Buf			buf = {0};

	if (*text != '\0' && *text != '-'
		&& text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:@%+,=")] == '\0')
		return xstrdup(text);
	if (*text == '-')
		buf_append_text(&buf, "-- ");
	buf_append_text(&buf, "'");
	for (; *text != '\0'; text++)
	{
		if (*text == '\'')
			buf_append_text(&buf, "'\\''");
		else
			buf_append(&buf, text, 1);
	}
	buf_append_text(&buf, "'");
	return buf_take(&buf);
}

static void
wait_init(Wait *w, CliConnection *c, const char *instance_id, const CliOptions *options)
{
	struct sigaction action = {.sa_handler = interrupt_handler};
	char	   *quoted = cli_shell_quote(instance_id);
	int64_t		now_ms = cli_now_ms();

	*w = (Wait) {.connection = c, .instance_id = instance_id, .started_ms = now_ms, .deadline_ms = INT64_MAX};
	if (options->timeout_ms >= 0 && options->timeout_ms < INT64_MAX - now_ms)
		w->deadline_ms = now_ms + options->timeout_ms;
	backoff_init(&w->backoff, RECONNECT_FIRST_MS, RECONNECT_LONGEST_MS);
	cli_progress_init(&w->progress, options->quiet, now_ms);

	interrupt_text = xasprintf("%spgdf: stopped waiting for instance \"%s\", which goes on\n"
							   "pgdf: hint: Wait again with: pgdf wait %s\n",
							   w->progress.is_live ? "\n" : "", instance_id, quoted);
	interrupt_length = strlen(interrupt_text);
	free(quoted);
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
}

static void
wait_free(Wait *w)
{
	signal(SIGINT, SIG_DFL);
	free(interrupt_text);
	interrupt_text = NULL;
	free(w->blocked_reason);
}

/*
 * Ctrl-C ends the waiting and nothing else.  It ends the process here, because
 * libpq's blocking calls (name resolution, connecting) do not return for a
 * signal; nothing is lost, the server sees a client that went away.
 */
static void
interrupt_handler(int signal_number)
{
	(void) !write(STDERR_FILENO, interrupt_text, interrupt_length);
	_exit(CLI_INTERRUPTED);
}

/* CLI_OK: the instance is final. */
static CliExit
wait_loop(Wait *w)
{
	for (;;)
	{
		bool		is_final;
		CliExit		code = wait_look(w, &is_final);

		if (code != CLI_OK || is_final)
			return code;
		if (!wait_pause(w, cli_wait_interval_ms(cli_now_ms() - w->started_ms)))
			return CLI_TIMED_OUT;
	}
}

/* Ask once, and show what came. */
static CliExit
wait_look(Wait *w, bool *is_final)
{
	PGresult   *result;
	CliExit		code = wait_read(w, POLL_SQL, POLL_TIMEOUT_MS, &result);

	*is_final = false;
	if (code != CLI_OK)
		return code;
	if (PQntuples(result) == 0)
	{
		cli_progress_clear(&w->progress);
		code = cli_status_unknown(w->instance_id);
	}
	else
	{
		*is_final = cli_status_is_final(PQgetvalue(result, 0, 0));
		blocked_reason_show(w, PQgetisnull(result, 0, 3) ? NULL : PQgetvalue(result, 0, 3));
		if (strcmp(PQgetvalue(result, 0, 0), "Pending") == 0)
			worker_seek(w);
		cli_progress_update(&w->progress, PQgetvalue(result, 0, 0), strtoll(PQgetvalue(result, 0, 1), NULL, 10),
							strtoll(PQgetvalue(result, 0, 2), NULL, 10), cli_now_ms());
	}
	PQclear(result);
	return code;
}

/* Ask until there is an answer, connecting again as often as necessary. */
static CliExit
wait_read(Wait *w, const char *sql, int64_t timeout_ms, PGresult **result)
{
	CliOutcome	outcome;

	while ((outcome = read_once(w, sql, timeout_ms, result)) == CLI_LOST)
	{
		loss_show(w);
		if (!wait_pause(w, backoff_next(&w->backoff, cli_now_ms() * 1000)))
			return CLI_TIMED_OUT;
	}
	if (outcome == CLI_REFUSED)
		return CLI_ERROR;
	if (w->is_lost)
	{
		cli_progress_clear(&w->progress);
		cli_notice("connected again");
	}
	w->is_lost = false;
	backoff_reset(&w->backoff);
	return CLI_OK;
}

static CliOutcome
read_once(Wait *w, const char *sql, int64_t timeout_ms, PGresult **result)
{
	const char *values[] = {w->instance_id};
	CliOutcome	outcome = CLI_DONE;
	int64_t		left_ms = w->deadline_ms - cli_now_ms();

	*result = NULL;
	if (w->connection->schema == NULL)
	{
		/* an error that lasts is shown below the bar, not in it */
		cli_progress_clear(&w->progress);
		outcome = cli_reconnect(w->connection);
	}
	if (timeout_ms > left_ms)
		timeout_ms = left_ms > SHORTEST_TIMEOUT_MS ? left_ms : SHORTEST_TIMEOUT_MS;
	if (outcome == CLI_DONE)
		outcome = cli_query_within(w->connection, sql, 1, values, timeout_ms, result);
	if (outcome == CLI_LOST)
		cli_disconnect(w->connection);
	return outcome;
}

static void
loss_show(Wait *w)
{
	if (w->is_lost)
		return;
	w->is_lost = true;
	cli_progress_clear(&w->progress);
	cli_notice("lost the connection to the server, trying to connect again");
}

/* An instance that cannot go on says why; told once, and again when the reason changes. */
static void
blocked_reason_show(Wait *w, const char *reason)
{
	if (reason != NULL && (w->blocked_reason == NULL || strcmp(reason, w->blocked_reason) != 0))
	{
		cli_progress_clear(&w->progress);
		cli_notice("instance \"%s\" is blocked: %s", w->instance_id, reason);
	}
	free(w->blocked_reason);
	w->blocked_reason = reason != NULL ? xstrdup(reason) : NULL;
}

/* An instance that does not begin: is there a worker at all?  Asked once; what cannot be told is not. */
static void
worker_seek(Wait *w)
{
	PGresult   *result;

	if (w->was_worker_sought || cli_now_ms() - w->started_ms < WORKER_MISSED_MS)
		return;
	w->was_worker_sought = true;
	result = PQexec(w->connection->conn, NO_WORKER_SQL);
	if (PQntuples(result) > 0)
	{
		cli_progress_clear(&w->progress);
		cli_notice("instance \"%s\" has not begun: no worker is connected to this database", w->instance_id);
		cli_hint("Start one with: pgdf worker");
	}
	PQclear(result);
}

/* Sleep, moving the bar's clock.  False: the deadline has come. */
static bool
wait_pause(Wait *w, int64_t interval_ms)
{
	int64_t		until_ms = cli_now_ms() + interval_ms;

	for (;;)
	{
		int64_t		now_ms = cli_now_ms();
		int64_t		left_ms = (until_ms < w->deadline_ms ? until_ms : w->deadline_ms) - now_ms;

		if (now_ms >= w->deadline_ms)
			return false;
		if (left_ms <= 0)
			return true;
		if (left_ms > 100)
			left_ms = 100;
		nanosleep(&(struct timespec) {.tv_nsec = left_ms * 1000000}, NULL);
		if (!w->is_lost)
			cli_progress_tick(&w->progress, cli_now_ms());
	}
}
