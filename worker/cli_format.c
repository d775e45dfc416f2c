/*
 * cli_format.c
 *		How results are printed: aligned tables, one instance as a list of fields, JSON.
 *
 * What goes into a table may come from anybody's payload, so control characters
 * are shown as escapes and never reach the terminal.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_format.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli_message.h"
#include "json.h"
#include "xalloc.h"

/* Type OIDs; the system catalog's numbers never change. */
#define OID_BOOL	16
#define OID_INT8	20
#define OID_INT2	21
#define OID_INT4	23
#define OID_JSON	114
#define OID_FLOAT4	700
#define OID_FLOAT8	701
#define OID_NUMERIC	1700
#define OID_JSONB	3802

#define COLUMN_GAP	2

static bool column_is_number(const PGresult *result, int column);
static char *cell_text(const PGresult *result, int row, int column);
static int	column_width(const PGresult *result, int column);
static void cell_append(Buf *out, const char *text, int width, bool is_right);
static void line_finish(Buf *out, size_t start, int width);
static void text_append_visible(Buf *out, const char *text);
static wchar_t character_decode(const char *text, size_t length);
static int	character_width(const char *text, size_t length);
static json_object *value_object(const PGresult *result, int row, int column);
static int	verbatim_write(json_object *value, struct printbuf *out, int level, int flags);

void
cli_format_table(Buf *out, const PGresult *result, int width)
{
	int			ncolumns = PQnfields(result);
	int		   *widths = xcalloc((size_t) ncolumns + 1, sizeof(int));

	for (int column = 0; column < ncolumns; column++)
		widths[column] = column_width(result, column);

	/* row -1 is the heading */
	for (int row = -1; row < PQntuples(result); row++)
	{
		size_t		start = out->used;

		for (int column = 0; column < ncolumns; column++)
		{
			char	   *text = cell_text(result, row, column);

			if (column > 0)
				buf_append(out, "  ", COLUMN_GAP);
			cell_append(out, text, widths[column], column_is_number(result, column));
			free(text);
		}
		line_finish(out, start, width);
	}
	free(widths);
}

void
cli_format_fields(Buf *out, const PGresult *result, int row)
{
	int			width = 0;

	for (int column = 0; column < PQnfields(result); column++)
	{
		int			name_width = cli_format_width(PQfname(result, column));

		if (!PQgetisnull(result, row, column) && name_width > width)
			width = name_width;
	}
	for (int column = 0; column < PQnfields(result); column++)
	{
		char	   *label;
		char	   *text;

		if (PQgetisnull(result, row, column))
			continue;
		label = cli_format_label(PQfname(result, column));
		text = cell_text(result, row, column);
		cell_append(out, label, width + COLUMN_GAP, false);
		buf_append_text(out, text);
		buf_append_text(out, "\n");
		free(label);
		free(text);
	}
}

json_object *
cli_format_object(const PGresult *result, int row)
{
	json_object *object = json_object_new_object();

	for (int column = 0; column < PQnfields(result); column++)
	{
		char	   *key = cli_format_key(PQfname(result, column));

		json_object_object_add(object, key, value_object(result, row, column));
		free(key);
	}
	return object;
}

json_object *
cli_format_array(const PGresult *result)
{
	json_object *array = json_object_new_array();

	for (int row = 0; row < PQntuples(result); row++)
		json_object_array_add(array, cli_format_object(result, row));
	return array;
}

json_object *
cli_format_verbatim(const char *text)
{
	json_object *value;

	if (text == NULL)
		return NULL;
	value = json_object_new_string(text);
	json_object_set_serializer(value, verbatim_write, NULL, NULL);
	return value;
}

char *
cli_format_heading(const char *name)
{
	char	   *heading = xstrdup(name);

	for (char *at = heading; *at != '\0'; at++)
		*at = *at == '_' ? ' ' : (char) toupper((unsigned char) *at);
	return heading;
}

char *
cli_format_label(const char *name)
{
	char	   *label = xstrdup(name);

	for (char *at = label; *at != '\0'; at++)
	{
		if (*at == '_')
			*at = ' ';
	}
	*label = (char) toupper((unsigned char) *label);
	return label;
}

char *
cli_format_key(const char *name)
{
	char	   *key = xstrdup(name);
	char	   *end = key;

	for (; *name != '\0'; name++)
	{
		if (*name == '_' && name[1] != '\0')
			*end++ = (char) toupper((unsigned char) *++name);
		else
			*end++ = *name;
	}
	*end = '\0';
	return key;
}

int
cli_format_width(const char *text)
{
	size_t		left = strlen(text);
	int			width = 0;

	while (left > 0)
	{
		size_t		length = json_utf8_length(text, left);

		if (length == 0)
			length = 1;
		width += character_width(text, length);
		text += length;
		left -= length;
	}
	return width;
}

