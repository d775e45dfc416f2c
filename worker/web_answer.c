/*
 * web_answer.c
 *		The answer to a request: taken in bounds, and made into a result or a failure.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "web_request.h"
#include "json.h"
#include "xalloc.h"

#define REDACTED "***"

static void add_header(WebAnswer *answer, const char *name, size_t name_length, const char *value, size_t value_length);
static void append_body(const WebAnswer *answer, const char *text, size_t length, Buf *json);
static bool is_json_answer(const WebAnswer *answer);
static bool escapes_can_be_stored(const char *text, size_t length);
static unsigned int escaped_unit(const char *escape);
static char *json_form(const char *text);
static void redact_text(char **text, const char *secret);
static void replace(Buf *text, const char *what);

size_t
web_answer_take_header(char *line, size_t size, size_t count, void *arg)
{
	WebAnswer  *answer = arg;
	size_t		length = size * count;
	const char *colon;
	size_t		start;
	size_t		end = length;

	/* an interim answer may come before the real one */
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
	{
		size_t		bytes = answer->header_bytes;

		web_answer_reset(answer);
		answer->header_bytes = bytes;
	}
	answer->header_bytes += length;
	if (answer->header_bytes > WEB_ANSWER_HEADER_BYTES)
	{
		answer->is_too_large = true;
		return 0;
	}
	while (end > 0 && strchr("\r\n \t", line[end - 1]) != NULL)
		end--;
	colon = memchr(line, ':', end);
	if (end == 0)
		answer->headers_ended = true;
	else if (colon != NULL && colon > line && !answer->headers_ended)
	{
		start = (size_t) (colon - line) + 1;
		while (start < end && (line[start] == ' ' || line[start] == '\t'))
			start++;
		add_header(answer, line, (size_t) (colon - line), line + start, end - start);
	}
	return length;
}

size_t
web_answer_take_body(char *bytes, size_t size, size_t count, void *arg)
{
	WebAnswer  *answer = arg;
	size_t		length = size * count;

	if (length > answer->max_body - answer->body.used)
	{
		answer->is_too_large = true;
		return 0;
	}
	buf_append(&answer->body, bytes, length);
	return length;
}

void
web_answer_reset(WebAnswer *answer)
{
	size_t		max_body = answer->max_body;

	web_answer_free(answer);
	answer->max_body = max_body;
}

void
web_answer_free(WebAnswer *answer)
{
	for (int i = 0; i < answer->header_count; i++)
	{
		free(answer->headers[i].name);
		free(answer->headers[i].value);
	}
	free(answer->headers);
	buf_free(&answer->body);
	memset(answer, 0, sizeof(*answer));
}

