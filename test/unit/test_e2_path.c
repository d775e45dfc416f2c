/*
 * test_e2_path.c
 *		Paths of E2: what is refused, items of a list, blob keys.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2_path.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "xalloc.h"

/* A path and its key without the prefix; the key is that of the path without its slash. */
static const char *const keys[][2] = {
	{"/var/log/syslog", "var/log/syslog"},
	{"/", ""},
	{"/a b/c+d&e=f;g,h@i:j$k!l'm(n)o*p[q]r{s}t|u^v~w`x\"y<z>", "a b/c+d&e=f;g,h@i:j$k!l'm(n)o*p[q]r{s}t|u^v~w`x\"y<z>"},
	{"/gr\xc3\xbc\xc3\x9f/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x90\x98", "gr\xc3\xbc\xc3\x9f/\xe6\x97\xa5\xe6\x9c\xac/\xf0\x9f\x90\x98"},
	{"/e\xcc\x81", "e\xcc\x81"},	/* not normalized */
	{"/a\\b?c#d%e", "a%5Cb%3Fc%23d%25e"},
	{"/%2e%2e/%2F", "%252e%252e/%252F"},
	{"/tab\tnl\nesc\x1b" "del\x7f", "tab%09nl%0Aesc%1Bdel%7F"},
	{"/c1\xc2\x80\xc2\x9f\xc2\xa0", "c1%C2%80%C2%9F\xc2\xa0"},
	{"/\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd%EF%BF%BE%EF%BF%BF"},
	{"/bad\xff\xfe", "bad%FF%FE"},
	{"/cut\xe6\x97", "cut%E6%97"},
	{"/long\xc0\xaf", "long%C0%AF"},	/* an overlong slash is no slash */
	{"/surrogate\xed\xa0\x80", "surrogate%ED%A0%80"},
	{"/high\xf4\x90\x80\x80", "high%F4%90%80%80"},
	{"/.hidden/...", ".hidden/..."},
	{"/-rf", "-rf"},
};

/* A path as it may be given, and its plain form. */
static const char *const cleaned[][2] = {
	{"/var/log", "/var/log"},
	{"/", "/"},
	{"//", "/"},
	{"/./", "/"},
	{"/var//log///", "/var/log"},
	{"/./var/././log/.", "/var/log"},
	{"/...", "/..."},
	{"/..a/b..", "/..a/b.."},
	{"/ ", "/ "},
};

static const struct
{
	const char *item;
	E2PathProblem problem;
	const char *path;
}			items[] = {
	{"\"/var/log\"", E2_PATH_OK, "/var/log"},
	{" \"/a\\u00e9\\n\" ", E2_PATH_OK, "/a\xc3\xa9\n"},
	{"{\"b64\": \"L//+\"}", E2_PATH_OK, "/\xff\xfe"},
	{"null", E2_PATH_NOT_TEXT, NULL},
	{"1", E2_PATH_NOT_TEXT, NULL},
	{"true", E2_PATH_NOT_TEXT, NULL},
	{"[\"/a\"]", E2_PATH_NOT_TEXT, NULL},
	{"{}", E2_PATH_NOT_TEXT, NULL},
	{"{\"b64\": 1}", E2_PATH_NOT_TEXT, NULL},
	{"{\"b64\": \"L//+\", \"x\": 1}", E2_PATH_NOT_TEXT, NULL},
	{"{\"b64\": \"L//\"}", E2_PATH_NOT_TEXT, NULL},
	{"{\"b64\": \"L2EAYg==\"}", E2_PATH_HAS_NUL, NULL},
	{"{\"b64\": \"\"}", E2_PATH_BLANK, NULL},
	{"\"\"", E2_PATH_BLANK, NULL},
	{"\" \\t \"", E2_PATH_BLANK, NULL},
	{"\"var/log\"", E2_PATH_RELATIVE, NULL},
	{"\"./a\"", E2_PATH_RELATIVE, NULL},
	{"\"~/a\"", E2_PATH_RELATIVE, NULL},
	{"\"file:///a\"", E2_PATH_RELATIVE, NULL},
	{"\"/a\\u0000b\"", E2_PATH_HAS_NUL, NULL},
	{"\"/..\"", E2_PATH_HAS_DOT_DOT, NULL},
	{"\"/a/../b\"", E2_PATH_HAS_DOT_DOT, NULL},
	{"\"/a/..//\"", E2_PATH_HAS_DOT_DOT, NULL},
};

static const struct
{
	const char *directory;
	const char *path;
	const char *rest;
}			below[] = {
	{"/", "/", ""},
	{"/", "/a/b", "a/b"},
	{"/srv", "/srv", ""},
	{"/srv", "/srv/a", "a"},
	{"/srv", "/srvx", NULL},
	{"/srv", "/sr", NULL},
	{"/srv", "/", NULL},
	{"/srv/data", "/srv/datb/x", NULL},
};

