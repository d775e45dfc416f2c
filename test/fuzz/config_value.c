/*
 * config_value.c
 *		Values of settings: durations, sizes, every type of the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "config_file.h"
#include "fuzz.h"

FUZZ_TARGET(config_value)
{
	char	   *text = fuzz_text(data, size);
	Config		config = {0};
	int64_t		number;

	if (config_parse_duration(text, 1000, &number))
		FUZZ_HOLDS(number >= 0);
	if (config_parse_bytes(text, &number))
		FUZZ_HOLDS(number >= 0);
	for (size_t i = 0; i < config_setting_count; i++)
		(void) config_set(&config, &config_settings[i], text);
	config_free(&config);
	free(text);
}
