/*
 * http_status.c
 *		The status of an instance, now or when it is final.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_status.h"

#include <stdlib.h>
#include <string.h>

#include "http_exchange.h"
#include "http_links.h"
#include "http_routes.h"
#include "http_wait.h"
#include "worker.h"
#include "xalloc.h"

/* Longest ?wait= */
#define MAX_WAIT_MS			60000

/* A start may be waited for so long. */
#define MAX_START_WAIT_MS	(24 * 3600 * INT64_C(1000))

/* While it runs, clients need not ask sooner. */
#define RETRY_AFTER_STATUS	"5"

static const char status_sql[] =
	"SELECT code, runtime_status, output, changed, body FROM df.api_status($1, $2, $3, $4, $5)";

static void ask(HttpExchange *x, ExchangeRowsFn fn);
static void ask_again(HttpExchange *x, bool has_changed);
static void status_known(HttpExchange *x, const PGresult *rows);
static void poll_over(HttpExchange *x, bool has_changed);
static void wait_for_end(HttpExchange *x, const PGresult *rows);
static InstanceStatus read_status(const PGresult *rows);

void
http_status(HttpExchange *x)
{
	int64_t		wait_ms = http_uri_seconds(&x->uri, "wait");

	if (wait_ms > MAX_WAIT_MS)
		wait_ms = MAX_WAIT_MS;
	x->wait.until_us = wait_ms > 0 ? loop_now_us(x->server->worker) + wait_ms * 1000 : 0;
	x->wait.instance_id = x->args[0];
	ask(x, status_known);
}

void
http_status_wait(HttpExchange *x, const char *instance_id, int64_t timeout_ms,
				 void (*fn) (HttpExchange *x, const InstanceStatus *status))
{
	if (timeout_ms > MAX_START_WAIT_MS)
		timeout_ms = MAX_START_WAIT_MS;
	x->wait.until_us = loop_now_us(x->server->worker) + timeout_ms * 1000;
	x->wait.instance_id = instance_id;
	x->status_fn = fn;
	ask(x, wait_for_end);
}

void
http_status_answer(HttpExchange *x, const InstanceStatus *status)
{
	int			code = status->code;
	bool		is_failed = code == 200 && strcmp(status->runtime_status, "Failed") == 0;

	if (is_failed && http_uri_flag(&x->uri, "returnInternalServerErrorOnFailure", false))
		code = 500;
	if (code == 202)
	{
		char	   *own = http_links_own(x);

		exchange_add_header(x, "Location", own);
		exchange_add_header(x, "Retry-After", RETRY_AFTER_STATUS);
		free(own);
	}
	if (status->body != NULL)
		exchange_answer_json(x, code, status->body, strlen(status->body));
	else
		exchange_answer_empty(x, code);
}

static void
ask(HttpExchange *x, ExchangeRowsFn fn)
{
	DbParams   *params = exchange_params(x);

	db_param_text(params, PG_TEXT_OID, x->wait.instance_id);
	db_param_bool(params, http_uri_flag(&x->uri, "showInput", true));
	db_param_bool(params, http_uri_flag(&x->uri, "showHistory", false));
	db_param_bool(params, http_uri_flag(&x->uri, "showHistoryOutput", false));
	exchange_query(x, status_sql, fn);
}

/* Once more, after a wait: somebody is there for it, so no full queue refuses it. */
static void
ask_again(HttpExchange *x, bool has_changed)
{
	x->call.is_needed = true;
	ask(x, wait_for_end);
}

/* GET: final, or not to be waited for, is the answer; so is the next change. */
static void
status_known(HttpExchange *x, const PGresult *rows)
{
	InstanceStatus status = read_status(rows);
	const char *changed = db_text(rows, 0, 3);
	bool		is_late = x->server->is_draining || x->wait.until_us <= loop_now_us(x->server->worker);

	if (status.code != 202 || changed == NULL || is_late)
		http_status_answer(x, &status);
	else
		http_wait_begin(x, x->wait.instance_id, changed, x->wait.until_us, poll_over);
}

static void
poll_over(HttpExchange *x, bool has_changed)
{
	x->call.is_needed = true;
	x->wait.until_us = 0;
	ask(x, status_known);
}

static void
wait_for_end(HttpExchange *x, const PGresult *rows)
{
	InstanceStatus status = read_status(rows);
	const char *changed = db_text(rows, 0, 3);
	bool		is_late = x->server->is_draining || x->wait.until_us <= loop_now_us(x->server->worker);

	if (status.code == 404)
		http_status_answer(x, &status);
	else if (status.is_final || changed == NULL || is_late)
		x->status_fn(x, &status);
	else
		http_wait_begin(x, x->wait.instance_id, changed, x->wait.until_us, ask_again);
}

static InstanceStatus
read_status(const PGresult *rows)
{
	InstanceStatus status = {.code = (int) db_int8(rows, 0, 0)};

	status.runtime_status = db_text(rows, 0, 1);
	status.output = db_text(rows, 0, 2);
	status.body = db_text(rows, 0, 4);
	status.is_final = status.code == 200;
	return status;
}
