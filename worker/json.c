/*
 * json.c
 *		Small helpers around JSON text and json-c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json.h"

#include <string.h>

/* The validator's place in the text. */
typedef struct JsonCursor
{
	const char *at;
	const char *end;
} JsonCursor;

static bool check_value(JsonCursor *cursor, int depth);
static bool check_members(JsonCursor *cursor, char close, int depth);
static bool check_string(JsonCursor *cursor);
static bool check_escape(JsonCursor *cursor);
static bool check_number(JsonCursor *cursor);
static bool check_digits(JsonCursor *cursor);
static bool check_word(JsonCursor *cursor, const char *word);
static bool take_char(JsonCursor *cursor, char c);
static void skip_blanks(JsonCursor *cursor);
static bool is_hex_digit(char c);

bool
json_is_valid(const char *text, size_t length, size_t *offset)
{
	JsonCursor	cursor = {text, text + length};
	bool		ok;

	skip_blanks(&cursor);
	ok = check_value(&cursor, 0);
	if (ok)
	{
		skip_blanks(&cursor);
		ok = cursor.at == cursor.end;
	}
	if (offset != NULL)
		*offset = (size_t) (cursor.at - text);
	return ok;
}

bool
json_is_valid_at(const char *text, size_t length, int depth)
{
	JsonCursor	cursor = {text, text + length};

	skip_blanks(&cursor);
	if (!check_value(&cursor, depth))
		return false;
	skip_blanks(&cursor);
	return cursor.at == cursor.end;
}

bool
json_find_member(const char *text, size_t length, const char *key,
				 const char **value, size_t *value_length)
{
	JsonCursor	cursor = {text, text + length};
	bool		is_found = false;

	skip_blanks(&cursor);
	if (!take_char(&cursor, '{'))
		return false;
	skip_blanks(&cursor);
	while (!take_char(&cursor, '}'))
	{
		const char *name = cursor.at + 1;
		const char *name_end;
		const char *start;

		if (!check_string(&cursor))
			return false;
		name_end = cursor.at - 1;
		skip_blanks(&cursor);
		if (!take_char(&cursor, ':'))
			return false;
		skip_blanks(&cursor);
		start = cursor.at;
		if (!check_value(&cursor, 1))
			return false;
		if ((size_t) (name_end - name) == strlen(key) && memcmp(name, key, strlen(key)) == 0)
		{
			is_found = true;
			*value = start;
			*value_length = (size_t) (cursor.at - start);
		}
		skip_blanks(&cursor);
		if (take_char(&cursor, ','))
			skip_blanks(&cursor);
	}
	return is_found;
}

json_object *
json_parse(const char *text, size_t length, const char **error)
{
	json_tokener *tokener = NULL;
	json_object *object = NULL;

	*error = NULL;
	if (length > INT32_MAX - 1 || !json_is_valid(text, length, NULL))
	{
		*error = "invalid JSON";
		return NULL;
	}
	tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 2);
	if (tokener == NULL)
	{
		*error = "out of memory";
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int) length);

	/* a bare number ends only at the end of the text */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		object = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success)
	{
		json_object_put(object);
		object = NULL;
		*error = "invalid JSON";
	}
	json_tokener_free(tokener);
	return object;
}

void
json_append_string(Buf *buf, const char *text, size_t length)
{
	buf_append(buf, "\"", 1);
	for (size_t i = 0; i < length;)
	{
		unsigned char c = (unsigned char) text[i];
		size_t		step = json_utf8_length(text + i, length - i);

		if (step == 0)
			buf_append_text(buf, "\357\277\275");
		else if (c == '"' || c == '\\')
			buf_append_format(buf, "\\%c", c);
		else if (c == '\n')
			buf_append_text(buf, "\\n");
		else if (c == '\t')
			buf_append_text(buf, "\\t");
		else if (c < ' ' || c == 0x7f)
			buf_append_format(buf, "\\u%04x", c);
		else
			buf_append(buf, text + i, step);
		i += step > 0 ? step : 1;
	}
	buf_append(buf, "\"", 1);
}

json_object *
json_string_new(const char *text, size_t length)
{
	Buf			clean = {0};
	json_object *object;

	buf_reserve(&clean, length);
	for (size_t i = 0; i < length;)
	{
		size_t		step = json_utf8_length(text + i, length - i);

		if (step == 0)
			buf_append_text(&clean, "\357\277\275");
		else
			buf_append(&clean, text + i, step);
		i += step > 0 ? step : 1;
	}
	object = json_object_new_string_len(clean.data != NULL ? clean.data : "", (int) clean.used);
	buf_free(&clean);
	return object;
}

