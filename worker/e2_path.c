/*
 * e2_path.c
 *		Paths of E2: what is accepted, how one travels as JSON, which blob key it has.
 *
 * Pure functions: bytes in, bytes out; no file is looked at here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2_path.h"

#include <ctype.h>
#include <string.h>

#include "base64.h"
#include "json.h"

/* A longer path is shown with its middle left out. */
#define READABLE_MAX_BYTES 1024

static bool is_blank(const char *bytes, size_t length);
static bool key_keeps(const char *character, size_t width);
static bool is_control(const char *character, size_t width);
static void append_readable_part(Buf *text, const char *path, size_t length);

const char *
e2_path_problem_text(E2PathProblem problem)
{
	switch (problem)
	{
		case E2_PATH_OK:
			return "is fine";
		case E2_PATH_NOT_TEXT:
			return "must be a JSON string, or {\"b64\": \"...\"} when it is not UTF-8";
		case E2_PATH_BLANK:
			return "must not be blank";
		case E2_PATH_RELATIVE:
			return "must be absolute";
		case E2_PATH_HAS_NUL:
			return "must not contain a zero byte";
		case E2_PATH_HAS_DOT_DOT:
			return "must not have a \"..\" component";
		case E2_PATH_TOO_LONG:
			return "is too long";
	}
	return "";
}

E2PathProblem
e2_path_from_item(Buf *path, const char *item)
{
	E2PathProblem problem = E2_PATH_NOT_TEXT;
	const char *error;
	json_object *value = json_parse(item, strlen(item), &error);
	json_object *encoded = NULL;
	Buf			bytes = {0};

	if (json_object_is_type(value, json_type_string))
	{
		problem = e2_path_clean(path, json_object_get_string(value), (size_t) json_object_get_string_len(value));
		goto done;
	}
	if (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 1)
		encoded = json_get(value, "b64", json_type_string);
	if (encoded != NULL &&
		base64_decode(&bytes, json_object_get_string(encoded), (size_t) json_object_get_string_len(encoded)))
		problem = e2_path_clean(path, bytes.data == NULL ? "" : bytes.data, bytes.used);

done:
	buf_free(&bytes);
	json_object_put(value);
	return problem;
}

E2PathProblem
e2_path_clean(Buf *path, const char *bytes, size_t length)
{
	buf_reset(path);
	if (is_blank(bytes, length))
		return E2_PATH_BLANK;
	if (memchr(bytes, '\0', length) != NULL)
		return E2_PATH_HAS_NUL;
	if (bytes[0] != '/')
		return E2_PATH_RELATIVE;
	if (length > E2_PATH_MAX_BYTES)
		return E2_PATH_TOO_LONG;

	for (size_t at = 0; at < length;)
	{
		const char *component = bytes + at;
		const char *slash = memchr(component, '/', length - at);
		size_t		width = slash == NULL ? length - at : (size_t) (slash - component);

		at += width + 1;
		if (width == 0 || (width == 1 && component[0] == '.'))
			continue;
		if (width == 2 && memcmp(component, "..", 2) == 0)
			return E2_PATH_HAS_DOT_DOT;
		buf_append(path, "/", 1);
		buf_append(path, component, width);
	}
	if (path->used == 0)
		buf_append(path, "/", 1);
	return E2_PATH_OK;
}

static bool
is_blank(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (!isspace((unsigned char) bytes[i]))
			return false;
	}
	return true;
}

const char *
e2_path_below(const char *directory, const char *path)
{
	size_t		length = strlen(directory);

	if (strcmp(directory, "/") == 0)
		return path + 1;
	if (strncmp(directory, path, length) != 0)
		return NULL;
	if (path[length] == '\0')
		return path + length;
	return path[length] == '/' ? path + length + 1 : NULL;
}

bool
e2_path_append_item(Buf *json, const char *path, size_t length)
{
	if (json_utf8_is_valid(path, length))
	{
		json_append_string(json, path, length);
		return true;
	}
	buf_append_text(json, "{\"b64\": \"");
	base64_append(json, path, length);
	buf_append_text(json, "\"}");
	return false;
}

void
e2_path_append_key(Buf *key, const char *path, size_t length)
{
	buf_append_text(key, E2_KEY_PREFIX);
	for (size_t at = path[0] == '/' ? 1 : 0; at < length;)
	{
		size_t		width = json_utf8_length(path + at, length - at);

		if (width > 0 && key_keeps(path + at, width))
			buf_append(key, path + at, width);
		else
		{
			width = width == 0 ? 1 : width;
			for (size_t i = 0; i < width; i++)
				buf_append_format(key, "%%%02X", (unsigned char) path[at + i]);
		}
		at += width;
	}
}

/*
 * May this character stand in a key as it is?  U+FFFE and U+FFFF may not,
 * because XML, and so every listing of a container, cannot hold them.
 */
static bool
key_keeps(const char *character, size_t width)
{
	if (is_control(character, width))
		return false;
	if (width == 1)
		return strchr("\\?#%", character[0]) == NULL;
	return !(width == 3 && memcmp(character, "\xef\xbf", 2) == 0 && (unsigned char) character[2] >= 0xbe);
}

/* Unicode's category Cc: U+0000 to U+001F, U+007F to U+009F. */
static bool
is_control(const char *character, size_t width)
{
	unsigned char first = (unsigned char) character[0];

	if (width == 1)
		return first < 0x20 || first == 0x7f;
	return width == 2 && first == 0xc2 && (unsigned char) character[1] < 0xa0;
}

void
e2_path_append_readable(Buf *text, const char *path, size_t length)
{
	if (length <= READABLE_MAX_BYTES)
	{
		append_readable_part(text, path, length);
		return;
	}
	append_readable_part(text, path, READABLE_MAX_BYTES / 2);
	buf_append_text(text, "[...]");
	append_readable_part(text, path + length - READABLE_MAX_BYTES / 2, READABLE_MAX_BYTES / 2);
}

static void
append_readable_part(Buf *text, const char *path, size_t length)
{
	for (size_t at = 0; at < length;)
	{
		size_t		width = json_utf8_length(path + at, length - at);

		if (width > 0 && !is_control(path + at, width))
			buf_append(text, path + at, width);
		else
		{
			width = 1;
			buf_append_format(text, "\\x%02x", (unsigned char) path[at]);
		}
		at += width;
	}
}
