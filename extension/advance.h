/*
 * advance.h
 *		The second part of an engine call: instances that have something in their
 *		inbox, and what they do with it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ADVANCE_H
#define PGDF_ADVANCE_H

#include "work.h"

/* Deliver inboxes, run turns and SQL activities within the call's budget, write everything. */
extern void pgdf_advance(WorkCall *call);

#endif							/* PGDF_ADVANCE_H */
