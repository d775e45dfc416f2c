/*
 * test_http_host.c
 *		Hosts, origins and addresses to listen on are read to the letter.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_host.h"
#include "http_listen.h"

#include "tap.h"

static void names(void);
static void urls(void);
static void lists(void);
static void addresses(void);

static void
names(void)
{
	static const struct
	{
		const char *text;
		const char *name;		/* NULL: none */
	}			cases[] = {
		{"localhost", "localhost"}, {"LOCALHOST:80", "localhost"}, {"a.b-c_d", "a.b-c_d"}, {"a.b.", "a.b"},
		{"127.0.0.1:7071", "127.0.0.1"}, {"[::1]", "::1"}, {"[::1]:7071", "::1"}, {"[FE80::1]", "fe80::1"}, {"a:", "a"},
		{"", NULL}, {":80", NULL}, {"a:b", NULL}, {"a:123456", NULL}, {"a b", NULL}, {"a/b", NULL}, {"a@b", NULL},
		{"[::1", NULL}, {"[::1]x", NULL}, {"[::1]:x", NULL}, {"::1", NULL}, {"[]", NULL}, {"a,b", NULL}, {"a%00", NULL},
	};
	char		name[HTTP_HOST_SIZE];
	char		longest[HTTP_HOST_SIZE + 10];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		bool		is_name = http_host_name(cases[i].text, name);

		if (cases[i].name == NULL)
			ok(!is_name, "no host: \"%s\"", cases[i].text);
		else if (ok(is_name, "host: \"%s\"", cases[i].text))
			is_str(name, cases[i].name, "name of \"%s\"", cases[i].text);
	}
	memset(longest, 'a', sizeof(longest));
	longest[HTTP_HOST_SIZE - 1] = '\0';
	ok(http_host_name(longest, name), "as long as there is room");
	longest[HTTP_HOST_SIZE - 1] = 'a';
	longest[HTTP_HOST_SIZE] = '\0';
	ok(!http_host_name(longest, name), "longer");
}

static void
urls(void)
{
	char		name[HTTP_HOST_SIZE];

	ok(http_host_of_url("http://A.b:80", false, name) && strcmp(name, "a.b") == 0, "origin");
	ok(http_host_of_url("https://[::1]:80", false, name) && strcmp(name, "::1") == 0, "origin of IPv6");
	ok(!http_host_of_url("http://a/", false, name), "an origin has no path");
	ok(http_host_of_url("http://a/b?c", true, name) && strcmp(name, "a") == 0, "a URL has one");
	ok(!http_host_of_url("null", false, name), "null");
	ok(!http_host_of_url("ftp://a", false, name), "another scheme");
	ok(!http_host_of_url("http://a@b", false, name), "user information");
	ok(!http_host_of_url("http://", false, name), "nothing");
	ok(!http_host_of_url("//a", false, name), "no scheme");
}

static void
lists(void)
{
	char		first[] = "One.example";
	char		all[] = "*";
	char	   *one[] = {first, NULL};
	char	   *any[] = {all, NULL};
	StringList	list = {one, 1};
	StringList	everything = {any, 1};
	StringList	none = {0};

	ok(http_host_is_listed(&list, "one.example"), "in the list");
	ok(!http_host_is_listed(&list, "two.one.example") && !http_host_is_listed(&list, "one.exampl"), "no part of it");
	ok(http_host_is_listed(&everything, "anything"), "every name");
	ok(!http_host_is_listed(&none, "localhost"), "an empty list");
	ok(http_host_is_loopback("localhost") && http_host_is_loopback("127.0.0.1") && http_host_is_loopback("::1"), "loopback");
	ok(!http_host_is_loopback("localhost.evil") && !http_host_is_loopback("127.0.0.2"), "nothing else");
}

static void
addresses(void)
{
	static const char *const wrong[] = {"", "7071", "localhost", "localhost:", "localhost:x", "localhost:65536", "localhost:123456",
	"::1:80", "[::1]", "unix:", "unix:relative", "a:b:1"};
	char		host[HTTP_HOST_SIZE];
	char		port[8];
	const char *path;

	ok(http_listen_parse("127.0.0.1:7071", host, port, &path) && path == NULL &&
	   strcmp(host, "127.0.0.1") == 0 && strcmp(port, "7071") == 0, "IPv4");
	ok(http_listen_parse("[::]:0", host, port, &path) && strcmp(host, "::") == 0 && strcmp(port, "0") == 0, "IPv6");
	ok(http_listen_parse(":80", host, port, &path) && strcmp(host, "") == 0, "every address");
	ok(http_listen_parse("unix:/run/x", host, port, &path) && strcmp(path, "/run/x") == 0, "a unix socket");
	ok(http_listen_parse("/run/x:1", host, port, &path) && strcmp(path, "/run/x:1") == 0, "by its path alone");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ok(!http_listen_parse(wrong[i], host, port, &path), "no address: \"%s\"", wrong[i]);
}

int
main(void)
{
	names();
	urls();
	lists();
	addresses();
	return done_testing();
}
