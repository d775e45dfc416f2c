/*
 * log.c
 *		The one logger: lines in PostgreSQL's style, or JSON, on standard error.
 *
 * A record is built in memory and written with one write(), so that lines of
 * several threads do not mix.  Control characters never reach the terminal.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "json.h"
#include "xalloc.h"

static LogLevel log_level = LOG_LEVEL_INFO;
static LogFormat log_format = LOG_FORMAT_TEXT;
static int	log_fd = STDERR_FILENO;

static const char *const level_words[] = {
	[LOG_LEVEL_DEBUG] = "DEBUG",
	[LOG_LEVEL_INFO] = "INFO",
	[LOG_LEVEL_WARNING] = "WARNING",
	[LOG_LEVEL_ERROR] = "ERROR",
};

static const char *const level_keys[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

static void format_timestamp(char *text, size_t size, char separator, const char *zone);
static void append_text_record(Buf *line, const LogRecord *record, const char *message);
static void append_text_line(Buf *line, const char *prefix, const char *word, const char *text);
static void append_json_record(Buf *line, const LogRecord *record, const char *message);
static void append_json_member(Buf *line, const char *key, const char *value);
static void write_all(const char *bytes, size_t length);

void
log_set_level(LogLevel level)
{
	log_level = level;
}

void
log_set_format(LogFormat format)
{
	log_format = format;
}

void
log_set_fd(int fd)
{
	log_fd = fd;
}

bool
log_is_enabled(LogLevel level)
{
	return level >= log_level;
}

void
log_write(const LogRecord *record, const char *format, ...)
{
	Buf			line = {0};
	va_list		args;
	char	   *message;
	int			saved_errno = errno;

	if (!log_is_enabled(record->level))
		return;

	va_start(args, format);
	message = xvasprintf(format, args);
	va_end(args);

	if (log_format == LOG_FORMAT_JSON)
		append_json_record(&line, record, message);
	else
		append_text_record(&line, record, message);
	write_all(line.data, line.used);

	buf_free(&line);
	free(message);
	errno = saved_errno;
}

static void
format_timestamp(char *text, size_t size, char separator, const char *zone)
{
	struct timespec now;
	struct tm	parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	snprintf(text, size, "%04d-%02d-%02d%c%02d:%02d:%02d.%03ld%s",
			 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, separator,
			 parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec / 1000000, zone);
}

/* "2026-11-23 04:05:06.789 UTC [4711] WARNING:  message", then detail and hint alike. */
static void
append_text_record(Buf *line, const LogRecord *record, const char *message)
{
	char		timestamp[96];
	Buf			prefix = {0};
	Buf			context = {0};

	format_timestamp(timestamp, sizeof(timestamp), ' ', " UTC");
	buf_append_format(&prefix, "%s [%d] ", timestamp, (int) getpid());

	if (record->instance_id != NULL)
		buf_append_format(&context, "instance \"%s\"", record->instance_id);
	if (record->activity != NULL)
		buf_append_format(&context, "%sactivity \"%s\" attempt %d", context.used > 0 ? " " : "",
						  record->activity, record->attempt);
	if (context.used > 0)
		buf_append_text(&context, ": ");
	buf_append_text(&context, message);

	append_text_line(line, prefix.data, level_words[record->level], context.data);
	if (record->detail != NULL)
		append_text_line(line, prefix.data, "DETAIL", record->detail);
	if (record->sqlstate != NULL)
		append_text_line(line, prefix.data, "SQLSTATE", record->sqlstate);
	if (record->hint != NULL)
		append_text_line(line, prefix.data, "HINT", record->hint);

	buf_free(&context);
	buf_free(&prefix);
}

/* One line; a line break in the text becomes a tab-indented line, as PostgreSQL has it. */
static void
append_text_line(Buf *line, const char *prefix, const char *word, const char *text)
{
	size_t		length = strlen(text);

	while (length > 0 && text[length - 1] == '\n')
		length--;

	buf_append_format(line, "%s%s:  ", prefix, word);
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '\n')
			buf_append_text(line, text[i + 1] == '\t' ? "\n" : "\n\t");
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			buf_append_format(line, "\\x%02x", c);
		else
			buf_append(line, text + i, 1);
	}
	buf_append_text(line, "\n");
}

static void
append_json_record(Buf *line, const LogRecord *record, const char *message)
{
	char		timestamp[96];

	format_timestamp(timestamp, sizeof(timestamp), 'T', "Z");
	buf_append_format(line, "{\"timestamp\":\"%s\",\"pid\":%d,\"level\":\"%s\"",
					  timestamp, (int) getpid(), level_keys[record->level]);
	append_json_member(line, "message", message);
	append_json_member(line, "detail", record->detail);
	append_json_member(line, "hint", record->hint);
	append_json_member(line, "sqlstate", record->sqlstate);
	append_json_member(line, "instance_id", record->instance_id);
	append_json_member(line, "activity", record->activity);
	if (record->activity != NULL)
		buf_append_format(line, ",\"attempt\":%d", record->attempt);
	buf_append_text(line, "}\n");
}

static void
append_json_member(Buf *line, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_append_format(line, ",\"%s\":", key);
	json_append_string(line, value, strlen(value));
}

/* A log that cannot be written must not stop the work. */
static void
write_all(const char *bytes, size_t length)
{
	while (length > 0)
	{
		ssize_t		written = write(log_fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		length -= (size_t) written;
	}
}
