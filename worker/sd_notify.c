/*
 * sd_notify.c
 *		Tell systemd what state the worker is in: a datagram to NOTIFY_SOCKET.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "sd_notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

void
sd_notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t		length;
	int			fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	length = strlen(path);
	if (length >= sizeof(address.sun_path))
	{
		log_warning("path in NOTIFY_SOCKET is too long");
		return;
	}
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';	/* an abstract address */

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *) &address,
						 (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		log_warning("could not notify the service manager: %m");
	if (fd >= 0)
		close(fd);
}

void
sd_notify_reloading(void)
{
	struct timespec now;
	char		state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
			 (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000);
	sd_notify_send(state);
}
