/*
 * json_checking.c
 *		What is JSON and what is not, depth, UTF-8, and strings that are made valid.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "json.h"
#include "tap.h"

static void valid_texts(void);
static void invalid_texts(void);
static void depth_is_limited(void);
static void every_cut_is_invalid(void);
static void strings_are_made_valid(void);
static void parsing(void);

int
main(void)
{
	valid_texts();
	invalid_texts();
	depth_is_limited();
	every_cut_is_invalid();
	strings_are_made_valid();
	parsing();
	return done_testing();
}

static void
valid_texts(void)
{
	static const char *const texts[] = {
		"null", "true", "false", "0", "-0", "12", "-1.5e+10", "1E5", "\"\"", "[]", "{}", " [ 1 , 2 ] \n",
		"{\"a\": [{}, null], \"a\": 1}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud800\"", "\"\303\251\360\237\230\200\"",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ok(json_is_valid(texts[i], strlen(texts[i]), NULL), "valid text %zu", i);
}

static void
invalid_texts(void)
{
	static const char *const texts[] = {
		"", " ", "nul", "nulll", "True", "01", "1.", ".5", "+1", "1e", "-", "NaN", "Infinity", "'a'", "\"a", "\"\\x\"",
		"\"\\u12\"", "\"\t\"", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "[", "]", "{", "1 2",
		"\"\xff\"", "\"\303\"", "\"\355\240\200\"", "\"\300\200\"", "// x\n1", "[1]x",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ok(!json_is_valid(texts[i], strlen(texts[i]), NULL), "invalid text %zu", i);
	ok(!json_is_valid("1\0", 2, NULL), "NUL is not JSON");
	ok(!json_is_valid("\"a\0b\"", 5, NULL), "nor in a string");
}

static void
depth_is_limited(void)
{
	char		text[2 * (JSON_MAX_DEPTH + 1)];
	size_t		offset;

	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	ok(json_is_valid(text, 2 * JSON_MAX_DEPTH, NULL), "depth at the limit");
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	ok(!json_is_valid(text, sizeof(text), &offset), "depth beyond the limit");
	is_int((int64_t) offset, JSON_MAX_DEPTH, "the offset is where it went too deep");
}

static void
every_cut_is_invalid(void)
{
	static const char text[] = "{\"key\":[1.5e3,true,null,\"\\u00e9\303\251\"],\"b\":{}}";
	int			accepted = 0;

	for (size_t length = 0; length < sizeof(text) - 1; length++)
		accepted += json_is_valid(text, length, NULL);
	is_int(accepted, 0, "no beginning of an object is valid");
	ok(json_is_valid(text, sizeof(text) - 1, NULL), "but all of it is");
}

static void
strings_are_made_valid(void)
{
	Buf			buf = {0};
	json_object *string;

	json_append_string(&buf, "a\"\\\n\t\001\303\251\377\0z", 11);
	is_str(buf.data, "\"a\\\"\\\\\\n\\t\\u0001\303\251\357\277\275\357\277\275z\"", "quoting");
	ok(json_is_valid(buf.data, buf.used, NULL), "what is appended is valid");
	buf_free(&buf);

	string = json_string_new("a\377\303", 3);
	is_str(json_object_get_string(string), "a\357\277\275\357\277\275", "a json-c string of any bytes");
	json_object_put(string);
}

static void
parsing(void)
{
	const char *error;
	json_object *object = json_parse("{\"a\": 1, \"b\": \"x\"}", 18, &error);

	ok(object != NULL && error == NULL, "an object is parsed");
	ok(json_get(object, "a", json_type_int) != NULL, "a member of the right type");
	ok(json_get(object, "b", json_type_int) == NULL, "a member of another type");
	ok(json_get(object, "c", json_type_int) == NULL, "no such member");
	ok(json_get(NULL, "c", json_type_int) == NULL, "no object");
	json_object_put(object);

	object = json_parse("42", 2, &error);
	is_int(json_object_get_int(object), 42, "a bare number is parsed");
	json_object_put(object);
	object = json_parse("null", 4, &error);
	ok(object == NULL && error == NULL, "null is no error");
	object = json_parse("{", 1, &error);
	ok(object == NULL && error != NULL, "half an object is one");
}
