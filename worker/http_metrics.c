/*
 * http_metrics.c
 *		Figures for Prometheus: the database's, and this process's own.
 *
 * The database's are rows of df.api_metrics(), one a sample, in the order of
 * their names.  When it does not answer, our own are told without them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"
#include "http_exchange.h"
#include "http_routes.h"
#include "http_wait.h"
#include "json.h"
#include "worker.h"

#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"

typedef struct OwnFigure
{
	const char *name;
	const char *kind;
	const char *help;
	double		value;
} OwnFigure;

static void database_figures(HttpCall *call, const DbResult *result);
static void append_sample(Buf *text, const PGresult *rows, int row);
static void append_labels(Buf *text, const char *labels);
static void append_escaped(Buf *text, const char *value);
static void append_value(Buf *text, double value);
static void append_head(Buf *text, const char *name, const char *kind, const char *help);
static void append_figures(Buf *text, const OwnFigure *figures, size_t count);
static void append_http(Buf *text, const HttpServer *server);
static void append_answers(Buf *text, const HttpServer *server);
static void append_worker(Buf *text, const Worker *w);

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void
http_metrics(HttpExchange *x)
{
	memset(&x->call.params, 0, sizeof(x->call.params));
	x->call.sql = "SELECT name, labels, kind, help, value FROM df.api_metrics() ORDER BY name COLLATE \"C\"";
	x->call.fn = database_figures;
	x->call.arg = x;
	http_pool_call(x->server, &x->call);
}

static void
database_figures(HttpCall *call, const DbResult *result)
{
	HttpExchange *x = call->arg;
	Buf			text = {0};

	append_head(&text, "pgdf_database_up", "gauge", "Whether the database has answered.");
	buf_append_format(&text, "pgdf_database_up %d\n", result->is_ok);
	if (result->is_ok)
	{
		const char *last_name = "";

		for (int row = 0; row < PQntuples(result->rows); row++)
		{
			const char *name = db_text(result->rows, row, 0);

			if (strcmp(name, last_name) != 0)
				append_head(&text, name, db_text(result->rows, row, 2), db_text(result->rows, row, 3));
			last_name = name;
			append_sample(&text, result->rows, row);
		}
	}
	else if (result->rows != NULL)
		db_log_failure(result, "read the metrics of the database");
	append_http(&text, x->server);
	append_answers(&text, x->server);
	append_worker(&text, x->server->worker);
	exchange_answer(x, 200, METRICS_TYPE, &text);
}

static void
append_sample(Buf *text, const PGresult *rows, int row)
{
	const char *value = db_text(rows, row, 4);

	if (value == NULL)
		return;					/* nothing to say just now */
	buf_append_text(text, db_text(rows, row, 0));
	append_labels(text, db_text(rows, row, 1));
	append_value(text, strtod(value, NULL));
}

static void
append_labels(Buf *text, const char *labels)
{
	const char *error;
	json_object *object = labels != NULL ? json_parse(labels, strlen(labels), &error) : NULL;
	const char *separator = "{";

	if (!json_object_is_type(object, json_type_object) || json_object_object_length(object) == 0)
	{
		json_object_put(object);
		return;
	}
	json_object_object_foreach(object, key, value)
	{
		buf_append_format(text, "%s%s=\"", separator, key);
		append_escaped(text, json_object_get_string(value));
		buf_append_text(text, "\"");
		separator = ",";
	}
	buf_append_text(text, "}");
	json_object_put(object);
}

static void
append_escaped(Buf *text, const char *value)
{
	for (; value != NULL && *value != '\0'; value++)
	{
		if (*value == '\n')
			buf_append_text(text, "\\n");
		else
		{
			if (*value == '"' || *value == '\\')
				buf_append_text(text, "\\");
			buf_append(text, value, 1);
		}
	}
}

static void
append_value(Buf *text, double value)
{
	if (isnan(value))
		buf_append_text(text, " NaN\n");
	else if (isinf(value))
		buf_append_text(text, value > 0 ? " +Inf\n" : " -Inf\n");
	else
		buf_append_format(text, " %.15g\n", value);
}

