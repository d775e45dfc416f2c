/*
 * web_guard.h
 *		Where requests that come from the database may go: the setting http-call-allow, and
 *		otherwise the public Internet, by TLS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WEB_GUARD_H
#define PGDF_WEB_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

#include "config.h"
#include "web_url.h"

typedef enum GuardVerdict
{
	GUARD_OPEN,
	GUARD_PRIVATE,				/* not an address of the public Internet */
	GUARD_PLAIN					/* without TLS */
} GuardVerdict;

/* May a socket for this URL be connected to this address? */
extern GuardVerdict web_guard_judge(const Config *config, const WebUrl *url, const struct sockaddr *address);

/* Does http-call-allow name this host, or, for an address as it is written in a URL, that address? */
extern bool web_guard_names_host(const Config *config, const char *host);

/* Is every item of http-call-allow a host name, an address or a range?  Otherwise false, after logging which is not. */
extern bool web_guard_check(const Config *config);

#endif							/* PGDF_WEB_GUARD_H */
