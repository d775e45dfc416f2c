/*
 * address_guard.h
 *		Which network addresses a request that comes from the database may reach.
 *
 * Names and spellings do not matter here: what is judged is the address that a
 * socket is about to be connected to, so neither DNS nor a redirect nor an odd
 * way to write a number gets around it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ADDRESS_GUARD_H
#define PGDF_ADDRESS_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Addresses that begin alike; IPv4 is kept as IPv4-mapped IPv6. */
typedef struct AddressRange
{
	uint8_t		bytes[16];
	int			prefix;			/* bits that count, 0 to 128 */
} AddressRange;

/*
 * Is this an address of the public Internet?  Not when it is private, of the
 * machine itself or its link, multicast, reserved, or an IPv6 address that stands
 * for an IPv4 one; nor of any family but these two.
 */
extern bool address_is_public(const struct sockaddr *address);

/*
 * "10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1", "[::1]"; false for anything else.
 * IPv4 in four decimal parts only, and no bits behind the prefix.
 */
extern bool address_range_parse(const char *text, AddressRange *range);

/* An IPv4-mapped IPv6 address is the IPv4 address it leads to. */
extern bool address_is_in(const struct sockaddr *address, const AddressRange *range);

#endif							/* PGDF_ADDRESS_GUARD_H */
