/*
 * test_histogram.c
 *		A time is counted in the first bucket whose bound it does not pass.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "histogram.h"

#include "tap.h"

int
main(void)
{
	Histogram	histogram = {0};
	Buf			text = {0};

	histogram_append(&text, "empty", &histogram);
	ok(strstr(text.data, "empty_bucket{le=\"0.001\"} 0\n") == text.data, "the first bucket of an empty one");
	ok(strstr(text.data, "empty_sum 0.000000\nempty_count 0\n") != NULL, "sum and count of an empty one");

	histogram_add(&histogram, 0);
	histogram_add(&histogram, 1000);
	histogram_add(&histogram, 1001);
	histogram_add(&histogram, 2500000);
	histogram_add(&histogram, INT64_C(4000000000));
	buf_reset(&text);
	histogram_append(&text, "x", &histogram);
	is_str(text.data,
		   "x_bucket{le=\"0.001\"} 2\n"
		   "x_bucket{le=\"0.005\"} 3\n"
		   "x_bucket{le=\"0.02\"} 3\n"
		   "x_bucket{le=\"0.1\"} 3\n"
		   "x_bucket{le=\"0.5\"} 3\n"
		   "x_bucket{le=\"2\"} 3\n"
		   "x_bucket{le=\"10\"} 4\n"
		   "x_bucket{le=\"60\"} 4\n"
		   "x_bucket{le=\"600\"} 4\n"
		   "x_bucket{le=\"3600\"} 4\n"
		   "x_bucket{le=\"+Inf\"} 5\n"
		   "x_sum 4002.502001\n"
		   "x_count 5\n", "cumulated");
	buf_free(&text);
	return done_testing();
}
