/*
 * azure_call.c
 *		One request to Azure Blob Storage: signed, sent, its answer understood.
 *
 * The body of an answer is thrown away: when a signature is wrong it quotes the
 * text that was signed.  A failure is told by the status, the service's error
 * code, and curl's own text, none of which holds a secret.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_call.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loop.h"
#include "xalloc.h"

#define CONNECT_TIMEOUT_MS 10000L

/* A transfer that moves nothing for so long is given up. */
#define STALL_SECONDS 60L

/* More of an answer than any error needs. */
#define ANSWER_MAX_BYTES (1024 * 1024)

/* The service's codes that mean something else than their status does. */
static const struct CodeMeaning
{
	const char *code;
	const char *type;
	bool		is_non_retriable;
}			code_meanings[] = {
	{"ContainerBeingDeleted", "BlobStoreUnavailable", false},
	{"InvalidBlockList", "BlobConflict", false},	/* another writer of the blob was faster */
	{"LeaseIdMissing", "BlobConflict", false},	/* somebody holds the blob, for a while */
	{"AccountIsDisabled", "BlobStoreAccessDenied", true},
	{"OutOfRangeInput", "InvalidBlobName", true},
	{"InvalidUri", "InvalidBlobName", true},
	{"InvalidResourceName", "InvalidBlobName", true},
	{"BlobNameTooLong", "InvalidBlobName", true},
};

/* What a status means; the first row that fits.  Others are BlobStoreError, not retriable. */
static const struct StatusMeaning
{
	long		first;
	long		last;
	const char *type;
	bool		is_non_retriable;
}			status_meanings[] = {
	{401, 401, "BlobStoreAccessDenied", true},
	{403, 403, "BlobStoreAccessDenied", true},
	{404, 404, "BlobStoreNotFound", true},
	{408, 408, "BlobStoreUnavailable", false},
	{409, 409, "BlobConflict", true},
	{412, 412, "BlobConflict", true},
	{429, 429, "BlobStoreUnavailable", false},
	{500, 599, "BlobStoreUnavailable", false},
};

static CURL *prepare_handle(AzureCall *call);
static void set_options(AzureCall *call, const AzureAccount *account);
static bool is_loopback(const char *endpoint);
static bool sign_request(AzureCall *call, const AzureAccount *account, const AzureAsk *ask);
static bool add_header(AzureCall *call, const char *name, const char *value);
static void set_body(AzureCall *call, const AzureAsk *ask);
static void call_ended(struct Worker *w, CURL *easy, CURLcode result, void *arg);
static void release_headers(AzureCall *call);
static size_t take_header(char *line, size_t size, size_t count, void *arg);
static size_t drop_answer(char *bytes, size_t size, size_t count, void *arg);

bool
azure_call_start(AzureCall *call, struct Worker *w, const AzureAccount *account, const AzureAsk *ask,
				 AzureCallFn fn, void *arg)
{
	call->worker = w;
	call->body = ask->body;
	call->result = CURLE_OK;
	call->status = 0;
	call->answer_bytes = 0;
	call->code[0] = '\0';
	call->error[0] = '\0';

	if (prepare_handle(call) == NULL)
		return false;
	set_options(call, account);
	if (!sign_request(call, account, ask))
		return false;
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	set_body(call, ask);
	if (!loop_curl_add(w, call->easy, call_ended, call))
		return false;
	call->fn = fn;
	call->arg = arg;
	return true;
}

void
azure_call_free(AzureCall *call)
{
	if (call->fn != NULL)
		loop_curl_remove(call->worker, call->easy);
	if (call->easy != NULL)
		curl_easy_cleanup(call->easy);
	release_headers(call);
	*call = (AzureCall) {0};
}

void
azure_call_failure(const AzureCall *call, IoFailure *failure)
{
	failure->http_status = (int) call->status;
	memcpy(failure->code, call->code, sizeof(failure->code));

	if (call->status == 0)
	{
		bool		is_certificate = call->result == CURLE_PEER_FAILED_VERIFICATION;

		io_fail(failure, is_certificate ? "BlobStoreAccessDenied" : "BlobStoreUnavailable",
				  "no answer from Azure Blob Storage: %s",
				  call->error[0] != '\0' ? call->error : curl_easy_strerror(call->result));
		failure->is_non_retriable = is_certificate;
		return;
	}

	io_fail(failure, "BlobStoreError", "Azure Blob Storage answered with status %ld%s%s", call->status,
			  call->code[0] != '\0' ? " " : "", call->code);
	failure->is_non_retriable = true;
	for (size_t i = 0; i < sizeof(status_meanings) / sizeof(status_meanings[0]); i++)
	{
		if (call->status < status_meanings[i].first || call->status > status_meanings[i].last)
			continue;
		failure->type = status_meanings[i].type;
		failure->is_non_retriable = status_meanings[i].is_non_retriable;
	}
	for (size_t i = 0; i < sizeof(code_meanings) / sizeof(code_meanings[0]); i++)
	{
		if (strcmp(call->code, code_meanings[i].code) != 0)
			continue;
		failure->type = code_meanings[i].type;
		failure->is_non_retriable = code_meanings[i].is_non_retriable;
	}
}

/* A new handle, or the one of the last request, as if it were new. */
static CURL *
prepare_handle(AzureCall *call)
{
	release_headers(call);
	if (call->easy == NULL)
		call->easy = curl_easy_init();
	else
		curl_easy_reset(call->easy);
	return call->easy;
}

