/*
 * http_start.c
 *		Start instances, start them anew, and wait for them if that is asked for.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <string.h>

#include "http_exchange.h"
#include "http_links.h"
#include "http_routes.h"
#include "http_status.h"
#include "json.h"
#include "worker.h"
#include "xalloc.h"

/* The waiting trigger, when its query does not say. */
#define DEFAULT_WAIT_MS		30000

static void start(HttpExchange *x, ExchangeRowsFn fn);
static const char *start_options(HttpExchange *x);
static void started(HttpExchange *x, const PGresult *rows);
static void started_and_waiting(HttpExchange *x, const PGresult *rows);
static bool was_started(HttpExchange *x, const PGresult *rows);
static void waited(HttpExchange *x, const InstanceStatus *status);

void
http_start(HttpExchange *x)
{
	start(x, started);
}

void
http_start_and_wait(HttpExchange *x)
{
	start(x, started_and_waiting);
}

void
http_restart(HttpExchange *x)
{
	DbParams   *params = exchange_params(x);

	db_param_text(params, PG_TEXT_OID, x->args[0]);
	db_param_bool(params, http_uri_flag(&x->uri, "restartWithNewInstanceId", true));
	exchange_query(x, "SELECT code, instance_id, message FROM df.api_restart($1, $2, $3)", started);
}

/* No body is JSON null. */
static void
start(HttpExchange *x, ExchangeRowsFn fn)
{
	DbParams   *params = exchange_params(x);
	size_t		offset;

	if (x->body.used > 0 && !json_is_valid(x->body.data, x->body.used, &offset))
	{
		exchange_answer_message(x, 400, "body is not valid JSON at byte %zu", offset + 1);
		return;
	}
	db_param_text(params, PG_TEXT_OID, x->args[0]);
	db_param_text(params, PG_TEXT_OID, x->body.used > 0 ? x->body.data : NULL);
	db_param_text(params, PG_TEXT_OID, x->args[1]);
	db_param_text(params, PG_JSON_OID, start_options(x));
	exchange_query(x, "SELECT code, instance_id, message FROM df.api_start($1, $2, $3, $4, $5)", fn);
}

/* {"version": ...} when the query has one, as the clients of Durable Functions say which; NULL: the last registered. */
static const char *
start_options(HttpExchange *x)
{
	const char *version = http_uri_field(&x->uri, "version");
	const char *options;
	Buf			json = {0};

	if (version == NULL || *version == '\0')
		return NULL;
	buf_append_text(&json, "{\"version\":");
	json_append_string(&json, version, strlen(version));
	buf_append_text(&json, "}");
	options = exchange_keep(x, json.data);
	buf_free(&json);
	return options;
}

/* Waiting is asked for by both of two fields. */
static void
started(HttpExchange *x, const PGresult *rows)
{
	int64_t		timeout_ms = http_uri_seconds(&x->uri, "timeout");

	if (!was_started(x, rows))
		return;
	if (x->route->handle == http_start && timeout_ms >= 0 && http_uri_seconds(&x->uri, "pollingInterval") >= 0)
		http_status_wait(x, x->instance_id, timeout_ms, waited);
	else
		http_links_answer(x, x->instance_id);
}

static void
started_and_waiting(HttpExchange *x, const PGresult *rows)
{
	int64_t		timeout_ms = http_uri_seconds(&x->uri, "timeout");

	if (was_started(x, rows))
		http_status_wait(x, x->instance_id, timeout_ms >= 0 ? timeout_ms : DEFAULT_WAIT_MS, waited);
}

static bool
was_started(HttpExchange *x, const PGresult *rows)
{
	int			code = (int) db_int8(rows, 0, 0);
	const char *id = db_text(rows, 0, 1);

	if (code == 202 && id != NULL)
	{
		x->instance_id = xstrdup(id);
		return true;
	}
	exchange_answer_code(x, code, db_text(rows, 0, 2));
	return false;
}

/* Completed: the bare output.  Ended otherwise: the status.  Still running: as if nobody had waited. */
static void
waited(HttpExchange *x, const InstanceStatus *status)
{
	if (!status->is_final)
		http_links_answer(x, x->instance_id);
	else if (strcmp(status->runtime_status, "Completed") == 0)
		exchange_answer_json(x, 200, status->output != NULL ? status->output : "null",
							 status->output != NULL ? strlen(status->output) : strlen("null"));
	else
		http_status_answer(x, status);
}
