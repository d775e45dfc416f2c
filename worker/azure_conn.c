/*
 * azure_conn.c
 *		Connection strings of Azure Storage.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_conn.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "buf.h"
#include "xalloc.h"

/* The account of every storage emulator: published, and no secret. */
#define DEVELOPMENT_ACCOUNT "devstoreaccount1"
#define DEVELOPMENT_KEY \
	"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define DEVELOPMENT_HOST "http://127.0.0.1"
#define DEVELOPMENT_PORT ":10000"

typedef enum Field
{
	FIELD_PROTOCOL,
	FIELD_NAME,
	FIELD_KEY,
	FIELD_SAS,
	FIELD_ENDPOINT,
	FIELD_SUFFIX,
	FIELD_DEVELOPMENT,
	FIELD_PROXY,
	FIELD_COUNT
} Field;

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_PROTOCOL] = "DefaultEndpointsProtocol",
	[FIELD_NAME] = "AccountName",
	[FIELD_KEY] = "AccountKey",
	[FIELD_SAS] = "SharedAccessSignature",
	[FIELD_ENDPOINT] = "BlobEndpoint",
	[FIELD_SUFFIX] = "EndpointSuffix",
	[FIELD_DEVELOPMENT] = "UseDevelopmentStorage",
	[FIELD_PROXY] = "DevelopmentStorageProxyUri",
};

static const char *split_fields(char *text, const char **fields);
static const char *set_field(char *setting, const char **fields);
static char *trim(char *text);
static const char *build_account(AzureAccount *account, const char **fields);
static const char *apply_development(const char **fields, char **endpoint);
static const char *set_credentials(AzureAccount *account, const char **fields);
static const char *set_endpoint(AzureAccount *account, const char **fields);
static const char *find_path(char *endpoint, const char **path);
static bool is_account_name(const char *name);

bool
azure_conn_parse(AzureAccount *account, const char *text, const char **problem)
{
	char	   *copy = xstrdup(text);
	const char *fields[FIELD_COUNT] = {0};

	*account = (AzureAccount) {0};
	*problem = split_fields(copy, fields);
	if (*problem == NULL)
		*problem = build_account(account, fields);
	explicit_bzero(copy, strlen(text));
	free(copy);

	if (*problem == NULL)
		return true;
	azure_conn_free(account);
	return false;
}

void
azure_conn_free(AzureAccount *account)
{
	if (account->key != NULL)
		explicit_bzero(account->key, account->key_length);
	if (account->sas != NULL)
		explicit_bzero(account->sas, strlen(account->sas));
	free(account->name);
	free(account->key);
	free(account->sas);
	free(account->endpoint);
	*account = (AzureAccount) {0};
}

/* Cut the text into its fields, in place; the result is a problem or NULL. */
static const char *
split_fields(char *text, const char **fields)
{
	char	   *rest = text;
	char	   *setting;

	while ((setting = strsep(&rest, ";")) != NULL)
	{
		const char *problem;

		setting = trim(setting);
		if (*setting == '\0')
			continue;
		problem = set_field(setting, fields);
		if (problem != NULL)
			return problem;
	}
	return NULL;
}

static const char *
set_field(char *setting, const char **fields)
{
	char	   *value = strchr(setting, '=');

	if (value == NULL)
		return "a part of it is not of the form Name=value";
	*value++ = '\0';

	for (int i = 0; i < FIELD_COUNT; i++)
	{
		if (strcasecmp(trim(setting), field_names[i]) != 0)
			continue;
		if (fields[i] != NULL)
			return "a name occurs twice in it";
		value = trim(value);
		fields[i] = *value == '\0' ? NULL : value;
		return NULL;
	}
	return NULL;				/* QueueEndpoint and the like are not for us */
}

static char *
trim(char *text)
{
	char	   *end;

	while (isspace((unsigned char) *text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char) end[-1]))
		*--end = '\0';
	return text;
}

static const char *
build_account(AzureAccount *account, const char **fields)
{
	const char *problem;
	char	   *endpoint = NULL;

	problem = apply_development(fields, &endpoint);
	if (problem == NULL)
		problem = set_credentials(account, fields);
	if (problem == NULL)
		problem = set_endpoint(account, fields);
	free(endpoint);
	return problem;
}

