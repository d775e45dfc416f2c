/*
 * http_exchange.c
 *		A request and its answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_exchange.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "http_check.h"
#include "http_wait.h"
#include "json.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* When the database is not there, ask again after so many seconds. */
#define RETRY_AFTER			"2"

/* Bodies that are kept at the same time, as if each was as large as it may be. */
#define LARGEST_BODIES		16
#define LEAST_BODY_BYTES	(16 * 1024 * 1024)

#define JSON_TYPE			"application/json; charset=utf-8"

static void drop_body(HttpExchange *x);
static size_t body_budget(const HttpServer *server);
static void query_done(HttpCall *call, const DbResult *result);
static void answer_failure(HttpExchange *x, const DbResult *result);
static struct MHD_Response *make_response(HttpExchange *x, const char *type, Buf *body);
static void count_answer(HttpExchange *x, int code);

HttpExchange *
exchange_begin(HttpServer *server, HttpConn *conn, struct MHD_Connection *mhd, const char *verb)
{
	HttpExchange *x = xcalloc(1, sizeof(HttpExchange));

	x->server = server;
	x->conn = conn;
	x->mhd = mhd;
	x->started_us = loop_now_us(server->worker);
	x->wait.x = x;
	x->next = server->exchanges;
	if (x->next != NULL)
		x->next->prev = x;
	server->exchanges = x;
	server->exchange_count++;
	conn->requests++;

	if (!http_check_has_body(x))
		return x;
	x->is_checked = http_check(x, verb);
	conn->was_refused = !x->is_checked;
	if (x->is_checked)
		http_conn_phase(conn, CONN_BODY, 0);
	return x;
}

void
exchange_free(HttpExchange *x)
{
	HttpServer *server = x->server;

	http_wait_end(x);
	if (x->prev != NULL)
		x->prev->next = x->next;
	else
		server->exchanges = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
	server->exchange_count--;

	for (int i = 0; i < x->header_count; i++)
		free(x->headers[i].value);
	if (x->has_array)
		pgarray_free(&x->array);
	http_uri_free(&x->uri);
	drop_body(x);
	free(x->origin);
	free(x->role);
	free(x->instance_id);
	for (int i = 0; i < EXCHANGE_MAX_TEXTS; i++)
		free(x->texts[i]);
	free(x);
}

void
exchange_take_body(HttpExchange *x, const char *bytes, size_t length)
{
	HttpServer *server = x->server;
	size_t		limit = (size_t) server->worker->config.http.max_body;

	x->conn->body_bytes += length;
	if (x->is_answered || x->is_dropped)
		return;

	/* it can be answered when it has ended; one with a length is not too large any more */
	x->is_too_large = x->body.used + length > limit;
	x->is_dropped = x->is_too_large || server->body_bytes + length > body_budget(server);
	if (x->is_dropped)
	{
		drop_body(x);
		return;
	}
	server->body_bytes += length;
	buf_append(&x->body, bytes, length);
}

void
exchange_handle(HttpExchange *x, const char *verb)
{
	x->is_handled = true;
	http_conn_phase(x->conn, CONN_WORKING, 0);
	if (!x->is_checked && !http_check(x, verb))
		return;
	if (x->is_too_large)
		http_check_answer_too_large(x);
	else if (x->is_dropped)
		exchange_answer_unavailable(x, "too many bodies are on their way");
	else
		x->route->handle(x);
}

const char *
exchange_header(const HttpExchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name);
}

void
exchange_add_header(HttpExchange *x, const char *name, const char *value)
{
	if (x->header_count == EXCHANGE_MAX_HEADERS)
		return;
	x->headers[x->header_count].name = name;
	x->headers[x->header_count++].value = xstrdup(value);
}

void
exchange_answer(HttpExchange *x, int code, const char *type, Buf *body)
{
	size_t		bytes = body->used;
	struct MHD_Response *response;

	if (x->is_answered)
	{
		buf_free(body);
		return;
	}
	response = make_response(x, type, body);
	x->is_answered = true;
	count_answer(x, code);
	http_conn_phase(x->conn, CONN_ANSWER, bytes);
	if (MHD_queue_response(x->mhd, (unsigned int) code, response) != MHD_YES)
		http_conn_cut(x->conn);
	MHD_destroy_response(response);
	if (x->is_suspended)
	{
		x->is_suspended = false;
		MHD_resume_connection(x->mhd);
		http_server_wake(x->server);
	}
}

void
exchange_answer_json(HttpExchange *x, int code, const char *text, size_t length)
{
	Buf			body = {0};

	buf_append(&body, text, length);
	exchange_answer(x, code, JSON_TYPE, &body);
}

void
exchange_answer_empty(HttpExchange *x, int code)
{
	Buf			body = {0};

	exchange_answer(x, code, NULL, &body);
}

