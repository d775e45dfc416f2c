/*
 * http_api.h
 *		What the HTTP API is made of: functions df.api_* that act for a role and
 *		answer with HTTP's codes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_API_H
#define PGDF_HTTP_API_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

/* HTTP's codes, as far as the database decides them. */
typedef enum HttpCode
{
	HTTP_OK = 200,
	HTTP_ACCEPTED = 202,
	HTTP_BAD_REQUEST = 400,
	HTTP_FORBIDDEN = 403,
	HTTP_NOT_FOUND = 404,
	HTTP_CONFLICT = 409,
	HTTP_GONE = 410,
	HTTP_TOO_LARGE = 413
} HttpCode;

/*
 * The role that argument 0 names, NULL: the session user.  Error 42501 unless
 * both the session user and the current one are members of it: code that runs
 * with another role's rights in this session gets nothing by it.  function is the
 * public function that does the same; it also refuses turns and activities.
 */
extern Oid	pgdf_api_role(FunctionCallInfo fcinfo, const char *function);

/* May role call the public function of that name? */
extern bool pgdf_api_is_granted(Oid role, const char *function);

/* A text argument in CurrentMemoryContext, NULL when it is null. */
extern char *pgdf_api_string_arg(FunctionCallInfo fcinfo, int arg);

/* Which statuses a filter may name; an argument that is null names all of them. */
typedef enum StatusChoice
{
	CHOOSE_FINAL,
	CHOOSE_ANY
} StatusChoice;

/*
 * Numbers of the named statuses as smallint[]; other names are left out.  Without
 * any left, CHOOSE_ANY means all, and CHOOSE_FINAL none: *count is 0.
 */
extern Datum pgdf_api_statuses_arg(FunctionCallInfo fcinfo, int arg, StatusChoice choice,
								   int *count);

/* Append a row to the function's result. */
extern void pgdf_api_emit(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls);

/* Time as Durable Functions writes it, quoted: "2026-01-31T12:00:00Z". */
extern void pgdf_api_append_time(StringInfo buf, TimestampTz time);

typedef struct HistoryOptions
{
	bool		show_input;
	bool		show_output;
} HistoryOptions;

/* The array historyEvents of an instance.  Needs pgdf_enter() and SPI_connect(). */
extern void pgdf_api_append_history(StringInfo buf, int64 instance_key,
									const HistoryOptions *options);

#endif							/* PGDF_HTTP_API_H */
