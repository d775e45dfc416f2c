/*
 * azure_name.h
 *		Names in Azure Blob Storage: a key is container/blob, with limits.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_AZURE_NAME_H
#define PGDF_AZURE_NAME_H

/* Why there can be no blob of this key, as a clause; NULL: there can. */
extern const char *azure_name_problem(const char *key);

/*
 * The container and the blob's name of a key; the caller frees both.  A dot at
 * the end of a path segment, which the service would drop, becomes %2E.
 */
extern void azure_name_split(const char *key, char **container, char **blob);

#endif							/* PGDF_AZURE_NAME_H */
