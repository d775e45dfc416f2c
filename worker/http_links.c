/*
 * http_links.c
 *		The URLs that clients go on with.
 *
 * What a request said of task hub, connection and key is repeated, so that its
 * links work as it did.  A key that came in a header is not put into them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_links.h"

#include <stdlib.h>
#include <string.h>

#include "http_exchange.h"
#include "json.h"
#include "xalloc.h"

#define BASE	"/runtime/webhooks/durabletask/instances/"

/* Clients need not ask sooner. */
#define RETRY_AFTER_START	"10"

/* In the order in which they are answered; {eventName} and {text} are for the client to fill in. */
static const struct
{
	const char *name;
	const char *suffix;
	const char *query;
}			links[] = {
	{"statusQueryGetUri", "", NULL},
	{"sendEventPostUri", "/raiseEvent/{eventName}", NULL},
	{"terminatePostUri", "/terminate", "reason={text}"},
	{"purgeHistoryDeleteUri", "", NULL},
	{"restartPostUri", "/restart", NULL},
	{"suspendPostUri", "/suspend", "reason={text}"},
	{"resumePostUri", "/resume", "reason={text}"},
	{"rewindPostUri", "/rewind", "reason={text}"},
};

static void append_field(Buf *buf, const HttpExchange *x, const char *key, char *separator);

void
http_links_answer(HttpExchange *x, const char *instance_id)
{
	Buf			body = {0};
	Buf			url = {0};

	http_links_append(&url, x, instance_id, "", NULL);
	exchange_add_header(x, "Location", url.data);
	exchange_add_header(x, "Retry-After", RETRY_AFTER_START);

	buf_append_text(&body, "{\"id\":");
	json_append_string(&body, instance_id, strlen(instance_id));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
	{
		buf_reset(&url);
		http_links_append(&url, x, instance_id, links[i].suffix, links[i].query);
		buf_append_format(&body, ",\"%s\":", links[i].name);
		json_append_string(&body, url.data, url.used);
	}
	buf_append_text(&body, "}");
	exchange_answer_json(x, 202, body.data, body.used);
	buf_free(&body);
	buf_free(&url);
}

char *
http_links_own(const HttpExchange *x)
{
	return xasprintf("%s%s", x->origin, x->uri.target);
}

void
http_links_append(Buf *buf, const HttpExchange *x, const char *instance_id, const char *suffix, const char *query)
{
	char		separator = '?';

	buf_append_text(buf, x->origin);
	buf_append_text(buf, BASE);
	http_uri_append(buf, instance_id);
	buf_append_text(buf, suffix);
	if (query != NULL)
	{
		buf_append_format(buf, "?%s", query);
		separator = '&';
	}
	append_field(buf, x, "taskHub", &separator);
	append_field(buf, x, "connection", &separator);
	append_field(buf, x, "code", &separator);
}

static void
append_field(Buf *buf, const HttpExchange *x, const char *key, char *separator)
{
	const char *value = http_uri_field(&x->uri, key);

	if (value == NULL)
		return;
	buf_append_format(buf, "%c%s=", *separator, key);
	http_uri_append(buf, value);
	*separator = '&';
}
