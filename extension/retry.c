/*
 * retry.c
 *		Retry policies: reading them, and deciding about the next attempt.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "payload.h"
#include "retry.h"

#define MS_PER_SECOND		1000.0
#define SECONDS_MAX			(100.0 * 365 * 24 * 3600)	/* a century */
#define ATTEMPTS_MAX		32767 /* what df.tasks.attempts counts to */
#define BACKOFF_MAX			1000.0

typedef enum RetryField
{
	FIELD_MAX_ATTEMPTS,
	FIELD_FIRST_DELAY,
	FIELD_BACKOFF,
	FIELD_MAX_DELAY,
	FIELD_RETRY_TIMEOUT,
	FIELD_JITTER,
	FIELD_RETRY_ON,
	FIELD_NO_RETRY_ON
} RetryField;

/* Keys of the object; numbers with their limits, lists with low = high = 0. */
static const struct RetryKey
{
	const char *name;
	RetryField	field;
	double		low;
	double		high;
}			retry_keys[] = {
	{"max_attempts", FIELD_MAX_ATTEMPTS, 1, ATTEMPTS_MAX},
	{"first_delay", FIELD_FIRST_DELAY, 0, SECONDS_MAX},
	{"backoff", FIELD_BACKOFF, 1, BACKOFF_MAX},
	{"max_delay", FIELD_MAX_DELAY, 0, SECONDS_MAX},
	{"retry_timeout", FIELD_RETRY_TIMEOUT, 0, SECONDS_MAX},
	{"jitter", FIELD_JITTER, 0, 1},
	{"retry_on", FIELD_RETRY_ON, 0, 0},
	{"no_retry_on", FIELD_NO_RETRY_ON, 0, 0},
};

static const char *read_object(Jsonb *object, RetryPolicy *policy);
static const char *read_field(const struct RetryKey *key, const JsonbValue *value,
							  RetryPolicy *policy);
static const char *read_number(const struct RetryKey *key, const JsonbValue *value,
							   RetryPolicy *policy);
static const char *read_list(const struct RetryKey *key, const JsonbValue *value,
							 RetryPolicy *policy);
static const struct RetryKey *find_key(const JsonbValue *name);
static bool type_is_listed(char **types, int ntypes, const char *error_type);
static double random_fraction(void);

void
pgdf_retry_init(RetryPolicy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->max_attempts = 3;
	policy->first_delay_ms = 1 * MS_PER_SECOND;
	policy->backoff = 2;
	policy->max_delay_ms = 60 * MS_PER_SECOND;
	policy->retry_timeout_ms = -1;
}

bool
pgdf_retry_parse(text *json, RetryPolicy *policy)
{
	return pgdf_retry_problem(json, policy) == NULL;
}

const char *
pgdf_retry_problem(text *json, RetryPolicy *policy)
{
	const char *problem;

	pgdf_retry_init(policy);
	if (json == NULL)
		return NULL;
	if (!pgdf_payload_is_valid(json, &problem))
		return psprintf("The value cannot be used: %s.", problem);

	problem = read_object(pgdf_payload_to_jsonb(json), policy);
	if (problem != NULL)
		pgdf_retry_init(policy);
	return problem;
}

void
pgdf_retry_check(text *json)
{
	RetryPolicy policy;
	const char *problem = pgdf_retry_problem(json, &policy);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid retry policy"),
				 errdetail_internal("%s", problem)));
}

/*
 * The delay before attempt n + 1 is first_delay * backoff ^ (n - 1), at most
 * max_delay; jitter takes away a random part of up to that share, so that
 * failures that came together do not come back together.
 */
bool
pgdf_retry_next(const RetryPolicy *policy, int attempts, int64 elapsed_ms,
				const char *error_type, bool is_non_retriable, int64 *delay_ms)
{
	double		delay;

	if (is_non_retriable || attempts >= policy->max_attempts)
		return false;
	if (type_is_listed(policy->no_retry_on, policy->nno_retry_on, error_type))
		return false;
	if (policy->nretry_on > 0 &&
		!type_is_listed(policy->retry_on, policy->nretry_on, error_type))
		return false;

	delay = policy->first_delay_ms * pow(policy->backoff, Max(attempts - 1, 0));
	if (isnan(delay) || delay > policy->max_delay_ms)
		delay = policy->max_delay_ms;
	if (policy->jitter > 0)
		delay *= 1 - policy->jitter * random_fraction();

	if (policy->retry_timeout_ms >= 0 && elapsed_ms + delay > policy->retry_timeout_ms)
		return false;
	*delay_ms = (int64) ceil(delay);
	return true;
}