void
exchange_answer_message(HttpExchange *x, int code, const char *format, ...)
{
	Buf			body = {0};
	va_list		args;
	char	   *message;

	va_start(args, format);
	message = xvasprintf(format, args);
	va_end(args);
	buf_append_text(&body, "{\"Message\":");
	json_append_string(&body, message, strlen(message));
	buf_append_text(&body, "}");
	free(message);
	exchange_answer(x, code, JSON_TYPE, &body);
}

void
exchange_answer_unavailable(HttpExchange *x, const char *message)
{
	x->server->counters.unavailable++;
	exchange_add_header(x, "Retry-After", RETRY_AFTER);
	exchange_answer_message(x, 503, "%s", message);
}

void
exchange_answer_code(HttpExchange *x, int code, const char *message)
{
	if (message != NULL)
		exchange_answer_message(x, code, "%s", message);
	else
		exchange_answer_empty(x, code);
}

DbParams *
exchange_params(HttpExchange *x)
{
	memset(&x->call.params, 0, sizeof(x->call.params));
	db_param_text(&x->call.params, PG_REGROLE_OID, x->role);
	return &x->call.params;
}

const char *
exchange_keep(HttpExchange *x, const char *text)
{
	for (int i = 0; i < EXCHANGE_MAX_TEXTS && text != NULL; i++)
	{
		if (x->texts[i] == NULL)
			return x->texts[i] = xstrdup(text);
	}
	return NULL;
}

void
exchange_query(HttpExchange *x, const char *sql, ExchangeRowsFn fn)
{
	x->call.sql = sql;
	x->call.fn = query_done;
	x->call.arg = x;
	x->rows_fn = fn;
	http_pool_call(x->server, &x->call);
}

static void
drop_body(HttpExchange *x)
{
	x->server->body_bytes -= x->body.used;
	buf_free(&x->body);
}

static size_t
body_budget(const HttpServer *server)
{
	size_t		budget = (size_t) server->worker->config.http.max_body * LARGEST_BODIES;

	return budget > LEAST_BODY_BYTES ? budget : LEAST_BODY_BYTES;
}

static void
query_done(HttpCall *call, const DbResult *result)
{
	HttpExchange *x = call->arg;

	if (result->is_ok && result->is_durable)
		x->rows_fn(x, result->rows);
	else
		answer_failure(x, result);
}

/* Messages of the database are told only where they are about what the client has sent. */
static void
answer_failure(HttpExchange *x, const DbResult *result)
{
	static const char *const no_extension[] = {"42883", "42P01", "3F000"};
	const char *message = result->rows != NULL ? PQresultErrorField(result->rows, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	if (!x->call.is_sent)
	{
		exchange_answer_unavailable(x, "database is not available");
		return;
	}
	if (result->rows == NULL || result->is_ok)
	{
		exchange_answer_unavailable(x, "no answer from the database, the request may have been carried out");
		return;
	}
	if (message == NULL)
		message = "request was refused";
	if (strcmp(result->sqlstate, "54000") == 0)
		exchange_answer_message(x, 413, "%s", message);
	else if (strcmp(result->sqlstate, "42501") == 0 || strcmp(result->sqlstate, "42704") == 0)
		exchange_answer_message(x, 403, "%s", message);
	else if (strncmp(result->sqlstate, "22", 2) == 0)
		exchange_answer_message(x, 400, "%s", message);
	else if (strcmp(result->sqlstate, "25P03") == 0 ||
			 (db_is_transient(result->sqlstate) && strncmp(result->sqlstate, "XX", 2) != 0))
		exchange_answer_unavailable(x, "database is not available");
	if (x->is_answered)
		return;

	db_log_failure(result, "carry out an HTTP request");
	for (size_t i = 0; i < sizeof(no_extension) / sizeof(no_extension[0]); i++)
	{
		if (strcmp(result->sqlstate, no_extension[i]) == 0)
			exchange_answer_unavailable(x, "extension \"pgdf\" is not installed in the database, or is older than this program");
	}
	if (!x->is_answered)
		exchange_answer_message(x, 500, "internal error");
}

/* An answer belongs to one client, and is no page. */
static struct MHD_Response *
make_response(HttpExchange *x, const char *type, Buf *body)
{
	size_t		length = body->used;
	HttpServer *server = x->server;
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback(length, buf_take(body), free);

	if (response == NULL)
	{
		log_error("could not make an HTTP response");
		abort();
	}
	if (type != NULL && length > 0)
		MHD_add_response_header(response, "Content-Type", type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	for (int i = 0; i < x->header_count; i++)
		MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
	if (x->must_close || server->is_draining || x->conn->requests >= server->worker->config.http.max_requests)
		MHD_add_response_header(response, "Connection", "close");
	return response;
}

static void
count_answer(HttpExchange *x, int code)
{
	HttpCounters *counters = &x->server->counters;

	histogram_add(&counters->answer_times, loop_now_us(x->server->worker) - x->started_us);
	if (code >= 0 && code < HTTP_CODE_COUNT)
		counters->answers[code]++;
}
