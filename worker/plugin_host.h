/*
 * plugin_host.h
 *		pgdf plugin-host: the process that a plugin runs in.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PLUGIN_HOST_H
#define PGDF_PLUGIN_HOST_H

/* The descriptor of the socket to the worker. */
#define PLUGIN_HOST_FD 3

/* pgdf plugin-host DIRECTORY NAME: returns the exit code. */
extern int	plugin_host_main(int argc, char **argv);

#endif							/* PGDF_PLUGIN_HOST_H */
