/*
 * test_address_guard.c
 *		Which addresses a request from the database may reach, however they are written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "address_guard.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "log.h"
#include "web_guard.h"
#include "web_url.h"
#include "tap.h"

/* Edges of each closed range, and other forms of the same addresses. */
static const char *const closed[] = {
	"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
	"127.0.0.0", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
	"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.1", "192.88.99.1",
	"192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.255",
	"224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255",
	"::", "::1", "::2", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
	"::127.0.0.1", "::8.8.8.8", "64:ff9b::127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1",
	"2001::1", "2001:0:53aa:64c:0:fbff:80ff:fffe", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1",
	"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2002::", "2002:7f00:1::", "2002:ffff::1",
	"3fff::1", "3fff:fff:ffff::1", "4000::1", "5f00::1", "fc00::", "fd00:ec2::254",
	"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1", "febf::1", "fec0::1", "feff::1", "ff00::", "ff02::1",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};

static const char *const open[] = {
	"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
	"128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
	"192.88.98.1", "192.88.100.1", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
	"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
	"2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606:4700::1111",
	"3ffe:ffff::1", "3fff:1000::1",
};

/* Hosts of URLs that come to this machine, or to one beside it. */
static const char *const spellings[] = {
	"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1",
	"017700000001", "0177.0x0.1", "127.000.000.001", "0", "0.0.0.0", "00", "0x0", "127.0.0.1.", "localhost",
	"LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
	"[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
	"[fe80::1]", "[fd00::1]", "10.1", "0xa.1", "012.0.0.1", "167772161", "192.168.257", "0xc0a80001", "3232235521",
	"169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "169.16689662", "[::ffff:a9fe:a9fe]",
	"224.0.0.1", "255.255.255.255", "4294967295", "100.64.1", "%6c%6fcalhost", "%31%32%37.0.0.1",
	"127\343\200\2020\343\200\2020\343\200\2021",	/* ideographic full stops */
};

static const struct
{
	const char *text;
	bool		is_range;
}			ranges[] = {
	{"10.0.0.0/8", true}, {"0.0.0.0/0", true}, {"192.168.1.7", true}, {"192.168.1.7/32", true}, {"::/0", true},
	{"fd00::/8", true}, {"::1", true}, {"[::1]", true}, {"::ffff:10.0.0.0/104", true},
	{"10.0.0.1/8", false}, {"10.0.0.0/33", false}, {"10.0.0.0/", false}, {"10.0.0.0/-1", false},
	{"10.0.0.0/8x", false}, {"10.0.0.0/+8", false}, {"10.0.0/8", false}, {"10.1", false}, {"0x7f.0.0.1", false},
	{"127.0.0.01", false}, {"fd00::/129", false}, {"fd00::1/8", false}, {"", false}, {"/8", false}, {"[]", false},
	{"host", false}, {"1.2.3.4.5", false},
};

static bool text_to_address(const char *text, struct sockaddr_storage *address);
static void test_spelling(const char *host);
static void test_inside(void);
static void test_verdicts(void);

int
main(void)
{
	struct sockaddr_storage address;
	struct sockaddr family = {.sa_family = AF_UNIX};

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		ok(text_to_address(closed[i], &address) && !address_is_public((struct sockaddr *) &address), "%s is closed", closed[i]);
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		ok(text_to_address(open[i], &address) && address_is_public((struct sockaddr *) &address), "%s is open", open[i]);
	ok(!address_is_public(&family), "a socket of the file system is closed");
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		test_spelling(spellings[i]);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
	{
		AddressRange range;

		ok(address_range_parse(ranges[i].text, &range) == ranges[i].is_range, "\"%s\" is %s", ranges[i].text,
		   ranges[i].is_range ? "a range" : "no range");
	}
	test_inside();
	test_verdicts();
	return done_testing();
}

