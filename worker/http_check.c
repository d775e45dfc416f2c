/*
 * http_check.c
 *		What is refused at the door: before a body is read, and before anything of
 *		a request is believed.
 *
 * The order is: is this HTTP as we take it, does the client mean us (Host,
 * Origin), who is it (key), what does it want (route), may it (scope), is it too
 * much (body).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_check.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "http_exchange.h"
#include "http_routes.h"
#include "worker.h"
#include "xalloc.h"

#define MAX_HEADERS			100

/* Answers 401: so many at once, then so many a second; beyond that it is 429. */
#define KEY_BURST			50.0
#define KEY_RATE			10.0

/* What must not be there twice, or together. */
typedef struct HeaderCount
{
	int			all;
	int			host;
	int			content_length;
	int			transfer_encoding;
	int			odd;			/* with characters that may not be there */
} HeaderCount;

static bool check_form(HttpExchange *x);
static void refuse_form(HttpExchange *x, const char *problem);
static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value);
static bool is_token(const char *name);
static bool check_host(HttpExchange *x);
static bool is_our_host(const HttpExchange *x, const char *name);
static bool is_local_address(const HttpExchange *x, const char *name);
static void set_origin(HttpExchange *x, const char *host);
static char *first_of_list(const char *value);
static bool check_key(HttpExchange *x, const HttpKey **key);
static const HttpKey *find_key(const HttpExchange *x);
static void answer_no_key(HttpExchange *x);
static bool check_scope(HttpExchange *x, const HttpKey *key);
static bool check_length(HttpExchange *x);

bool
http_check(HttpExchange *x, const char *verb)
{
	const HttpKey *key = NULL;
	HttpUriProblem problem = http_uri_parse(&x->uri, x->conn->target != NULL ? x->conn->target : "");

	if (!check_form(x) || !check_host(x))
		return false;
	if (problem == HTTP_URI_OK)
		x->route = http_routes_find(verb, &x->uri, x->args);
	if ((x->route == NULL || x->route->scope != HTTP_OPEN) && !check_key(x, &key))
		return false;
	if (problem == HTTP_URI_INVALID)
	{
		exchange_answer_message(x, 400, "path is not valid: it must be UTF-8, without zero bytes");
		return false;
	}
	if (x->route == NULL)
	{
		exchange_answer_message(x, 404, "there is nothing at this path for this method");
		return false;
	}
	return check_scope(x, key) && check_length(x);
}

bool
http_check_has_body(const HttpExchange *x)
{
	const char *length = exchange_header(x, "Content-Length");

	return exchange_header(x, "Transfer-Encoding") != NULL || (length != NULL && strcmp(length, "0") != 0);
}

void
http_check_answer_too_large(HttpExchange *x)
{
	exchange_answer_message(x, 413, "body is larger than %d bytes", x->server->worker->config.http.max_body);
}

/* What another server in front of us might read in another way is refused. */
static bool
check_form(HttpExchange *x)
{
	const HttpConfig *config = &x->server->worker->config.http;
	HeaderCount count = {0};
	const char *encoding = exchange_header(x, "Transfer-Encoding");
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, count_header, &count);
	if (strlen(x->uri.target) > (size_t) config->max_url)
		exchange_answer_message(x, 414, "URL is longer than %d bytes", config->max_url);
	else if (count.all > MAX_HEADERS || (size != NULL && size->header_size > (size_t) config->max_header))
		exchange_answer_message(x, 431, "header is larger than %d bytes or %d fields", config->max_header, MAX_HEADERS);
	else if (count.odd > 0)
		refuse_form(x, "a header has characters that may not be there");
	else if (count.host > 1 || count.content_length > 1 || count.transfer_encoding > 1)
		refuse_form(x, "a header that may be there once is there twice");
	else if (count.content_length > 0 && count.transfer_encoding > 0)
		refuse_form(x, "request has both Content-Length and Transfer-Encoding");
	else if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
		refuse_form(x, "Transfer-Encoding must be \"chunked\"");
	return !x->is_answered;
}

/* Where such a request ends nobody knows: nothing else is taken from its connection. */
static void
refuse_form(HttpExchange *x, const char *problem)
{
	x->must_close = true;
	exchange_answer_message(x, 400, "%s", problem);
}

static enum MHD_Result
count_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	HeaderCount *count = arg;

	count->all++;
	count->odd += !is_token(name) || (value != NULL && strpbrk(value, "\r\n") != NULL);
	count->host += strcasecmp(name, "Host") == 0;
	count->content_length += strcasecmp(name, "Content-Length") == 0;
	count->transfer_encoding += strcasecmp(name, "Transfer-Encoding") == 0;
	return MHD_YES;
}

/* "Content-Length :" is a length for some, and for libmicrohttpd a header with another name. */
static bool
is_token(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

	return *name != '\0' && name[strspn(name, allowed)] == '\0';
}

