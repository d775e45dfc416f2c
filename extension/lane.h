/*
 * lane.h
 *		Does anything wait in a lane?
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_LANE_H
#define PGDF_LANE_H

#include "postgres.h"

/* Lanes that are to be looked at: the index they are found by, open. */
typedef struct LaneScan LaneScan;

extern LaneScan *pgdf_lane_scan_begin(void);

/* Is a task queued in this lane, as far as this transaction sees?  Any priority. */
extern bool pgdf_lane_has_tasks(LaneScan *scan, const char *queue, const char *lane);

extern void pgdf_lane_scan_end(LaneScan *scan);

/* The same for one lane. */
extern bool pgdf_lane_is_empty(const char *queue, const char *lane);

#endif							/* PGDF_LANE_H */
