/*
 * noop.c
 *		The built-in activity noop: returns its input.  For tests and measurements.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "noop.h"

#include <string.h>

static void noop_start(Activity *activity);

const ActivityType noop_type = {"noop", noop_start, NULL, NULL};

static void
noop_start(Activity *activity)
{
	activity_complete(activity, activity->input, strlen(activity->input));
}
