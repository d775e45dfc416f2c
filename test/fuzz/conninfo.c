/*
 * conninfo.c
 *		Connection strings.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "conninfo.h"

#include "fuzz.h"

FUZZ_TARGET(conninfo)
{
	char	   *text = fuzz_text(data, size);
	Conninfo	info = {0};

	if (conninfo_build(&info, text, "pgdf fuzz"))
	{
		int			n = 0;

		while (info.keywords[n] != NULL)
			n++;
		FUZZ_HOLDS(n < CONNINFO_MAX);
	}
	conninfo_free(&info);
	free(text);
}
