/*
 * http_health.c
 *		Is the process up, can it serve, and what does it offer: /healthz, /readyz,
 *		/openapi.json.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "http_exchange.h"
#include "http_routes.h"
#include "json.h"
#include "openapi.gen.h"
#include "worker.h"

/* Ready, but not as it should be, when this part of something is taken. */
#define SCARCE_PERCENT	90

static void extension_known(HttpExchange *x, const PGresult *rows);
static bool version_fits(const char *version);
static void add_reason(Buf *reasons, const char *reason);

void
http_healthz(HttpExchange *x)
{
	static const char up[] = "{\"status\":\"up\"}";

	exchange_answer_json(x, 200, up, strlen(up));
}

/* Not ready is 503, and says why. */
void
http_readyz(HttpExchange *x)
{
	memset(&x->call.params, 0, sizeof(x->call.params));
	if (x->server->is_draining)
		exchange_answer_unavailable(x, "shutting down");
	else
		exchange_query(x, "SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pgdf'),"
					   " pg_catalog.to_regproc('df.api_status') IS NOT NULL", extension_known);
}

void
http_openapi(HttpExchange *x)
{
	exchange_answer_json(x, 200, openapi_json, strlen(openapi_json));
}

static void
extension_known(HttpExchange *x, const PGresult *rows)
{
	const Worker *w = x->server->worker;
	const char *version = db_text(rows, 0, 0);
	Buf			body = {0};
	Buf			reasons = {0};

	if (version == NULL)
	{
		exchange_answer_unavailable(x, "extension \"pgdf\" is not installed in the database");
		return;
	}
	if (!version_fits(version) || !db_bool(rows, 0, 1))
	{
		exchange_answer_unavailable(x, "version of extension \"pgdf\" does not fit this program");
		return;
	}
	if (w->dispatch != NULL && !w->dispatch->session.is_attached)
		add_reason(&reasons, "the worker is not attached to the database");
	if (w->dispatch != NULL && session_is_pooled(w))
		add_reason(&reasons, "a connection pooler is between the worker and the database");
	if (http_pool_waiting(x->server) > w->config.http.queue / 100 * SCARCE_PERCENT)
		add_reason(&reasons, "too many requests wait for database connections");
	if (x->server->connection_count > w->config.http.connections / 100 * SCARCE_PERCENT)
		add_reason(&reasons, "connections are scarce");

	buf_append_format(&body, "{\"status\":\"%s\",\"version\":\"%s\",\"extensionVersion\":",
					  reasons.used > 0 ? "degraded" : "ready", PGDF_VERSION);
	json_append_string(&body, version, strlen(version));
	buf_append_format(&body, ",\"reasons\":[%s]}", reasons.used > 0 ? reasons.data : "");
	exchange_answer_json(x, 200, body.data, body.used);
	buf_free(&reasons);
	buf_free(&body);
}

/* The first number must be ours. */
static bool
version_fits(const char *version)
{
	return strtol(version, NULL, 10) == strtol(PGDF_VERSION, NULL, 10);
}

static void
add_reason(Buf *reasons, const char *reason)
{
	if (reasons->used > 0)
		buf_append_text(reasons, ",");
	json_append_string(reasons, reason, strlen(reason));
}
