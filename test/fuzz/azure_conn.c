/*
 * azure_conn.c
 *		Connection strings of Azure Storage.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_conn.h"

#include "fuzz.h"

FUZZ_TARGET(azure_conn)
{
	char	   *text = fuzz_text(data, size);
	AzureAccount account = {0};
	const char *problem = NULL;

	if (azure_conn_parse(&account, text, &problem))
	{
		FUZZ_HOLDS(account.endpoint != NULL && account.endpoint_path != NULL);
		FUZZ_HOLDS((account.key != NULL) != (account.sas != NULL));
	}
	else
		FUZZ_HOLDS(problem != NULL && account.key == NULL && account.sas == NULL);
	azure_conn_free(&account);
	free(text);
}
