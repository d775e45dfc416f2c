/*
 * test_http_uri.c
 *		Request targets are cut first and decoded once; links encode the same way.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_uri.h"

#include "tap.h"

static void segments(void);
static void fields(void);
static void values(void);
static void encoding(void);

static void
segments(void)
{
	static const struct
	{
		const char *target;
		HttpUriProblem problem;
		const char *joined;		/* with | between segments */
	}			cases[] = {
		{"/", HTTP_URI_OK, ""},
		{"/a/b", HTTP_URI_OK, "a|b"},
		{"/a/b/", HTTP_URI_OK, "a|b"},
		{"//", HTTP_URI_OK, ""},
		{"//a", HTTP_URI_OK, "|a"},
		{"/a%2Fb/c", HTTP_URI_OK, "a/b|c"},
		{"/a%252Fb", HTTP_URI_OK, "a%2Fb"},
		{"/%zz/%", HTTP_URI_OK, "%zz|%"},
		{"/a+b", HTTP_URI_OK, "a+b"},
		{"/..%2f../x", HTTP_URI_OK, "../..|x"},
		{"/%C3%BC", HTTP_URI_OK, "\xc3\xbc"},
		{"/a?b/c", HTTP_URI_OK, "a"},
		{"/a#b", HTTP_URI_OK, "a"},
		{"http://host:1/a/b?c", HTTP_URI_OK, "a|b"},
		{"HTTPS://host", HTTP_URI_OK, ""},
		{"http://host?/a", HTTP_URI_OK, ""},
		{"/a%00b", HTTP_URI_INVALID, NULL},
		{"/%ff", HTTP_URI_INVALID, NULL},
		{"/%c0%af", HTTP_URI_INVALID, NULL},
		{"/\xff", HTTP_URI_INVALID, NULL},
		{"", HTTP_URI_INVALID, NULL},
		{"*", HTTP_URI_INVALID, NULL},
		{"a/b", HTTP_URI_INVALID, NULL},
		{"/1/2/3/4/5/6/7/8/9/10/11/12", HTTP_URI_OK, "1|2|3|4|5|6|7|8|9|10|11|12"},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13", HTTP_URI_UNKNOWN, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HttpUri		uri;
		Buf			joined = {0};
		HttpUriProblem problem = http_uri_parse(&uri, cases[i].target);

		ok(problem == cases[i].problem, "problem of %s", cases[i].target);
		buf_append_text(&joined, "");
		for (int j = 0; j < uri.segment_count; j++)
			buf_append_format(&joined, "%s%s", j > 0 ? "|" : "", uri.segments[j]);
		if (problem == HTTP_URI_OK)
			is_str(joined.used > 0 ? joined.data : "", cases[i].joined, "segments of %s", cases[i].target);
		buf_free(&joined);
		http_uri_free(&uri);
	}
}

static void
fields(void)
{
	HttpUri		uri;
	Buf			many = {0};

	http_uri_parse(&uri, "/x?a=1&B=two%20words&c&=none&a=2&d=%ff&e=+%2B&f=a=b&g=%26");
	is_str(http_uri_field(&uri, "a"), "1", "the first of a name");
	is_str(http_uri_field(&uri, "b"), "two words", "names compare case-insensitively");
	is_str(http_uri_field(&uri, "c"), "", "no value");
	ok(http_uri_field(&uri, "d") == NULL, "no UTF-8 is absent");
	is_str(http_uri_field(&uri, "e"), " +", "plus is a blank");
	is_str(http_uri_field(&uri, "f"), "a=b", "the first = divides");
	is_str(http_uri_field(&uri, "g"), "&", "an encoded & does not");
	ok(http_uri_field(&uri, "") == NULL, "no name is no field");
	ok(http_uri_field(&uri, "z") == NULL, "absent");
	http_uri_free(&uri);

	buf_append_text(&many, "/x?");
	for (int i = 0; i < 1000; i++)
		buf_append_format(&many, "f%d=1&", i);
	http_uri_parse(&uri, many.data);
	is_int(uri.field_count, HTTP_MAX_FIELDS, "no more than so many");
	http_uri_free(&uri);
	buf_free(&many);
}

static void
values(void)
{
	HttpUri		uri;

	http_uri_parse(&uri, "/x?t=True&f=0&o=maybe&s=1.5&s2=-1&s3=1e3&s4=0x10&s5=.&s6=99999999999999999999&s7=&n=12&n2=1x&n3=0&n4=1001");
	ok(http_uri_flag(&uri, "t", false) && !http_uri_flag(&uri, "f", true), "flags");
	ok(http_uri_flag(&uri, "o", true) && !http_uri_flag(&uri, "o", false), "a flag that is none is absent");
	is_int(http_uri_seconds(&uri, "s"), 1500, "seconds");
	is_int(http_uri_seconds(&uri, "s2"), -1, "no negative ones");
	is_int(http_uri_seconds(&uri, "s3"), -1, "no exponent");
	is_int(http_uri_seconds(&uri, "s4"), -1, "not hexadecimal");
	is_int(http_uri_seconds(&uri, "s5"), -1, "no digits");
	is_int(http_uri_seconds(&uri, "s6"), 1000000000000, "bounded");
	is_int(http_uri_seconds(&uri, "s7"), -1, "empty");
	is_int(http_uri_int(&uri, "n", 1, 1000, 100), 12, "number");
	is_int(http_uri_int(&uri, "n2", 1, 1000, 100), 100, "not a number");
	is_int(http_uri_int(&uri, "n3", 1, 1000, 100), 100, "too small");
	is_int(http_uri_int(&uri, "n4", 1, 1000, 100), 100, "too large");
	http_uri_free(&uri);
}

static void
encoding(void)
{
	Buf			buf = {0};
	char		text[400];
	size_t		n = 0;

	http_uri_append(&buf, "aZ09-._~ /?#%&+\xc3\xbc");
	is_str(buf.data, "aZ09-._~%20%2F%3F%23%25%26%2B%C3%BC", "encoded");
	buf_reset(&buf);

	for (int c = 1; c < 128; c++)
		text[n++] = (char) c;
	text[n] = '\0';
	http_uri_append(&buf, text);
	ok(http_uri_decode(buf.data, true) && strcmp(buf.data, text) == 0, "decoded again, it is what it was");
	buf_free(&buf);
}

int
main(void)
{
	segments();
	fields();
	values();
	encoding();
	return done_testing();
}
