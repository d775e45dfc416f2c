/*
 * http_host.c
 *		Host and Origin.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_host.h"

#include "fuzz.h"

FUZZ_TARGET(http_host)
{
	char	   *text = fuzz_text(data, size);
	char		name[HTTP_HOST_SIZE];
	char		again[HTTP_HOST_SIZE];

	if (http_host_name(text, name))
	{
		FUZZ_HOLDS(name[0] != '\0' && strlen(name) < HTTP_HOST_SIZE);
		FUZZ_HOLDS(strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ/?#@ \r\n") == NULL);
		(void) http_host_is_loopback(name);
	}
	/* a name that ends with two dots loses one of them each time, and is in no list */
	if (http_host_of_url(text, true, name) && strchr(name, ':') == NULL && name[strlen(name) - 1] != '.')
		FUZZ_HOLDS(http_host_name(name, again) && strcmp(name, again) == 0);
	if (http_host_of_url(text, false, name))
		FUZZ_HOLDS(http_host_of_url(text, true, again) && strcmp(name, again) == 0);
	free(text);
}