static void
append_head(Buf *text, const char *name, const char *kind, const char *help)
{
	buf_append_format(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void
append_figures(Buf *text, const OwnFigure *figures, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		append_head(text, figures[i].name, figures[i].kind, figures[i].help);
		buf_append_text(text, figures[i].name);
		append_value(text, figures[i].value);
	}
}

static void
append_http(Buf *text, const HttpServer *server)
{
	const HttpCounters *counters = &server->counters;
	const OwnFigure figures[] = {
		{"pgdf_http_connections", "gauge", "Connections of clients.", server->connection_count},
		{"pgdf_http_requests_open", "gauge", "Requests that are not answered yet.", server->exchange_count},
		{"pgdf_http_waiting", "gauge", "Requests that wait until an instance changes.", http_waits_count(server)},
		{"pgdf_http_queue", "gauge", "Requests that wait for a database connection.", http_pool_waiting(server)},
		{"pgdf_http_db_connections", "gauge", "Open database connections for requests.", http_pool_open(server)},
		{"pgdf_http_db_connections_busy", "gauge", "Those with a statement under way.", http_pool_busy(server)},
		{"pgdf_http_cut_off_total", "counter", "Connections that were cut off: too slow, or in the way.",
		(double) counters->cut_off},
		{"pgdf_http_refused_keys_total", "counter", "Requests without a valid key.", (double) counters->refused_keys},
		{"pgdf_http_unavailable_total", "counter", "Requests that the database was not there for.",
		(double) counters->unavailable},
	};

	append_figures(text, figures, LENGTH(figures));
}

/* By status code, and a histogram of how long they took, waiting included. */
static void
append_answers(Buf *text, const HttpServer *server)
{
	const HttpCounters *counters = &server->counters;

	append_head(text, "pgdf_http_requests_total", "counter", "Answers by status code.");
	for (int code = 0; code < HTTP_CODE_COUNT; code++)
	{
		if (counters->answers[code] > 0)
			buf_append_format(text, "pgdf_http_requests_total{code=\"%d\"} %lld\n",
							  code, (long long) counters->answers[code]);
	}
	append_head(text, "pgdf_http_request_seconds", "histogram", "How long answers took, waiting included.");
	histogram_append(text, "pgdf_http_request_seconds", &counters->answer_times);
}

/* A gateway has none of these. */
static void
append_worker(Buf *text, const Worker *w)
{
	const Dispatch *dispatch = w->dispatch;

	if (dispatch == NULL)
		return;

	const DispatchTotals *totals = &dispatch->totals;
	const OwnFigure figures[] = {
		{"pgdf_worker_attached", "gauge", "Whether this worker is attached to the database.",
		dispatch->session.is_attached},
		{"pgdf_worker_activities_running", "gauge", "Activities that this worker holds.", dispatch->claims.count},
		{"pgdf_worker_results_waiting", "gauge", "Results that are to be recorded.",
		dispatch->outcomes.count + dispatch->parked.count},
		{"pgdf_worker_claims_total", "counter", "Activities that this worker has claimed.",
		(double) (totals->claimed + dispatch->claimed)},
		{"pgdf_worker_completions_total", "counter", "Activities that have completed.",
		(double) (totals->completed + dispatch->claims.completed)},
		{"pgdf_worker_failures_total", "counter", "Attempts that have failed.",
		(double) (totals->failed + dispatch->claims.failed)},
		{"pgdf_worker_fenced_total", "counter", "Late results that were dropped.",
		(double) (totals->fenced + dispatch->fenced)},
		{"pgdf_worker_recorded_total", "counter", "Results that were recorded.", (double) totals->recorded},
		{"pgdf_worker_turns_total", "counter", "Turns in this worker's engine calls.", (double) totals->turns},
		{"pgdf_worker_calls_total", "counter", "Engine calls.", (double) totals->calls},
		{"pgdf_worker_failed_calls_total", "counter", "Engine calls that ended with an error, or no answer.",
		(double) totals->failed_calls},
	};

	append_figures(text, figures, LENGTH(figures));
	append_head(text, "pgdf_worker_call_seconds", "histogram", "How long engine calls took.");
	histogram_append(text, "pgdf_worker_call_seconds", &totals->call_times);
	append_head(text, "pgdf_worker_activity_seconds", "histogram", "How long activities took, from claim to end.");
	histogram_append(text, "pgdf_worker_activity_seconds", &dispatch->claims.times);
}
