/*
 * web_request.c
 *		A request that an orchestrator asks for: read and checked once more.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "xalloc.h"

/* As in extension/call_http.c. */
#define HEADERS_MAX			100
#define HEADER_BYTES_MAX	(32 * 1024)
#define SECRET_NAME_MAX		100

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* What the transfer itself is made of. */
static const char *const reserved_headers[] = {
	"Accept-Encoding", "Connection", "Content-Length", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
	"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
	"Upgrade",
};

static const char *const public_headers[] = {"Accept", "Accept-Language", "Content-Type", "User-Agent"};

static bool read_object(WebRequest *request, json_object *object, bool is_registered, char **problem);
static bool read_member(WebRequest *request, const char *key, json_object *value, bool is_registered, char **problem);
static bool read_method(WebRequest *request, json_object *value, char **problem);
static bool read_url(WebRequest *request, json_object *value, char **problem);
static bool read_headers(WebRequest *request, json_object *value, char **problem);
static bool read_header(WebRequest *request, const char *name, json_object *value, char **problem);
static bool read_secret(WebHeader *header, json_object *value);
static bool name_is_token(const char *name);
static bool value_is_clean(const char *value, size_t length);
static bool secret_name_is_valid(const char *name);
static bool is_listed(const char *name, const char *const *list, size_t count);
static bool read_body(WebRequest *request, const char *text, size_t length, char **problem);
static const char *plain_text(json_object *value);

bool
web_request_read(WebRequest *request, const char *input, const char *settings, char **problem)
{
	const char *source = settings != NULL ? settings : input;
	const char *body = input;
	size_t		body_length = strlen(input);
	const char *error;
	json_object *object = json_parse(source, strlen(source), &error);
	bool		has_body;
	bool		ok;

	memset(request, 0, sizeof(*request));
	*problem = NULL;
	request->method = settings != NULL ? "POST" : "GET";
	request->polls = true;
	ok = read_object(request, object, settings != NULL, problem);
	if (settings != NULL)
		has_body = strcmp(input, "null") != 0;
	else
		has_body = ok && json_find_member(input, strlen(input), "body", &body, &body_length);
	if (ok && has_body)
		ok = read_body(request, body, body_length, problem);
	json_object_put(object);
	if (!ok)
		web_request_free(request);
	return ok;
}

void
web_request_free(WebRequest *request)
{
	web_url_free(&request->url);
	for (int i = 0; i < request->header_count; i++)
	{
		free(request->headers[i].name);
		free(request->headers[i].value);
		free(request->headers[i].secret);
	}
	free(request->headers);
	free(request->body);
	memset(request, 0, sizeof(*request));
}

const WebHeader *
web_request_header(const WebRequest *request, const char *name)
{
	for (int i = 0; i < request->header_count; i++)
	{
		if (strcasecmp(request->headers[i].name, name) == 0)
			return &request->headers[i];
	}
	return NULL;
}

bool
web_header_is_public(const char *name)
{
	return is_listed(name, public_headers, sizeof(public_headers) / sizeof(public_headers[0]));
}

bool
web_type_is_json(const char *content_type)
{
	size_t		length = strcspn(content_type, "; \t");

	if (length >= 5 && strncasecmp(content_type + length - 5, "+json", 5) == 0)
		return true;
	return (length == 16 && strncasecmp(content_type, "application/json", length) == 0) ||
		(length == 9 && strncasecmp(content_type, "text/json", length) == 0);
}

static bool
read_object(WebRequest *request, json_object *object, bool is_registered, char **problem)
{
	if (!json_object_is_type(object, json_type_object))
	{
		*problem = xstrdup("request is not a JSON object");
		return false;
	}
	json_object_object_foreach(object, key, value)
	{
		if (!read_member(request, key, value, is_registered, problem))
			return false;
	}
	if (request->url.text == NULL)
	{
		*problem = xstrdup("request has no URL");
		return false;
	}
	return true;
}

static bool
read_member(WebRequest *request, const char *key, json_object *value, bool is_registered, char **problem)
{
	if (strcmp(key, "url") == 0)
		return read_url(request, value, problem);
	if (strcmp(key, "method") == 0)
		return read_method(request, value, problem);
	if (strcmp(key, "headers") == 0)
		return read_headers(request, value, problem);
	if (strcmp(key, "body") == 0 && !is_registered)
		return true;			/* read from the text, as it is written there */
	if (strcmp(key, "poll") == 0 && json_object_is_type(value, json_type_boolean))
	{
		request->polls = json_object_get_boolean(value);
		return true;
	}
	*problem = xasprintf("request has an invalid or unknown member \"%s\"", key);
	return false;
}

