/*
 * cli_message.c
 *		What the client says on stderr, in the form of PostgreSQL's own client programs.
 *
 * The client does not use the daemon's logger: its messages are for the person
 * at the terminal and carry no time stamp.  stdout is kept for results.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void message_write(const char *label, const char *format, va_list args)
			__attribute__((format(printf, 2, 0)));

void
cli_error(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	message_write("error: ", format, args);
	va_end(args);
}

void
cli_detail(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	message_write("detail: ", format, args);
	va_end(args);
}

void
cli_hint(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	message_write("hint: ", format, args);
	va_end(args);
}

void
cli_notice(const char *format,...)
{
	va_list		args;

	va_start(args, format);
	message_write("", format, args);
	va_end(args);
}

void
cli_server_error(const PGresult *result)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);

	/* errors that libpq makes itself have neither fields nor a SQLSTATE */
	if (message == NULL)
		message = PQresultErrorMessage(result);
	if (sqlstate != NULL)
		cli_error("%s (SQLSTATE %s)", message, sqlstate);
	else
		cli_error("%.*s", (int) strcspn(message, "\n"), message);
	if (detail != NULL)
		cli_detail("%s", detail);
	if (hint != NULL)
		cli_hint("%s", hint);
}

void
cli_connection_error(const PGconn *conn)
{
	const char *text = PQerrorMessage(conn);
	size_t		length = strlen(text);

	while (length > 0 && text[length - 1] == '\n')
		length--;
	if (length == 0)
		cli_error("could not connect to server");
	else
		cli_error("%.*s", (int) length, text);
}

static void
message_write(const char *label, const char *format, va_list args)
{
	fprintf(stderr, "pgdf: %s", label);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}
