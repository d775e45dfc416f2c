/*
 * http_route.c
 *		Which handler a verb and a path belong to.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_route.h"

#include <string.h>
#include <strings.h>

static const char *const api_bases[] = {"runtime/webhooks/durabletask", "admin/extensions/DurableTaskExtension"};

static bool matches(const HttpRoute *route, const HttpUri *uri, const char *args[HTTP_MAX_ARGS]);
static bool matches_pattern(const char *pattern, char *const *segments, int count, const char *args[HTTP_MAX_ARGS]);
static int	segments_of(const char *pattern);

const HttpRoute *
http_route_find(const HttpRoute *routes, size_t count, const char *verb,
				const HttpUri *uri, const char *args[HTTP_MAX_ARGS])
{
	if (strcmp(verb, "HEAD") == 0)
		verb = "GET";
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(routes[i].verb, verb) == 0 && matches(&routes[i], uri, args))
			return &routes[i];
	}
	return NULL;
}

static bool
matches(const HttpRoute *route, const HttpUri *uri, const char *args[HTTP_MAX_ARGS])
{
	if (route->base == HTTP_AT_ROOT)
		return matches_pattern(route->pattern, uri->segments, uri->segment_count, args);
	for (size_t i = 0; i < sizeof(api_bases) / sizeof(api_bases[0]); i++)
	{
		int			skip = segments_of(api_bases[i]);
		const char *none[HTTP_MAX_ARGS];

		if (uri->segment_count >= skip && matches_pattern(api_bases[i], uri->segments, skip, none) &&
			matches_pattern(route->pattern, uri->segments + skip, uri->segment_count - skip, args))
			return true;
	}
	return false;
}

/* A {} takes any segment that is not empty. */
static bool
matches_pattern(const char *pattern, char *const *segments, int count, const char *args[HTTP_MAX_ARGS])
{
	int			arg_count = 0;

	memset(args, 0, sizeof(args[0]) * HTTP_MAX_ARGS);
	if (segments_of(pattern) != count)
		return false;
	for (int i = 0; i < count; i++)
	{
		size_t		length = strcspn(pattern, "/");

		if (length == 2 && strncmp(pattern, "{}", 2) == 0)
		{
			if (*segments[i] == '\0')
				return false;
			args[arg_count++] = segments[i];
		}
		else if (strlen(segments[i]) != length || strncasecmp(segments[i], pattern, length) != 0)
			return false;
		pattern += length + (pattern[length] == '/');
	}
	return true;
}

static int
segments_of(const char *pattern)
{
	int			count = *pattern != '\0';

	for (; *pattern != '\0'; pattern++)
		count += *pattern == '/';
	return count;
}
