/*
 * secrets.c
 *		Secrets that requests name: files of this worker's machine.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_file.h"
#include "web_url.h"
#include "json.h"
#include "log.h"
#include "xalloc.h"

static bool read_secret(SecretConfig *secret, const char *path, const char *name, json_object *value);
static bool read_member(SecretConfig *secret, const char *key, json_object *value);
static bool read_hosts(StringList *hosts, json_object *value);
static bool is_complete(const SecretConfig *secret);
static const SecretConfig *find(const Config *config, const char *name, const char *host);
static char *path_of(const SecretConfig *secret);
static char *read_value(const SecretConfig *secret, const char *path, const char **problem);
static const char *file_problem(int fd, bool is_credential);
static bool is_printable(const char *value);

bool
secrets_read_config(Config *config, const char *path, json_object *secrets)
{
	if (!json_object_is_type(secrets, json_type_object))
	{
		log_error_more("An object of secrets by name is expected.", NULL,
					   "invalid value for \"secrets\" in configuration file \"%s\"", path);
		return false;
	}
	secrets_free_config(config);
	config->secrets = xcalloc((size_t) json_object_object_length(secrets) + 1, sizeof(SecretConfig));
	json_object_object_foreach(secrets, name, value)
	{
		if (!read_secret(&config->secrets[config->secret_count++], path, name, value))
			return false;
	}
	return true;
}

void
secrets_free_config(Config *config)
{
	for (int i = 0; i < config->secret_count; i++)
	{
		free(config->secrets[i].name);
		free(config->secrets[i].file);
		free(config->secrets[i].credential);
		string_list_free(&config->secrets[i].hosts);
	}
	free(config->secrets);
	config->secrets = NULL;
	config->secret_count = 0;
}

SecretOutcome
secret_take(const Config *config, const char *name, const char *host, char **value)
{
	const SecretConfig *secret = find(config, name, host);
	const char *problem = NULL;
	char	   *path;

	*value = NULL;
	if (secret == NULL)
		return SECRET_REFUSED;
	path = path_of(secret);
	if (path == NULL)
		problem = "there is no directory of credentials";
	else
		*value = read_value(secret, path, &problem);
	free(path);
	if (*value != NULL)
		return SECRET_OK;
	log_warning("could not use secret \"%s\": %s", name, problem);
	return SECRET_UNAVAILABLE;
}

void
secret_free(char *value)
{
	if (value == NULL)
		return;
	explicit_bzero(value, strlen(value));
	free(value);
}

static bool
read_secret(SecretConfig *secret, const char *path, const char *name, json_object *value)
{
	secret->name = xstrdup(name);
	if (json_object_is_type(value, json_type_object))
	{
		bool		ok = true;

		json_object_object_foreach(value, key, member)
		{
			ok = ok && read_member(secret, key, member);
		}
		if (ok && is_complete(secret))
			return true;
	}
	log_error_more("An object is expected with \"hosts\", an array of host names, and either \"file\", an absolute path, "
				   "or \"credential\", the name of a credential of the service.", NULL,
				   "invalid secret \"%s\" in configuration file \"%s\"", name, path);
	return false;
}

static bool
read_member(SecretConfig *secret, const char *key, json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;

	if (strcmp(key, "hosts") == 0)
		return read_hosts(&secret->hosts, value);
	if (text == NULL || *text == '\0' || strlen(text) != (size_t) json_object_get_string_len(value))
		return false;
	if (strcmp(key, "file") == 0)
		secret->file = xstrdup(text);
	else if (strcmp(key, "credential") == 0)
		secret->credential = xstrdup(text);
	else
		return false;
	return true;
}

static bool
read_hosts(StringList *hosts, json_object *value)
{
	if (!json_object_is_type(value, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(value); i++)
	{
		json_object *host = json_object_array_get_idx(value, i);
		const char *text = json_object_is_type(host, json_type_string) ? json_object_get_string(host) : "";

		if (*text == '\0' || strpbrk(text, "/*@ ") != NULL)
			return false;
		string_list_add(hosts, text, strlen(text));
	}
	return true;
}

static bool
is_complete(const SecretConfig *secret)
{
	if (secret->hosts.count == 0 || (secret->file == NULL) == (secret->credential == NULL))
		return false;
	if (secret->file != NULL)
		return secret->file[0] == '/';
	return strchr(secret->credential, '/') == NULL && secret->credential[0] != '.';
}

/* One that exists for other hosts is like none: who asks learns no names. */
static const SecretConfig *
find(const Config *config, const char *name, const char *host)
{
	for (int i = 0; i < config->secret_count; i++)
	{
		const SecretConfig *secret = &config->secrets[i];

		for (int j = 0; strcmp(secret->name, name) == 0 && j < secret->hosts.count; j++)
		{
			if (web_host_is(host, secret->hosts.items[j]))
				return secret;
		}
	}
	return NULL;
}

static char *
path_of(const SecretConfig *secret)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	if (secret->file != NULL)
		return xstrdup(secret->file);
	return directory != NULL ? xasprintf("%s/%s", directory, secret->credential) : NULL;
}

/* One line; the line's end does not count. */
static char *
read_value(const SecretConfig *secret, const char *path, const char **problem)
{
	char		value[SECRET_MAX_BYTES + 2];
	int			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t		length = 0;
	char	   *copy = NULL;

	if (fd < 0)
	{
		*problem = strerror(errno);
		return NULL;
	}
	*problem = file_problem(fd, secret->credential != NULL);
	if (*problem == NULL)
	{
		ssize_t		got = read(fd, value, sizeof(value) - 1);

		if (got < 0)
			*problem = strerror(errno);
		else
			length = (size_t) got;
	}
	close(fd);
	if (*problem != NULL)
		return NULL;

	if (length > 0 && value[length - 1] == '\n')
		length--;
	value[length] = '\0';
	if (strlen(value) != length || !is_printable(value))
		*problem = "it is not one line of printable characters";
	else if (length < SECRET_MIN_BYTES || length > SECRET_MAX_BYTES)
		*problem = "it is too short or too long";
	else
		copy = xstrdup(value);
	explicit_bzero(value, sizeof(value));
	return copy;
}

/* The service manager makes credentials for us alone; other files must be nobody else's. */
static const char *
file_problem(int fd, bool is_credential)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return strerror(errno);
	if (!S_ISREG(info.st_mode))
		return "it is not a regular file";
	if (is_credential)
		return NULL;
	if (info.st_uid != 0 && info.st_uid != geteuid())
		return "its file belongs to somebody else";
	if ((info.st_mode & 077) != 0)
		return "its file can be read or written by others";
	return NULL;
}

static bool
is_printable(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || (unsigned char) *c >= 0x7f)
			return false;
	}
	return true;
}
