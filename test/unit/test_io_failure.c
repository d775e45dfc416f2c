/*
 * test_io_failure.c
 *		What an error of a file system means for a file that is copied, and for a store.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

static const struct
{
	int			error;
	const char *type;
	bool		is_non_retriable;
}			store_errors[] = {
	{ENOSPC, "BlobStoreFull", false},
	{EDQUOT, "BlobStoreFull", false},
	{EIO, "BlobStoreError", false},
	{ESTALE, "BlobStoreError", false},
	{EMFILE, "BlobStoreError", false},
	{ENOMEM, "BlobStoreError", false},
	{ETIMEDOUT, "BlobStoreError", false},
	{EACCES, "BlobStoreAccessDenied", true},
	{EROFS, "BlobStoreAccessDenied", true},
	{ENAMETOOLONG, "InvalidBlobName", true},
	{ENOTDIR, "BlobConflict", true},
	{EISDIR, "BlobConflict", true},
	{EFBIG, "BlobTooLarge", true},
};

static void test_source_that_cannot_be_read(void);
static void test_source_that_changes(void);

int
main(void)
{
	for (size_t i = 0; i < sizeof(store_errors) / sizeof(store_errors[0]); i++)
	{
		IoFailure	failure = {0};

		blob_fail_errno(&failure, store_errors[i].error, "write to it");
		is_str(failure.type, store_errors[i].type, "type of error %d", store_errors[i].error);
		ok(failure.is_non_retriable == store_errors[i].is_non_retriable, "whether error %d may be tried again",
		   store_errors[i].error);
		ok(strncmp(failure.message, "could not write to it: ", 23) == 0, "text of error %d", store_errors[i].error);
	}
	test_source_that_cannot_be_read();
	test_source_that_changes();
	return done_testing();
}

/* The first page of a process is never there: reading it is an I/O error. */
static void
test_source_that_cannot_be_read(void)
{
	BlobSource	source = {.fd = open("/proc/self/mem", O_RDONLY), .before = {.st_size = 1000}};
	IoFailure	failure = {0};
	char		bytes[10];

	ok(!blob_source_read(&source, bytes, sizeof(bytes), 0, &failure), "an I/O error is noticed");
	is_str(failure.type, "IOError", "its type");
	ok(!failure.is_non_retriable, "it may be tried again");
	is_str(failure.message, "could not read it: Input/output error", "its text");
	close(source.fd);
}

static void
test_source_that_changes(void)
{
	char		name[] = "/tmp/test_io_failure.XXXXXX";
	BlobSource	source = {.fd = mkstemp(name)};
	IoFailure	failure = {0};
	char		bytes[10];

	unlink(name);
	ok(write(source.fd, "0123456789", 10) == 10 && fstat(source.fd, &source.before) == 0, "a file of 10 bytes");
	ok(blob_source_read(&source, bytes, 5, 0, &failure) && blob_source_read(&source, bytes + 5, 5, 5, &failure) &&
	   memcmp(bytes, "0123456789", 10) == 0, "is read in two parts");

	ok(ftruncate(source.fd, 8) == 0 && blob_source_read(&source, bytes, 5, 0, &failure), "it becomes shorter");
	ok(!blob_source_read(&source, bytes, 5, 5, &failure), "which its end tells");
	is_str(failure.type, BLOB_SOURCE_CHANGED, "as a change");

	ok(ftruncate(source.fd, 12) == 0 && !blob_source_is_same(&source, &failure), "it becomes longer");
	ok(!blob_source_read(&source, bytes, 5, 5, &failure), "which is noticed when its old end is read");
	close(source.fd);
}
