/*
 * web_guard.c
 *		Where requests that come from the database may go: the setting http-call-allow, and
 *		otherwise the public Internet, by TLS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "address_guard.h"
#include "log.h"

static bool allows_address(const Config *config, const struct sockaddr *address);
static bool names_literal(const Config *config, const char *host);
static bool is_host_name(const char *text);

GuardVerdict
web_guard_judge(const Config *config, const WebUrl *url, const struct sockaddr *address)
{
	if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
		return GUARD_PRIVATE;
	if (web_guard_names_host(config, url->host) || allows_address(config, address))
		return GUARD_OPEN;
	if (!address_is_public(address))
		return GUARD_PRIVATE;
	return url->is_tls || config->web.allows_plain ? GUARD_OPEN : GUARD_PLAIN;
}

bool
web_guard_names_host(const Config *config, const char *host)
{
	for (int i = 0; i < config->web.allow.count; i++)
	{
		if (web_host_is(host, config->web.allow.items[i]))
			return true;
	}
	return names_literal(config, host);
}

bool
web_guard_check(const Config *config)
{
	for (int i = 0; i < config->web.allow.count; i++)
	{
		const char *item = config->web.allow.items[i];
		AddressRange range;

		if (address_range_parse(item, &range) || is_host_name(item))
			continue;
		log_error_more("Host names, addresses, and ranges such as \"10.1.0.0/16\" are expected.", NULL,
					   "invalid value in setting \"http-call-allow\": \"%s\"", item);
		return false;
	}
	return true;
}

static bool
allows_address(const Config *config, const struct sockaddr *address)
{
	for (int i = 0; i < config->web.allow.count; i++)
	{
		AddressRange range;

		if (address_range_parse(config->web.allow.items[i], &range) && address_is_in(address, &range))
			return true;
	}
	return false;
}

static bool
names_literal(const Config *config, const char *host)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, host, &ipv4.sin_addr) == 1)
		return allows_address(config, (const struct sockaddr *) &ipv4);
	if (inet_pton(AF_INET6, host, &ipv6.sin6_addr) == 1)
		return allows_address(config, (const struct sockaddr *) &ipv6);
	return false;
}

/* All digits and dots, or a colon or a slash, was meant to be an address. */
static bool
is_host_name(const char *text)
{
	static const char *const allowed = "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return *text != '\0' && *text != '.' && *text != '-' && text[strspn(text, allowed)] == '\0' &&
		text[strspn(text, ".0123456789")] != '\0';
}