bool
json_utf8_is_valid(const char *text, size_t length)
{
	for (size_t i = 0; i < length;)
	{
		size_t		step = json_utf8_length(text + i, length - i);

		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

size_t
json_utf8_length(const char *text, size_t length)
{
	const unsigned char *s = (const unsigned char *) text;
	size_t		need;

	if (length == 0 || s[0] == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	need = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (length < need)
		return 0;
	for (size_t i = 1; i < need; i++)
	{
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) ||	/* overlong */
		(s[0] == 0xed && s[1] > 0x9f) ||	/* surrogate */
		(s[0] == 0xf0 && s[1] < 0x90) ||	/* overlong */
		(s[0] == 0xf4 && s[1] > 0x8f))	/* beyond U+10FFFF */
		return 0;
	return need;
}

json_object *
json_get(json_object *object, const char *key, json_type type)
{
	json_object *member;

	if (!json_object_is_type(object, json_type_object) ||
		!json_object_object_get_ex(object, key, &member) ||
		!json_object_is_type(member, type))
		return NULL;
	return member;
}

const char *
json_text(json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static bool
check_value(JsonCursor *cursor, int depth)
{
	if (cursor->at == cursor->end)
		return false;
	switch (*cursor->at)
	{
		case '{':
			return check_members(cursor, '}', depth + 1);
		case '[':
			return check_members(cursor, ']', depth + 1);
		case '"':
			return check_string(cursor);
		case 't':
			return check_word(cursor, "true");
		case 'f':
			return check_word(cursor, "false");
		case 'n':
			return check_word(cursor, "null");
		default:
			return check_number(cursor);
	}
}

/* An object or array, from its opening bracket. */
static bool
check_members(JsonCursor *cursor, char close, int depth)
{
	if (depth > JSON_MAX_DEPTH)
		return false;
	cursor->at++;
	skip_blanks(cursor);
	if (take_char(cursor, close))
		return true;
	for (;;)
	{
		if (close == '}')
		{
			if (!check_string(cursor))
				return false;
			skip_blanks(cursor);
			if (!take_char(cursor, ':'))
				return false;
			skip_blanks(cursor);
		}
		if (!check_value(cursor, depth))
			return false;
		skip_blanks(cursor);
		if (take_char(cursor, close))
			return true;
		if (!take_char(cursor, ','))
			return false;
		skip_blanks(cursor);
	}
}

static bool
check_string(JsonCursor *cursor)
{
	if (!take_char(cursor, '"'))
		return false;
	while (cursor->at < cursor->end)
	{
		size_t		step;

		if (take_char(cursor, '"'))
			return true;
		if (*cursor->at == '\\')
		{
			if (!check_escape(cursor))
				return false;
			continue;
		}
		if ((unsigned char) *cursor->at < ' ')
			return false;
		step = json_utf8_length(cursor->at, (size_t) (cursor->end - cursor->at));
		if (step == 0)
			return false;
		cursor->at += step;
	}
	return false;
}

static bool
check_escape(JsonCursor *cursor)
{
	if (cursor->end - cursor->at < 2)
		return false;
	if (strchr("\"\\/bfnrt", cursor->at[1]) != NULL && cursor->at[1] != '\0')
	{
		cursor->at += 2;
		return true;
	}
	if (cursor->at[1] != 'u' || cursor->end - cursor->at < 6)
		return false;
	for (int i = 2; i < 6; i++)
	{
		if (!is_hex_digit(cursor->at[i]))
			return false;
	}
	cursor->at += 6;
	return true;
}

static bool
check_number(JsonCursor *cursor)
{
	take_char(cursor, '-');
	if (!take_char(cursor, '0') && !check_digits(cursor))
		return false;
	if (take_char(cursor, '.') && !check_digits(cursor))
		return false;
	if (take_char(cursor, 'e') || take_char(cursor, 'E'))
	{
		if (!take_char(cursor, '+'))
			take_char(cursor, '-');
		return check_digits(cursor);
	}
	return true;
}

/* One digit or more. */
static bool
check_digits(JsonCursor *cursor)
{
	const char *start = cursor->at;

	while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
		cursor->at++;
	return cursor->at > start;
}

static bool
check_word(JsonCursor *cursor, const char *word)
{
	size_t		length = strlen(word);

	if ((size_t) (cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

static bool
take_char(JsonCursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static void
skip_blanks(JsonCursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) != NULL && *cursor->at != '\0')
		cursor->at++;
}

static bool
is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
