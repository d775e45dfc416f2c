/*
 * http_wait.c
 *		Exchanges that wait until an instance changes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_wait.h"

#include <stdlib.h>
#include <string.h>

#include "http_exchange.h"
#include "worker.h"
#include "xalloc.h"

/* Looks at an instance: the first after so long, then less and less often. */
#define FIRST_LOOK_US		20000
#define SLOWEST_LOOK_US		250000

/* What is due so soon is looked at together with what is due. */
#define SLACK_US			10000

/* Between two looks there is this many times what the last one has taken. */
#define REST_FACTOR			10

/* After a look that was not answered. */
#define FAILED_REST_US		250000

typedef struct HttpWaits
{
	HttpWait   *head;
	int			count;
	Timer		timer;
	bool		is_looking;
	HttpCall	call;
	char	   *role;			/* of the look that is under way; NULL: that of the connection */
	PgArray		ids;
	PgArray		seen;
	int64_t		asked_us;
	int64_t		rest_until_us;	/* no look before */
} HttpWaits;

static void client_gone(Worker *w, int fd, int events, void *arg);
static void wait_over(HttpWait *wait, bool has_changed);
static void schedule(HttpServer *server);
static void look_due(Worker *w, void *arg);
static void end_late(HttpServer *server);
static void look(HttpServer *server);
static bool same_role(const char *left, const char *right);
static void look_done(HttpCall *call, const DbResult *result);
static void wake_changed(HttpServer *server, const PGresult *rows);
static int	compare_waits(const void *left, const void *right);

void
http_waits_init(HttpServer *server)
{
	server->waits = xcalloc(1, sizeof(HttpWaits));
}

void
http_waits_free(HttpServer *server)
{
	HttpWaits  *waits = server->waits;

	if (waits == NULL)
		return;
	timer_stop(server->worker, &waits->timer);
	if (waits->is_looking)
	{
		pgarray_free(&waits->ids);
		pgarray_free(&waits->seen);
		free(waits->role);
	}
	free(waits);
	server->waits = NULL;
}

void
http_wait_begin(HttpExchange *x, const char *instance_id, const char *seen, int64_t until_us,
				void (*fn) (HttpExchange *x, bool has_changed))
{
	HttpWaits  *waits = x->server->waits;
	HttpWait   *wait = &x->wait;
	Worker	   *w = x->server->worker;

	wait->instance_id = instance_id;
	wait->seen = xstrdup(seen);
	wait->until_us = until_us;
	wait->interval_us = FIRST_LOOK_US;
	wait->due_us = loop_now_us(w) + wait->interval_us;
	wait->is_asked = false;
	wait->fn = fn;
	wait->is_waiting = true;

	wait->prev = NULL;
	wait->next = waits->head;
	if (waits->head != NULL)
		waits->head->prev = wait;
	waits->head = wait;
	waits->count++;

	loop_watch(w, x->conn->fd, LOOP_HANGUP, client_gone, x);
	schedule(x->server);
}

void
http_wait_end(HttpExchange *x)
{
	HttpWait   *wait = &x->wait;

	if (!wait->is_waiting)
		return;
	wait->is_waiting = false;
	if (wait->prev != NULL)
		wait->prev->next = wait->next;
	else
		x->server->waits->head = wait->next;
	if (wait->next != NULL)
		wait->next->prev = wait->prev;
	wait->prev = wait->next = NULL;
	x->server->waits->count--;
	free(wait->seen);
	wait->seen = NULL;
	loop_unwatch(x->server->worker, x->conn->fd);
}

void
http_waits_finish(HttpServer *server)
{
	HttpWait   *next;

	for (HttpWait *wait = server->waits->head; wait != NULL; wait = next)
	{
		next = wait->next;
		wait_over(wait, false);
	}
}

void
http_waits_hint(Worker *w)
{
	HttpServer *server = w->http;
	int64_t		now_us = loop_now_us(w);

	if (server == NULL || server->waits == NULL || server->waits->count == 0)
		return;
	for (HttpWait *wait = server->waits->head; wait != NULL; wait = wait->next)
		wait->due_us = now_us;
	schedule(server);
}

int
http_waits_count(const HttpServer *server)
{
	return server->waits->count;
}

/* libmicrohttpd does not watch what is suspended; answered, it finds the connection closed. */
static void
client_gone(Worker *w, int fd, int events, void *arg)
{
	HttpExchange *x = arg;

	http_wait_end(x);
	exchange_answer_empty(x, 499);
}

static void
wait_over(HttpWait *wait, bool has_changed)
{
	HttpExchange *x = wait->x;

	http_wait_end(x);
	wait->fn(x, has_changed);
}

/* Set the timer for whatever is next: a look, or the end of somebody's time. */
static void
schedule(HttpServer *server)
{
	HttpWaits  *waits = server->waits;
	int64_t		now_us = loop_now_us(server->worker);
	int64_t		next_us = INT64_MAX;

	for (const HttpWait *wait = waits->head; wait != NULL; wait = wait->next)
	{
		int64_t		due_us = wait->due_us > waits->rest_until_us ? wait->due_us : waits->rest_until_us;

		if (!waits->is_looking && due_us < next_us)
			next_us = due_us;
		if (wait->until_us < next_us)
			next_us = wait->until_us;
	}
	if (next_us == INT64_MAX)
		timer_stop(server->worker, &waits->timer);
	else
		timer_start(server->worker, &waits->timer, (next_us - now_us + 999) / 1000, look_due, server);
}

