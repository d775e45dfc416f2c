/*
 * http_time.c
 *		Dates in queries.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_time.h"

#include "fuzz.h"

FUZZ_TARGET(http_time)
{
	char	   *text = fuzz_text(data, size);
	char		time[HTTP_TIME_SIZE];
	char		again[HTTP_TIME_SIZE];

	if (http_time_parse(text, time))
	{
		FUZZ_HOLDS(strlen(time) < HTTP_TIME_SIZE);
		FUZZ_HOLDS(strspn(time, "0123456789-:.+ TZ") == strlen(time));
		FUZZ_HOLDS(http_time_parse(time, again) && strcmp(time, again) == 0);
	}
	free(text);
}
