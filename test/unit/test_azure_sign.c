/*
 * test_azure_sign.c
 *		URLs and SharedKey signatures of Azure Blob Storage.
 *
 * The signatures were computed with Python's hmac over the texts written here,
 * which follow the service's documentation of SharedKey.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_sign.h"

#include <string.h>

#include "tap.h"

#define WHEN 784111777			/* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE_HEADER "x-ms-date:Sun, 06 Nov 1994 08:49:37 GMT\n"
#define VERSION_HEADER "x-ms-version:2021-12-02\n"

typedef struct Vector
{
	const char *name;
	const char *text;			/* to sign */
	const char *signature;
} Vector;

static void test_path(void);
static void test_query(void);
static void test_date(void);
static void test_vector(const AzureAccount *account, const AzureRequest *request, const Vector *vector);
static void test_signatures(void);

int
main(void)
{
	test_path();
	test_query();
	test_date();
	test_signatures();
	return done_testing();
}

static void
test_path(void)
{
	static const char *const paths[][2] = {
		{"var/log/a.b-c_d~e", "var/log/a.b-c_d~e"},
		{"a b+c", "a%20b%2Bc"},
		{"q%3F%25", "q%253F%2525"},
		{"!\"$&'()*,:;<=>@[]^`{|}", "%21%22%24%26%27%28%29%2A%2C%3A%3B%3C%3D%3E%40%5B%5D%5E%60%7B%7C%7D"},
		{"gr\xc3\xbc\xc3\x9f", "gr%C3%BC%C3%9F"},
		{"", ""},
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
	{
		Buf			path = {0};

		azure_append_path(&path, paths[i][0]);
		ok(strcmp(path.data == NULL ? "" : path.data, paths[i][1]) == 0, "path on the wire of row %zu", i);
		buf_free(&path);
	}
}

static void
test_query(void)
{
	static const AzurePair none[] = {{NULL, NULL}};
	static const AzurePair two[] = {{"blockid", "MDA+/w=="}, {"comp", "block"}, {NULL, NULL}};
	AzureRequest request = {.query = two};
	Buf			url = {0};

	azure_append_query(&url, &request, NULL);
	is_str(url.data, "?blockid=MDA%2B%2Fw%3D%3D&comp=block", "a query is encoded");
	buf_reset(&url);
	azure_append_query(&url, &request, "sv=1&sig=a%2B");
	is_str(url.data, "?blockid=MDA%2B%2Fw%3D%3D&comp=block&sv=1&sig=a%2B", "a shared access signature is appended");
	buf_reset(&url);
	request.query = none;
	azure_append_query(&url, &request, "sv=1");
	is_str(url.data, "?sv=1", "a shared access signature alone");
	buf_free(&url);
}

static void
test_date(void)
{
	char		date[64];

	azure_date(date, sizeof(date), WHEN);
	is_str(date, "Sun, 06 Nov 1994 08:49:37 GMT", "the date of RFC 7231");
	azure_date(date, sizeof(date), 1709164799);
	is_str(date, "Wed, 28 Feb 2024 23:59:59 GMT", "the day before a leap day");
	azure_date(date, sizeof(date), 1709164800);
	is_str(date, "Thu, 29 Feb 2024 00:00:00 GMT", "a leap day");
}

static void
test_signatures(void)
{
	static const AzurePair no_query[] = {{NULL, NULL}};
	static const AzurePair container_query[] = {{"restype", "container"}, {NULL, NULL}};
	static const AzurePair block_query[] = {{"blockid", "MDA="}, {"comp", "block"}, {NULL, NULL}};
	char		date[64];
	AzurePair	headers[] = {{"x-ms-date", date}, {"x-ms-version", AZURE_API_VERSION}, {NULL, NULL}};
	AzurePair	blob_headers[] = {{"x-ms-blob-type", "BlockBlob"}, {"x-ms-date", date},
	{"x-ms-version", AZURE_API_VERSION}, {NULL, NULL}};
	AzureAccount account;
	const char *problem;
	AzureRequest request = {.method = "PUT", .content_type = ""};

	azure_date(date, sizeof(date), WHEN);
	ok(azure_conn_parse(&account, "UseDevelopmentStorage=true", &problem), "the emulator's account");

	request.path = "/devstoreaccount1/backups/var/log/a%20b";
	request.content_length = 11;
	request.headers = blob_headers;
	request.query = no_query;
	test_vector(&account, &request, &(Vector) {"Put Blob",
				"PUT\n\n\n11\n\n\n\n\n\n\n\n\nx-ms-blob-type:BlockBlob\n" DATE_HEADER VERSION_HEADER
				"/devstoreaccount1/devstoreaccount1/backups/var/log/a%20b",
				"SharedKey devstoreaccount1:lSlEyR3mNsImiPZOge6RVYaV8HD/HL0FmQASntrn80U="});

	request.path = "/devstoreaccount1/backups";
	request.content_length = 0;
	request.headers = headers;
	request.query = container_query;
	test_vector(&account, &request, &(Vector) {"Create Container",
				"PUT\n\n\n\n\n\n\n\n\n\n\n\n" DATE_HEADER VERSION_HEADER
				"/devstoreaccount1/devstoreaccount1/backups\nrestype:container",
				"SharedKey devstoreaccount1:TcSWrvMHoJKbyLSzVond/jm+BJJ5zOmzP7O6Cb9Ti6M="});
	azure_conn_free(&account);

	ok(azure_conn_parse(&account, "AccountName=acct;AccountKey="
						"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
						&problem), "an account of its own");
	request.path = "/backups/x";
	request.content_length = 8388608;
	request.query = block_query;
	test_vector(&account, &request, &(Vector) {"Put Block",
				"PUT\n\n\n8388608\n\n\n\n\n\n\n\n\n" DATE_HEADER VERSION_HEADER
				"/acct/backups/x\nblockid:MDA=\ncomp:block",
				"SharedKey acct:00UTpotVjRFzjhK1EBREmIcYcFWXlA9pWrIt7Uxk39A="});
	azure_conn_free(&account);
}

static void
test_vector(const AzureAccount *account, const AzureRequest *request, const Vector *vector)
{
	Buf			text = {0};
	Buf			header = {0};

	azure_append_string_to_sign(&text, account, request);
	is_str(text.data, vector->text, "text to sign of %s", vector->name);
	ok(azure_append_authorization(&header, account, request), "%s is signed", vector->name);
	is_str(header.data, vector->signature, "signature of %s", vector->name);
	buf_free(&text);
	buf_free(&header);
}
