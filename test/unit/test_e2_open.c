/*
 * test_e2_open.c
 *		What E2 opens and what it refuses, with openat2() and without.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "e2_open.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "e2_path.h"
#include "log.h"
#include "tap.h"
#include "xalloc.h"

/* Components of the deep path; each has 200 bytes. */
#define DEEP_COMPONENTS 60

static char *base;

/* NULL: is opened; paths without a leading slash are below the test's directory. */
static const struct
{
	const char *path;
	const char *type;
}			files[] = {
	{"root/file", NULL},
	{"root/dir/file", NULL},
	{"root/dir", "NotARegularFile"},
	{"root", "NotARegularFile"},
	{"root/fifo", "NotARegularFile"},
	{"root/socket", "NotARegularFile"},
	{"root/link_to_file", "NotARegularFile"},
	{"root/link_to_dir/file", "AccessDenied"},
	{"root/link_out/secret", "AccessDenied"},
	{"root/link_up/root/file", "AccessDenied"},
	{"root/loop", "NotARegularFile"},
	{"root/loop/file", "AccessDenied"},
	{"root/magic/file", "AccessDenied"},
	{"root/missing", "FileNotFound"},
	{"root/missing/file", "FileNotFound"},
	{"root/file/file", "FileNotFound"},
	{"secret", "AccessDenied"},
	{"rootless", "AccessDenied"},
	{"", "AccessDenied"},
	{"/etc/passwd", "AccessDenied"},
	{"/proc/self/environ", "AccessDenied"},
};

/* The same without a bound. */
static const struct
{
	const char *path;
	const char *type;
}			anywhere[] = {
	{"secret", NULL},
	{"root/file", NULL},
	{"root/link_out/secret", "AccessDenied"},
	{"/proc/self/environ", "AccessDenied"},
	{"/proc/version", "AccessDenied"},
	{"/dev/null", "NotARegularFile"},
	{"/dev/zero", "NotARegularFile"},
	{"/proc/self/root/etc/passwd", "AccessDenied"},
};

static void make_tree(void);
static void make_deep_file(void);
static void test_root(bool has_openat2, const char *how);
static void test_unbound(bool has_openat2, const char *how);
static void test_start(const char *how);
static void check_file(const E2Root *root, const char *path, const char *type, const char *how);
static void check_start(const E2Root *root, const char *path, const char *type, const char *real);
static char *at(const char *path);
static void remove_tree(int parent, const char *name);

int
main(void)
{
	char		directory[] = "/tmp/test_e2_open.XXXXXX";

	log_set_fd(open("/dev/null", O_WRONLY));
	if (mkdtemp(directory) == NULL)
		return 1;
	base = realpath(directory, NULL);
	make_tree();
	make_deep_file();
	test_root(true, "openat2");
	test_root(false, "openat");
	test_unbound(true, "openat2");
	test_unbound(false, "openat");
	test_start("openat2");
	remove_tree(AT_FDCWD, base);
	ok(access(base, F_OK) != 0, "nothing is left behind");
	free(base);
	return done_testing();
}

static void
make_tree(void)
{
	static const char *const made[] = {"secret", "rootless", "root/file", "root/dir/file"};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int			socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int			failed = 0;

	failed |= mkdir(at("root"), 0700) | mkdir(at("root/dir"), 0700);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		close(open(at(made[i]), O_CREAT | O_WRONLY, 0600));
	failed |= mkfifo(at("root/fifo"), 0600);
	strncpy(address.sun_path, at("root/socket"), sizeof(address.sun_path) - 1);
	failed |= bind(socket_fd, (struct sockaddr *) &address, sizeof(address));
	failed |= symlink("file", at("root/link_to_file")) | symlink("dir", at("root/link_to_dir"));
	failed |= symlink("..", at("root/link_out")) | symlink("../../", at("root/link_up"));
	failed |= symlink("loop", at("root/loop")) | symlink("/proc/self/cwd", at("root/magic"));
	ok(failed == 0, "the tree is made");
	close(socket_fd);
}

/* A file whose path is longer than PATH_MAX, made from directory to directory. */
static void
make_deep_file(void)
{
	char		name[201];
	int			fd = open(at("root"), O_RDONLY | O_DIRECTORY);

	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < DEEP_COMPONENTS; i++)
	{
		int			next;

		(void) mkdirat(fd, name, 0700);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY);
		close(fd);
		fd = next;
	}
	close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
	close(fd);
}

