/*
 * http_keys.c
 *		Key files.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"
#include "http_auth.h"

FUZZ_TARGET(http_keys)
{
	char	   *text = fuzz_text(data, size);
	HttpKeys	keys = {0};
	const char *problem = NULL;
	int			line = 0;

	if (!http_keys_parse(&keys, text, &line, &problem))
		FUZZ_HOLDS(line > 0 && problem != NULL);
	for (int i = 0; i < keys.count; i++)
		FUZZ_HOLDS(keys.items[i].role == NULL || keys.items[i].role[0] != '\0');
	(void) http_keys_find(&keys, "x");
	http_keys_free(&keys);
	free(text);
}
