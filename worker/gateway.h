/*
 * gateway.h
 *		pgdf gateway: the HTTP server alone, without a worker's activities.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_GATEWAY_H
#define PGDF_GATEWAY_H

/* Returns the exit code, as pgdf worker does. */
extern int	gateway_main(int argc, char **argv);

#endif							/* PGDF_GATEWAY_H */
