/*
 * pgdf.c
 *		Entry point of the extension's library.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "fmgr.h"

#include "fault.h"
#include "pgdf.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	PGDF_FAULT_INIT();			/* before the prefix is reserved */
	pgdf_guc_init();
}
