/*
 * test_azure_name.c
 *		Names in Azure Blob Storage, and their limits.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_name.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "tap.h"

static const char *const names[][2] = {
	{"backups/var/log/syslog", "var/log/syslog"},
	{"backups/a.", "a%2E"},
	{"backups/a../b./c", "a.%2E/b%2E/c"},
	{"backups/.a/.b.c", ".a/.b.c"},
	{"backups/a%25b", "a%25b"},
};

static const char *const impossible[] = {
	"", "backups", "backups/", "/a", "backups//a", "backups/a//b", "backups/a/",
};

static char *
repeat(const char *text, int count)
{
	Buf			buf = {0};

	buf_append_text(&buf, "backups/");
	for (int i = 0; i < count; i++)
		buf_append_text(&buf, text);
	return buf_take(&buf);
}

static void
check_limit(const char *text, int count, bool is_possible, const char *what)
{
	char	   *key = repeat(text, count);
	size_t		length = strlen(key);

	if (key[length - 1] == '/')
		key[length - 1] = '\0';
	ok((azure_name_problem(key) == NULL) == is_possible, "%s", what);
	free(key);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		char	   *container;
		char	   *blob;

		azure_name_split(names[i][0], &container, &blob);
		is_str(container, "backups", "container of row %zu", i);
		is_str(blob, names[i][1], "blob of row %zu", i);
		ok(azure_name_problem(names[i][0]) == NULL, "row %zu is possible", i);
		free(container);
		free(blob);
	}
	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
		ok(azure_name_problem(impossible[i]) != NULL, "\"%s\" is no key", impossible[i]);

	check_limit("a", 1024, true, "1,024 characters");
	check_limit("a", 1025, false, "1,025 characters");
	check_limit("\xc3\xbc", 1024, true, "1,024 characters of two bytes");
	check_limit("\xc3\xbc", 1025, false, "1,025 characters of two bytes");
	check_limit("\xf0\x9f\x90\x98", 512, true, "512 characters that UTF-16 writes as two units");
	check_limit("\xf0\x9f\x90\x98", 513, false, "513 characters that UTF-16 writes as two units");
	check_limit("a/", 254, true, "254 segments");
	check_limit("a/", 255, false, "255 segments");
	check_limit("a./", 205, true, "what is encoded counts as it is written: 1,024");
	check_limit("a./", 206, false, "what is encoded counts as it is written: 1,029");
	return done_testing();
}