static void
test_root(bool has_openat2, const char *how)
{
	E2Root		root;
	Buf			deep = {0};

	ok(e2_root_open(&root, at("root")), "%s: root is opened", how);
	root.has_openat2 &= has_openat2;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		check_file(&root, files[i].path, files[i].type, how);

	buf_append_text(&deep, root.path);
	for (int i = 0; i < DEEP_COMPONENTS; i++)
		buf_append_format(&deep, "/%.200d", 0);
	for (size_t i = strlen(root.path); i < deep.used; i++)
		deep.data[i] = deep.data[i] == '0' ? 'd' : deep.data[i];
	buf_append_text(&deep, "/file");
	ok(deep.used > PATH_MAX * 2, "%s: there is a path of %zu bytes", how, deep.used);
	check_file(&root, deep.data, NULL, how);
	e2_root_close(&root);
	e2_root_close(&root);
	buf_free(&deep);
}

static void
test_unbound(bool has_openat2, const char *how)
{
	E2Root		root;

	ok(e2_root_open(&root, NULL) && !root.is_bound, "%s: without a bound", how);
	root.has_openat2 &= has_openat2;
	for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++)
		check_file(&root, anywhere[i].path, anywhere[i].type, how);
	e2_root_close(&root);

	ok(!e2_root_open(&root, "relative"), "a relative root is refused");
	ok(!e2_root_open(&root, at("missing")), "a missing root is refused");
	ok(!e2_root_open(&root, at("secret")), "a file is no root");
}

static void
test_start(const char *how)
{
	E2Root		root;

	e2_root_open(&root, NULL);
	check_start(&root, at("root/link_to_dir"), NULL, at("root/dir"));
	check_start(&root, at("root/link_up"), NULL, "/tmp");
	check_start(&root, at("root/loop"), "AccessDenied", NULL);
	check_start(&root, at("root/link_to_file"), "NotADirectory", NULL);
	check_start(&root, at("root/file"), "NotADirectory", NULL);
	check_start(&root, at("root/fifo"), "NotADirectory", NULL);
	check_start(&root, at("root/missing"), "DirectoryNotFound", NULL);
	check_start(&root, "/proc", "AccessDenied", NULL);
	e2_root_close(&root);

	e2_root_open(&root, at("root"));
	check_start(&root, at("root"), NULL, at("root"));
	check_start(&root, at("root/link_to_dir"), "AccessDenied", NULL);
	check_start(&root, at("root/link_out"), "AccessDenied", NULL);
	check_start(&root, at(""), "AccessDenied", NULL);
	check_start(&root, "/", "AccessDenied", NULL);
	e2_root_close(&root);

	/* a root that is given by a symbolic link stands for its real directory */
	e2_root_open(&root, at("root/link_to_dir"));
	check_start(&root, at("root/link_to_dir"), NULL, at("root/dir"));
	check_start(&root, at("root/dir"), NULL, at("root/dir"));
	check_file(&root, at("root/link_to_dir/file"), NULL, how);
	check_file(&root, at("root/dir/file"), NULL, how);
	check_file(&root, at("root/file"), "AccessDenied", how);
	e2_root_close(&root);
}

static void
check_file(const E2Root *root, const char *path, const char *type, const char *how)
{
	IoFailure	failure = {0};
	struct stat status;
	int			fd = e2_open_file(root, path[0] == '/' ? path : at(path), &status, &failure);

	if (type == NULL)
		ok(fd >= 0 && failure.type == NULL && S_ISREG(status.st_mode), "%s: opens %.80s", how, path);
	else
		ok(fd < 0 && failure.type != NULL && strcmp(failure.type, type) == 0 && failure.is_non_retriable,
		   "%s: \"%.80s\" is %s, was %s", how, path, type, failure.type == NULL ? "opened" : failure.type);
	if (fd >= 0)
		close(fd);
}

static void
check_start(const E2Root *root, const char *path, const char *type, const char *real)
{
	IoFailure	failure = {0};
	Buf			start = {0};
	int			fd;

	e2_path_clean(&start, path, strlen(path));
	fd = e2_open_start(root, &start, &failure);
	if (type == NULL)
		ok(fd >= 0 && strcmp(start.data, real) == 0, "a list of %s starts from %s", path, real);
	else
		ok(fd < 0 && failure.type != NULL && strcmp(failure.type, type) == 0, "a list of %s is %s, was %s", path, type,
		   failure.type == NULL ? "begun" : failure.type);
	if (fd >= 0)
		close(fd);
	buf_free(&start);
}

/* A path below the test's directory; some are in use at once. */
static char *
at(const char *path)
{
	static char *made[8];
	static size_t next;
	char	  **slot = &made[next++ % 8];

	free(*slot);
	*slot = *path == '\0' ? xstrdup(base) : xasprintf("%s/%s", base, path);
	return *slot;
}

/* By names relative to descriptors: a path may be too long. */
static void
remove_tree(int parent, const char *name)
{
	int			fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	DIR		   *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (directory == NULL)
	{
		unlinkat(parent, name, 0);
		return;
	}
	while ((entry = readdir(directory)) != NULL)
	{
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_tree(fd, entry->d_name);
	}
	closedir(directory);
	unlinkat(parent, name, AT_REMOVEDIR);
}
