/*
 * seclude.c
 *		No other process of the same user looks into this one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "seclude.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "log.h"

void
seclude_process(void)
{
	/* what a core file would have is as secret; a handler of root's (fs.suid_dumpable = 2) still gets one */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		log_warning("other processes of this user can read the memory of this one: %s", strerror(errno));
}
