/*
 * azure_name.c
 *		Keys of blobs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_name.h"

#include "fuzz.h"

FUZZ_TARGET(azure_name)
{
	char	   *key = fuzz_text(data, size);

	if (azure_name_problem(key) == NULL)
	{
		char	   *container;
		char	   *blob;

		azure_name_split(key, &container, &blob);
		FUZZ_HOLDS(container[0] != '\0' && blob[0] != '\0' && strchr(container, '/') == NULL);
		free(container);
		free(blob);
	}
	free(key);
}
