/*
 * claim.h
 *		The last part of an engine call: hand out tasks.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLAIM_H
#define PGDF_CLAIM_H

#include "work.h"

/* Claim up to call->room tasks of the lanes that the worker serves. */
extern void pgdf_claim(WorkCall *call);

#endif							/* PGDF_CLAIM_H */
