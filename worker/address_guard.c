/*
 * address_guard.c
 *		Which network addresses a request that comes from the database may reach.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MAPPED_BITS 96			/* of ::ffff:0:0, before the IPv4 address */

/* IPv4 that is not public: IANA's registry of special addresses, multicast, and what is reserved. */
static const char *const closed_ipv4[] = {
	"0.0.0.0/8",				/* this network, and on Linux this machine */
	"10.0.0.0/8",
	"100.64.0.0/10",			/* between a provider and its customers */
	"127.0.0.0/8",
	"169.254.0.0/16",			/* link, and the metadata services of clouds */
	"172.16.0.0/12",
	"192.0.0.0/24",
	"192.0.2.0/24",				/* documentation */
	"192.88.99.0/24",			/* relays of 6to4 */
	"192.168.0.0/16",
	"198.18.0.0/15",			/* benchmarks */
	"198.51.100.0/24",			/* documentation */
	"203.0.113.0/24",			/* documentation */
	"224.0.0.0/4",				/* multicast */
	"240.0.0.0/4",				/* reserved, and broadcast */
};

/* Everything outside of it is closed: ::, ::1, mapped and compatible, NAT64, unique local, link, site, multicast. */
static const char *const open_ipv6 = "2000::/3";

/* What is closed inside of it. */
static const char *const closed_ipv6[] = {
	"2001::/23",				/* IETF protocols: Teredo, benchmarks, ORCHID */
	"2001:db8::/32",			/* documentation */
	"2002::/16",				/* 6to4: an IPv4 address inside */
	"3fff::/20",				/* documentation */
};

static bool take_bytes(const struct sockaddr *address, uint8_t *bytes);
static bool bytes_are_in(const uint8_t *bytes, const AddressRange *range);
static bool is_listed(const uint8_t *bytes, const char *const *list, size_t count);
static bool text_has(const char *text, const uint8_t *bytes);
static bool parse_address(const char *text, uint8_t *bytes, int *bits);
static void map_ipv4(const void *ipv4, uint8_t *bytes);
static bool rest_is_zero(const AddressRange *range);

bool
address_is_public(const struct sockaddr *address)
{
	uint8_t		bytes[16];

	if (!take_bytes(address, bytes))
		return false;
	if (address->sa_family == AF_INET)
		return !is_listed(bytes, closed_ipv4, sizeof(closed_ipv4) / sizeof(closed_ipv4[0]));
	return text_has(open_ipv6, bytes) &&
		!is_listed(bytes, closed_ipv6, sizeof(closed_ipv6) / sizeof(closed_ipv6[0]));
}

bool
address_range_parse(const char *text, AddressRange *range)
{
	char		address[64];
	const char *slash = strchr(text, '/');
	size_t		length = slash != NULL ? (size_t) (slash - text) : strlen(text);
	int			bits;
	char	   *end;
	long		prefix;

	if (length > 2 && text[0] == '[' && text[length - 1] == ']')
	{
		text++;
		length -= 2;
	}
	if (length == 0 || length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!parse_address(address, range->bytes, &bits))
		return false;
	range->prefix = 128;
	if (slash == NULL)
		return true;

	if (slash[1] < '0' || slash[1] > '9')
		return false;
	prefix = strtol(slash + 1, &end, 10);
	if (*end != '\0' || prefix > bits)
		return false;
	range->prefix = 128 - bits + (int) prefix;
	return rest_is_zero(range);
}

bool
address_is_in(const struct sockaddr *address, const AddressRange *range)
{
	uint8_t		bytes[16];

	return take_bytes(address, bytes) && bytes_are_in(bytes, range);
}

static bool
take_bytes(const struct sockaddr *address, uint8_t *bytes)
{
	if (address->sa_family == AF_INET)
		map_ipv4(&((const struct sockaddr_in *) address)->sin_addr, bytes);
	else if (address->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
	else
		return false;
	return true;
}

static bool
bytes_are_in(const uint8_t *bytes, const AddressRange *range)
{
	int			whole = range->prefix / 8;
	int			left = range->prefix % 8;

	if (memcmp(bytes, range->bytes, (size_t) whole) != 0)
		return false;
	return left == 0 || ((bytes[whole] ^ range->bytes[whole]) >> (8 - left)) == 0;
}

static bool
is_listed(const uint8_t *bytes, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (text_has(list[i], bytes))
			return true;
	}
	return false;
}

/* A text that is no range has everything: a mistake in a list above closes. */
static bool
text_has(const char *text, const uint8_t *bytes)
{
	AddressRange range;

	return !address_range_parse(text, &range) || bytes_are_in(bytes, &range);
}

static bool
parse_address(const char *text, uint8_t *bytes, int *bits)
{
	struct in_addr ipv4;

	if (inet_pton(AF_INET, text, &ipv4) == 1)
	{
		map_ipv4(&ipv4, bytes);
		*bits = 128 - MAPPED_BITS;
		return true;
	}
	*bits = 128;
	return inet_pton(AF_INET6, text, bytes) == 1;
}

static void
map_ipv4(const void *ipv4, uint8_t *bytes)
{
	memset(bytes, 0, 10);
	memset(bytes + 10, 0xff, 2);
	memcpy(bytes + 12, ipv4, 4);
}

static bool
rest_is_zero(const AddressRange *range)
{
	for (int bit = range->prefix; bit < 128; bit++)
	{
		if (range->bytes[bit / 8] & (0x80 >> (bit % 8)))
			return false;
	}
	return true;
}
