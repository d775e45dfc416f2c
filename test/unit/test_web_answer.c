/*
 * test_web_answer.c
 *		Answers: taken in bounds, made into JSON, and without secrets.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_answer.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tap.h"

static const struct
{
	const char *type;			/* NULL: none */
	const char *body;
	size_t		length;			/* 0: that of the text */
	const char *json;			/* the member body of the result */
}			bodies[] = {
	{"application/json", "{\"a\": 1.50,\n \"b\": 123456789012345678901}", 0, "{\"a\": 1.50,\n \"b\": 123456789012345678901}"},
	{"application/json", "", 0, "null"}, {"text/plain", "", 0, "null"}, {NULL, "", 0, "null"},
	{"application/json", "{", 0, "\"{\""}, {"application/json", "1 2", 0, "\"1 2\""}, {"application/json", "NaN", 0, "\"NaN\""},
	{"application/json", "\"\\u0000\"", 0, "\"\\\"\\\\u0000\\\"\""}, {"application/json", "\"\\\\u0000\"", 0, "\"\\\\u0000\""},
	{"application/json", "\"\\ud83d\\ude00\"", 0, "\"\\ud83d\\ude00\""}, {"application/json", "\"\\ud83d\"", 0, "\"\\\"\\\\ud83d\\\"\""},
	{"application/json", "\"\\ude00\"", 0, "\"\\\"\\\\ude00\\\"\""}, {"application/json", "\"\\ud83dx\"", 0, "\"\\\"\\\\ud83dx\\\"\""},
	{"application/json", "\"\\ud83d\\u0041\"", 0, "\"\\\"\\\\ud83d\\\\u0041\\\"\""},
	{"application/json", "\"\377\"", 0, "{\"$base64\": \"Iv8i\"}"}, {"text/plain", "{\"a\": 1}", 0, "\"{\\\"a\\\": 1}\""},
	{"text/plain", "caf\303\251\n", 0, "\"caf\303\251\\n\""}, {"text/plain", "caf\351", 0, "{\"$base64\": \"Y2Fm6Q==\"}"},
	{NULL, "a\0b", 3, "{\"$base64\": \"YQBi\"}"}, {"image/png", "\211PNG", 0, "{\"$base64\": \"iVBORw==\"}"},
};

static void take(WebAnswer *answer, const char *line);
static void test_bodies(void);
static void test_depth(void);
static void test_headers(void);
static void test_bounds(void);
static void test_redaction(void);

int
main(void)
{
	test_bodies();
	test_depth();
	test_headers();
	test_bounds();
	test_redaction();
	return done_testing();
}

static void
take(WebAnswer *answer, const char *line)
{
	char	   *copy = strdup(line);

	ok(web_answer_take_header(copy, 1, strlen(copy), answer) == strlen(copy), "a line is taken");
	free(copy);
}

static void
test_bodies(void)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
	{
		WebAnswer	answer = {.status = 200,.max_body = 1000};
		Buf			result = {0};
		char		line[200];
		char		expected[400];
		char	   *bytes = strdup(bodies[i].body);

		snprintf(line, sizeof(line), "Content-Type: %s\r\n", bodies[i].type != NULL ? bodies[i].type : "");
		if (bodies[i].type != NULL)
			take(&answer, line);
		if (bodies[i].length > 0)
		{
			free(bytes);
			bytes = memcpy(malloc(bodies[i].length), bodies[i].body, bodies[i].length);
		}
		web_answer_take_body(bytes, 1, bodies[i].length > 0 ? bodies[i].length : strlen(bodies[i].body), &answer);
		free(bytes);
		web_answer_append_result(&answer, &result);
		ok(json_is_valid(result.data, result.used, NULL), "the result is JSON");
		snprintf(expected, sizeof(expected), ", \"body\": %s}", bodies[i].json);
		is_str(strstr(result.data, ", \"body\": "), expected, "a body of type %s", bodies[i].type != NULL ? bodies[i].type : "none");
		buf_free(&result);
		web_answer_free(&answer);
	}
}

