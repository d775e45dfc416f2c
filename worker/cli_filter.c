/*
 * cli_filter.c
 *		Which instances: the filters that subcommands share, as bound parameters.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_filter.h"

#include <stdlib.h>

#include "buf.h"
#include "cli_input.h"

static char *array_text(const StringList *list);

void
cli_filter_init(CliFilter *filter, const CliOptions *options)
{
	*filter = (CliFilter) {
		.name = options->name,
		.statuses = array_text(&options->statuses),
		.tags = cli_input_tags(&options->tags),
		.older_than = options->older_than
	};
}

void
cli_filter_free(CliFilter *filter)
{
	free(filter->statuses);
	free(filter->tags);
	*filter = (CliFilter) {0};
}

bool
cli_filter_is_empty(const CliFilter *filter)
{
	return filter->name == NULL && filter->statuses == NULL && filter->tags == NULL && filter->older_than == NULL;
}

void
cli_filter_bind(const CliFilter *filter, const char **values)
{
	values[0] = filter->name;
	values[1] = filter->statuses;
	values[2] = filter->tags;
	values[3] = filter->older_than;
}

/* The items are names of statuses, which need no quotes. */
static char *
array_text(const StringList *list)
{
	Buf			buf = {0};

	for (int i = 0; i < list->count; i++)
	{
		buf_append_text(&buf, i == 0 ? "{" : ",");
		buf_append_text(&buf, list->items[i]);
	}
	if (list->count == 0)
		return NULL;
	buf_append_text(&buf, "}");
	return buf_take(&buf);
}
