/*
 * web_call.c
 *		One exchange with a server that the database named: a request, its answer.
 *
 * Every option that matters is set here, also where libcurl's default is the
 * same: a default may change, and what is written can be reviewed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "secrets.h"
#include "worker.h"
#include "xalloc.h"

#define CONNECT_TIMEOUT_MS	5000L

/* A transfer below this rate, in bytes a second, moves nothing. */
#define STALL_RATE			16L

/* What a code of libcurl means; any other is TransferFailed, retriable. */
static const struct CodeMeaning
{
	CURLcode	code;
	const char *type;
	bool		is_non_retriable;
}			code_meanings[] = {
	{CURLE_COULDNT_RESOLVE_HOST, "ConnectionFailed", false},
	{CURLE_COULDNT_CONNECT, "ConnectionFailed", false},
	{CURLE_PEER_FAILED_VERIFICATION, "TlsFailed", true},
	{CURLE_SSL_CACERT_BADFILE, "TlsFailed", true},
	{CURLE_SSL_ISSUER_ERROR, "TlsFailed", true},
	{CURLE_SSL_INVALIDCERTSTATUS, "TlsFailed", true},
	{CURLE_SSL_CIPHER, "TlsFailed", true},
	{CURLE_SSL_CONNECT_ERROR, "TlsFailed", false},
	{CURLE_BAD_CONTENT_ENCODING, "InvalidResponse", true},
	{CURLE_WEIRD_SERVER_REPLY, "InvalidResponse", true},
	{CURLE_UNSUPPORTED_PROTOCOL, "InvalidResponse", true},
	{CURLE_FILESIZE_EXCEEDED, "ResponseTooLarge", true},
};

static void set_scope(CURL *easy);
static void set_limits(CURL *easy, const WebAsk *ask, const WebConfig *config);
static void set_tls(CURL *easy, const WebConfig *config);
static void set_callbacks(WebCall *call);
static void set_method(CURL *easy, const WebAsk *ask);
static bool set_headers(WebCall *call, const WebAsk *ask, IoFailure *failure);
static bool goes_along(const WebAsk *ask, const char *name);
static bool add_secret_header(WebCall *call, const WebHeader *header, IoFailure *failure);
static void add_header(WebCall *call, const char *name, const char *value);
static void set_line(WebCall *call, const char *line);
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
static void call_ended(struct Worker *w, CURL *easy, CURLcode result, void *arg);
static void redact_answer(WebCall *call);
static void explain_timeout(const WebCall *call, IoFailure *failure);
static void release_headers(WebCall *call);

bool
web_call_start(WebCall *call, struct Worker *w, const WebAsk *ask, WebCallFn fn, void *arg, IoFailure *failure)
{
	web_call_free(call);
	call->worker = w;
	call->ask = *ask;
	call->answer.max_body = (size_t) w->config.web.max_response;
	call->easy = curl_easy_init();
	if (call->easy == NULL)
	{
		io_fail(failure, "TransferFailed", "could not start the request");
		return false;
	}
	if (!set_headers(call, ask, failure))
		return false;
	set_scope(call->easy);
	set_limits(call->easy, ask, &w->config.web);
	set_tls(call->easy, &w->config.web);
	set_callbacks(call);
	set_method(call->easy, ask);
	curl_easy_setopt(call->easy, CURLOPT_URL, ask->url->text);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	if (!loop_curl_add(w, call->easy, call_ended, call))
	{
		io_fail(failure, "TransferFailed", "could not start the request");
		return false;
	}
	call->fn = fn;
	call->arg = arg;
	return true;
}