PGresult *
cli_rows_append(PGresult *rows, const PGresult *more)
{
	PGresult   *all = more == NULL ? NULL : PQcopyResult(rows, PG_COPYRES_ATTRS | PG_COPYRES_TUPLES);
	int			first = PQntuples(rows);

	PQclear(rows);
	for (int row = 0; all != NULL && row < PQntuples(more); row++)
	{
		for (int column = 0; column < PQnfields(more); column++)
		{
			char	   *value = PQgetisnull(more, row, column) ? NULL : PQgetvalue(more, row, column);

			if (PQsetvalue(all, first + row, column, value, value ? PQgetlength(more, row, column) : -1))
				continue;
			cli_error("out of memory");
			PQclear(all);
			return NULL;
		}
	}
	return all;
}

void
cli_print_table(const PGresult *result)
{
	Buf			out = {0};

	cli_format_table(&out, result, cli_terminal_width(stdout));
	fwrite(out.data, 1, out.used, stdout);
	buf_free(&out);
}

void
cli_print_fields(const PGresult *result, int row)
{
	Buf			out = {0};

	cli_format_fields(&out, result, row);
	fwrite(out.data, 1, out.used, stdout);
	buf_free(&out);
}

void
cli_print_json(json_object *value)
{
	puts(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
										| JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(value);
}

int
cli_terminal_width(FILE *stream)
{
	struct winsize size;

	if (!isatty(fileno(stream)))
		return 0;
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static bool
column_is_number(const PGresult *result, int column)
{
	switch (PQftype(result, column))
	{
		case OID_INT2:
		case OID_INT4:
		case OID_INT8:
		case OID_FLOAT4:
		case OID_FLOAT8:
		case OID_NUMERIC:
			return true;
	}
	return false;
}

/* What is shown in a table: the heading for row -1, a blank for NULL.  The caller frees it. */
static char *
cell_text(const PGresult *result, int row, int column)
{
	Buf			text = {0};

	if (row < 0)
		return cli_format_heading(PQfname(result, column));
	if (PQftype(result, column) == OID_BOOL && !PQgetisnull(result, row, column))
		buf_append_text(&text, *PQgetvalue(result, row, column) == 't' ? "yes" : "no");
	else
		text_append_visible(&text, PQgetvalue(result, row, column));
	return buf_take(&text);
}

static int
column_width(const PGresult *result, int column)
{
	int			widest = 0;

	for (int row = -1; row < PQntuples(result); row++)
	{
		char	   *text = cell_text(result, row, column);
		int			width = cli_format_width(text);

		if (width > widest)
			widest = width;
		free(text);
	}
	return widest;
}

static void
cell_append(Buf *out, const char *text, int width, bool is_right)
{
	int			padding = width - cli_format_width(text);

	if (!is_right)
		buf_append_text(out, text);
	for (int i = 0; i < padding; i++)
		buf_append(out, " ", 1);
	if (is_right)
		buf_append_text(out, text);
}

/* End the line that begins at start: without trailing blanks, cut to the terminal's width. */
static void
line_finish(Buf *out, size_t start, int width)
{
	size_t		at = start;
	int			used = 0;

	while (out->used > start && out->data[out->used - 1] == ' ')
		out->used--;
	while (width > 0 && at < out->used)
	{
		size_t		length = json_utf8_length(out->data + at, out->used - at);

		if (length == 0)
			length = 1;
		used += character_width(out->data + at, length);
		if (used > width)
			out->used = at;
		at += length;
	}
	buf_append(out, "\n", 1);
}

/* Control characters (C0, DEL, C1) as escapes; everything else as it is. */
static void
text_append_visible(Buf *out, const char *text)
{
	size_t		left = strlen(text);

	while (left > 0)
	{
		size_t		length = json_utf8_length(text, left);
		wchar_t		character = length == 0 ? (wchar_t) (unsigned char) *text : character_decode(text, length);

		if (length == 0)
			length = 1;
		if (character == L'\n')
			buf_append_text(out, "\\n");
		else if (character == L'\t')
			buf_append_text(out, "\\t");
		else if (character < 0x20 || (character >= 0x7f && character < 0xa0))
			buf_append_format(out, "\\u%04x", (unsigned int) character);
		else
			buf_append(out, text, length);
		text += length;
		left -= length;
	}
}

/* The code point of one valid UTF-8 character. */
static wchar_t
character_decode(const char *text, size_t length)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	wchar_t		character = (unsigned char) *text & masks[length];

	for (size_t i = 1; i < length; i++)
		character = (character << 6) | ((unsigned char) text[i] & 0x3f);
	return character;
}

/* What the C library does not know (in the C locale: all but ASCII) counts as one column. */
static int
character_width(const char *text, size_t length)
{
	int			width = wcwidth(character_decode(text, length));

	return width < 0 ? 1 : width;
}

static json_object *
value_object(const PGresult *result, int row, int column)
{
	const char *text = PQgetvalue(result, row, column);
	Oid			type = PQftype(result, column);

	if (PQgetisnull(result, row, column))
		return NULL;
	if (type == OID_BOOL)
		return json_object_new_boolean(*text == 't');
	if (type == OID_JSON || type == OID_JSONB || column_is_number(result, column))
		return cli_format_verbatim(text);
	return json_object_new_string(text);
}

/* json-c's serializer of cli_format_verbatim(). */
static int
verbatim_write(json_object *value, struct printbuf *out, int level, int flags)
{
	return printbuf_memappend(out, json_object_get_string(value), json_object_get_string_len(value));
}
