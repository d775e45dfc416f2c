/*
 * log.h
 *		The one logger: lines in PostgreSQL's style, or JSON, on standard error.
 *
 * Messages follow PostgreSQL's style: lower case, one line, no period; details
 * and hints are sentences.  Payloads, headers and passwords are never logged.
 * Each record is one write(), so threads may log too.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_LOG_H
#define PGDF_LOG_H

#include <stdbool.h>
#include <stdio.h>

typedef enum LogLevel
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR
} LogLevel;

typedef enum LogFormat
{
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON
} LogFormat;

/* Everything about a line but its message; unset fields are left out. */
typedef struct LogRecord
{
	LogLevel	level;
	const char *detail;
	const char *hint;
	const char *sqlstate;
	const char *instance_id;	/* the activity's prefix: instance, name, attempt */
	const char *activity;
	int			attempt;
} LogRecord;

extern void log_set_level(LogLevel level);
extern void log_set_format(LogFormat format);

/* Where lines go; standard error by default. */
extern void log_set_fd(int fd);
extern bool log_is_enabled(LogLevel level);

extern void log_write(const LogRecord *record, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)		log_write(&(LogRecord) {.level = LOG_LEVEL_ERROR}, __VA_ARGS__)
#define log_warning(...)	log_write(&(LogRecord) {.level = LOG_LEVEL_WARNING}, __VA_ARGS__)
#define log_info(...)		log_write(&(LogRecord) {.level = LOG_LEVEL_INFO}, __VA_ARGS__)
#define log_debug(...)		log_write(&(LogRecord) {.level = LOG_LEVEL_DEBUG}, __VA_ARGS__)

/* The same with a detail, and with a hint; NULL leaves it out. */
#define log_error_more(detail_, hint_, ...) \
	log_write(&(LogRecord) {.level = LOG_LEVEL_ERROR, .detail = (detail_), .hint = (hint_)}, __VA_ARGS__)
#define log_warning_more(detail_, hint_, ...) \
	log_write(&(LogRecord) {.level = LOG_LEVEL_WARNING, .detail = (detail_), .hint = (hint_)}, __VA_ARGS__)

#endif							/* PGDF_LOG_H */