static void
look_due(Worker *w, void *arg)
{
	HttpServer *server = arg;

	end_late(server);
	if (!server->waits->is_looking && loop_now_us(w) >= server->waits->rest_until_us)
		look(server);
	schedule(server);
}

static void
end_late(HttpServer *server)
{
	int64_t		now_us = loop_now_us(server->worker);
	HttpWait   *next;

	/* what fn begins comes before head, so next stays what it is */
	for (HttpWait *wait = server->waits->head; wait != NULL; wait = next)
	{
		next = wait->next;
		if (wait->until_us <= now_us)
			wait_over(wait, false);
	}
}

/* Ask for all that is due of the role of the one that is due first; there are as many as connections, at most. */
static void
look(HttpServer *server)
{
	HttpWaits  *waits = server->waits;
	int64_t		horizon_us = loop_now_us(server->worker) + SLACK_US;
	const HttpWait *first = NULL;

	for (const HttpWait *wait = waits->head; wait != NULL; wait = wait->next)
	{
		if (wait->due_us <= horizon_us && (first == NULL || wait->due_us < first->due_us))
			first = wait;
	}
	if (first == NULL)
		return;

	waits->role = first->x->role != NULL ? xstrdup(first->x->role) : NULL;
	pgarray_begin(&waits->ids, PG_TEXT_OID);
	pgarray_begin(&waits->seen, PG_TEXT_OID);
	for (HttpWait *wait = waits->head; wait != NULL; wait = wait->next)
	{
		if (wait->due_us > horizon_us || !same_role(wait->x->role, waits->role))
			continue;
		wait->is_asked = true;
		pgarray_add_text(&waits->ids, wait->instance_id, strlen(wait->instance_id));
		pgarray_add_text(&waits->seen, wait->seen, strlen(wait->seen));
	}
	pgarray_finish(&waits->ids);
	pgarray_finish(&waits->seen);

	memset(&waits->call, 0, sizeof(waits->call));
	db_param_text(&waits->call.params, PG_REGROLE_OID, waits->role);
	db_param_array(&waits->call.params, &waits->ids);
	db_param_array(&waits->call.params, &waits->seen);
	waits->call.sql = "SELECT instance_id FROM df.api_watch($1, $2, $3)";
	waits->call.fn = look_done;
	waits->call.arg = server;
	waits->call.is_needed = true;
	waits->is_looking = true;
	waits->asked_us = loop_now_us(server->worker);
	http_pool_call(server, &waits->call);
}

static bool
same_role(const char *left, const char *right)
{
	if (left == NULL || right == NULL)
		return left == right;
	return strcmp(left, right) == 0;
}

static void
look_done(HttpCall *call, const DbResult *result)
{
	HttpServer *server = call->arg;
	HttpWaits  *waits = server->waits;
	int64_t		now_us = loop_now_us(server->worker);

	waits->is_looking = false;
	pgarray_free(&waits->ids);
	pgarray_free(&waits->seen);
	free(waits->role);
	waits->role = NULL;

	waits->rest_until_us = now_us + (now_us - waits->asked_us) * REST_FACTOR;
	if (!result->is_ok)
		waits->rest_until_us = now_us + FAILED_REST_US;
	else
		wake_changed(server, result->rows);

	for (HttpWait *wait = waits->head; wait != NULL; wait = wait->next)
	{
		if (!wait->is_asked)
			continue;
		wait->is_asked = false;
		wait->interval_us = wait->interval_us * 3 / 2 < SLOWEST_LOOK_US ? wait->interval_us * 3 / 2 : SLOWEST_LOOK_US;
		wait->due_us = now_us + wait->interval_us;
	}
	schedule(server);
}

static void
wake_changed(HttpServer *server, const PGresult *rows)
{
	HttpWaits  *waits = server->waits;
	HttpWait  **asked = xcalloc((size_t) waits->count + 1, sizeof(HttpWait *));
	int			count = 0;

	for (HttpWait *wait = waits->head; wait != NULL; wait = wait->next)
	{
		if (wait->is_asked)
			asked[count++] = wait;
	}
	qsort(asked, (size_t) count, sizeof(HttpWait *), compare_waits);
	for (int row = 0; row < PQntuples(rows); row++)
	{
		const char *id = PQgetvalue(rows, row, 0);
		int			low = 0;
		int			high = count;

		/* the first of this id; several may watch it */
		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (strcmp(asked[middle]->instance_id, id) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		for (; low < count && strcmp(asked[low]->instance_id, id) == 0; low++)
		{
			if (asked[low]->is_waiting && asked[low]->is_asked)
			{
				asked[low]->is_asked = false;
				wait_over(asked[low], true);
			}
		}
	}
	free(asked);
}

static int
compare_waits(const void *left, const void *right)
{
	return strcmp((*(HttpWait *const *) left)->instance_id, (*(HttpWait *const *) right)->instance_id);
}
