/*
 * web_url.c
 *		URLs of requests, and two headers that say where and when to ask next.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xalloc.h"

static bool read_parts(CURLU *handle, WebUrl *url, const char **problem);
static bool take_part(CURLU *handle, CURLUPart part, unsigned int flags, char **text);
static bool seconds_of(const char *value, int64_t *seconds);
static const char *problem_of(CURLUcode code);

bool
web_url_parse(const char *text, WebUrl *url, const char **problem)
{
	CURLU	   *handle;
	CURLUcode	code;
	bool		ok = false;

	memset(url, 0, sizeof(*url));
	*problem = "is too long";
	if (strlen(text) > WEB_URL_MAX)
		return false;
	handle = curl_url();
	if (handle == NULL)
		abort();
	code = curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER);
	if (code != CURLUE_OK)
		*problem = problem_of(code);
	else
		ok = read_parts(handle, url, problem);
	curl_url_cleanup(handle);
	return ok;
}

bool
web_url_resolve(const WebUrl *base, const char *location, WebUrl *url, const char **problem)
{
	CURLU	   *handle;
	CURLUcode	code;
	bool		ok = false;

	memset(url, 0, sizeof(*url));
	*problem = "is too long";
	if (strlen(location) > WEB_URL_MAX)
		return false;
	handle = curl_url();
	if (handle == NULL)
		abort();
	code = curl_url_set(handle, CURLUPART_URL, base->text, 0);
	if (code == CURLUE_OK)
		code = curl_url_set(handle, CURLUPART_URL, location, CURLU_DISALLOW_USER | CURLU_URLENCODE);
	if (code != CURLUE_OK)
		*problem = problem_of(code);
	else
		ok = read_parts(handle, url, problem);
	curl_url_cleanup(handle);
	return ok;
}

void
web_url_copy(const WebUrl *source, WebUrl *url)
{
	*url = *source;
	url->text = xstrdup(source->text);
	url->host = xstrdup(source->host);
}

void
web_url_free(WebUrl *url)
{
	free(url->text);
	free(url->host);
	memset(url, 0, sizeof(*url));
}

bool
web_url_same_origin(const WebUrl *left, const WebUrl *right)
{
	return left->is_tls == right->is_tls && left->port == right->port && web_host_is(left->host, right->host);
}

bool
web_host_is(const char *host, const char *name)
{
	size_t		length = strlen(host);
	size_t		name_length = strlen(name);

	if (length > 0 && host[length - 1] == '.')
		length--;
	if (name_length > 0 && name[name_length - 1] == '.')
		name_length--;
	return length == name_length && length > 0 && strncasecmp(host, name, length) == 0;
}

bool
web_retry_after(const char *value, int64_t now_s, int64_t *delay_ms)
{
	int64_t		seconds;
	time_t		date;

	if (!seconds_of(value, &seconds))
	{
		/* all three forms of a date begin with the day's name and have a time */
		if (((*value | 0x20) < 'a' || (*value | 0x20) > 'z') || strchr(value, ':') == NULL)
			return false;
		date = curl_getdate(value, NULL);
		if (date == (time_t) -1)
			return false;
		seconds = (int64_t) date - now_s;
	}
	if (seconds < 0)
		seconds = 0;
	*delay_ms = seconds < WEB_RETRY_AFTER_MAX_MS / 1000 ? seconds * 1000 : WEB_RETRY_AFTER_MAX_MS;
	return true;
}

static bool
read_parts(CURLU *handle, WebUrl *url, const char **problem)
{
	char	   *scheme = NULL;
	char	   *port = NULL;
	char	   *user = NULL;
	size_t		length;

	(void) curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
	if (!take_part(handle, CURLUPART_SCHEME, 0, &scheme) ||
		(strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		*problem = "is neither http nor https";
	else if (take_part(handle, CURLUPART_USER, 0, &user) || take_part(handle, CURLUPART_PASSWORD, 0, &user))
		*problem = "has a user name or password";
	else if (!take_part(handle, CURLUPART_HOST, 0, &url->host) || strspn(url->host, ".") == strlen(url->host))
		*problem = "has no host";
	else if (!take_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, &port) ||
			 !take_part(handle, CURLUPART_URL, 0, &url->text) || strtol(port, NULL, 10) <= 0)
		*problem = "is malformed";
	else if (strlen(url->text) > WEB_URL_MAX)
		*problem = "is too long";
	else
	{
		length = strlen(url->host);
		if (length > 2 && url->host[0] == '[')
		{
			memmove(url->host, url->host + 1, length - 2);
			url->host[length - 2] = '\0';
		}
		url->port = (int) strtol(port, NULL, 10);
		url->is_tls = strcmp(scheme, "https") == 0;
		*problem = NULL;
	}
	free(scheme);
	free(port);
	free(user);
	if (*problem != NULL)
		web_url_free(url);
	return *problem == NULL;
}

/* False when there is none; the text is ours. */
static bool
take_part(CURLU *handle, CURLUPart part, unsigned int flags, char **text)
{
	char	   *found = NULL;

	if (curl_url_get(handle, part, &found, flags) != CURLUE_OK || found == NULL)
		return false;
	*text = xstrdup(found);
	curl_free(found);
	return true;
}

static bool
seconds_of(const char *value, int64_t *seconds)
{
	size_t		digits = strspn(value, "0123456789");

	if (digits == 0 || value[digits + strspn(value + digits, " \t")] != '\0')
		return false;
	*seconds = digits > 9 ? WEB_RETRY_AFTER_MAX_MS : strtoll(value, NULL, 10);
	return true;
}

static const char *
problem_of(CURLUcode code)
{
	switch (code)
	{
		case CURLUE_USER_NOT_ALLOWED:
			return "has a user name or password";
		case CURLUE_UNSUPPORTED_SCHEME:
			return "is neither http nor https";
		case CURLUE_NO_HOST:
			return "has no host";
		default:
			return "is malformed";
	}
}
