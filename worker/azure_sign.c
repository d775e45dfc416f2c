/*
 * azure_sign.c
 *		Requests of Azure Blob Storage: their URL, and their SharedKey signature.
 *
 * The signature is a HMAC-SHA256, with the account's key, of a text that holds
 * the method, some standard headers (of which we send two), all x-ms- headers,
 * and the resource with its query.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_sign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base64.h"

static void append_encoded(Buf *buf, const char *text, const char *kept);

void
azure_append_path(Buf *path, const char *name)
{
	append_encoded(path, name, "-._~/");
}

void
azure_append_query(Buf *url, const AzureRequest *request, const char *sas)
{
	const char *separator = "?";

	for (const AzurePair *pair = request->query; pair->name != NULL; pair++)
	{
		buf_append_format(url, "%s%s=", separator, pair->name);
		append_encoded(url, pair->value, "-._~");
		separator = "&";
	}
	if (sas != NULL)
		buf_append_format(url, "%s%s", separator, sas);
}

/* RFC 3986: letters, digits and what is kept stand for themselves, any other byte is %XX. */
static void
append_encoded(Buf *buf, const char *text, const char *kept)
{
	for (const char *at = text; *at != '\0'; at++)
	{
		unsigned char byte = (unsigned char) *at;
		bool		is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
			(byte >= '0' && byte <= '9') || strchr(kept, byte) != NULL;

		if (is_plain)
			buf_append(buf, at, 1);
		else
			buf_append_format(buf, "%%%02X", byte);
	}
}

/* Not strftime(), whose names of days and months follow the locale. */
void
azure_date(char *text, size_t size, time_t when)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm	utc;

	gmtime_r(&when, &utc);
	snprintf(text, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday], utc.tm_mday,
			 months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

void
azure_append_string_to_sign(Buf *text, const AzureAccount *account, const AzureRequest *request)
{
	buf_append_format(text, "%s\n\n\n", request->method);	/* Content-Encoding, Content-Language */
	if (request->content_length > 0)
		buf_append_format(text, "%" PRId64, request->content_length);
	buf_append_format(text, "\n\n%s\n", request->content_type); /* Content-MD5 is empty */
	buf_append_text(text, "\n\n\n\n\n\n");	/* Date, four conditions, Range */

	for (const AzurePair *pair = request->headers; pair->name != NULL; pair++)
		buf_append_format(text, "%s:%s\n", pair->name, pair->value);

	buf_append_format(text, "/%s%s", account->name, request->path);
	for (const AzurePair *pair = request->query; pair->name != NULL; pair++)
		buf_append_format(text, "\n%s:%s", pair->name, pair->value);
}

bool
azure_append_authorization(Buf *header, const AzureAccount *account, const AzureRequest *request)
{
	unsigned char signature[EVP_MAX_MD_SIZE];
	unsigned	length = 0;
	Buf			text = {0};
	bool		ok;

	azure_append_string_to_sign(&text, account, request);
	ok = HMAC(EVP_sha256(), account->key, (int) account->key_length, (const unsigned char *) text.data, text.used,
			  signature, &length) != NULL;
	buf_free(&text);
	if (!ok)
		return false;
	buf_append_format(header, "SharedKey %s:", account->name);
	base64_append(header, signature, length);
	return true;
}
