/*
 * test_http_auth.c
 *		Key files are read line by line; a key is found by all of its bytes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_auth.h"

#include <unistd.h>

#include "log.h"
#include "tap.h"

static void good_file(void);
static void bad_lines(void);

static void
good_file(void)
{
	char		text[] = "# comment\n\n  \t\n"
		"0123456789abcdef0123456789abcdef\n"
		"  second-key-second-key-second\tApp\"Role  # of the app\r\n"
		"third-key-third-key-third-key - READ\n"
		"fourth#key#fourth#key#fourth role start";
	HttpKeys	keys = {0};
	int			line;
	const char *problem;
	const HttpKey *key;

	ok(http_keys_parse(&keys, text, &line, &problem), "a good file");
	is_int(keys.count, 4, "keys");

	key = http_keys_find(&keys, "0123456789abcdef0123456789abcdef");
	ok(key != NULL && key->role == NULL && key->scope == HTTP_ADMIN, "a key alone is for everything");
	key = http_keys_find(&keys, "second-key-second-key-second");
	ok(key != NULL && key->scope == HTTP_ADMIN, "a key with a role");
	is_str(key != NULL ? key->role : NULL, "\"App\"\"Role\"", "which is quoted");
	key = http_keys_find(&keys, "third-key-third-key-third-key");
	ok(key != NULL && key->role == NULL && key->scope == HTTP_READ, "no role, and a scope");
	key = http_keys_find(&keys, "fourth#key#fourth#key#fourth");
	ok(key != NULL && key->scope == HTTP_START, "a # within a word is no comment");

	ok(http_keys_find(&keys, "") == NULL, "no key");
	ok(http_keys_find(&keys, "0123456789abcdef0123456789abcde") == NULL, "a shorter one");
	ok(http_keys_find(&keys, "0123456789abcdef0123456789abcdef0") == NULL, "a longer one");
	ok(http_keys_find(&keys, "0123456789ABCDEF0123456789ABCDEF") == NULL, "another case");
	http_keys_free(&keys);
	is_int(keys.count, 0, "freed");
	http_keys_free(&keys);
}

static void
bad_lines(void)
{
	static const char *const lines[] = {"key role everything", "key role admin more", "key role 1", "key - READ x"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		char		text[200];
		HttpKeys	keys = {0};
		int			line;
		const char *problem = NULL;

		snprintf(text, sizeof(text), "\n# fine\n%s\n", lines[i]);
		ok(!http_keys_parse(&keys, text, &line, &problem) && line == 3 && problem != NULL, "refused: %s", lines[i]);
		http_keys_free(&keys);
	}
}

int
main(void)
{
	log_set_fd(STDOUT_FILENO);	/* short keys are warned of */
	log_set_level(LOG_LEVEL_ERROR);
	good_file();
	bad_lines();
	return done_testing();
}