/* UseDevelopmentStorage=true stands for the emulator's account, key and endpoint. */
static const char *
apply_development(const char **fields, char **endpoint)
{
	const char *host = fields[FIELD_PROXY] == NULL ? DEVELOPMENT_HOST : fields[FIELD_PROXY];
	size_t		length = strlen(host);

	if (fields[FIELD_DEVELOPMENT] == NULL)
		return NULL;
	if (strcasecmp(fields[FIELD_DEVELOPMENT], "true") != 0)
		return "UseDevelopmentStorage must be true";
	if (fields[FIELD_NAME] != NULL || fields[FIELD_KEY] != NULL || fields[FIELD_SAS] != NULL)
		return "UseDevelopmentStorage excludes an account, a key and a shared access signature";

	while (length > 0 && host[length - 1] == '/')
		length--;
	*endpoint = xasprintf("%.*s" DEVELOPMENT_PORT "/" DEVELOPMENT_ACCOUNT, (int) length, host);
	fields[FIELD_NAME] = DEVELOPMENT_ACCOUNT;
	fields[FIELD_KEY] = DEVELOPMENT_KEY;
	if (fields[FIELD_ENDPOINT] == NULL)
		fields[FIELD_ENDPOINT] = *endpoint;
	return NULL;
}

static const char *
set_credentials(AzureAccount *account, const char **fields)
{
	const char *name = fields[FIELD_NAME];
	const char *key = fields[FIELD_KEY];
	const char *sas = fields[FIELD_SAS];
	Buf			bytes = {0};

	if (name != NULL && !is_account_name(name))
		return "AccountName must consist of letters, digits and hyphens";
	if (name != NULL)
		account->name = xstrdup(name);

	if (key == NULL)
	{
		if (sas == NULL)
			return "it needs AccountName and AccountKey, or a SharedAccessSignature";
		sas += *sas == '?' ? 1 : 0;
		for (const char *at = sas; *at != '\0'; at++)
		{
			if (!isgraph((unsigned char) *at) || *at == '#')
				return "SharedAccessSignature has a character that a URL cannot have";
		}
		account->sas = xstrdup(sas);
		return NULL;
	}
	if (name == NULL)
		return "AccountKey needs an AccountName";
	if (!base64_decode(&bytes, key, strlen(key)) || bytes.used == 0)
	{
		buf_free(&bytes);
		return "AccountKey is not base 64";
	}
	account->key_length = bytes.used;
	account->key = (unsigned char *) buf_take(&bytes);
	return NULL;
}

static const char *
set_endpoint(AzureAccount *account, const char **fields)
{
	const char *protocol = fields[FIELD_PROTOCOL] == NULL ? "https" : fields[FIELD_PROTOCOL];
	const char *suffix = fields[FIELD_SUFFIX] == NULL ? "core.windows.net" : fields[FIELD_SUFFIX];
	size_t		length;

	if (fields[FIELD_ENDPOINT] != NULL)
		account->endpoint = xstrdup(fields[FIELD_ENDPOINT]);
	else if (account->name == NULL)
		return "it needs an AccountName or a BlobEndpoint";
	else if (strcasecmp(protocol, "http") != 0 && strcasecmp(protocol, "https") != 0)
		return "DefaultEndpointsProtocol must be http or https";
	else
		account->endpoint = xasprintf("%s://%s.blob.%s", protocol, account->name, suffix);

	length = strlen(account->endpoint);
	while (length > 0 && account->endpoint[length - 1] == '/')
		account->endpoint[--length] = '\0';
	return find_path(account->endpoint, &account->endpoint_path);
}

/* Check that the endpoint is http[s]://host[:port][/path], and find the path. */
static const char *
find_path(char *endpoint, const char **path)
{
	static const char problem[] = "BlobEndpoint must be of the form https://host[:port][/path]";
	char	   *host;

	if (strncasecmp(endpoint, "https://", 8) == 0)
		host = endpoint + 8;
	else if (strncasecmp(endpoint, "http://", 7) == 0)
		host = endpoint + 7;
	else
		return problem;

	if (*host == '\0' || *host == '/' || *host == ':')
		return problem;
	for (const char *at = host; *at != '\0'; at++)
	{
		if (!isgraph((unsigned char) *at) || strchr("?#@\\\"<>", *at) != NULL)
			return problem;
	}
	*path = host + strcspn(host, "/");
	return NULL;
}

static bool
is_account_name(const char *name)
{
	size_t		length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return length > 0 && length <= 64 && name[length] == '\0';
}