static const char *
read_object(Jsonb *object, RetryPolicy *policy)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	name;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(object))
		return "It is not an object.";

	it = JsonbIteratorInit(&object->root);
	(void) JsonbIteratorNext(&it, &name, false);
	while ((token = JsonbIteratorNext(&it, &name, true)) == WJB_KEY)
	{
		const struct RetryKey *key = find_key(&name);
		const char *problem;

		(void) JsonbIteratorNext(&it, &value, true);
		if (key == NULL)
			return psprintf("There is no key \"%s\".",
							pnstrdup(name.val.string.val, name.val.string.len));
		problem = read_field(key, &value, policy);
		if (problem != NULL)
			return problem;
	}
	return NULL;
}

/* JSON null leaves the default. */
static const char *
read_field(const struct RetryKey *key, const JsonbValue *value, RetryPolicy *policy)
{
	if (value->type == jbvNull)
		return NULL;
	if (key->field == FIELD_RETRY_ON || key->field == FIELD_NO_RETRY_ON)
		return read_list(key, value, policy);
	return read_number(key, value, policy);
}

static const char *
read_number(const struct RetryKey *key, const JsonbValue *value, RetryPolicy *policy)
{
	double		number;

	if (value->type != jbvNumeric)
		return psprintf("The value of \"%s\" is not a number.", key->name);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (isnan(number) || number < key->low || number > key->high)
		return psprintf("The value of \"%s\" must be from %g to %.10g.",
						key->name, key->low, key->high);

	switch (key->field)
	{
		case FIELD_MAX_ATTEMPTS:
			policy->max_attempts = (int) number;
			break;
		case FIELD_FIRST_DELAY:
			policy->first_delay_ms = number * MS_PER_SECOND;
			break;
		case FIELD_BACKOFF:
			policy->backoff = number;
			break;
		case FIELD_MAX_DELAY:
			policy->max_delay_ms = number * MS_PER_SECOND;
			break;
		case FIELD_RETRY_TIMEOUT:
			policy->retry_timeout_ms = number * MS_PER_SECOND;
			break;
		case FIELD_JITTER:
			policy->jitter = number;
			break;
		case FIELD_RETRY_ON:
		case FIELD_NO_RETRY_ON:
			Assert(false);
			break;
	}
	return NULL;
}

static const char *
read_list(const struct RetryKey *key, const JsonbValue *value, RetryPolicy *policy)
{
	JsonbContainer *array;
	char	  **types;
	int			ntypes;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return psprintf("The value of \"%s\" is not an array.", key->name);

	array = value->val.binary.data;
	ntypes = JsonContainerSize(array);
	types = palloc((ntypes + 1) * sizeof(char *));
	for (int i = 0; i < ntypes; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvString)
			return psprintf("The value of \"%s\" is not an array of strings.", key->name);
		types[i] = pnstrdup(element->val.string.val, element->val.string.len);
	}

	if (key->field == FIELD_RETRY_ON)
	{
		policy->retry_on = types;
		policy->nretry_on = ntypes;
	}
	else
	{
		policy->no_retry_on = types;
		policy->nno_retry_on = ntypes;
	}
	return NULL;
}

static const struct RetryKey *
find_key(const JsonbValue *name)
{
	for (size_t i = 0; i < lengthof(retry_keys); i++)
	{
		if (strlen(retry_keys[i].name) == (size_t) name->val.string.len &&
			memcmp(retry_keys[i].name, name->val.string.val, name->val.string.len) == 0)
			return &retry_keys[i];
	}
	return NULL;
}

static bool
type_is_listed(char **types, int ntypes, const char *error_type)
{
	for (int i = 0; i < ntypes; i++)
	{
		if (error_type != NULL && strcmp(types[i], error_type) == 0)
			return true;
	}
	return false;
}

/* From 0 to 1. */
static double
random_fraction(void)
{
	uint32		bits;

	if (!pg_strong_random(&bits, sizeof(bits)))
		return 0;
	return bits / (double) PG_UINT32_MAX;
}