void
web_call_failure(const WebCall *call, IoFailure *failure)
{
	const char *host = call->ask.url->host;
	Buf			text = {0};

	if (call->answer.is_too_large)
	{
		io_fail_for_good(failure, "ResponseTooLarge", "answer of \"%s\" is larger than the worker takes", host);
		return;
	}
	if (call->verdict != GUARD_OPEN && call->opened == 0)
	{
		io_fail_for_good(failure, "AddressRefused", call->verdict == GUARD_PLAIN ?
						 "\"%s\" may be reached by https only" : "address of \"%s\" is not public", host);
		return;
	}
	if (call->result == CURLE_OPERATION_TIMEDOUT)
	{
		explain_timeout(call, failure);
		return;
	}

	/* libcurl's own words, which might quote what was sent */
	buf_append_text(&text, call->error[0] != '\0' ? call->error : curl_easy_strerror(call->result));
	for (int i = 0; i < call->secret_count; i++)
		web_redact(&text, call->secrets[i]);
	io_fail(failure, "TransferFailed", "no answer from \"%s\": %s", host, text.data);
	buf_free(&text);
	for (size_t i = 0; i < sizeof(code_meanings) / sizeof(code_meanings[0]); i++)
	{
		if (code_meanings[i].code != call->result)
			continue;
		failure->type = code_meanings[i].type;
		failure->is_non_retriable = code_meanings[i].is_non_retriable;
	}
}

void
web_call_free(WebCall *call)
{
	if (call->fn != NULL)
		loop_curl_remove(call->worker, call->easy);
	if (call->easy != NULL)
		curl_easy_cleanup(call->easy);
	release_headers(call);
	for (int i = 0; i < call->secret_count; i++)
		secret_free(call->secrets[i]);
	free(call->secrets);
	web_answer_free(&call->answer);
	memset(call, 0, sizeof(*call));
}

/* What it may talk to, and with what: nothing of the environment, of the user's home, or of an earlier request. */
static void
set_scope(CURL *easy)
{
#if CURL_AT_LEAST_VERSION(7, 85, 0)
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, (long) CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* http_activity.c follows, and checks anew */
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
	curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, NULL);
	curl_easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, NULL);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, NULL);
	curl_easy_setopt(easy, CURLOPT_COOKIEFILE, NULL);
#if CURL_AT_LEAST_VERSION(7, 62, 0)
	curl_easy_setopt(easy, CURLOPT_DOH_URL, NULL);
#endif
#if CURL_AT_LEAST_VERSION(7, 64, 0)
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
#endif
#if CURL_AT_LEAST_VERSION(7, 64, 1)
	curl_easy_setopt(easy, CURLOPT_ALTSVC_CTRL, 0L);
#endif
#if CURL_AT_LEAST_VERSION(7, 74, 0)
	curl_easy_setopt(easy, CURLOPT_HSTS_CTRL, 0L);
#endif
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* the URL is in its normal form */
}

static void
set_limits(CURL *easy, const WebAsk *ask, const WebConfig *config)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) ask->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, STALL_RATE);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long) ((config->stall_ms + 999) / 1000));
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) config->max_response);
#if CURL_AT_LEAST_VERSION(7, 87, 0)
	/* or the loop waits for a name server when a request is stopped */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void
