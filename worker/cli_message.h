/*
 * cli_message.h
 *		What the client says on stderr, in the form of PostgreSQL's own client programs.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_MESSAGE_H
#define PGDF_CLI_MESSAGE_H

#include <libpq-fe.h>

/* "pgdf: error: ...", lower case, no period; then optional facts and advice as full sentences. */
extern void cli_error(const char *format,...) __attribute__((format(printf, 1, 2)));
extern void cli_detail(const char *format,...) __attribute__((format(printf, 1, 2)));
extern void cli_hint(const char *format,...) __attribute__((format(printf, 1, 2)));

/* "pgdf: ...": something worth knowing that is not an error. */
extern void cli_notice(const char *format,...) __attribute__((format(printf, 1, 2)));

/* An error the server sent: message with SQLSTATE, detail and hint. */
extern void cli_server_error(const PGresult *result);

/* An error of the connection itself: libpq's text without its newline. */
extern void cli_connection_error(const PGconn *conn);

#endif							/* PGDF_CLI_MESSAGE_H */