const char *
web_answer_header(const WebAnswer *answer, const char *name)
{
	for (int i = 0; i < answer->header_count; i++)
	{
		if (strcmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	}
	return NULL;
}

void
web_answer_redact(WebAnswer *answer, const char *secret)
{
	char	   *lower = xstrdup(secret);

	for (char *c = lower; *c != '\0'; c++)
		*c = (char) tolower((unsigned char) *c);
	web_redact(&answer->body, secret);
	for (int i = 0; i < answer->header_count; i++)
	{
		redact_text(&answer->headers[i].name, lower);
		redact_text(&answer->headers[i].value, secret);
	}
	explicit_bzero(lower, strlen(lower));
	free(lower);
}

static void
redact_text(char **text, const char *secret)
{
	Buf			redacted = {0};

	buf_append_text(&redacted, *text);
	web_redact(&redacted, secret);
	free(*text);
	*text = buf_take(&redacted);
}

void
web_redact(Buf *text, const char *secret)
{
	char	   *escaped = json_form(secret);

	replace(text, secret);
	if (strcmp(escaped, secret) != 0)
		replace(text, escaped);
	free(escaped);
}

void
web_answer_append_result(const WebAnswer *answer, Buf *json)
{
	buf_append_format(json, "{\"status\": %ld, \"headers\": {", answer->status);
	for (int i = 0; i < answer->header_count; i++)
	{
		buf_append_text(json, i > 0 ? ", " : "");
		json_append_string(json, answer->headers[i].name, strlen(answer->headers[i].name));
		buf_append_text(json, ": ");
		json_append_string(json, answer->headers[i].value, strlen(answer->headers[i].value));
	}
	buf_append_text(json, "}, \"body\": ");
	append_body(answer, answer->body.data, answer->body.used, json);
	buf_append_text(json, "}");
}

void
web_answer_append_body_start(const WebAnswer *answer, size_t max_bytes, Buf *json)
{
	if (answer->body.used <= max_bytes)
		append_body(answer, answer->body.data, answer->body.used, json);
	else
		json_append_string(json, answer->body.data, max_bytes);
}

/* Cookies are for browsers: they are credentials, and history is no place for them. */
static void
add_header(WebAnswer *answer, const char *name, size_t name_length, const char *value, size_t value_length)
{
	char	   *key = xstrndup(name, name_length);
	AnswerHeader *header;

	for (size_t i = 0; i < name_length; i++)
		key[i] = (char) tolower((unsigned char) key[i]);
	if (strcmp(key, "set-cookie") == 0 || strcmp(key, "set-cookie2") == 0)
	{
		free(key);
		return;
	}
	for (int i = 0; i < answer->header_count; i++)
	{
		if (strcmp(answer->headers[i].name, key) == 0)
		{
			char	   *joined = xasprintf("%s, %.*s", answer->headers[i].value, (int) value_length, value);

			free(answer->headers[i].value);
			answer->headers[i].value = joined;
			free(key);
			return;
		}
	}
	answer->headers = xrealloc(answer->headers, (size_t) (answer->header_count + 1) * sizeof(AnswerHeader));
	header = &answer->headers[answer->header_count++];
	header->name = key;
	header->value = xstrndup(value, value_length);
}

static void
append_body(const WebAnswer *answer, const char *text, size_t length, Buf *json)
{
	if (length == 0)
		buf_append_text(json, "null");
	else if (is_json_answer(answer) && json_is_valid_at(text, length, 1) && escapes_can_be_stored(text, length))
		buf_append(json, text, length);
	else if (json_utf8_is_valid(text, length))
		json_append_string(json, text, length);
	else
	{
		buf_append_text(json, "{\"$base64\": \"");
		base64_append(json, text, length);
		buf_append_text(json, "\"}");
	}
}

static bool
is_json_answer(const WebAnswer *answer)
{
	const char *type = web_answer_header(answer, "content-type");

	return type != NULL && web_type_is_json(type);
}

/* PostgreSQL stores neither \u0000 nor halves of surrogate pairs.  The text is valid JSON. */
static bool
escapes_can_be_stored(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		unsigned int unit;

		if (text[i] != '\\')
			continue;
		i++;
		if (text[i] != 'u')
			continue;
		unit = escaped_unit(text + i + 1);
		i += 4;
		if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
			return false;
		if (unit < 0xd800 || unit > 0xdbff)
			continue;
		if (i + 6 >= length || text[i + 1] != '\\' || text[i + 2] != 'u')
			return false;
		unit = escaped_unit(text + i + 3);
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		i += 6;
	}
	return true;
}

/* Of four hexadecimal digits. */
static unsigned int
escaped_unit(const char *escape)
{
	char		digits[5];

	memcpy(digits, escape, 4);
	digits[4] = '\0';
	return (unsigned int) strtoul(digits, NULL, 16);
}

/* As it stands between the quotes of a JSON string; the caller frees it. */
static char *
json_form(const char *text)
{
	Buf			json = {0};
	char	   *inner;

	json_append_string(&json, text, strlen(text));
	inner = xstrndup(json.data + 1, json.used - 2);
	buf_free(&json);
	return inner;
}

static void
replace(Buf *text, const char *what)
{
	size_t		length = strlen(what);
	const char *rest = text->data;
	const char *found;
	Buf			clean = {0};

	if (text->used == 0 || length == 0 || memmem(text->data, text->used, what, length) == NULL)
		return;
	while ((found = memmem(rest, text->used - (size_t) (rest - text->data), what, length)) != NULL)
	{
		buf_append(&clean, rest, (size_t) (found - rest));
		buf_append_text(&clean, REDACTED);
		rest = found + length;
	}
	buf_append(&clean, rest, text->used - (size_t) (rest - text->data));
	buf_free(text);
	*text = clean;
}
