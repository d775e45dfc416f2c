/*
 * test_azure_conn.c
 *		Connection strings of Azure Storage.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_conn.h"

#include <string.h>

#include "tap.h"

#define KEY "c2VjcmV0LWNhbmFyeQ=="		/* secret-canary */
#define EMULATOR_KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

static const struct
{
	const char *text;
	const char *name;
	const char *endpoint;
	const char *path;
	size_t		key_length;		/* 0: none */
	const char *sas;
}			accepted[] = {
	{"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=" KEY ";EndpointSuffix=core.windows.net",
	"acct", "https://acct.blob.core.windows.net", "", 13, NULL},
	{"AccountName=acct;AccountKey=" KEY, "acct", "https://acct.blob.core.windows.net", "", 13, NULL},
	{" accountname = acct ; ACCOUNTKEY = " KEY " ;; defaultendpointsprotocol=http;endpointsuffix=core.chinacloudapi.cn;",
	"acct", "http://acct.blob.core.chinacloudapi.cn", "", 13, NULL},
	{"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://blobs.example.com:8443/;QueueEndpoint=https://q",
	"acct", "https://blobs.example.com:8443", "", 13, NULL},
	{"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=" EMULATOR_KEY
	";BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;", "devstoreaccount1",
	"http://127.0.0.1:10000/devstoreaccount1", "/devstoreaccount1", 64, NULL},
	{"UseDevelopmentStorage=true", "devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1",
	"/devstoreaccount1", 64, NULL},
	{"UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite/;", "devstoreaccount1",
	"http://azurite:10000/devstoreaccount1", "/devstoreaccount1", 64, NULL},
	{"UseDevelopmentStorage=TRUE;BlobEndpoint=http://127.0.0.1:1234/devstoreaccount1", "devstoreaccount1",
	"http://127.0.0.1:1234/devstoreaccount1", "/devstoreaccount1", 64, NULL},
	{"BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=?sv=2021-12-02&sig=a%2Bb%3D",
	NULL, "https://acct.blob.core.windows.net", "", 0, "sv=2021-12-02&sig=a%2Bb%3D"},
	{"AccountName=acct;SharedAccessSignature=sv=1&sig=x", "acct", "https://acct.blob.core.windows.net", "", 0,
	"sv=1&sig=x"},
	{"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=http://[::1]:10000/acct", "acct", "http://[::1]:10000/acct",
	"/acct", 13, NULL},
};

static const char *const refused[] = {
	"",
	";;",
	"secret-canary",
	"AccountName=acct",
	"AccountKey=" KEY,
	"AccountName=acct;AccountKey=secret-canary",
	"AccountName=acct;AccountKey=",
	"AccountName=acct;AccountName=acct;AccountKey=" KEY,
	"AccountName=acct;AccountKey=" KEY ";AccountKey=" KEY,
	"AccountName=a/../secret-canary;AccountKey=" KEY,
	"AccountName=acct;AccountKey=" KEY ";DefaultEndpointsProtocol=ftp",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=file:///etc/passwd",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=acct.blob.core.windows.net",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https:///x",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://user:secret-canary@host",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://host/?sig=secret-canary",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://host/#x",
	"AccountName=acct;AccountKey=" KEY ";BlobEndpoint=https://ho\nst",
	"AccountName=acct;AccountKey=" KEY ";EndpointSuffix=core/../x?y",
	"UseDevelopmentStorage=false",
	"UseDevelopmentStorage=true;AccountName=acct;AccountKey=" KEY,
	"UseDevelopmentStorage=true;SharedAccessSignature=sv=1&sig=secret-canary",
	"SharedAccessSignature=sv=1&sig=secret-canary",
	"AccountName=acct;SharedAccessSignature=sv=1&sig=secret canary",
	"AccountName=acct;SharedAccessSignature=sv=1#secret-canary",
};

static bool
is_same(const char *left, const char *right)
{
	return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

int
main(void)
{
	AzureAccount account;
	const char *problem;

	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
	{
		ok(azure_conn_parse(&account, accepted[i].text, &problem), "accepts row %zu", i);
		ok(is_same(account.name, accepted[i].name), "account of row %zu", i);
		ok(is_same(account.endpoint, accepted[i].endpoint), "endpoint of row %zu", i);
		ok(is_same(account.endpoint_path, accepted[i].path), "path of the endpoint of row %zu", i);
		ok(account.key_length == accepted[i].key_length, "key of row %zu", i);
		ok(is_same(account.sas, accepted[i].sas), "signature of row %zu", i);
		azure_conn_free(&account);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		ok(!azure_conn_parse(&account, refused[i], &problem) && problem != NULL, "refuses row %zu", i);
		ok(problem != NULL && strstr(problem, "canary") == NULL && strstr(problem, KEY) == NULL,
		   "does not quote row %zu", i);
		ok(account.key == NULL && account.endpoint == NULL, "leaves nothing of row %zu", i);
	}

	ok(azure_conn_parse(&account, accepted[0].text, &problem) && memcmp(account.key, "secret-canary", 13) == 0,
	   "decodes the key");
	azure_conn_free(&account);
	azure_conn_free(&account);
	return done_testing();
}
