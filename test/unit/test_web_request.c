/*
 * test_web_request.c
 *		What the worker takes for a request, whoever wrote it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_request.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define URL "\"url\": \"https://h/\""

/* Inputs of df_http that are no requests. */
static const char *const refused[] = {
	"null", "[]", "\"https://h/\"", "{}", "{\"url\": null}", "{\"url\": 1}", "{\"url\": \"h\"}",
	"{\"url\": \"file:///etc/passwd\"}", "{\"url\": \"https://u:p@h/\"}", "{\"url\": \"https://h/\\u0000\"}",
	"{\"url\": \"https://h/\\r\\nX: y\"}", "{" URL ", \"method\": \"TRACE\"}", "{" URL ", \"method\": \"GET \"}",
	"{" URL ", \"method\": 1}", "{" URL ", \"poll\": \"no\"}", "{" URL ", \"proxy\": \"http://p\"}",
	"{" URL ", \"unix_socket\": \"/x\"}", "{" URL ", \"headers\": []}", "{" URL ", \"headers\": \"X: y\"}",
	"{" URL ", \"headers\": {\"X\": 1}}", "{" URL ", \"headers\": {\"X\": null}}", "{" URL ", \"headers\": {\"X\": {}}}",
	"{" URL ", \"headers\": {\"\": \"a\"}}", "{" URL ", \"headers\": {\"X Y\": \"a\"}}", "{" URL ", \"headers\": {\"X:\": \"a\"}}",
	"{" URL ", \"headers\": {\"X\\n\": \"a\"}}", "{" URL ", \"headers\": {\"\\u00e9\": \"a\"}}",
	"{" URL ", \"headers\": {\"X\": \"a\\r\"}}", "{" URL ", \"headers\": {\"X\": \"a\\n\"}}",
	"{" URL ", \"headers\": {\"X\": \"a\\u0000\"}}", "{" URL ", \"headers\": {\"X\": \"a\\u007f\"}}",
	"{" URL ", \"headers\": {\"X\": \"a\", \"x\": \"b\"}}", "{" URL ", \"headers\": {\"Host\": \"a\"}}",
	"{" URL ", \"headers\": {\"CONTENT-LENGTH\": \"1\"}}", "{" URL ", \"headers\": {\"Transfer-Encoding\": \"chunked\"}}",
	"{" URL ", \"headers\": {\"connection\": \"close\"}}", "{" URL ", \"headers\": {\"Upgrade\": \"a\"}}",
	"{" URL ", \"headers\": {\"Proxy-Authorization\": \"a\"}}", "{" URL ", \"headers\": {\"TE\": \"a\"}}",
	"{" URL ", \"headers\": {\"X\": {\"$secret\": \"\"}}}", "{" URL ", \"headers\": {\"X\": {\"$secret\": \"a/b\"}}}",
	"{" URL ", \"headers\": {\"X\": {\"$secret\": 1}}}", "{" URL ", \"headers\": {\"X\": {\"$secret\": \"a\", \"b\": 1}}}",
	"{" URL ", \"headers\": {\"X\": {\"$secret\": \"a\", \"prefix\": \"\\n\"}}}",
	"{" URL ", \"headers\": {\"X\": {\"$secret\": \"a\", \"prefix\": 1}}}",
	"{" URL ", \"headers\": {\"Content-Type\": \"text/xml\"}, \"body\": {}}",
};

static const struct
{
	const char *type;
	bool		is_json;
}			types[] = {
	{"application/json", true}, {"Application/JSON; charset=utf-8", true}, {"text/json", true},
	{"application/problem+json", true}, {"application/vnd.x+JSON ;a=b", true}, {"application/json-seq", false},
	{"application/jsonp", false}, {"text/plain", false}, {"", false}, {"json", false}, {"text/html; a=application/json", false},
};

static void test_parts(void);
static void test_registered(void);
static void test_bodies(void);
static bool reads(WebRequest *request, const char *input, const char *settings);

