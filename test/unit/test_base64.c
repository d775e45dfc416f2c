/*
 * test_base64.c
 *		Base 64: the vectors of RFC 4648, strictness, any bytes there and back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base64.h"

#include <string.h>

#include "buf.h"
#include "tap.h"

static const struct
{
	const char *bytes;
	const char *text;
}			vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"/\xff\xfe\xfd", "L//+/Q=="},
};

static const char *const refused[] = {
	"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm=v", "Zg==Zg==", "Zm9v\n", " Zm9", "Zm-_", "Zm9\xff",
};

int
main(void)
{
	Buf			buf = {0};
	unsigned char all[256];
	bool		good = true;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
	{
		buf_reset(&buf);
		base64_append(&buf, vectors[i].bytes, strlen(vectors[i].bytes));
		ok(buf.used == strlen(vectors[i].text) && (buf.used == 0 || strcmp(buf.data, vectors[i].text) == 0),
		   "encodes row %zu", i);
		buf_reset(&buf);
		ok(base64_decode(&buf, vectors[i].text, strlen(vectors[i].text)) &&
		   buf.used == strlen(vectors[i].bytes) &&
		   (buf.used == 0 || memcmp(buf.data, vectors[i].bytes, buf.used) == 0), "decodes row %zu", i);
	}

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		buf_reset(&buf);
		buf_append_text(&buf, "kept");
		ok(!base64_decode(&buf, refused[i], strlen(refused[i])) && buf.used == 4, "refuses row %zu", i);
	}

	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char) i;
	for (size_t length = 0; length <= 256; length++)
	{
		Buf			text = {0};

		buf_reset(&buf);
		base64_append(&text, all, length);
		good &= base64_decode(&buf, text.data == NULL ? "" : text.data, text.used) && buf.used == length;
		good &= length == 0 || memcmp(buf.data, all, length) == 0;
		buf_free(&text);
	}
	ok(good, "any bytes come back");
	buf_free(&buf);
	return done_testing();
}
