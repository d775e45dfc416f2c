/*
 * test_azure_failure.c
 *		What an answer of Azure Blob Storage, or none, means.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_call.h"

#include <string.h>

#include "tap.h"

static const struct
{
	long		status;
	const char *code;
	CURLcode	result;
	const char *type;
	bool		is_non_retriable;
}			answers[] = {
	{0, "", CURLE_COULDNT_CONNECT, "BlobStoreUnavailable", false},
	{0, "", CURLE_COULDNT_RESOLVE_HOST, "BlobStoreUnavailable", false},
	{0, "", CURLE_OPERATION_TIMEDOUT, "BlobStoreUnavailable", false},
	{0, "", CURLE_SEND_ERROR, "BlobStoreUnavailable", false},
	{0, "", CURLE_RECV_ERROR, "BlobStoreUnavailable", false},
	{0, "", CURLE_GOT_NOTHING, "BlobStoreUnavailable", false},
	{0, "", CURLE_SSL_CONNECT_ERROR, "BlobStoreUnavailable", false},
	{0, "", CURLE_PEER_FAILED_VERIFICATION, "BlobStoreAccessDenied", true},
	{500, "InternalError", CURLE_OK, "BlobStoreUnavailable", false},
	{502, "", CURLE_OK, "BlobStoreUnavailable", false},
	{503, "ServerBusy", CURLE_OK, "BlobStoreUnavailable", false},
	{504, "", CURLE_SEND_ERROR, "BlobStoreUnavailable", false},
	{408, "OperationTimedOut", CURLE_OK, "BlobStoreUnavailable", false},
	{429, "TooManyRequests", CURLE_OK, "BlobStoreUnavailable", false},
	{401, "NoAuthenticationInformation", CURLE_OK, "BlobStoreAccessDenied", true},
	{403, "AuthenticationFailed", CURLE_OK, "BlobStoreAccessDenied", true},
	{403, "AuthorizationPermissionMismatch", CURLE_SEND_ERROR, "BlobStoreAccessDenied", true},
	{403, "AccountIsDisabled", CURLE_OK, "BlobStoreAccessDenied", true},
	{404, "ContainerNotFound", CURLE_OK, "BlobStoreNotFound", true},
	{404, "ResourceNotFound", CURLE_OK, "BlobStoreNotFound", true},
	{409, "ContainerBeingDeleted", CURLE_OK, "BlobStoreUnavailable", false},
	{409, "InvalidBlobType", CURLE_OK, "BlobConflict", true},
	{409, "BlobImmutableDueToPolicy", CURLE_OK, "BlobConflict", true},
	{412, "LeaseIdMissing", CURLE_OK, "BlobConflict", false},
	{412, "ConditionNotMet", CURLE_OK, "BlobConflict", true},
	{400, "InvalidBlockList", CURLE_OK, "BlobConflict", false},
	{400, "InvalidUri", CURLE_OK, "InvalidBlobName", true},
	{400, "InvalidHeaderValue", CURLE_OK, "BlobStoreError", true},
	{400, "", CURLE_OK, "BlobStoreError", true},
	{413, "RequestBodyTooLarge", CURLE_OK, "BlobStoreError", true},
	{301, "", CURLE_OK, "BlobStoreError", true},
	{200, "", CURLE_OK, "BlobStoreError", true},
};

int
main(void)
{
	AzureCall	call = {.error = "Failed to connect to 127.0.0.1 port 1"};
	IoFailure	failure = {0};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
	{
		call.status = answers[i].status;
		call.result = answers[i].result;
		strcpy(call.code, answers[i].code);
		azure_call_failure(&call, &failure);
		is_str(failure.type, answers[i].type, "status %ld %s", answers[i].status, answers[i].code);
		ok(failure.is_non_retriable == answers[i].is_non_retriable, "status %ld %s, curl's %d: whether it may be tried again",
		   answers[i].status, answers[i].code, (int) answers[i].result);
		is_int(failure.http_status, answers[i].status, "the status is kept");
		is_str(failure.code, answers[i].code, "the code is kept");
	}
	call.status = 0;
	azure_call_failure(&call, &failure);
	is_str(failure.message, "no answer from Azure Blob Storage: Failed to connect to 127.0.0.1 port 1", "without an answer");
	call.status = 503;
	strcpy(call.code, "ServerBusy");
	azure_call_failure(&call, &failure);
	is_str(failure.message, "Azure Blob Storage answered with status 503 ServerBusy", "with one");
	return done_testing();
}