set_tls(CURL *easy, const WebConfig *config)
{
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (config->ca_file != NULL)
	{
		curl_easy_setopt(easy, CURLOPT_CAINFO, config->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
}

static void
set_callbacks(WebCall *call)
{
	CURL	   *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, web_answer_take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, &call->answer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, web_answer_take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call->answer);
}

static void
set_method(CURL *easy, const WebAsk *ask)
{
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "pgdf/" PGDF_VERSION);
	if (ask->sends_body && ask->request->body != NULL)
	{
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) ask->request->body_length);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->request->body);
	}
	else if (strcmp(ask->method, "POST") == 0 || strcmp(ask->method, "PUT") == 0 || strcmp(ask->method, "PATCH") == 0)
	{
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) 0);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	}
	else if (strcmp(ask->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (strcmp(ask->method, "HEAD") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
}

static bool
set_headers(WebCall *call, const WebAsk *ask, IoFailure *failure)
{
	const WebRequest *request = ask->request;

	for (int i = 0; i < request->header_count; i++)
	{
		const WebHeader *header = &request->headers[i];

		if (!goes_along(ask, header->name))
			continue;
		if (header->secret == NULL)
			add_header(call, header->name, header->value);
		else if (!add_secret_header(call, header, failure))
			return false;
	}
	set_line(call, "Expect:");	/* do not wait for leave to send the body */
	if (ask->sends_body && request->body != NULL && web_request_header(request, "Content-Type") == NULL)
		set_line(call, "Content-Type: application/json");
	else if (!ask->sends_body || request->body == NULL)
	{
		/* libcurl would name one of its own for a body that is empty */
		if (!goes_along(ask, "Content-Type") || web_request_header(request, "Content-Type") == NULL)
			set_line(call, "Content-Type:");
	}
	if (ask->idempotency_key != NULL && web_request_header(request, "Idempotency-Key") == NULL)
		add_header(call, "Idempotency-Key", ask->idempotency_key);
	if (ask->traceparent != NULL && web_request_header(request, "traceparent") == NULL)
		add_header(call, "traceparent", ask->traceparent);
	return true;
}

static bool
goes_along(const WebAsk *ask, const char *name)
{
	if (ask->is_elsewhere && !web_header_is_public(name))
		return false;
	return ask->sends_body || strncasecmp(name, "Content-", strlen("Content-")) != 0;
}

static bool
add_secret_header(WebCall *call, const WebHeader *header, IoFailure *failure)
{
	const Config *config = &call->worker->config;
	const WebUrl *url = call->ask.url;
	char	   *secret = NULL;
	char	   *value;

	if (!url->is_tls && !web_guard_names_host(config, url->host))
	{
		io_fail_for_good(failure, "SecretRefused", "secret \"%s\" is not sent without TLS", header->secret);
		return false;
	}
	switch (secret_take(config, header->secret, url->host, &secret))
	{
		case SECRET_REFUSED:
			io_fail_for_good(failure, "SecretRefused", "worker has no secret \"%s\" for \"%s\"",
							 header->secret, url->host);
			return false;
		case SECRET_UNAVAILABLE:
			io_fail(failure, "SecretUnavailable", "worker could not use secret \"%s\"", header->secret);
			return false;
		case SECRET_OK:
			break;
	}
	call->secrets = xrealloc(call->secrets, (size_t) (call->secret_count + 1) * sizeof(char *));
	call->secrets[call->secret_count++] = secret;
	value = xasprintf("%s%s", header->value, secret);
	add_header(call, header->name, value);
	secret_free(value);
	return true;
}

static void
add_header(WebCall *call, const char *name, const char *value)
{
	/* with a semicolon libcurl sends a header that has no value */
	char	   *line = *value != '\0' ? xasprintf("%s: %s", name, value) : xasprintf("%s;", name);

	set_line(call, line);
	secret_free(line);
}

static void
set_line(WebCall *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	if (longer == NULL)
		abort();
	call->headers = longer;
}

/* CURLOPT_OPENSOCKETFUNCTION: the very address that is about to be connected to. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	WebCall    *call = arg;
	GuardVerdict verdict = web_guard_judge(&call->worker->config, call->ask.url, &address->addr);
	int			fd;

	if (verdict != GUARD_OPEN)
	{
		call->verdict = verdict;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	call->opened++;
	return fd;
}

static void
call_ended(struct Worker *w, CURL *easy, CURLcode result, void *arg)
{
	WebCall    *call = arg;
	WebCallFn	fn = call->fn;

	call->fn = NULL;
	call->result = result;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &call->answer.status);
	release_headers(call);
	redact_answer(call);
	fn(w, call, call->arg);
}

/* A server may send back what it got; history is no place for that. */
static void
redact_answer(WebCall *call)
{
	for (int i = 0; i < call->secret_count; i++)
		web_answer_redact(&call->answer, call->secrets[i]);
}

static void
explain_timeout(const WebCall *call, IoFailure *failure)
{
	const char *host = call->ask.url->host;
	curl_off_t	connect_us = 0;
	curl_off_t	total_us = 0;

	curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &total_us);
	if (call->ask.timeout_ms > 0 && total_us / 1000 >= call->ask.timeout_ms)
		io_fail(failure, "Timeout", "\"%s\" did not answer within %lld ms", host, (long long) call->ask.timeout_ms);
	else if (connect_us == 0 || total_us / 1000 < call->worker->config.web.stall_ms)
		io_fail(failure, "ConnectionFailed", "could not connect to \"%s\" within %ld ms", host, CONNECT_TIMEOUT_MS);
	else
		io_fail(failure, "TransferStalled", "\"%s\" sent next to nothing for %lld ms", host,
				(long long) call->worker->config.web.stall_ms);
}

static void
release_headers(WebCall *call)
{
	for (struct curl_slist *line = call->headers; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(call->headers);
	call->headers = NULL;
}