/* The result is a level deeper than the body. */
static void
test_depth(void)
{
	for (int depth = JSON_MAX_DEPTH - 1; depth <= JSON_MAX_DEPTH; depth++)
	{
		WebAnswer	answer = {.status = 200,.max_body = 1000};
		Buf			result = {0};
		char		body[2 * JSON_MAX_DEPTH + 1];

		memset(body, '[', (size_t) depth);
		memset(body + depth, ']', (size_t) depth);
		take(&answer, "Content-Type: application/json\r\n");
		web_answer_take_body(body, 1, (size_t) depth * 2, &answer);
		web_answer_append_result(&answer, &result);
		ok(json_is_valid(result.data, result.used, NULL), "a body of depth %d can be stored", depth);
		ok((strstr(result.data, "\"body\": [") != NULL) == (depth < JSON_MAX_DEPTH), "as JSON or as a text");
		buf_free(&result);
		web_answer_free(&answer);
	}
}

static void
test_headers(void)
{
	WebAnswer	answer = {.status = 204,.max_body = 10};
	Buf			result = {0};

	take(&answer, "HTTP/1.1 103 Early Hints\r\n");
	take(&answer, "Link: early\r\n");
	take(&answer, "\r\n");
	take(&answer, "HTTP/1.1 204 No Content\r\n");
	take(&answer, "X-A:1\r\n");
	take(&answer, "x-a: \t2 \t\r\n");
	take(&answer, "X-B: \r\n");
	take(&answer, "X-\303\251: \377\r\n");
	take(&answer, "Set-Cookie: a=b\r\n");
	take(&answer, "no colon\r\n");
	take(&answer, ": no name\r\n");
	take(&answer, "\r\n");
	take(&answer, "X-Trailer: 1\r\n");
	answer.status = 204;
	web_answer_append_result(&answer, &result);
	is_str(result.data, "{\"status\": 204, \"headers\": {\"x-a\": \"1, 2\", \"x-b\": \"\", \"x-\303\251\": \"\357\277\275\"}, \"body\": null}",
		   "headers");
	is_str(web_answer_header(&answer, "x-a"), "1, 2", "one of them");
	ok(web_answer_header(&answer, "link") == NULL, "none of an interim answer");
	buf_free(&result);
	web_answer_free(&answer);
}

static void
test_bounds(void)
{
	WebAnswer	answer = {.status = 200,.max_body = 10};
	char		bytes[] = "0123456789";
	char		line[1002];
	int			lines = 0;

	ok(web_answer_take_body(bytes, 1, 6, &answer) == 6 && web_answer_take_body(bytes, 2, 2, &answer) == 4, "a body fits exactly");
	ok(web_answer_take_body(bytes, 1, 0, &answer) == 0 && !answer.is_too_large, "nothing more fits");
	ok(web_answer_take_body(bytes, 1, 1, &answer) == 0 && answer.is_too_large, "a byte more does not");
	is_int((int64_t) answer.body.used, 10, "and is not kept");
	web_answer_reset(&answer);
	ok(!answer.is_too_large && answer.max_body == 10 && answer.body.used == 0, "an answer may be used again");

	memset(line, 'x', sizeof(line));
	line[1] = ':';
	while (lines < 1000 && web_answer_take_header(line, 1, 1000, &answer) == 1000)
		lines++;
	is_int(lines, WEB_ANSWER_HEADER_BYTES / 1000, "headers have a limit");
	ok(answer.is_too_large, "which is noticed");
	web_answer_free(&answer);
}

static void
test_redaction(void)
{
	WebAnswer	answer = {.status = 200,.max_body = 1000};
	char		body[] = "{\"a\": \"se\\\"cret\", \"b\": \"xse\\\"cretx se\\\"cret\"} se\"cret se\"cre";
	char		text[] = "0123456789";

	take(&answer, "X-Echo: Bearer se\"cret\r\n");
	web_answer_take_body(body, 1, strlen(body), &answer);
	web_answer_redact(&answer, "se\"cret");
	is_str(answer.body.data, "{\"a\": \"***\", \"b\": \"x***x ***\"} *** se\"cre", "in a body, as it is and as JSON");
	is_str(web_answer_header(&answer, "x-echo"), "Bearer ***", "in a header");
	web_answer_free(&answer);

	answer = (WebAnswer) {.status = 500,.max_body = 1000};
	web_answer_take_body(text, 1, 10, &answer);
	{
		Buf			start = {0};

		web_answer_append_body_start(&answer, 4, &start);
		is_str(start.data, "\"0123\"", "the start of a body");
		buf_reset(&start);
		web_answer_append_body_start(&answer, 10, &start);
		is_str(start.data, "\"0123456789\"", "or all of it");
		buf_free(&start);
	}
	web_answer_free(&answer);
}
