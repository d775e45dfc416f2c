/*
 * invoke.h
 *		Calling a user's function with a JSON input.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_INVOKE_H
#define PGDF_INVOKE_H

#include "postgres.h"

#include "utils/jsonb.h"

/*
 * Call function with input and return its result as JSON text in
 * CurrentMemoryContext.  Runs with the rights and settings that are in force;
 * the caller has a subtransaction around it and is connected to SPI.
 *
 * The input fills the arguments as df_register_orchestrator documents: none;
 * one argument of any type; or several, by name, from a JSON object.
 * Errors: 22023 for an input that does not fit, and whatever the function raises.
 */
extern text *pgdf_invoke(Oid function, Jsonb *input);

#endif							/* PGDF_INVOKE_H */
