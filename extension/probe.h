/*
 * probe.h
 *		Is there anything for a statement to do?  Asked of an index, without a plan.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PROBE_H
#define PGDF_PROBE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Tables are those of schema df; what is looked at is as it is now (newest snapshot). */

/* Is there a row whose first column of that index, a bigint, is so large or larger? */
extern bool pgdf_probe_from(const char *table, const char *index, int64 from);

/* Is there a row that has this in the first column of that index, a bigint? */
extern bool pgdf_probe_key(const char *table, const char *index, int64 key);

/* Is there a row whose first column of that index, a timestamptz, is not later? */
extern bool pgdf_probe_until(const char *table, const char *index, TimestampTz until);

/*
 * A column of an oid's length in the row whose first column of that index is key;
 * InvalidOid when there is none.
 */
extern Oid	pgdf_probe_oid(const char *table, const char *index, int64 key, const char *column);

#endif							/* PGDF_PROBE_H */
