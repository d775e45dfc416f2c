/*
 * noop.h
 *		The built-in activity noop.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_NOOP_H
#define PGDF_NOOP_H

#include "activity.h"

extern const ActivityType noop_type;

#endif							/* PGDF_NOOP_H */
