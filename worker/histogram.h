/*
 * histogram.h
 *		How long things took: counts by bucket, and their sum.
 *
 * A zeroed one is empty.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HISTOGRAM_H
#define PGDF_HISTOGRAM_H

#include <stdint.h>

#include "buf.h"

#define HISTOGRAM_BUCKETS 10

typedef struct Histogram
{
	int64_t		counts[HISTOGRAM_BUCKETS + 1];	/* not cumulated; the last has no bound */
	int64_t		sum_us;
} Histogram;

extern void histogram_add(Histogram *histogram, int64_t took_us);

/* Append it as Prometheus reads it: cumulated buckets, sum in seconds, count. */
extern void histogram_append(Buf *text, const char *name, const Histogram *histogram);

#endif							/* PGDF_HISTOGRAM_H */
