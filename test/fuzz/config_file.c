/*
 * config_file.c
 *		Configuration files.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "config_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* The name of the empty file that the first run made, and the others fill again. */
static const char *
file_of(const uint8_t *data, size_t size)
{
	static char path[64];
	static int	fd = -1;

	if (fd < 0)
	{
		fd = memfd_create("pgdf.json", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	FUZZ_HOLDS(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t) size);
	return path;
}

FUZZ_TARGET(config_file)
{
	Config		config = {0};

	(void) config_file_load(&config, file_of(data, size));
	config_free(&config);
}
