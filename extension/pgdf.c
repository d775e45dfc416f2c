/*
 * pgdf.c
 *		Entry point of the extension's library.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "fmgr.h"

#include "pgdf.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	pgdf_guc_init();
}
