/*
 * azure_name.c
 *		Names in Azure Blob Storage: a key is container/blob, with limits.
 *
 * Pure functions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_name.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "xalloc.h"

/* The service's limits for a blob's name. */
#define MAX_CHARACTERS 1024
#define MAX_SEGMENTS 254

static const char *blob_problem(const char *blob);
static int	count_characters(const char *name);

const char *
azure_name_problem(const char *key)
{
	const char *slash = strchr(key, '/');
	char	   *container;
	char	   *blob;
	const char *problem;

	if (slash == NULL || slash == key || slash[1] == '\0')
		return "its blob name is not of the form container/blob";
	azure_name_split(key, &container, &blob);
	problem = blob_problem(blob);
	free(container);
	free(blob);
	return problem;
}

void
azure_name_split(const char *key, char **container, char **blob)
{
	const char *slash = strchr(key, '/');
	Buf			name = {0};

	for (const char *at = slash + 1; *at != '\0'; at++)
	{
		if (*at == '.' && (at[1] == '/' || at[1] == '\0'))
			buf_append_text(&name, "%2E");
		else
			buf_append(&name, at, 1);
	}
	*container = xstrndup(key, (size_t) (slash - key));
	*blob = buf_take(&name);
}

static const char *
blob_problem(const char *blob)
{
	int			segments = 1;

	for (const char *at = blob; *at != '\0'; at++)
	{
		size_t		length = strcspn(at, "/");

		if (length == 0)
			return "its blob name has an empty path segment";
		at += length;
		if (*at == '\0')
			break;
		if (at[1] == '\0')
			return "its blob name has an empty path segment";
		segments++;
	}
	if (segments > MAX_SEGMENTS)
		return "its blob name has more than 254 path segments, Azure Blob Storage's limit";
	if (count_characters(blob) > MAX_CHARACTERS)
		return "its blob name has more than 1,024 characters, Azure Blob Storage's limit";
	return NULL;
}

/* As the service counts: in units of UTF-16. */
static int
count_characters(const char *name)
{
	int			count = 0;

	for (const char *at = name; *at != '\0'; at++)
	{
		unsigned char byte = (unsigned char) *at;

		if ((byte & 0xc0) != 0x80)
			count += byte >= 0xf0 ? 2 : 1;
	}
	return count;
}