static bool
read_method(WebRequest *request, json_object *value, char **problem)
{
	const char *text = plain_text(value);

	for (size_t i = 0; text != NULL && i < sizeof(methods) / sizeof(methods[0]); i++)
	{
		if (strcasecmp(text, methods[i]) == 0)
		{
			request->method = methods[i];
			return true;
		}
	}
	*problem = xstrdup("request has an invalid method");
	return false;
}

static bool
read_url(WebRequest *request, json_object *value, char **problem)
{
	const char *text = plain_text(value);
	const char *reason = "is not a string";

	if (text != NULL && web_url_parse(text, &request->url, &reason))
		return true;
	*problem = xasprintf("URL %s", reason);
	return false;
}

static bool
read_headers(WebRequest *request, json_object *value, char **problem)
{
	size_t		bytes = 0;

	if (value == NULL)
		return true;
	if (!json_object_is_type(value, json_type_object) || json_object_object_length(value) > HEADERS_MAX)
	{
		*problem = xasprintf("headers are not an object of at most %d strings", HEADERS_MAX);
		return false;
	}
	request->headers = xcalloc((size_t) json_object_object_length(value) + 1, sizeof(WebHeader));
	json_object_object_foreach(value, name, member)
	{
		if (!read_header(request, name, member, problem))
			return false;
		bytes += strlen(name) + strlen(request->headers[request->header_count - 1].value);
	}
	if (bytes > HEADER_BYTES_MAX)
	{
		*problem = xasprintf("headers are longer than %d bytes", HEADER_BYTES_MAX);
		return false;
	}
	return true;
}

static bool
read_header(WebRequest *request, const char *name, json_object *value, char **problem)
{
	WebHeader  *header = &request->headers[request->header_count];
	const char *text = plain_text(value);

	if (!name_is_token(name) || web_request_header(request, name) != NULL)
	{
		*problem = xstrdup("name of a header is malformed or there twice");
		return false;
	}
	if (is_listed(name, reserved_headers, sizeof(reserved_headers) / sizeof(reserved_headers[0])))
	{
		*problem = xasprintf("header \"%s\" cannot be set", name);
		return false;
	}
	if (text != NULL && value_is_clean(text, strlen(text)))
		header->value = xstrdup(text);
	else if (!read_secret(header, value))
	{
		*problem = xasprintf("header \"%s\" is neither a string without control characters nor a secret", name);
		return false;
	}
	header->name = xstrdup(name);
	request->header_count++;
	return true;
}

/* {"$secret": name} or {"$secret": name, "prefix": text}. */
static bool
read_secret(WebHeader *header, json_object *value)
{
	json_object *name = json_get(value, "$secret", json_type_string);
	json_object *prefix = json_get(value, "prefix", json_type_string);
	const char *text;

	if (name == NULL || json_object_object_length(value) != (prefix != NULL ? 2 : 1))
		return false;
	text = prefix != NULL ? plain_text(prefix) : "";
	if (plain_text(name) == NULL || !secret_name_is_valid(plain_text(name)) ||
		text == NULL || !value_is_clean(text, strlen(text)))
		return false;
	header->secret = xstrdup(plain_text(name));
	header->value = xstrdup(text);
	return true;
}

/* RFC 9110, 5.6.2. */
static bool
name_is_token(const char *name)
{
	static const char *const token =
	"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *name != '\0' && name[strspn(name, token)] == '\0';
}

static bool
value_is_clean(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (((unsigned char) value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
			return false;
	}
	return true;
}

static bool
secret_name_is_valid(const char *name)
{
	static const char *const allowed = "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *name != '\0' && strlen(name) <= SECRET_NAME_MAX && name[strspn(name, allowed)] == '\0';
}

static bool
is_listed(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcasecmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

/* JSON goes out as it is written; a string that the request calls something else, as its text. */
static bool
read_body(WebRequest *request, const char *text, size_t length, char **problem)
{
	const WebHeader *type = web_request_header(request, "Content-Type");
	const char *error;
	json_object *value;

	request->body_is_json = type == NULL || web_type_is_json(type->value);
	if (request->body_is_json)
	{
		request->body = xstrndup(text, length);
		request->body_length = length;
		return true;
	}
	value = json_parse(text, length, &error);
	if (json_object_is_type(value, json_type_string))
	{
		request->body_length = (size_t) json_object_get_string_len(value);
		request->body = xstrndup(json_object_get_string(value), request->body_length);
	}
	else
		*problem = xstrdup("body is not a string, which its Content-Type needs");
	json_object_put(value);
	return *problem == NULL;
}

/* A string without NUL bytes; otherwise NULL. */
static const char *
plain_text(json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}
