/*
 * web_call.h
 *		One exchange with a server that the database named: a request, its answer.
 *
 * Nothing here is shared between exchanges: each has a connection of its own,
 * because an address that was checked for one need not do for another, and the
 * worker's own connections go where orchestrators may not.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WEB_CALL_H
#define PGDF_WEB_CALL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io_failure.h"
#include "web_answer.h"
#include "web_guard.h"
#include "web_request.h"

struct WebCall;
struct Worker;

/* The exchange has ended: call->result, and when that is CURLE_OK call->answer. */
typedef void (*WebCallFn) (struct Worker *w, struct WebCall *call, void *arg);

/* What to send; it lives as long as the call. */
typedef struct WebAsk
{
	const WebRequest *request;	/* its headers and body */
	const WebUrl *url;
	const char *method;
	bool		sends_body;
	bool		is_elsewhere;	/* not where the request was addressed to: send no credentials */
	const char *idempotency_key;	/* or NULL */
	const char *traceparent;	/* or NULL */
	int64_t		timeout_ms;		/* 0: the activity's own, which somebody else keeps */
} WebAsk;

/* May be used again after its end; a zeroed one is empty. */
typedef struct WebCall
{
	struct Worker *worker;
	WebAsk		ask;
	CURL	   *easy;
	struct curl_slist *headers;
	char	  **secrets;		/* that were sent: to be taken out of what comes back */
	int			secret_count;
	WebCallFn	fn;				/* set while it is under way */
	void	   *arg;
	CURLcode	result;
	WebAnswer	answer;
	int			opened;			/* sockets */
	GuardVerdict verdict;		/* why another was not opened */
	char		error[CURL_ERROR_SIZE];
} WebCall;

/* fn is called once, later.  False with *failure: it could not be begun, and fn is not called. */
extern bool web_call_start(WebCall *call, struct Worker *w, const WebAsk *ask, WebCallFn fn, void *arg,
						   IoFailure *failure);

/* Why there is no answer; without secrets. */
extern void web_call_failure(const WebCall *call, IoFailure *failure);

/* Stop it when it is under way (fn is not called), and release what it holds.  Not from within a libcurl callback. */
extern void web_call_free(WebCall *call);

#endif							/* PGDF_WEB_CALL_H */
