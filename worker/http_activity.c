/*
 * http_activity.c
 *		The built-in activity df_http: a request to an HTTP server.
 *
 * Input is a request, or, for a registration of kind http, the body of the one
 * that its settings describe.  A 202 with a header Location is no outcome: where
 * to ask goes back into the database, which hands the task out again when it is
 * time.  Nothing waits here, and a worker that dies loses at most a question.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_activity.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "json.h"
#include "log.h"
#include "web_call.h"
#include "worker.h"
#include "xalloc.h"

/* Questions in a row that may go unanswered before the operation counts as failed. */
#define POLL_ERRORS_MAX		5

/* The start of an answer's body goes into a failure. */
#define FAILURE_BODY_BYTES	4096

/* A request that is under way; Activity.state. */
typedef struct HttpTask
{
	struct HttpTask *next;
	Activity   *activity;
	WebRequest	request;
	WebUrl		url;			/* where it goes now */
	const char *method;
	bool		sends_body;
	int			redirects;
	bool		is_poll;		/* the request was accepted: this asks what became of it */
	int			polls;			/* questions so far */
	int			poll_errors;	/* of them, the last ones that went unanswered */
	int64_t		poll_delay_ms;	/* before the last one */
	WebCall		call;
} HttpTask;

typedef struct HttpTasks
{
	HttpTask   *first;
} HttpTasks;

static void http_start(Activity *activity);
static void http_cancel(Activity *activity);
static bool read_task(HttpTask *task, IoFailure *failure);
static bool read_poll(HttpTask *task, const char *state, size_t length, IoFailure *failure);
static bool send_request(HttpTask *task, IoFailure *failure);
static void call_ended(Worker *w, WebCall *call, void *arg);
static bool follow(HttpTask *task, IoFailure *failure);
static bool is_redirect(long status);
static void accepted(HttpTask *task);
static bool postpone_after_error(HttpTask *task);
static void postpone(HttpTask *task, const char *url);
static int64_t next_delay_ms(const HttpTask *task);
static bool retry_after_ms(const HttpTask *task, int64_t *delay_ms);
static bool status_may_pass(const HttpTask *task);
static void complete(HttpTask *task);
static void fail_with_status(HttpTask *task);
static void fail(HttpTask *task, const IoFailure *failure, const char *properties);
static void end(HttpTask *task);
static void log_answer(const HttpTask *task);

const ActivityType http_activity_type = {"df_http", http_start, http_cancel, NULL};

bool
http_activity_init(Worker *w)
{
	w->http_tasks = xcalloc(1, sizeof(HttpTasks));
	return true;
}

void
http_activity_free(Worker *w)
{
	if (w->http_tasks == NULL)
		return;
	while (w->http_tasks->first != NULL)
		end(w->http_tasks->first);
	free(w->http_tasks);
	w->http_tasks = NULL;
}

static void
http_start(Activity *activity)
{
	HttpTask   *task = xcalloc(1, sizeof(HttpTask));
	IoFailure	failure = {0};

	task->activity = activity;
	task->next = activity->worker->http_tasks->first;
	activity->worker->http_tasks->first = task;
	activity->state = task;
	if (!read_task(task, &failure) || !send_request(task, &failure))
		fail(task, &failure, NULL);
}

/* A question that is stopped is asked again; a request is not. */
static void
http_cancel(Activity *activity)
{
	HttpTask   *task = activity->state;
	IoFailure	failure = {0};

	if (task->is_poll && postpone_after_error(task))
		return;
	io_fail(&failure, "Canceled", "request was stopped");
	fail(task, &failure, NULL);
}

static bool
read_task(HttpTask *task, IoFailure *failure)
{
	const char *settings = task->activity->settings;
	size_t		length = settings != NULL ? strlen(settings) : 0;
	const char *state = NULL;
	size_t		state_length = 0;
	const char *inner = settings;
	size_t		inner_length = length;
	char	   *problem = NULL;
	char	   *own;
	bool		ok;

	if (settings != NULL && json_find_member(settings, length, "$state", &state, &state_length) &&
		!json_find_member(settings, length, "$settings", &inner, &inner_length))
		inner = NULL;
	if (inner != NULL && inner_length == strlen("null") && memcmp(inner, "null", inner_length) == 0)
		inner = NULL;
	own = inner != NULL ? xstrndup(inner, inner_length) : NULL;
	ok = web_request_read(&task->request, task->activity->input, own, &problem);
	free(own);
	if (!ok)
	{
		io_fail_for_good(failure, "InvalidRequest", "%s", problem);
		free(problem);
		return false;
	}
	task->method = task->request.method;
	task->sends_body = true;
	if (state != NULL)
		return read_poll(task, state, state_length, failure);
	web_url_copy(&task->request.url, &task->url);
	return true;
}

