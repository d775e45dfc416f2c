/*
 * progress_lines.c
 *		Reports of running commands: the same whatever pieces they come in.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "progress_lines.h"

#include "fuzz.h"

FUZZ_TARGET(progress_lines)
{
	char	   *bytes = fuzz_text(data, size);
	ProgressLines whole = {0};
	ProgressLines pieces = {0};
	size_t		step = size > 0 ? 1 + data[0] % 7 : 1;

	(void) progress_lines_feed(&whole, bytes, size);
	for (size_t at = 0; at < size; at += step)
		(void) progress_lines_feed(&pieces, bytes + at, size - at < step ? size - at : step);
	FUZZ_HOLDS(whole.newest.used == pieces.newest.used);
	FUZZ_HOLDS(whole.newest.used == 0 || memcmp(whole.newest.data, pieces.newest.data, whole.newest.used) == 0);
	progress_lines_free(&whole);
	progress_lines_free(&pieces);
	free(bytes);
}
