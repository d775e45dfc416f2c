/*
 * http_list.c
 *		List and purge instances.
 *
 * A value of a filter that cannot be read is treated as absent.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_exchange.h"
#include "http_routes.h"
#include "http_time.h"
#include "xalloc.h"

#define TOKEN_HEADER	"x-ms-continuation-token"

#define DEFAULT_TOP		100
#define MAX_TOP			1000

static void listed(HttpExchange *x, const PGresult *rows);
static void purged(HttpExchange *x, const PGresult *rows);
static const char *time_field(HttpExchange *x, const char *key);
static void add_statuses(HttpExchange *x, DbParams *params);
static void add_names(PgArray *array, const char *text);

void
http_list(HttpExchange *x)
{
	DbParams   *params = exchange_params(x);
	const char *tag = http_uri_field(&x->uri, "tag");
	const char *colon = tag != NULL ? strchr(tag, ':') : NULL;
	char	   *tag_key = colon != NULL ? xstrndup(tag, (size_t) (colon - tag)) : NULL;

	db_param_text(params, PG_TEXT_OID, http_uri_field(&x->uri, "instanceIdPrefix"));
	db_param_text(params, PG_TIMESTAMPTZ_OID, time_field(x, "createdTimeFrom"));
	db_param_text(params, PG_TIMESTAMPTZ_OID, time_field(x, "createdTimeTo"));
	add_statuses(x, params);
	db_param_text(params, PG_TEXT_OID, http_uri_field(&x->uri, "name"));
	db_param_text(params, PG_TEXT_OID, exchange_keep(x, tag_key));
	db_param_text(params, PG_TEXT_OID, colon != NULL ? colon + 1 : NULL);
	free(tag_key);
	db_param_bool(params, http_uri_flag(&x->uri, "showInput", true));
	db_param_int4(params, http_uri_int(&x->uri, "top", 1, MAX_TOP, DEFAULT_TOP));
	db_param_text(params, PG_TEXT_OID, exchange_header(x, TOKEN_HEADER));
	exchange_query(x, "SELECT body, token FROM df.api_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", listed);
}

void
http_purge(HttpExchange *x)
{
	DbParams   *params = exchange_params(x);

	db_param_text(params, PG_TEXT_OID, x->args[0]);
	exchange_query(x, "SELECT code, deleted, message FROM df.api_purge($1, $2)", purged);
}

void
http_purge_list(HttpExchange *x)
{
	DbParams   *params = exchange_params(x);
	db_param_text(params, PG_TIMESTAMPTZ_OID, time_field(x, "createdTimeFrom"));
	db_param_text(params, PG_TIMESTAMPTZ_OID, time_field(x, "createdTimeTo"));
	add_statuses(x, params);
	exchange_query(x, "SELECT code, deleted, message FROM df.api_purge_list($1, $2, $3, $4)", purged);
}

static void
listed(HttpExchange *x, const PGresult *rows)
{
	const char *body = db_text(rows, 0, 0);
	const char *token = db_text(rows, 0, 1);

	if (token != NULL)
		exchange_add_header(x, TOKEN_HEADER, token);
	exchange_answer_json(x, 200, body, strlen(body));
}

static void
purged(HttpExchange *x, const PGresult *rows)
{
	int			code = (int) db_int8(rows, 0, 0);
	char	   *body;

	if (code != 200)
	{
		exchange_answer_code(x, code, db_text(rows, 0, 2));
		return;
	}
	body = xasprintf("{\"instancesDeleted\":%lld}", (long long) db_int8(rows, 0, 1));
	exchange_answer_json(x, 200, body, strlen(body));
	free(body);
}

static const char *
time_field(HttpExchange *x, const char *key)
{
	const char *value = http_uri_field(&x->uri, key);
	char		time[HTTP_TIME_SIZE];

	return value != NULL && http_time_parse(value, time) ? exchange_keep(x, time) : NULL;
}

/* All fields of that name together; none of them: NULL. */
static void
add_statuses(HttpExchange *x, DbParams *params)
{
	for (int i = 0; i < x->uri.field_count; i++)
	{
		if (strcasecmp(x->uri.fields[i].key, "runtimeStatus") != 0)
			continue;
		if (!x->has_array)
			pgarray_begin(&x->array, PG_TEXT_OID);
		x->has_array = true;
		add_names(&x->array, x->uri.fields[i].value);
	}
	if (!x->has_array)
	{
		db_param_text(params, PG_TEXT_ARRAY_OID, NULL);
		return;
	}
	pgarray_finish(&x->array);
	db_param_array(params, &x->array);
}

static void
add_names(PgArray *array, const char *text)
{
	for (;;)
	{
		size_t		length = strcspn(text, ",");
		const char *start = text + strspn(text, " ");
		const char *end = text + length;

		while (end > start && end[-1] == ' ')
			end--;
		if (end > start)
			pgarray_add_text(array, start, (size_t) (end - start));
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
}
