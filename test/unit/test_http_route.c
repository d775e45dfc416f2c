/*
 * test_http_route.c
 *		Verb and path find their route: literals case-insensitively, names as they
 *		are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_routes.h"

#include "tap.h"

#define BASE	"/runtime/webhooks/durabletask"
#define ADMIN	"/admin/extensions/DurableTaskExtension"

int
main(void)
{
	static const struct
	{
		const char *verb;
		const char *target;
		const char *pattern;	/* NULL: none */
		const char *first;		/* argument, or NULL */
		const char *second;
	}			cases[] = {
		{"POST", BASE "/orchestrators/Hello", "orchestrators/{}", "Hello", NULL},
		{"POST", BASE "/orchestrators/Hello/", "orchestrators/{}", "Hello", NULL},
		{"POST", BASE "/orchestrators/Hello/id", "orchestrators/{}/{}", "Hello", "id"},
		{"POST", BASE "/orchestrators/Hello/wait", "orchestrators/{}/{}", "Hello", "wait"},
		{"POST", "/orchestrators/Hello", "orchestrators/{}", "Hello", NULL},
		{"POST", "/api/orchestrators/Hello", "api/orchestrators/{}", "Hello", NULL},
		{"POST", "/orchestrators/Hello/wait", "orchestrators/{}/wait", "Hello", NULL},
		{"POST", "/orchestrators/Hello/id", NULL, NULL, NULL},
		{"POST", "/Orchestrators/HELLO", "orchestrators/{}", "HELLO", NULL},
		{"GET", BASE "/instances/x", "instances/{}", "x", NULL},
		{"HEAD", BASE "/instances/x", "instances/{}", "x", NULL},
		{"GET", "/RUNTIME/WebHooks/DurableTask/INSTANCES/X", "instances/{}", "X", NULL},
		{"GET", ADMIN "/instances/x", "instances/{}", "x", NULL},
		{"GET", "/admin/extensions/durabletaskextension/instances", "instances", NULL, NULL},
		{"GET", BASE "/instances/", "instances", NULL, NULL},
		{"GET", BASE "/instances//", NULL, NULL, NULL},
		{"POST", BASE "/instances/a%2Fb/terminate", "instances/{}/terminate", "a/b", NULL},
		{"POST", BASE "/instances/x/raiseevent/Go", "instances/{}/raiseEvent/{}", "x", "Go"},
		{"POST", BASE "/instances/x/raiseEvent/", NULL, NULL, NULL},
		{"POST", BASE "/instances//terminate", NULL, NULL, NULL},
		{"DELETE", BASE "/instances/x", "instances/{}", "x", NULL},
		{"DELETE", BASE "/instances", "instances", NULL, NULL},
		{"GET", BASE "/instances/x/terminate", NULL, NULL, NULL},
		{"PUT", BASE "/instances/x", NULL, NULL, NULL},
		{"get", BASE "/instances/x", NULL, NULL, NULL},
		{"HEAD", BASE "/orchestrators/x", NULL, NULL, NULL},
		{"OPTIONS", BASE "/instances/x", NULL, NULL, NULL},
		{"GET", "/instances/x", NULL, NULL, NULL},
		{"GET", BASE, NULL, NULL, NULL},
		{"GET", "/", NULL, NULL, NULL},
		{"GET", "/healthz", "healthz", NULL, NULL},
		{"GET", "/Metrics/", "metrics", NULL, NULL},
		{"GET", "/healthz/x", NULL, NULL, NULL},
		{"GET", BASE "/entities/counter/1", "entities/{}/{}", "counter", "1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HttpUri		uri;
		const char *args[HTTP_MAX_ARGS] = {"stale", "stale", "stale"};
		const HttpRoute *route;

		http_uri_parse(&uri, cases[i].target);
		route = http_routes_find(cases[i].verb, &uri, args);
		if (cases[i].pattern == NULL)
			ok(route == NULL, "%s %s: none", cases[i].verb, cases[i].target);
		else if (ok(route != NULL, "%s %s: found", cases[i].verb, cases[i].target))
		{
			is_str(route->pattern, cases[i].pattern, "%s %s: route", cases[i].verb, cases[i].target);
			ok((args[0] == NULL) == (cases[i].first == NULL) && (args[1] == NULL) == (cases[i].second == NULL),
			   "%s %s: as many names as it has", cases[i].verb, cases[i].target);
			if (cases[i].first != NULL)
				is_str(args[0], cases[i].first, "%s %s: first name", cases[i].verb, cases[i].target);
			if (cases[i].second != NULL)
				is_str(args[1], cases[i].second, "%s %s: second name", cases[i].verb, cases[i].target);
		}
		http_uri_free(&uri);
	}
	return done_testing();
}
