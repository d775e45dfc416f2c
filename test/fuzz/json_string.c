/*
 * json_string.c
 *		Any bytes become a JSON string that is valid.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"
#include "json.h"

FUZZ_TARGET(json_string)
{
	char	   *bytes = fuzz_text(data, size);
	Buf			json = {0};
	size_t		offset;
	json_object *string = json_string_new(bytes, size);

	json_append_string(&json, bytes, size);
	FUZZ_HOLDS(json_is_valid(json.data, json.used, &offset));
	FUZZ_HOLDS(json.used >= 2 && json.data[0] == '"' && json.data[json.used - 1] == '"');
	FUZZ_HOLDS(json_utf8_is_valid(json_object_get_string(string), (size_t) json_object_get_string_len(string)) ||
			   memchr(bytes, '\0', size) != NULL);
	json_object_put(string);
	buf_free(&json);
	free(bytes);
}
