/*
 * duration_parsing.c
 *		Times with and without a unit.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "config.h"
#include "tap.h"

int
main(void)
{
	static const struct
	{
		const char *text;
		int64_t		ms;			/* -1: refused */
	}			cases[] = {
		{"30 s", 30000}, {"30s", 30000}, {"500 ms", 500}, {"2 min", 120000}, {"1 h", 3600000}, {"1 d", 86400000},
		{"30", 30000}, {"0", 0}, {"007 s", 7000}, {"10   s", 10000},
		{"", -1}, {" 30 s", -1}, {"-1 s", -1}, {"+1 s", -1}, {"s", -1}, {"30 sec", -1}, {"30 S", -1}, {"30 s ", -1},
		{"1.5 s", -1}, {"0x10 s", -1}, {"1e3 s", -1}, {"9223372036854775807", -1}, {"99999999999999999999 ms", -1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		int64_t		ms = -1;
		bool		is_taken = config_parse_duration(cases[i].text, 1000, &ms);

		ok(is_taken == (cases[i].ms >= 0) && (!is_taken || ms == cases[i].ms),
			   "\"%s\" is %lld ms", cases[i].text, (long long) cases[i].ms);
	}
	return done_testing();
}
