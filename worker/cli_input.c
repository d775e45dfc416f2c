/*
 * cli_input.c
 *		The input of a new instance: from the command line, a file or standard input.
 *
 * JSON goes to the server as the text it is.  It is checked here, so that a
 * word that was meant as text is refused with a hint and before connecting.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "cli_message.h"
#include "json.h"

#define READ_BYTES		65536

/* More than the server takes in one parameter is not worth reading. */
#define MAX_INPUT_BYTES	((size_t) 1 << 30)

/* So much of a wrong input is shown. */
#define SHOWN_BYTES		60

static bool source_is_single(const CliOptions *options, const char *argument);
static bool string_encode(const char *text, char **json);
static bool file_read(const char *path, Buf *buf);
static bool descriptor_read(int fd, const char *path, Buf *buf);

bool
cli_input_read(const CliOptions *options, const char *argument, char **json)
{
	Buf			buf = {0};

	*json = NULL;
	if (!source_is_single(options, argument))
		return false;
	if (options->string != NULL)
		return string_encode(options->string, json);
	if (options->input_file == NULL && argument == NULL)
		return true;

	if (argument != NULL)
		buf_append_text(&buf, argument);
	else if (!file_read(options->input_file, &buf))
	{
		buf_free(&buf);
		return false;
	}
	if (!cli_input_check(buf.data ? buf.data : "", buf.used, argument ? NULL : options->input_file))
	{
		buf_free(&buf);
		return false;
	}
	*json = buf_take(&buf);
	return true;
}

bool
cli_input_check(const char *text, size_t length, const char *source)
{
	size_t		offset;

	if (json_is_valid(text, length, &offset))
		return true;
	if (length == 0)
		cli_error("input is empty, which is not JSON");
	else if (source != NULL)
		cli_error("content of \"%s\" is not valid JSON at byte %zu",
				  strcmp(source, "-") == 0 ? "standard input" : source, offset + 1);
	else
		cli_error("input is not valid JSON: %.*s%s", SHOWN_BYTES, text, length > SHOWN_BYTES ? "..." : "");
	if (source != NULL)
		cli_hint("Input is JSON; a text is written in double quotes, or given with --string.");
	else
		cli_hint("Input is JSON, as '\"text\"', 42 or '{\"key\": [1, 2]}'; give a plain text with --string=TEXT.");
	return false;
}

char *
cli_input_tags(const StringList *tags)
{
	Buf			buf = {0};

	for (int i = 0; i < tags->count; i++)
	{
		const char *equals = strchr(tags->items[i], '=');

		buf_append_text(&buf, i == 0 ? "{" : ", ");
		json_append_string(&buf, tags->items[i], (size_t) (equals - tags->items[i]));
		buf_append_text(&buf, ": ");
		json_append_string(&buf, equals + 1, strlen(equals + 1));
	}
	if (tags->count == 0)
		return NULL;
	buf_append_text(&buf, "}");
	return buf_take(&buf);
}

static bool
source_is_single(const CliOptions *options, const char *argument)
{
	int			sources = (options->string != NULL) + (options->input_file != NULL) + (argument != NULL);

	if (sources <= 1)
		return true;
	cli_error("input is given twice");
	cli_detail("It is either an argument, or the value of --string, or the content of --input-file.");
	return false;
}

static bool
string_encode(const char *text, char **json)
{
	Buf			buf = {0};

	if (!json_utf8_is_valid(text, strlen(text)))
	{
		cli_error("value of option \"--string\" is not valid UTF-8");
		return false;
	}
	json_append_string(&buf, text, strlen(text));
	*json = buf_take(&buf);
	return true;
}

static bool
file_read(const char *path, Buf *buf)
{
	bool		ok;
	int			fd;

	if (strcmp(path, "-") == 0)
		return descriptor_read(STDIN_FILENO, "standard input", buf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
	{
		cli_error("could not open file \"%s\": %s", path, strerror(errno));
		return false;
	}
	ok = descriptor_read(fd, path, buf);
	close(fd);
	return ok;
}

static bool
descriptor_read(int fd, const char *path, Buf *buf)
{
	for (;;)
	{
		ssize_t		got = read(fd, buf_reserve(buf, READ_BYTES), READ_BYTES);

		if (got == 0)
			return true;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
		{
			cli_error("could not read \"%s\": %s", path, strerror(errno));
			return false;
		}
		buf->used += (size_t) got;
		buf->data[buf->used] = '\0';
		if (buf->used > MAX_INPUT_BYTES)
		{
			cli_error("\"%s\" is too large for an input", path);
			return false;
		}
	}
}
