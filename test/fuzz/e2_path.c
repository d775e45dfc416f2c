/*
 * e2_path.c
 *		Paths of the backup: items, plain form, keys.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2_path.h"

#include "fuzz.h"
#include "json.h"

FUZZ_TARGET(e2_path)
{
	char	   *text = fuzz_text(data, size);
	Buf			path = {0};
	Buf			item = {0};
	Buf			again = {0};
	size_t		offset;

	if (e2_path_clean(&path, text, size) == E2_PATH_OK)
	{
		FUZZ_HOLDS(path.data[0] == '/' && strstr(path.data, "//") == NULL);
		FUZZ_HOLDS(strstr(path.data, "/../") == NULL);
		FUZZ_HOLDS(e2_path_below("/", path.data) != NULL);
		if (e2_path_append_item(&item, path.data, path.used))
		{
			FUZZ_HOLDS(e2_path_from_item(&again, item.data) == E2_PATH_OK);
			FUZZ_HOLDS(strcmp(again.data, path.data) == 0);
		}
		buf_reset(&again);
		e2_path_append_key(&again, path.data, path.used);
		buf_reset(&again);
		e2_path_append_readable(&again, path.data, path.used);
		FUZZ_HOLDS(json_utf8_is_valid(again.data, again.used));
	}
	buf_reset(&path);
	if (memchr(text, '\0', size) == NULL && json_is_valid(text, size, &offset))
		(void) e2_path_from_item(&path, text);
	buf_free(&path);
	buf_free(&item);
	buf_free(&again);
	free(text);
}
