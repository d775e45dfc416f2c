/*
 * json_text.c
 *		JSON that is checked, parsed and looked into; two readers agree about what is valid.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"
#include "json.h"

FUZZ_TARGET(json_text)
{
	char	   *json = fuzz_text(data, size);
	const char *error = NULL;
	const char *member;
	size_t		offset = 0;
	size_t		member_length;

	if (json_is_valid(json, size, &offset))
	{
		json_object *value = json_parse(json, size, &error);

		FUZZ_HOLDS(value != NULL || error == NULL);
		if (value != NULL && json_object_is_type(value, json_type_object) &&
			json_find_member(json, size, "a", &member, &member_length))
		{
			FUZZ_HOLDS(member >= json && member + member_length <= json + size);
			FUZZ_HOLDS(json_is_valid_at(member, member_length, 1));
			FUZZ_HOLDS(json_object_object_get_ex(value, "a", NULL));
		}
		json_object_put(value);
	}
	else
	{
		FUZZ_HOLDS(offset <= size);
		json_object_put(json_parse(json, size, &error));
	}
	free(json);
}
