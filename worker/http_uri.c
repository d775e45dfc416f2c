/*
 * http_uri.c
 *		What a request asks for: the path's segments and the query's fields.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "xalloc.h"

static const char *skip_authority(const char *target);
static HttpUriProblem split_path(HttpUri *uri, char *path);
static void split_query(HttpUri *uri, char *query);
static int	hex_digit(char c);

HttpUriProblem
http_uri_parse(HttpUri *uri, const char *target)
{
	char	   *query;

	memset(uri, 0, sizeof(*uri));
	target = skip_authority(target);
	uri->target = xstrdup(target);
	uri->text = xstrdup(target);
	if (uri->text[0] != '/')
		return HTTP_URI_INVALID;

	uri->text[strcspn(uri->text, "#")] = '\0';
	query = strchr(uri->text, '?');
	if (query != NULL)
	{
		*query = '\0';
		split_query(uri, query + 1);
	}
	return split_path(uri, uri->text + 1);
}

void
http_uri_free(HttpUri *uri)
{
	free(uri->text);
	free(uri->target);
	memset(uri, 0, sizeof(*uri));
}

const char *
http_uri_field(const HttpUri *uri, const char *key)
{
	for (int i = 0; i < uri->field_count; i++)
	{
		if (strcasecmp(uri->fields[i].key, key) == 0)
			return uri->fields[i].value;
	}
	return NULL;
}

bool
http_uri_flag(const HttpUri *uri, const char *key, bool absent)
{
	const char *value = http_uri_field(uri, key);

	if (value == NULL)
		return absent;
	if (strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0)
		return true;
	if (strcasecmp(value, "false") == 0 || strcmp(value, "0") == 0)
		return false;
	return absent;
}

int64_t
http_uri_seconds(const HttpUri *uri, const char *key)
{
	const char *value = http_uri_field(uri, key);
	char	   *end;
	double		seconds;

	/* strtod() would take more: blanks, signs, hexadecimal, infinity */
	if (value == NULL || *value == '\0' || value[strspn(value, "0123456789.")] != '\0')
		return -1;
	seconds = strtod(value, &end);
	if (end == value || *end != '\0')
		return -1;
	return seconds < 1e9 ? (int64_t) (seconds * 1000) : (int64_t) 1e12;
}

int
http_uri_int(const HttpUri *uri, const char *key, int min, int max, int absent)
{
	const char *value = http_uri_field(uri, key);
	char	   *end;
	long		number;

	if (value == NULL || *value < '0' || *value > '9')
		return absent;
	errno = 0;
	number = strtol(value, &end, 10);
	if (errno != 0 || *end != '\0' || number < min || number > max)
		return absent;
	return (int) number;
}

bool
http_uri_decode(char *text, bool plus_is_blank)
{
	char	   *to = text;
	bool		is_valid = true;

	for (const char *from = text; *from != '\0'; from++)
	{
		if (*from == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0)
		{
			char		c = (char) (hex_digit(from[1]) * 16 + hex_digit(from[2]));

			is_valid = is_valid && c != '\0';
			*to++ = c;
			from += 2;
		}
		else
			*to++ = *from == '+' && plus_is_blank ? ' ' : *from;
	}
	*to = '\0';
	return is_valid && json_utf8_is_valid(text, (size_t) (to - text));
}

void
http_uri_append(Buf *buf, const char *text)
{
	for (const unsigned char *s = (const unsigned char *) text; *s != '\0'; s++)
	{
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
			strchr("-._~", *s) != NULL)
			buf_append(buf, s, 1);
		else
			buf_append_format(buf, "%%%02X", *s);
	}
}

/* Proxies send "http://host/path". */
static const char *
skip_authority(const char *target)
{
	const char *rest = NULL;

	if (strncasecmp(target, "http://", 7) == 0)
		rest = target + 7;
	else if (strncasecmp(target, "https://", 8) == 0)
		rest = target + 8;
	if (rest == NULL)
		return target;
	rest += strcspn(rest, "/?#");
	return *rest == '/' ? rest : "/";
}

/* A slash at the end says nothing. */
static HttpUriProblem
split_path(HttpUri *uri, char *path)
{
	while (*path != '\0')
	{
		size_t		length = strcspn(path, "/");
		bool		is_last = path[length] == '\0';

		if (uri->segment_count == HTTP_MAX_SEGMENTS)
			return HTTP_URI_UNKNOWN;
		path[length] = '\0';
		if (!http_uri_decode(path, false))
			return HTTP_URI_INVALID;
		uri->segments[uri->segment_count++] = path;
		if (is_last)
			break;
		path += length + 1;
	}
	return HTTP_URI_OK;
}

static void
split_query(HttpUri *uri, char *query)
{
	while (*query != '\0' && uri->field_count < HTTP_MAX_FIELDS)
	{
		size_t		length = strcspn(query, "&");
		bool		is_last = query[length] == '\0';
		char	   *value;

		query[length] = '\0';
		value = strchr(query, '=');
		if (value != NULL)
			*value++ = '\0';
		else
			value = query + length;
		if (*query != '\0' && http_uri_decode(query, true) && http_uri_decode(value, true))
			uri->fields[uri->field_count++] = (HttpField) {query, value};
		if (is_last)
			break;
		query += length + 1;
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
