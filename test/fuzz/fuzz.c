/*
 * fuzz.c
 *		The program of all fuzz targets: libFuzzer's entry points.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"

#include <fcntl.h>

#include "log.h"

#define MAX_TARGETS 100

static struct
{
	const char *name;
	FuzzTarget	run;
}			targets[MAX_TARGETS];
static int	target_count;
static FuzzTarget chosen;

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void
fuzz_register(const char *name, FuzzTarget target)
{
	if (target_count == MAX_TARGETS)
		abort();
	targets[target_count].name = name;
	targets[target_count++].run = target;
}

char *
fuzz_text(const uint8_t *data, size_t size)
{
	char	   *copy = malloc(size + 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* Without a choice: say what there is.  The worker's log goes nowhere. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("FUZZ_TARGET");

	for (int i = 0; i < target_count; i++)
	{
		if (name == NULL)
			printf("%s\n", targets[i].name);
		else if (strcmp(name, targets[i].name) == 0)
			chosen = targets[i].run;
	}
	if (chosen == NULL)
		exit(name == NULL ? 0 : 2);
	log_set_fd(open("/dev/null", O_WRONLY));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	chosen(data, size);
	return 0;
}
