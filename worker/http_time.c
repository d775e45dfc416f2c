/*
 * http_time.c
 *		Dates and times in queries: ISO 8601.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_time.h"

#include <stdio.h>
#include <string.h>

#define MAX_FRACTION_DIGITS	9

typedef struct IsoTime
{
	int			year;
	int			month;
	int			day;
	int			hour;
	int			minute;
	int			second;
	int			micros;
	char		zone_sign;
	int			zone_hour;
	int			zone_minute;
} IsoTime;

static bool read_date(const char **text, IsoTime *time);
static bool read_clock(const char **text, IsoTime *time);
static bool read_fraction(const char **text, IsoTime *time);
static bool read_zone(const char **text, IsoTime *time);
static bool is_real(const IsoTime *time);
static bool read_digits(const char **text, int count, int *value);
static bool skip(const char **text, const char *allowed);

bool
http_time_parse(const char *text, char result[HTTP_TIME_SIZE])
{
	IsoTime		time = {.zone_sign = '+'};

	if (!read_date(&text, &time))
		return false;
	if (*text != '\0' &&
		(!skip(&text, "Tt ") || !read_clock(&text, &time) || !read_zone(&text, &time)))
		return false;
	if (*text != '\0' || !is_real(&time))
		return false;
	(void) snprintf(result, HTTP_TIME_SIZE, "%04d-%02d-%02d %02d:%02d:%02d.%06d%c%02d:%02d",
					time.year, time.month, time.day, time.hour, time.minute, time.second, time.micros,
					time.zone_sign, time.zone_hour, time.zone_minute);
	return true;
}

static bool
read_date(const char **text, IsoTime *time)
{
	return read_digits(text, 4, &time->year) && skip(text, "-") &&
		read_digits(text, 2, &time->month) && skip(text, "-") && read_digits(text, 2, &time->day);
}

static bool
read_clock(const char **text, IsoTime *time)
{
	if (!read_digits(text, 2, &time->hour) || !skip(text, ":") || !read_digits(text, 2, &time->minute))
		return false;
	if (!skip(text, ":"))
		return true;
	return read_digits(text, 2, &time->second) && read_fraction(text, time);
}

/* Digits beyond the sixth are cut off. */
static bool
read_fraction(const char **text, IsoTime *time)
{
	int			digits = 0;

	if (!skip(text, ".,"))
		return true;
	for (; **text >= '0' && **text <= '9'; (*text)++, digits++)
	{
		if (digits < 6)
			time->micros = time->micros * 10 + (**text - '0');
	}
	for (int i = digits; i < 6; i++)
		time->micros *= 10;
	return digits > 0 && digits <= MAX_FRACTION_DIGITS;
}

static bool
read_zone(const char **text, IsoTime *time)
{
	if (**text == '\0' || skip(text, "Zz"))
		return true;
	if (**text != '+' && **text != '-' && **text != ' ')
		return false;
	time->zone_sign = **text == '-' ? '-' : '+';
	(*text)++;
	if (!read_digits(text, 2, &time->zone_hour))
		return false;
	if (**text == '\0')
		return true;
	(void) skip(text, ":");
	return read_digits(text, 2, &time->zone_minute);
}

static bool
is_real(const IsoTime *time)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool		is_leap = (time->year % 4 == 0 && time->year % 100 != 0) || time->year % 400 == 0;

	if (time->year < 1 || time->month < 1 || time->month > 12 || time->day < 1)
		return false;
	if (time->day > days[time->month - 1] + (time->month == 2 && is_leap))
		return false;
	return time->hour <= 23 && time->minute <= 59 && time->second <= 59 &&
		time->zone_hour <= 14 && time->zone_minute <= 59;
}

static bool
read_digits(const char **text, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++)
	{
		if ((*text)[i] < '0' || (*text)[i] > '9')
			return false;
		*value = *value * 10 + ((*text)[i] - '0');
	}
	*text += count;
	return true;
}

/* Pass over one character, if it is one of these. */
static bool
skip(const char **text, const char *allowed)
{
	if (**text == '\0' || strchr(allowed, **text) == NULL)
		return false;
	(*text)++;
	return true;
}
