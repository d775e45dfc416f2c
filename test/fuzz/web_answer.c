/*
 * web_answer.c
 *		Answers: header lines, then a body, into a result without the secret.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_answer.h"

#include "fuzz.h"
#include "json.h"

static const char secret[] = "hunter2hunter2";

/* Lines up to an empty one are headers. */
FUZZ_TARGET(web_answer)
{
	char	   *bytes = fuzz_text(data, size);
	WebAnswer	answer = {.status = 200,.max_body = 1024};
	Buf			json = {0};
	size_t		at = 0;
	size_t		offset;

	while (at < size)
	{
		const char *end = memchr(bytes + at, '\n', size - at);
		size_t		length = end == NULL ? size - at : (size_t) (end - (bytes + at)) + 1;

		if (web_answer_take_header(bytes + at, 1, length, &answer) != length)
			break;
		at += length;
		if (length <= 2)
			break;
	}
	if (at < size)
		(void) web_answer_take_body(bytes + at, 1, size - at, &answer);
	FUZZ_HOLDS(answer.body.used <= answer.max_body);
	web_answer_redact(&answer, secret);
	web_answer_append_result(&answer, &json);
	FUZZ_HOLDS(json_is_valid(json.data, json.used, &offset));
	FUZZ_HOLDS(memmem(json.data, json.used, secret, strlen(secret)) == NULL);
	(void) web_answer_header(&answer, "content-type");
	buf_free(&json);
	web_answer_free(&answer);
	free(bytes);
}