static void
set_options(AzureCall *call, const AzureAccount *account)
{
	CURL	   *easy = call->easy;

#if CURL_AT_LEAST_VERSION(7, 85, 0)
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
#if CURL_AT_LEAST_VERSION(7, 87, 0)
	/* or the loop waits for a name server when a copy is stopped */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_answer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);

	/* a proxy of the environment is for the outside world */
	if (is_loopback(account->endpoint))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static bool
is_loopback(const char *endpoint)
{
	static const char *const hosts[] = {"127.", "localhost", "[::1]"};
	const char *host = strstr(endpoint, "://");

	for (size_t i = 0; host != NULL && i < sizeof(hosts) / sizeof(hosts[0]); i++)
	{
		if (strncasecmp(host + 3, hosts[i], strlen(hosts[i])) == 0)
			return true;
	}
	return false;
}

/* Set the URL and the headers. */
static bool
sign_request(AzureCall *call, const AzureAccount *account, const AzureAsk *ask)
{
	static const AzurePair nothing[] = {{NULL, NULL}};
	char		date[64];
	AzurePair	headers[4] = {{NULL, NULL}};
	size_t		count = 0;
	AzureRequest request = {.method = "PUT", .content_type = "", .headers = headers};
	Buf			path = {0};
	Buf			url = {0};
	Buf			authorization = {0};
	bool		ok = true;

	azure_date(date, sizeof(date), time(NULL));
	if (ask->puts_blob)
		headers[count++] = (AzurePair) {"x-ms-blob-type", "BlockBlob"};
	headers[count++] = (AzurePair) {"x-ms-date", date};
	headers[count++] = (AzurePair) {"x-ms-version", AZURE_API_VERSION};
	headers[count] = (AzurePair) {NULL, NULL};

	buf_append_format(&path, "%s/", account->endpoint_path);
	azure_append_path(&path, ask->container);
	if (ask->blob != NULL)
	{
		buf_append_text(&path, "/");
		azure_append_path(&path, ask->blob);
	}
	request.path = path.data;
	request.query = ask->query == NULL ? nothing : ask->query;
	request.content_length = ask->body != NULL ? ask->length : (int64_t) strlen(ask->text);

	/* the endpoint without its path, which the request's path begins with */
	buf_append(&url, account->endpoint, (size_t) (account->endpoint_path - account->endpoint));
	buf_append_text(&url, path.data);
	azure_append_query(&url, &request, account->sas);
	ok = curl_easy_setopt(call->easy, CURLOPT_URL, url.data) == CURLE_OK;

	if (account->key != NULL)
		ok = ok && azure_append_authorization(&authorization, account, &request) &&
			add_header(call, "Authorization", authorization.data);
	for (size_t i = 0; i < count; i++)
		ok = ok && add_header(call, headers[i].name, headers[i].value);
	ok = ok && add_header(call, "Content-Type", NULL);

	buf_free(&path);
	buf_free(&url);
	buf_free(&authorization);
	return ok;
}

/* A NULL value keeps curl from sending the header. */
static bool
add_header(AzureCall *call, const char *name, const char *value)
{
	char	   *line = value == NULL ? xasprintf("%s:", name) : xasprintf("%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(call->headers, line);

	free(line);
	if (longer == NULL)
		return false;
	call->headers = longer;
	return true;
}

static void
set_body(AzureCall *call, const AzureAsk *ask)
{
	CURL	   *easy = call->easy;

	if (ask->body != NULL)
	{
		azure_body_send(ask->body, easy, ask->start, ask->length);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) strlen(ask->text));
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->text);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PUT");
}

static void
call_ended(struct Worker *w, CURL *easy, CURLcode result, void *arg)
{
	AzureCall  *call = arg;
	AzureCallFn fn = call->fn;

	call->fn = NULL;
	if (call->body != NULL)
		azure_body_detach(call->body);
	call->result = result;

	/* an answer that came before the whole body was sent is an answer; a success must be complete */
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &call->status);
	if (call->status < 200 || (result != CURLE_OK && call->status < 300))
		call->status = 0;
	fn(w, call, call->arg);
}

static void
release_headers(AzureCall *call)
{
	curl_slist_free_all(call->headers);
	call->headers = NULL;
}

/* CURLOPT_HEADERFUNCTION: keep the error code. */
static size_t
take_header(char *line, size_t size, size_t count, void *arg)
{
	static const char wanted[] = "x-ms-error-code:";
	AzureCall  *call = arg;
	size_t		length = size * count;
	size_t		used = 0;

	if (length < sizeof(wanted) || strncasecmp(line, wanted, sizeof(wanted) - 1) != 0)
		return length;

	for (size_t i = sizeof(wanted) - 1; i < length && used + 1 < sizeof(call->code); i++)
	{
		if (isalnum((unsigned char) line[i]))
			call->code[used++] = line[i];
	}
	call->code[used] = '\0';
	return length;
}

/* CURLOPT_WRITEFUNCTION */
static size_t
drop_answer(char *bytes, size_t size, size_t count, void *arg)
{
	AzureCall  *call = arg;

	call->answer_bytes += size * count;
	return call->answer_bytes > ANSWER_MAX_BYTES ? 0 : size * count;
}
