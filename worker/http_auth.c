/*
 * http_auth.c
 *		Who may call: keys, what they allow, and the database role they stand for.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define MAX_FILE_BYTES	(1024 * 1024)
#define MAX_WORDS		3

/* A key shorter than this can be guessed, or was made by a person. */
#define SHORT_KEY		22

_Static_assert(HTTP_KEY_HASH_SIZE == SHA256_DIGEST_LENGTH, "keys are kept as SHA-256");

static char *read_file(const char *path);
static bool is_private(const char *path, int fd);
static int	split_words(char *line, char *words[MAX_WORDS + 1]);
static bool add_key(HttpKeys *keys, char *const *words, int count, const char **problem);
static bool read_scope(const char *text, HttpScope *scope);
static char *quote_role(const char *role);

bool
http_keys_load(HttpKeys *keys, const char *path)
{
	HttpKeys	fresh = {0};
	char	   *text = read_file(path);
	int			line;
	const char *problem;
	bool		ok;

	if (text == NULL)
		return false;
	ok = http_keys_parse(&fresh, text, &line, &problem);
	if (!ok)
		log_error_more(problem, NULL, "invalid line %d in key file \"%s\"", line, path);
	else if (fresh.count == 0)
	{
		log_error("key file \"%s\" has no key", path);
		ok = false;
	}
	if (ok)
	{
		http_keys_free(keys);
		*keys = fresh;
	}
	else
		http_keys_free(&fresh);
	OPENSSL_cleanse(text, MAX_FILE_BYTES + 1);
	free(text);
	return ok;
}

void
http_keys_free(HttpKeys *keys)
{
	for (int i = 0; i < keys->count; i++)
		free(keys->items[i].role);
	free(keys->items);
	memset(keys, 0, sizeof(*keys));
}

bool
http_keys_parse(HttpKeys *keys, char *text, int *line, const char **problem)
{
	*line = 0;
	for (bool is_last = false; !is_last;)
	{
		size_t		length = strcspn(text, "\n");
		char	   *words[MAX_WORDS + 1];
		int			count;

		(*line)++;
		is_last = text[length] == '\0';
		text[length] = '\0';
		count = split_words(text, words);
		if (count > 0 && !add_key(keys, words, count, problem))
			return false;
		text += length + 1;
	}
	return true;
}

const HttpKey *
http_keys_find(const HttpKeys *keys, const char *key)
{
	unsigned char hash[HTTP_KEY_HASH_SIZE];
	const HttpKey *found = NULL;

	SHA256((const unsigned char *) key, strlen(key), hash);
	for (int i = 0; i < keys->count; i++)
	{
		if (CRYPTO_memcmp(hash, keys->items[i].hash, sizeof(hash)) == 0)
			found = &keys->items[i];
	}
	return found;
}

/* MAX_FILE_BYTES + 1 bytes, in which the text ends with a NUL; the caller wipes and frees them. */
static char *
read_file(const char *path)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	char	   *text = NULL;
	size_t		used = 0;
	ssize_t		got = -1;

	if (fd >= 0 && !is_private(path, fd))
	{
		close(fd);
		return NULL;
	}
	if (fd >= 0)
	{
		text = xcalloc(1, MAX_FILE_BYTES + 1);
		while (used < MAX_FILE_BYTES && (got = read(fd, text + used, MAX_FILE_BYTES - used)) > 0)
			used += (size_t) got;
	}
	if (got < 0)
		log_error("could not read key file \"%s\": %s", path, strerror(errno));
	else if (got > 0)
		log_error("key file \"%s\" is larger than %d bytes", path, MAX_FILE_BYTES);
	if (fd >= 0)
		close(fd);
	if (got == 0)
		return text;
	free(text);
	return NULL;
}

/* The rule that PostgreSQL has for its private keys. */
static bool
is_private(const char *path, int fd)
{
	struct stat st;
	mode_t		forbidden = S_IRWXG | S_IRWXO;

	if (fstat(fd, &st) != 0)
	{
		log_error("could not read key file \"%s\": %s", path, strerror(errno));
		return false;
	}
	if (st.st_uid == 0)
		forbidden = S_IWGRP | S_IXGRP | S_IRWXO;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & forbidden) != 0)
	{
		log_error_more(NULL, "Its mode must be 0600 or less if it is the user's, 0640 or less if it is root's.",
					   "key file \"%s\" may be read by others", path);
		return false;
	}
	return true;
}

/* Returns how many words there are, one too many at most. */
static int
split_words(char *line, char *words[MAX_WORDS + 1])
{
	static const char blanks[] = " \t\r";
	int			count = 0;

	line += strspn(line, blanks);
	while (*line != '\0' && *line != '#' && count <= MAX_WORDS)
	{
		size_t		length = strcspn(line, blanks);
		bool		is_last = line[length] == '\0';

		words[count++] = line;
		line[length] = '\0';
		if (is_last)
			break;
		line += length + 1;
		line += strspn(line, blanks);
	}
	return count;
}

static bool
add_key(HttpKeys *keys, char *const *words, int count, const char **problem)
{
	HttpKey		key = {.scope = HTTP_ADMIN};

	if (count > MAX_WORDS)
	{
		*problem = "A line has a key, a role and a scope at most.";
		return false;
	}
	if (count == MAX_WORDS && !read_scope(words[2], &key.scope))
	{
		*problem = "A scope is one of \"read\", \"start\" and \"admin\".";
		return false;
	}
	if (strlen(words[0]) < SHORT_KEY)
		log_warning_more(NULL, "Make one of 128 random bits, such as by: openssl rand -hex 16",
						 "an HTTP key is shorter than %d characters", SHORT_KEY);
	SHA256((const unsigned char *) words[0], strlen(words[0]), key.hash);
	if (count > 1 && strcmp(words[1], "-") != 0)
		key.role = quote_role(words[1]);
	keys->items = xrealloc(keys->items, (size_t) (keys->count + 1) * sizeof(HttpKey));
	keys->items[keys->count++] = key;
	return true;
}

static bool
read_scope(const char *text, HttpScope *scope)
{
	static const struct
	{
		const char *name;
		HttpScope	scope;
	}			scopes[] = {{"read", HTTP_READ}, {"start", HTTP_START}, {"admin", HTTP_ADMIN}};

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
	{
		if (strcasecmp(text, scopes[i].name) == 0)
		{
			*scope = scopes[i].scope;
			return true;
		}
	}
	return false;
}

/* regrole reads a name as SQL does: without quotes it would fold its letters. */
static char *
quote_role(const char *role)
{
	char	   *quoted = xmalloc(strlen(role) * 2 + 3);
	char	   *to = quoted;

	*to++ = '"';
	for (; *role != '\0'; role++)
	{
		if (*role == '"')
			*to++ = '"';
		*to++ = *role;
	}
	*to++ = '"';
	*to = '\0';
	return quoted;
}