static bool
check_host(HttpExchange *x)
{
	const HttpConfig *config = &x->server->worker->config.http;
	const char *host = exchange_header(x, "Host");
	const char *origin = exchange_header(x, "Origin");
	char	   *forwarded = NULL;
	char		name[HTTP_HOST_SIZE];
	bool		ok = host != NULL && http_host_name(host, name) && is_our_host(x, name);

	if (ok && config->trust_forwarded)
		forwarded = first_of_list(exchange_header(x, "X-Forwarded-Host"));
	if (forwarded != NULL)
		ok = http_host_name(forwarded, name) && is_our_host(x, name);
	if (!ok)
		exchange_answer_message(x, 403, "host is not in the list of hosts (--http-hosts)");
	else if (origin != NULL && !(http_host_of_url(origin, false, name) && is_our_host(x, name)))
		exchange_answer_message(x, 403, "origin is not in the list of hosts (--http-hosts)");
	else
		set_origin(x, forwarded != NULL ? forwarded : host);
	free(forwarded);
	return !x->is_answered;
}

static bool
is_our_host(const HttpExchange *x, const char *name)
{
	const HttpConfig *config = &x->server->worker->config.http;
	char		public_name[HTTP_HOST_SIZE];

	return http_host_is_loopback(name) || strcmp(name, x->server->listening.host) == 0 ||
		http_host_is_listed(&config->hosts, name) ||
		(config->public_url != NULL && http_host_of_url(config->public_url, true, public_name) &&
		 strcmp(public_name, name) == 0) ||
		is_local_address(x, name);
}

/* The address itself that the client has connected to: no name, so nobody else can have led it here. */
static bool
is_local_address(const HttpExchange *x, const char *name)
{
	struct sockaddr_storage address;
	socklen_t	length = sizeof(address);
	char		text[NI_MAXHOST];

	if (getsockname(x->conn->fd, (struct sockaddr *) &address, &length) != 0 ||
		(address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
		getnameinfo((struct sockaddr *) &address, length, text, sizeof(text), NULL, 0, NI_NUMERICHOST) != 0)
		return false;
	/* IPv4 on a socket of both */
	return strcmp(text, name) == 0 || (strncmp(text, "::ffff:", 7) == 0 && strcmp(text + 7, name) == 0);
}

static void
set_origin(HttpExchange *x, const char *host)
{
	const HttpConfig *config = &x->server->worker->config.http;
	char	   *proto = config->trust_forwarded ? first_of_list(exchange_header(x, "X-Forwarded-Proto")) : NULL;
	const char *scheme = x->server->is_tls ? "https" : "http";

	if (proto != NULL && (strcasecmp(proto, "https") == 0 || strcasecmp(proto, "http") == 0))
		scheme = strcasecmp(proto, "https") == 0 ? "https" : "http";
	if (config->public_url != NULL)
	{
		x->origin = xstrdup(config->public_url);
		for (size_t length = strlen(x->origin); length > 0 && x->origin[length - 1] == '/'; length--)
			x->origin[length - 1] = '\0';
	}
	else
		x->origin = xasprintf("%s://%s", scheme, host);
	free(proto);
}

/* Each proxy adds to the list; the first is the client's own. */
static char *
first_of_list(const char *value)
{
	size_t		length;

	if (value == NULL)
		return NULL;
	value += strspn(value, " \t");
	length = strcspn(value, ", \t");
	return length > 0 ? xstrndup(value, length) : NULL;
}

static bool
check_key(HttpExchange *x, const HttpKey **key)
{
	if (x->server->keys.count == 0)
		return true;
	*key = find_key(x);
	if (*key == NULL)
	{
		answer_no_key(x);
		return false;
	}
	if ((*key)->role != NULL)
		x->role = xstrdup((*key)->role);
	return true;
}

static const HttpKey *
find_key(const HttpExchange *x)
{
	const char *function_key = exchange_header(x, "x-functions-key");
	const char *authorization = exchange_header(x, "Authorization");
	const char *code = http_uri_field(&x->uri, "code");

	if (function_key != NULL)
		return http_keys_find(&x->server->keys, function_key);
	if (authorization != NULL && strncasecmp(authorization, "Bearer ", 7) == 0)
		return http_keys_find(&x->server->keys, authorization + 7 + strspn(authorization + 7, " "));
	if (code != NULL)
		return http_keys_find(&x->server->keys, code);
	return NULL;
}

static void
answer_no_key(HttpExchange *x)
{
	HttpServer *server = x->server;
	int64_t		now_us = loop_now_us(server->worker);

	server->counters.refused_keys++;
	server->key_tokens += (double) (now_us - server->key_tokens_us) / 1e6 * KEY_RATE;
	server->key_tokens_us = now_us;
	if (server->key_tokens > KEY_BURST)
		server->key_tokens = KEY_BURST;
	if (server->key_tokens < 1)
	{
		exchange_add_header(x, "Retry-After", "1");
		exchange_answer_message(x, 429, "too many requests without a valid key");
		return;
	}
	server->key_tokens -= 1;
	exchange_add_header(x, "WWW-Authenticate", "Bearer realm=\"pgdf\"");
	exchange_answer_message(x, 401, "a valid key is needed");
}

static bool
check_scope(HttpExchange *x, const HttpKey *key)
{
	if (key == NULL || key->scope >= x->route->scope)
		return true;
	exchange_answer_message(x, 403, "this key does not allow that");
	return false;
}

/* libmicrohttpd has refused what is no number. */
static bool
check_length(HttpExchange *x)
{
	const char *length = exchange_header(x, "Content-Length");

	if (length == NULL || strtoull(length, NULL, 10) <= (unsigned long long) x->server->worker->config.http.max_body)
		return true;
	http_check_answer_too_large(x);
	return false;
}
