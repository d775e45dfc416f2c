/*
 * http_host.c
 *		Which hosts a request may name: the guard against DNS rebinding and
 *		cross-site requests.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_host.h"

#include <string.h>
#include <strings.h>

static bool is_port(const char *text);
static bool copy_name(const char *text, size_t length, char name[HTTP_HOST_SIZE]);

bool
http_host_name(const char *text, char name[HTTP_HOST_SIZE])
{
	const char *end;

	if (*text == '[')
	{
		end = strchr(text, ']');
		if (end == NULL || !is_port(end + 1))
			return false;
		return copy_name(text + 1, (size_t) (end - text - 1), name);
	}
	end = text + strcspn(text, ":");
	if (!is_port(end))
		return false;
	if (end > text + 1 && end[-1] == '.')
		return copy_name(text, (size_t) (end - text - 1), name);
	return copy_name(text, (size_t) (end - text), name);
}

bool
http_host_of_url(const char *url, bool allow_path, char name[HTTP_HOST_SIZE])
{
	char		authority[HTTP_HOST_SIZE + 16];
	size_t		length;

	if (strncasecmp(url, "http://", 7) == 0)
		url += 7;
	else if (strncasecmp(url, "https://", 8) == 0)
		url += 8;
	else
		return false;
	length = strcspn(url, "/?#");
	if (length >= sizeof(authority) || (url[length] != '\0' && !allow_path))
		return false;
	memcpy(authority, url, length);
	authority[length] = '\0';
	return http_host_name(authority, name);
}

bool
http_host_is_listed(const StringList *hosts, const char *name)
{
	for (int i = 0; i < hosts->count; i++)
	{
		if (strcmp(hosts->items[i], "*") == 0 || strcasecmp(hosts->items[i], name) == 0)
			return true;
	}
	return false;
}

bool
http_host_is_loopback(const char *name)
{
	return strcmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0;
}

/* ":" and digits, or nothing. */
static bool
is_port(const char *text)
{
	if (*text == '\0')
		return true;
	return *text == ':' && strlen(text) <= 6 && text[1 + strspn(text + 1, "0123456789")] == '\0';
}

static bool
copy_name(const char *text, size_t length, char name[HTTP_HOST_SIZE])
{
	if (length == 0 || length >= HTTP_HOST_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		char		c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char) (c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._:", c) != NULL) || c == '\0')
			return false;
		name[i] = c;
	}
	name[length] = '\0';
	return true;
}
