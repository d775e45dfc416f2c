/*
 * address_range.c
 *		Addresses and ranges of the address guard.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "address_guard.h"

FUZZ_TARGET(address_range)
{
	char	   *text = fuzz_text(data, size);
	AddressRange range;
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};

	if (address_range_parse(text, &range))
	{
		FUZZ_HOLDS(range.prefix >= 0 && range.prefix <= 128);
		memcpy(&six.sin6_addr, range.bytes, sizeof(range.bytes));
		FUZZ_HOLDS(address_is_in((struct sockaddr *) &six, &range));
	}
	if (size >= 16)
	{
		struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};

		memcpy(&six.sin6_addr, data, 16);
		(void) address_is_public((struct sockaddr *) &six);
		memcpy(&four.sin_addr, data, 4);
		mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
		memcpy(&mapped.sin6_addr.s6_addr[12], data, 4);
		FUZZ_HOLDS(address_is_public((struct sockaddr *) &four) || !address_is_public((struct sockaddr *) &mapped));
	}
	free(text);
}