static bool
text_to_address(const char *text, struct sockaddr_storage *address)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	if (getaddrinfo(text, NULL, &hints, &found) != 0)
		return false;
	memcpy(address, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

/* A URL with that host is no URL, or its host has no public address. */
static void
test_spelling(const char *host)
{
	char		text[200];
	WebUrl		url;
	const char *problem;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	bool		is_public = false;

	snprintf(text, sizeof(text), "https://%s/", host);
	if (web_url_parse(text, &url, &problem))
	{
		if (getaddrinfo(url.host, NULL, &hints, &found) == 0)
		{
			for (const struct addrinfo *info = found; info != NULL; info = info->ai_next)
				is_public = is_public || address_is_public(info->ai_addr);
			freeaddrinfo(found);
		}
		web_url_free(&url);
	}
	ok(!is_public, "a URL with host %s is closed", host);
}

static void
test_inside(void)
{
	static const struct
	{
		const char *range;
		const char *address;
		bool		is_in;
	}			cases[] = {
		{"10.0.0.0/8", "10.255.255.255", true}, {"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.0/15", "10.1.255.255", true}, {"10.0.0.0/15", "10.2.0.0", false},
		{"192.168.1.7", "192.168.1.7", true}, {"192.168.1.7", "192.168.1.6", false},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true}, {"10.0.0.0/8", "::10.1.2.3", false},
		{"0.0.0.0/0", "8.8.8.8", true}, {"0.0.0.0/0", "2000::1", false},
		{"fd00::/8", "fd12::1", true}, {"fd00::/8", "fc00::1", false}, {"::/0", "::1", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		struct sockaddr_storage address;
		AddressRange range;

		ok(address_range_parse(cases[i].range, &range) && text_to_address(cases[i].address, &address) &&
		   address_is_in((struct sockaddr *) &address, &range) == cases[i].is_in,
		   "%s is %sin %s", cases[i].address, cases[i].is_in ? "" : "not ", cases[i].range);
	}
}

/* What http-call-allow opens: a name, an address, and plain HTTP there. */
static void
test_verdicts(void)
{
	static const struct
	{
		const char *url;
		const char *address;
		GuardVerdict verdict;
	}			cases[] = {
		{"https://example.com/", "8.8.8.8", GUARD_OPEN}, {"http://example.com/", "8.8.8.8", GUARD_PLAIN},
		{"https://example.com/", "10.0.0.1", GUARD_PRIVATE}, {"http://example.com/", "10.0.0.1", GUARD_PRIVATE},
		{"http://inside.example/", "10.0.0.1", GUARD_OPEN}, {"http://INSIDE.example./", "127.0.0.1", GUARD_OPEN},
		{"http://not-inside.example/", "10.0.0.1", GUARD_PRIVATE}, {"http://inside.example.org/", "10.0.0.1", GUARD_PRIVATE},
		{"http://x.example/", "192.168.7.1", GUARD_OPEN}, {"http://x.example/", "192.168.8.1", GUARD_PRIVATE},
		{"http://x.example/", "::ffff:192.168.7.1", GUARD_OPEN}, {"https://[fd00::5]/", "fd00::5", GUARD_OPEN},
		{"https://[fd00::6]/", "fd00::6", GUARD_PRIVATE},
	};
	char		name[] = "inside.example";
	char		range[] = "192.168.7.0/24";
	char		literal[] = "fd00::5";
	char		bad_range[] = "10.0.0.0/40";
	char		bad_host[] = "host:80";
	char	   *items[] = {name, range, literal, NULL};
	Config		config = {.web = {.allow = {items, 3}}};
	struct sockaddr_storage address;
	WebUrl		url;
	const char *problem;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		ok(web_url_parse(cases[i].url, &url, &problem) && text_to_address(cases[i].address, &address) &&
		   web_guard_judge(&config, &url, (struct sockaddr *) &address) == cases[i].verdict,
		   "%s at %s", cases[i].url, cases[i].address);
		web_url_free(&url);
	}
	ok(web_guard_check(&config), "names, addresses and ranges may be allowed");
	items[0] = bad_range;
	log_set_level(LOG_LEVEL_ERROR + 1);
	ok(!web_guard_check(&config), "a range that is none is refused");
	items[0] = bad_host;
	ok(!web_guard_check(&config), "so is a port");
}
