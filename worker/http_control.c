/*
 * http_control.c
 *		Control instances and send them events.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <string.h>
#include <strings.h>

#include "http_exchange.h"
#include "http_routes.h"
#include "json.h"

static void controlled(HttpExchange *x, const PGresult *rows);
static void event_sent(HttpExchange *x, const PGresult *rows);
static bool type_is_json(const char *type);
static bool body_is_json(const HttpExchange *x, size_t *offset);

void
http_control(HttpExchange *x)
{
	DbParams   *params = exchange_params(x);

	db_param_text(params, PG_TEXT_OID, x->route->argument);
	db_param_text(params, PG_TEXT_OID, x->args[0]);
	db_param_text(params, PG_TEXT_OID, http_uri_field(&x->uri, "reason"));
	exchange_query(x, "SELECT code, message FROM df.api_control($1, $2, $3, $4)", controlled);
}

/*
 * Whether there is such an instance, and whether it still takes events, is told
 * before anything about the body is.  What is no JSON may not even be text, so
 * the database gets an empty one, which is no JSON either.
 */
void
http_raise_event(HttpExchange *x)
{
	DbParams   *params = exchange_params(x);
	size_t		offset;

	db_param_text(params, PG_TEXT_OID, x->args[0]);
	db_param_text(params, PG_TEXT_OID, x->args[1]);
	db_param_bool(params, type_is_json(exchange_header(x, "Content-Type")));
	db_param_text(params, PG_TEXT_OID, body_is_json(x, &offset) ? x->body.data : "");
	db_param_text(params, PG_TEXT_OID, exchange_header(x, "Idempotency-Key"));
	exchange_query(x, "SELECT code, message FROM df.api_raise_event($1, $2, $3, $4, $5, $6)", event_sent);
}

void
http_entities(HttpExchange *x)
{
	exchange_answer_message(x, 501, "entities are not supported");
}

static void
controlled(HttpExchange *x, const PGresult *rows)
{
	exchange_answer_code(x, (int) db_int8(rows, 0, 0), db_text(rows, 0, 1));
}

static void
event_sent(HttpExchange *x, const PGresult *rows)
{
	int			code = (int) db_int8(rows, 0, 0);
	size_t		offset;

	if (code == 400 && type_is_json(exchange_header(x, "Content-Type")) && !body_is_json(x, &offset))
		exchange_answer_message(x, 400, "body is not valid JSON at byte %zu", offset + 1);
	else
		controlled(x, rows);
}

/* Parameters, as charset, do not count. */
static bool
type_is_json(const char *type)
{
	static const char json[] = "application/json";

	if (type == NULL || strncasecmp(type, json, strlen(json)) != 0)
		return false;
	type += strlen(json);
	return *type == '\0' || *type == ';' || *type == ' ' || *type == '\t';
}

static bool
body_is_json(const HttpExchange *x, size_t *offset)
{
	*offset = 0;
	return x->body.used > 0 && json_is_valid(x->body.data, x->body.used, offset);
}