static bool
read_poll(HttpTask *task, const char *state, size_t length, IoFailure *failure)
{
	const char *error;
	const char *problem = "is missing";
	json_object *object = json_parse(state, length, &error);
	json_object *url = json_get(object, "url", json_type_string);
	bool		ok = url != NULL && web_url_parse(json_object_get_string(url), &task->url, &problem);

	task->is_poll = true;
	task->method = "GET";
	task->sends_body = false;
	task->polls = json_object_get_int(json_get(object, "polls", json_type_int));
	task->poll_errors = json_object_get_int(json_get(object, "errors", json_type_int));
	task->poll_delay_ms = json_object_get_int64(json_get(object, "delay_ms", json_type_int));
	json_object_put(object);
	if (!ok)
		io_fail_for_good(failure, "InvalidRequest", "URL to ask for the outcome %s", problem);
	return ok;
}

static bool
send_request(HttpTask *task, IoFailure *failure)
{
	Activity   *activity = task->activity;
	bool		is_elsewhere = !web_url_same_origin(&task->url, &task->request.url);
	WebAsk		ask = {&task->request, &task->url, task->method, task->sends_body, is_elsewhere, NULL, NULL, 0};

	if (!is_elsewhere)
	{
		ask.idempotency_key = task->is_poll ? NULL : activity->idempotency_key;
		ask.traceparent = activity->traceparent;
	}
	if (activity->timeout_ms == 0)
		ask.timeout_ms = activity->worker->config.web.timeout_ms;
	return web_call_start(&task->call, activity->worker, &ask, call_ended, task, failure);
}

static void
call_ended(Worker *w, WebCall *call, void *arg)
{
	HttpTask   *task = arg;
	long		status = call->answer.status;
	IoFailure	failure = {0};

	if (call->result != CURLE_OK)
	{
		web_call_failure(call, &failure);
		if (failure.is_non_retriable || !task->is_poll || !postpone_after_error(task))
			fail(task, &failure, NULL);
		return;
	}
	log_answer(task);
	if (is_redirect(status) && task->redirects < w->config.web.max_redirects &&
		web_answer_header(&call->answer, "location") != NULL)
	{
		if (!follow(task, &failure) || !send_request(task, &failure))
			fail(task, &failure, NULL);
	}
	else if (status == 202 && task->request.polls &&
			 (task->is_poll || web_answer_header(&call->answer, "location") != NULL))
		accepted(task);
	else if (status >= 200 && status <= 299)
		complete(task);
	else if (!task->is_poll || !status_may_pass(task) || !postpone_after_error(task))
		fail_with_status(task);
}

/* As browsers do it: 303, and 301 and 302 to a POST, are asked for with GET. */
static bool
follow(HttpTask *task, IoFailure *failure)
{
	long		status = task->call.answer.status;
	const char *problem;
	WebUrl		url;

	if (!web_url_resolve(&task->url, web_answer_header(&task->call.answer, "location"), &url, &problem))
	{
		io_fail_for_good(failure, "LocationRefused", "URL that \"%s\" redirects to %s", task->url.host, problem);
		return false;
	}
	web_url_free(&task->url);
	task->url = url;
	task->redirects++;
	if ((status == 303 && strcmp(task->method, "HEAD") != 0) || (status < 303 && strcmp(task->method, "POST") == 0))
	{
		task->method = "GET";
		task->sends_body = false;
	}
	return true;
}

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Not done yet: ask again where the answer says, or where it was asked last. */
static void
accepted(HttpTask *task)
{
	const char *location = web_answer_header(&task->call.answer, "location");
	const char *problem;
	WebUrl		url = {0};
	IoFailure	failure = {0};

	if (location != NULL && !web_url_resolve(&task->url, location, &url, &problem))
	{
		io_fail_for_good(&failure, "LocationRefused", "URL that \"%s\" names for the outcome %s",
						 task->url.host, problem);
		fail(task, &failure, NULL);
		return;
	}
	task->poll_errors = 0;
	postpone(task, location != NULL ? url.text : task->url.text);
	web_url_free(&url);
}

