/*
 * call_http.c
 *		df_http, df_call_http: requests to HTTP servers, as orchestrators ask for them.
 *
 * A request is an activity: a worker makes it.  Here it is checked, so that a
 * mistake is an error of the call that made it.  The worker checks the same once
 * more (worker/web_request.c), and what only it can know: addresses and secrets.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "call_http.h"
#include "payload.h"
#include "retry.h"
#include "turn.h"

/* As in worker/web_request.c and worker/web_url.h. */
#define URL_MAX				8192
#define HEADERS_MAX			100
#define HEADER_BYTES_MAX	(32 * 1024)
#define SECRET_NAME_MAX		100

#define LETTERS_AND_DIGITS	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* What the transfer itself is made of. */
static const char *const reserved_headers[] = {
	"Accept-Encoding", "Connection", "Content-Length", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
	"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
	"Upgrade",
};

PG_FUNCTION_INFO_V1(df_http);
PG_FUNCTION_INFO_V1(df_call_http);

static int	schedule_request(Turn *turn, FunctionCallInfo fcinfo);
static TaskOptions request_options(Turn *turn, FunctionCallInfo fcinfo);
static Jsonb *make_request(const char *url, const char *method, Jsonb *body, Jsonb *headers, bool poll);
static void push_text(JsonbParseState **state, const char *key, const char *value);
static void push_value(JsonbParseState **state, const char *key, Jsonb *value);
static void check_url(const char *url);
static const char *url_problem(const char *url);
static const char *check_method(const char *method);
static void check_headers(Jsonb *headers);
static size_t check_header(const char *name, const JsonbValue *value);
static const char *header_text(const char *name, const JsonbValue *value);
static bool is_secret(const JsonbValue *value, const char **prefix);
static void check_body(Jsonb *body, Jsonb *headers);
static bool type_is_json(const char *type);
static char *member_text(const JsonbValue *value);
static void setting_refused(const char *key) pg_attribute_noreturn();

/* df_http(url, method, body, headers, retry, timeout, poll) */
Datum
df_http(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_http");

	PG_RETURN_INT64(pgdf_turn_handle(turn, schedule_request(turn, fcinfo)));
}

/* As df_http, and waits for the answer. */
Datum
df_call_http(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_call_http");
	int64		handle = pgdf_turn_handle(turn, schedule_request(turn, fcinfo));

	pgdf_turn_await(turn, handle);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, handle));
}

void
pgdf_http_check_settings(Jsonb *settings)
{
	JsonbIterator *it = JsonbIteratorInit(&settings->root);
	JsonbValue	key;
	JsonbValue	value;
	bool		has_url = false;

	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		if (strcmp(name, "url") == 0 && value.type == jbvString)
		{
			check_url(member_text(&value));
			has_url = true;
		}
		else if (strcmp(name, "method") == 0 && value.type == jbvString)
			(void) check_method(member_text(&value));
		else if (strcmp(name, "headers") == 0 && value.type == jbvBinary)
			check_headers(JsonbValueToJsonb(&value));
		else if (strcmp(name, "poll") != 0 || value.type != jbvBool)
			setting_refused(name);
	}
	if (!has_url)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("settings of an activity of kind \"http\" must have a \"url\"")));
}

static int
schedule_request(Turn *turn, FunctionCallInfo fcinfo)
{
	TaskOptions options = request_options(turn, fcinfo);
	Jsonb	   *body = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	Jsonb	   *headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	const char *method = PG_ARGISNULL(1) ? "GET" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		poll = PG_ARGISNULL(6) || PG_GETARG_BOOL(6);
	char	   *url;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("URL must not be null")));
	url = text_to_cstring(PG_GETARG_TEXT_PP(0));
	check_url(url);
	method = check_method(method);
	if (headers != NULL)
		check_headers(headers);
	if (body != NULL)
		check_body(body, headers);
	return pgdf_turn_schedule(turn, TASK_ACTIVITY, PGDF_HTTP_ACTIVITY,
							  make_request(url, method, body, headers, poll), &options);
}

