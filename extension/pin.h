/*
 * pin.h
 *		Code pinning: an instance in flight keeps the definition it began with.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PIN_H
#define PGDF_PIN_H

#include "postgres.h"

#include "engine.h"

/* Is a function of this kind pinned?  Not those in C, nor SECURITY DEFINER ones: their fixes must take effect. */
extern bool pgdf_pin_applies(Oid function);

/* Keep the text of a function's definition under its hash, as it is now. */
extern void pgdf_pin_record(const char *code_hash, const Registration *registration, Oid owner);

/*
 * A function with the definition kept under that hash, made when there is none
 * yet; InvalidOid when no text is kept.
 */
extern Oid	pgdf_pin_clone(const char *code_hash);

/* The same, but only if there is one. */
extern Oid	pgdf_pin_find_clone(const char *code_hash);

/* Try quarantined instances again whose orchestrator has changed since; returns how many. */
extern int	pgdf_pin_release_changed(Engine *engine);

#endif							/* PGDF_PIN_H */
