/*
 * histogram.c
 *		How long things took: counts by bucket, and their sum.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "histogram.h"

#include <stddef.h>

/* Upper bounds, in microseconds: a call of the engine is in the first ones, an activity in the last. */
static const int64_t bounds_us[HISTOGRAM_BUCKETS] = {
	1000, 5000, 20000, 100000, 500000, 2000000, 10000000, 60000000, 600000000, 3600000000
};

void
histogram_add(Histogram *histogram, int64_t took_us)
{
	size_t		bucket = 0;

	while (bucket < HISTOGRAM_BUCKETS && took_us > bounds_us[bucket])
		bucket++;
	histogram->counts[bucket]++;
	histogram->sum_us += took_us;
}

void
histogram_append(Buf *text, const char *name, const Histogram *histogram)
{
	int64_t		count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
	{
		count += histogram->counts[i];
		buf_append_format(text, "%s_bucket{le=\"%g\"} %lld\n", name, (double) bounds_us[i] / 1e6, (long long) count);
	}
	count += histogram->counts[HISTOGRAM_BUCKETS];
	buf_append_format(text, "%s_bucket{le=\"+Inf\"} %lld\n", name, (long long) count);
	buf_append_format(text, "%s_sum %.6f\n", name, (double) histogram->sum_us / 1e6);
	buf_append_format(text, "%s_count %lld\n", name, (long long) count);
}
