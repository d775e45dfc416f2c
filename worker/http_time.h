/*
 * http_time.h
 *		Dates and times in queries: ISO 8601.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_TIME_H
#define PGDF_HTTP_TIME_H

#include <stdbool.h>

#define HTTP_TIME_SIZE 128

/*
 * Read "2026-11-23", "2026-11-23T05:17[:00[.1234567]][Z|+01:00|+0100|+01]", a
 * blank for the T, and write it as PostgreSQL reads a timestamptz.  Without a
 * zone it is UTC; a blank before a zone is a plus that was not encoded.  False:
 * this is no such time.
 */
extern bool http_time_parse(const char *text, char result[HTTP_TIME_SIZE]);

#endif							/* PGDF_HTTP_TIME_H */