static TaskOptions
request_options(Turn *turn, FunctionCallInfo fcinfo)
{
	MemoryContext caller = MemoryContextSwitchTo(turn->context);
	TaskOptions options = {0};

	if (!PG_ARGISNULL(4))
	{
		options.retry = pgdf_payload_from_jsonb(PG_GETARG_JSONB_P(4));
		pgdf_retry_check(options.retry);
	}
	if (!PG_ARGISNULL(5))
	{
		options.timeout = DatumGetIntervalP(datumCopy(PG_GETARG_DATUM(5), false, sizeof(Interval)));
		pgdf_check_timeout(options.timeout, "time-out");
	}
	MemoryContextSwitchTo(caller);
	return options;
}

/* What is as it is by default is left out: history is read by people. */
static Jsonb *
make_request(const char *url, const char *method, Jsonb *body, Jsonb *headers, bool poll)
{
	JsonbParseState *state = NULL;
	JsonbValue	value;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, "url", url);
	push_text(&state, "method", method);
	if (body != NULL)
		push_value(&state, "body", body);
	if (headers != NULL)
		push_value(&state, "headers", headers);
	if (!poll)
	{
		value.type = jbvString;
		value.val.string.val = pstrdup("poll");
		value.val.string.len = strlen("poll");
		pushJsonbValue(&state, WJB_KEY, &value);
		value.type = jbvBool;
		value.val.boolean = false;
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
push_text(JsonbParseState **state, const char *key, const char *value)
{
	JsonbValue	item = {.type = jbvString};

	item.val.string.val = pstrdup(key);
	item.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &item);
	item.val.string.val = pstrdup(value);
	item.val.string.len = strlen(value);
	pushJsonbValue(state, WJB_VALUE, &item);
}

static void
push_value(JsonbParseState **state, const char *key, Jsonb *value)
{
	JsonbValue	item = {.type = jbvString};

	item.val.string.val = pstrdup(key);
	item.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &item);
	if (JB_ROOT_IS_SCALAR(value))
		(void) JsonbExtractScalar(&value->root, &item);
	else
	{
		item.type = jbvBinary;
		item.val.binary.data = &value->root;
		item.val.binary.len = VARSIZE(value) - VARHDRSZ;
	}
	pushJsonbValue(state, WJB_VALUE, &item);
}

/* The URL is not quoted: it may have a key in it. */
static void
check_url(const char *url)
{
	const char *problem = url_problem(url);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("URL %s", problem),
				 strstr(problem, "password") == NULL ? 0 :
				 errhint("Use a header whose value is a secret of the worker: {\"$secret\": \"name\"}.")));
}

static const char *
url_problem(const char *url)
{
	const char *host;
	const char *authority_end;
	const char *port;

	if (strlen(url) > URL_MAX)
		return psprintf("must not be longer than %d bytes", URL_MAX);
	if (pg_strncasecmp(url, "http://", strlen("http://")) != 0 &&
		pg_strncasecmp(url, "https://", strlen("https://")) != 0)
		return "must begin with \"http://\" or \"https://\"";
	for (const char *c = url; *c != '\0'; c++)
	{
		if ((unsigned char) *c <= ' ' || (unsigned char) *c >= 0x7f || *c == '\\')
			return "must not contain blanks, control characters, backslashes, or characters beyond ASCII";
	}
	host = strstr(url, "://") + 3;
	authority_end = host + strcspn(host, "/?#");
	if (memchr(host, '@', authority_end - host) != NULL)
		return "must not contain a user name or password";
	if (authority_end == host || *host == ':')
		return "must have a host";
	port = *host == '[' ? memchr(host, ']', authority_end - host) : host;
	port = port == NULL ? NULL : memchr(port, ':', authority_end - port);
	if (port != NULL &&
		(port + 1 + strspn(port + 1, "0123456789") != authority_end || authority_end - port > 6 ||
		 strtol(port + 1, NULL, 10) < 1 || strtol(port + 1, NULL, 10) > 65535))
		return "must have a port from 1 to 65535, or none";
	return NULL;
}

/* In upper case. */
static const char *
check_method(const char *method)
{
	for (size_t i = 0; i < lengthof(methods); i++)
	{
		if (pg_strcasecmp(method, methods[i]) == 0)
			return methods[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid method \"%s\"", method),
			 errhint("Methods are GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.")));
}