int
main(void)
{
	WebRequest	request;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(!reads(&request, refused[i], NULL) && request.url.text == NULL, "refused: %s", refused[i]);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		ok(web_type_is_json(types[i].type) == types[i].is_json, "\"%s\"", types[i].type);
	test_parts();
	test_registered();
	test_bodies();
	ok(web_header_is_public("accept") && !web_header_is_public("Authorization") && !web_header_is_public("X-Api-Key"),
	   "headers that go elsewhere");
	return done_testing();
}

static void
test_parts(void)
{
	WebRequest	request;

	ok(reads(&request, "{" URL ", \"method\": \"patch\", \"poll\": false, \"headers\": {\"X-A\": \"b\\t\\u00e9\", "
			 "\"Y\": {\"$secret\": \"n-1\", \"prefix\": \"Bearer \"}, \"Z\": {\"$secret\": \"m\"}}}", NULL), "a request");
	is_str(request.method, "PATCH", "its method");
	is_str(request.url.text, "https://h/", "its URL");
	ok(!request.polls && request.body == NULL, "neither polls nor a body");
	is_str(web_request_header(&request, "x-a")->value, "b\t\303\251", "a header");
	is_str(web_request_header(&request, "Y")->value, "Bearer ", "a prefix");
	is_str(web_request_header(&request, "Y")->secret, "n-1", "its secret");
	is_str(web_request_header(&request, "Z")->value, "", "no prefix");
	ok(web_request_header(&request, "W") == NULL, "no header");
	web_request_free(&request);
	ok(reads(&request, "{" URL ", \"headers\": null}", NULL) && request.polls, "no headers");
	is_str(request.method, "GET", "GET unless told otherwise");
	web_request_free(&request);
}

static void
test_registered(void)
{
	WebRequest	request;

	ok(reads(&request, "{\"a\": 1.50}", "{" URL "}"), "a registration");
	is_str(request.method, "POST", "POST unless told otherwise");
	is_str(request.body, "{\"a\": 1.50}", "the input is the body");
	web_request_free(&request);
	ok(reads(&request, "null", "{" URL ", \"method\": \"GET\"}") && request.body == NULL, "null is no body");
	web_request_free(&request);
	ok(!reads(&request, "1", "{" URL ", \"body\": 2}"), "its settings have none");
	ok(!reads(&request, "{\"url\": \"https://evil/\"}", "{\"method\": \"GET\"}"), "an input is never a request");
}

static void
test_bodies(void)
{
	static const struct
	{
		const char *input;
		const char *body;
	}			cases[] = {
		{"{" URL ", \"body\": null}", "null"}, {"{" URL ", \"body\": 12345678901234567890123.10}", "12345678901234567890123.10"},
		{"{" URL ", \"body\": [1, {\"body\": 2}] }", "[1, {\"body\": 2}]"}, {"{\"body\": \"a\\u00e9\", " URL "}", "\"a\\u00e9\""},
		{"{" URL ", \"headers\": {\"body\": \"x\"}, \"body\": 1}", "1"},
		{"{" URL ", \"body\": \"a=b&c\\n\", \"headers\": {\"Content-Type\": \"text/plain\"}}", "a=b&c\n"},
		{"{" URL ", \"body\": {}, \"headers\": {\"Content-Type\": \"application/x+json\"}}", "{}"},
	};
	WebRequest	request;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ok(reads(&request, cases[i].input, NULL), "%s", cases[i].input);
		is_str(request.body, cases[i].body, "its body");
		web_request_free(&request);
	}
	ok(reads(&request, "{" URL ", \"body\": \"a\\u0000b\", \"headers\": {\"Content-Type\": \"x/y\"}}", NULL) &&
	   request.body_length == 3 && memcmp(request.body, "a\0b", 3) == 0, "a body may have any bytes");
	web_request_free(&request);
}

static bool
reads(WebRequest *request, const char *input, const char *settings)
{
	char	   *problem = NULL;
	bool		is_request = web_request_read(request, input, settings, &problem);

	if (is_request == (problem != NULL))
		ok(false, "a problem is said when there is one");
	free(problem);
	return is_request;
}