/* An unanswered question says nothing of the operation.  False when there were too many. */
static bool
postpone_after_error(HttpTask *task)
{
	if (task->poll_errors >= POLL_ERRORS_MAX)
		return false;
	task->poll_errors++;
	postpone(task, task->url.text);
	return true;
}

static void
postpone(HttpTask *task, const char *url)
{
	Activity   *activity = task->activity;
	Buf			payload = {0};
	int64_t		delay_ms = next_delay_ms(task);

	buf_append_format(&payload, "{\"delay_ms\": %lld, \"state\": {\"url\": ", (long long) delay_ms);
	json_append_string(&payload, url, strlen(url));
	buf_append_format(&payload, ", \"polls\": %d, \"errors\": %d, \"delay_ms\": %lld}}",
					  task->is_poll ? task->polls + 1 : 0, task->poll_errors, (long long) delay_ms);
	end(task);
	activity_postpone(activity, payload.data, payload.used);
	buf_free(&payload);
}

/* What the server says; otherwise twice as long each time. */
static int64_t
next_delay_ms(const HttpTask *task)
{
	const WebConfig *config = &task->activity->worker->config.web;
	int64_t		delay_ms;

	if (!retry_after_ms(task, &delay_ms))
	{
		delay_ms = task->poll_delay_ms * 2;
		if (delay_ms > config->poll_max_ms)
			delay_ms = config->poll_max_ms;
	}
	return delay_ms > config->poll_min_ms ? delay_ms : config->poll_min_ms;
}

static bool
retry_after_ms(const HttpTask *task, int64_t *delay_ms)
{
	const char *value = web_answer_header(&task->call.answer, "retry-after");

	return value != NULL && web_retry_after(value, (int64_t) time(NULL), delay_ms);
}

/* Statuses that speak of who was asked, not of the operation. */
static bool
status_may_pass(const HttpTask *task)
{
	switch (task->call.answer.status)
	{
		case 408:
		case 429:
		case 502:
		case 503:
		case 504:
			return true;
		default:
			return false;
	}
}

static void
complete(HttpTask *task)
{
	Buf			result = {0};
	Activity   *activity = task->activity;

	web_answer_append_result(&task->call.answer, &result);
	end(task);
	activity_complete(activity, result.data, result.used);
	buf_free(&result);
}

static void
fail_with_status(HttpTask *task)
{
	long		status = task->call.answer.status;
	IoFailure	failure = {0};
	Buf			properties = {0};
	int64_t		delay_ms;

	io_fail(&failure, "HttpStatus", "\"%s\" answered with status %ld", task->url.host, status);
	failure.is_non_retriable = status != 408 && status != 429 && (status < 500 || status > 599);
	buf_append_format(&properties, "{\"http_status\": %ld, \"body\": ", status);
	web_answer_append_body_start(&task->call.answer, FAILURE_BODY_BYTES, &properties);
	if (retry_after_ms(task, &delay_ms))
		buf_append_format(&properties, ", \"retry_after\": %lld", (long long) delay_ms / 1000);
	buf_append_text(&properties, "}");
	fail(task, &failure, properties.data);
	buf_free(&properties);
}

static void
fail(HttpTask *task, const IoFailure *failure, const char *properties)
{
	ActivityFailure details = {failure->type, failure->message, failure->is_non_retriable, properties};
	Activity   *activity = task->activity;

	end(task);
	activity_fail(activity, &details);
}

/* Forget it; not from within a libcurl callback. */
static void
end(HttpTask *task)
{
	HttpTask  **link = &task->activity->worker->http_tasks->first;

	while (*link != task)
		link = &(*link)->next;
	*link = task->next;
	task->activity->state = NULL;
	web_call_free(&task->call);
	web_request_free(&task->request);
	web_url_free(&task->url);
	free(task);
}

/* Who was asked what, for an audit: no path, no query, no header, no body. */
static void
log_answer(const HttpTask *task)
{
	LogRecord	record = {0};

	record.level = LOG_LEVEL_DEBUG;
	record.instance_id = task->activity->instance_id;
	record.activity = task->activity->name;
	record.attempt = task->activity->attempt;
	log_write(&record, "%s to %s port %d answered with status %ld and %zu bytes", task->method, task->url.host,
			  task->url.port, task->call.answer.status, task->call.answer.body.used);
}