static void
check_headers(Jsonb *headers)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;
	List	   *names = NIL;
	ListCell   *cell;
	size_t		bytes = 0;

	if (!JB_ROOT_IS_OBJECT(headers))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("headers must be a JSON object")));
	if (JB_ROOT_COUNT(headers) > HEADERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("more than %d headers", HEADERS_MAX)));

	it = JsonbIteratorInit(&headers->root);
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		char	   *name = pnstrdup(key.val.string.val, key.val.string.len);

		(void) JsonbIteratorNext(&it, &value, true);
		bytes += check_header(name, &value);
		foreach(cell, names)
		{
			if (pg_strcasecmp(lfirst(cell), name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("header \"%s\" is there twice", name),
						 errdetail("Names of headers compare case-insensitively.")));
		}
		names = lappend(names, name);
	}
	if (bytes > HEADER_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("headers are longer than %d bytes", HEADER_BYTES_MAX)));
}

/* Returns how many bytes it has. */
static size_t
check_header(const char *name, const JsonbValue *value)
{
	const char *text;

	if (*name == '\0' || name[strspn(name, "!#$%&'*+-.^_`|~" LETTERS_AND_DIGITS)] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name of a header \"%s\"", name)));
	for (size_t i = 0; i < lengthof(reserved_headers); i++)
	{
		if (pg_strcasecmp(name, reserved_headers[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("header \"%s\" cannot be set", name)));
	}
	text = header_text(name, value);
	for (const char *c = text; *c != '\0'; c++)
	{
		if (((unsigned char) *c < ' ' && *c != '\t') || *c == 0x7f)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("value of header \"%s\" must not contain control characters", name)));
	}
	return strlen(name) + strlen(text);
}

/* The value, or what comes before a secret. */
static const char *
header_text(const char *name, const JsonbValue *value)
{
	const char *prefix;

	if (value->type == jbvString)
		return member_text(value);
	if (is_secret(value, &prefix))
		return prefix;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("value of header \"%s\" is neither a string nor a secret", name),
			 errhint("A secret is {\"$secret\": \"name\"} or {\"$secret\": \"name\", \"prefix\": \"Bearer \"}.")));
}

static bool
is_secret(const JsonbValue *value, const char **prefix)
{
	JsonbContainer *object;
	JsonbValue	buffer;
	const JsonbValue *member;
	char	   *name;
	int			members = 1;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return false;
	object = value->val.binary.data;
	member = getKeyJsonValueFromContainer(object, "$secret", strlen("$secret"), &buffer);
	if (member == NULL || member->type != jbvString)
		return false;
	name = member_text(member);
	if (*name == '\0' || strlen(name) > SECRET_NAME_MAX || name[strspn(name, "-._" LETTERS_AND_DIGITS)] != '\0')
		return false;

	*prefix = "";
	member = getKeyJsonValueFromContainer(object, "prefix", strlen("prefix"), &buffer);
	if (member != NULL)
	{
		if (member->type != jbvString)
			return false;
		*prefix = member_text(member);
		members++;
	}
	return JsonContainerSize(object) == members;
}

/* A body is JSON unless the request says what else it is; then it is the text of a string. */
static void
check_body(Jsonb *body, Jsonb *headers)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;

	if (headers == NULL || (JB_ROOT_IS_SCALAR(body) && JsonbExtractScalar(&body->root, &value) &&
							value.type == jbvString))
		return;
	it = JsonbIteratorInit(&headers->root);
	(void) JsonbIteratorNext(&it, &key, false);
	while (JsonbIteratorNext(&it, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&it, &value, true);
		if (pg_strcasecmp(pnstrdup(key.val.string.val, key.val.string.len), "Content-Type") != 0 ||
			(value.type == jbvString && type_is_json(member_text(&value))))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("body must be a JSON string"),
				 errdetail("Its Content-Type is not JSON: the text of the string is sent.")));
	}
}

static bool
type_is_json(const char *type)
{
	size_t		length = strcspn(type, "; \t");

	if (length >= 5 && pg_strncasecmp(type + length - 5, "+json", 5) == 0)
		return true;
	return (length == 16 && pg_strncasecmp(type, "application/json", length) == 0) ||
		(length == 9 && pg_strncasecmp(type, "text/json", length) == 0);
}

static char *
member_text(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
setting_refused(const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid setting \"%s\" of an activity of kind \"http\"", key),
			 errhint("Settings are \"url\" and \"method\" (strings), \"headers\" (an object) and \"poll\" (true or false).")));
	pg_unreachable();
}