static void test_keys(void);
static void test_keys_are_different(void);
static int	compare_texts(const void *left, const void *right);
static void test_clean(void);
static void test_items(void);
static void test_readable(void);

int
main(void)
{
	test_keys();
	test_keys_are_different();
	test_clean();
	test_items();
	test_readable();
	return done_testing();
}

static void
test_keys(void)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		char	   *expected = xasprintf("backups/%s", keys[i][1]);
		Buf			key = {0};

		e2_path_append_key(&key, keys[i][0], strlen(keys[i][0]));
		is_str(key.data, expected, "key of row %zu", i);
		buf_free(&key);
		free(expected);
	}
}

/* Every two bytes as a name: no two have one key. */
static void
test_keys_are_different(void)
{
	char	  **seen = xcalloc(65536, sizeof(char *));
	size_t		count = 0;
	bool		good = true;

	for (int i = 0; i < 65536; i++)
	{
		char		path[4] = {'/', (char) (i >> 8), (char) i, '\0'};
		Buf			key = {0};

		if (strlen(path) != 3 || strchr(path + 1, '/') != NULL)
			continue;
		e2_path_append_key(&key, path, 3);
		good &= strpbrk(key.data + strlen(E2_KEY_PREFIX), "\\?#\n") == NULL;
		seen[count++] = buf_take(&key);
	}
	qsort(seen, count, sizeof(char *), compare_texts);
	for (size_t i = 1; i < count; i++)
		good &= strcmp(seen[i - 1], seen[i]) != 0;
	ok(good, "%zu paths have different keys", count);
	for (size_t i = 0; i < count; i++)
		free(seen[i]);
	free(seen);
}

static int
compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *) left, *(char *const *) right);
}

static void
test_clean(void)
{
	Buf			path = {0};
	char	   *longest = xcalloc(1, E2_PATH_MAX_BYTES + 2);

	for (size_t i = 0; i < sizeof(cleaned) / sizeof(cleaned[0]); i++)
	{
		ok(e2_path_clean(&path, cleaned[i][0], strlen(cleaned[i][0])) == E2_PATH_OK, "accepts %s", cleaned[i][0]);
		is_str(path.data, cleaned[i][1], "plain form of %s", cleaned[i][0]);
	}
	memset(longest, 'a', E2_PATH_MAX_BYTES + 1);
	longest[0] = '/';
	ok(e2_path_clean(&path, longest, E2_PATH_MAX_BYTES) == E2_PATH_OK, "accepts the longest path");
	ok(e2_path_clean(&path, longest, E2_PATH_MAX_BYTES + 1) == E2_PATH_TOO_LONG, "refuses a longer one");
	free(longest);

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
	{
		const char *rest = e2_path_below(below[i].directory, below[i].path);

		ok((rest == NULL) == (below[i].rest == NULL) && (rest == NULL || strcmp(rest, below[i].rest) == 0),
		   "%s and what is below %s", below[i].path, below[i].directory);
	}
	buf_free(&path);
}

static void
test_items(void)
{
	Buf			path = {0};
	Buf			item = {0};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
	{
		E2PathProblem problem = e2_path_from_item(&path, items[i].item);

		ok(problem == items[i].problem, "item %s: the path %s", items[i].item, e2_path_problem_text(items[i].problem));
		if (problem == E2_PATH_OK)
			is_str(path.data, items[i].path, "path of item %zu", i);
	}

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		buf_reset(&item);
		e2_path_append_item(&item, keys[i][0], strlen(keys[i][0]));
		ok(e2_path_from_item(&path, item.data) == E2_PATH_OK && strcmp(path.data, keys[i][0]) == 0,
		   "path %zu comes back from its item", i);
	}
	buf_reset(&item);
	e2_path_append_item(&item, "/bad\xff", 5);
	is_str(item.data, "{\"b64\": \"L2JhZP8=\"}", "what is not UTF-8 is base 64");
	buf_free(&item);
	buf_free(&path);
}

static void
test_readable(void)
{
	Buf			text = {0};
	char	   *longest = xcalloc(1, 5001);

	e2_path_append_readable(&text, "/a\n\xc3\xa9\xff\xc2\x85", 8);
	is_str(text.data, "/a\\x0a\xc3\xa9\\xff\\xc2\\x85", "a message shows a path on one line");
	buf_reset(&text);
	memset(longest, 'a', 5000);
	e2_path_append_readable(&text, longest, 5000);
	ok(text.used < 1100 && strstr(text.data, "a[...]a") != NULL, "a long path is shortened");
	free(longest);
	buf_free(&text);
}
