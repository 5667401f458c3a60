/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/path.h"
#include "test.h"

#include <limits.h>
#include <sys/sysmacros.h>

enum { ALICE = 20001, BOB = 20002 };

static int
make_tree(void **state)
{
	(void)state;
	require_world();
	assert_int_equal(mkdir("/p", 0755), 0);
	assert_int_equal(mkdir("/p/ok", 0755), 0);
	assert_int_equal(mkdir("/p/ok/deep", 0700), 0);
	assert_int_equal(mkdir("/p/group", 0755) | chmod("/p/group", 0775), 0);
	assert_int_equal(mkdir("/p/group/in", 0755), 0);
	assert_int_equal(mkdir("/p/all", 0755) | chmod("/p/all", 0757), 0);
	assert_int_equal(mkdir("/p/sticky", 0) | chmod("/p/sticky", 01777), 0);
	assert_int_equal(mkdir("/p/sticky/in", 0755), 0);
	assert_int_equal(symlink("ok", "/p/link"), 0);
	assert_int_equal(symlink("/p/ok", "/p/absolute"), 0);
	assert_int_equal(symlink("gone", "/p/dangling"), 0);
	assert_int_equal(mkfifo("/p/fifo", 0644), 0);
	write_text("/p/file", "x");
	write_text("/p/open-file", "x");
	assert_int_equal(chmod("/p/open-file", 0666), 0);
	return 0;
}

/* What path_open_owned() says of PATH is WHY; NULL: it opens. */
static void
assert_says(const char *path, uid_t owner, const char *why)
{
	struct err err = { .kind = ERR_NONE };
	cleanup_fd int fd = path_open_owned(path, owner, 0, &err);
	char wanted[600];

	if (why == NULL) {
		if (fd < 0)
			fail_msg("%s", err.text);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
		return;
	}
	(void)snprintf(wanted, sizeof(wanted), "%s: %s", path, why);
	assert_int_equal(fd, -1);
	assert_string_equal(err.text, wanted);
}

static void
only_what_is_roots_alone_opens(void **state)
{
	static const struct {
		const char *path, *why;
	} cases[] = {
		{ "/", NULL },
		{ "/p/ok", NULL },
		{ "/p/ok/deep", NULL },
		{ "/p/ok/", NULL },
		{ "//p//ok//", NULL },
		{ "/p/./ok/.", NULL },
		{ "/p/file", NULL },
		{ "/p/fifo", NULL }, /* and nobody waits for a writer */
		{ "/dev/null", NULL },
		{ "", "not an absolute path" },
		{ "p/ok", "not an absolute path" },
		{ "./p", "not an absolute path" },
		{ "/p/ok/..", "contains .." },
		{ "/p/../p/ok", "contains .." },
		{ "/p/link", "link is a symbolic link" },
		{ "/p/link/deep", "link is a symbolic link" },
		{ "/p/absolute", "absolute is a symbolic link" },
		{ "/p/dangling", "dangling is a symbolic link" },
		{ "/p/group", "group can be changed by others (mode 0775)" },
		{ "/p/group/in", "group can be changed by others (mode 0775)" },
		{ "/p/all", "all can be changed by others (mode 0757)" },
		{ "/p/sticky", "sticky can be changed by others (mode 1777)" },
		{ "/p/sticky/in",
		  "sticky can be changed by others (mode 1777)" },
		{ "/p/open-file",
		  "open-file can be changed by others (mode 0666)" },
		{ "/p/gone", "No such file or directory" },
		{ "/p/gone/x", "No such file or directory" },
		{ "/p/file/x", "Not a directory" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++)
		assert_says(cases[i].path, 0, cases[i].why);
}

static void
what_is_somebody_elses_does_not_open(void **state)
{
	(void)state;
	(void)mkdir("/p/alices", 0755);
	(void)mkdir("/p/alices/in", 0755);
	write_text("/p/alices-file", "x");
	give_to("/p/alices", ALICE);
	give_to("/p/alices-file", ALICE);
	assert_says("/p/alices", 0, "alices belongs to uid 20001, not to root");
	assert_says("/p/alices/in", 0,
		    "alices belongs to uid 20001, not to root");
	assert_says("/p/alices-file", 0,
		    "alices-file belongs to uid 20001, not to root");
	assert_says("/p/alices", BOB,
		    "alices belongs to uid 20001, not to root");
}

static void
the_owners_own_opens_but_not_what_is_below(void **state)
{
	(void)state;
	(void)mkdir("/p/home", 0755);
	(void)mkdir("/p/home/in", 0755);
	assert_int_equal(chmod("/p/home", 0777), 0);
	assert_int_equal(symlink("/", "/p/alices-link"), 0);
	give_to("/p/home", ALICE);
	give_to("/p/alices-link", ALICE);
	assert_says("/p/home", ALICE, NULL);
	assert_says("/p/home/", ALICE, NULL);
	assert_says("/p/ok", ALICE, NULL);
	assert_says("/p/home/in", ALICE,
		    "home belongs to uid 20001, not to root");
	assert_says("/p/alices-link", ALICE, "alices-link is a symbolic link");
	assert_says("/p/group", ALICE,
		    "group can be changed by others (mode 0775)");
}

static void
one_more_uid_may_be_trusted(void **state)
{
	struct err err = { .kind = ERR_NONE };
	cleanup_fd int fd = -1;

	(void)state;
	(void)mkdir("/p/mine", 0755);
	(void)mkdir("/p/mine/in", 0755);
	give_to("/p/mine", ALICE);
	fd = path_open_owned("/p/mine/in", 0, ALICE, &err);
	assert_true(fd >= 0);
}

static void
a_too_long_name_is_an_error_of_the_system(void **state)
{
	char path[NAME_MAX + 10] = "/p/";
	struct err err = { .kind = ERR_NONE };

	(void)state;
	memset(path + 3, 'x', sizeof(path) - 4);
	assert_int_equal(path_open_trusted(path, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_equal(err.errnum, ENAMETOOLONG);
}

static void
an_object_is_checked_by_what_it_is(void **state)
{
	static const struct {
		mode_t mode;
		uid_t uid, owner;
		const char *why;
	} cases[] = {
		{ S_IFDIR | 0755, 0, 0, NULL },
		{ S_IFDIR | 0777, ALICE, ALICE, NULL },
		{ S_IFCHR | 0666, 0, 0, NULL },
		{ S_IFREG | 0600, 0, ALICE, NULL },
		{ S_IFREG | 0600, ALICE, 0,
		  "/a/b: b belongs to uid 20001, not to root" },
		{ S_IFREG | 0600, BOB, ALICE,
		  "/a/b: b belongs to uid 20002, not to root" },
		{ S_IFREG | 0620, 0, 0,
		  "/a/b: b can be changed by others (mode 0620)" },
		{ S_IFREG | 0602, 0, ALICE,
		  "/a/b: b can be changed by others (mode 0602)" },
		{ S_IFLNK | 0777, 0, 0, "/a/b: b is a symbolic link" },
		{ S_IFLNK | 0777, ALICE, ALICE, "/a/b: b is a symbolic link" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const struct stat st = { .st_mode = cases[i].mode,
					 .st_uid = cases[i].uid };
		struct err err = { .text = "" };
		const int ret =
			path_check_object(&st, "/a/b", cases[i].owner, &err);

		assert_int_equal(ret, cases[i].why == NULL ? 0 : -1);
		if (cases[i].why != NULL) {
			assert_int_equal(err.kind, ERR_UNSAFE);
			assert_string_equal(err.text, cases[i].why);
		}
	}
}

static void
a_service_s_directory_may_be_a_system_account_s(void **state)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		gid_t gid;
		const char *why;
	} cases[] = {
		{ S_IFDIR | 0755, 0, 0, NULL },
		{ S_IFDIR | 0755, 999, 999, NULL },
		{ S_IFDIR | 02775, 105, 110, NULL },
		{ S_IFDIR | 0755, 1000, 0,
		  "/a/b: belongs to uid 1000, which is no system account's" },
		{ S_IFDIR | 0755, 65534, 0,
		  "/a/b: belongs to uid 65534, which is no system account's" },
		{ S_IFDIR | 0775, 0, 1000,
		  "/a/b: can be changed by others (mode 0775)" },
		{ S_IFDIR | 01777, 0, 0,
		  "/a/b: can be changed by others (mode 1777)" },
		{ S_IFSOCK | 0755, 0, 0, "/a/b: not a directory" },
		{ S_IFLNK | 0777, 0, 0, "/a/b: not a directory" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const struct stat st = { .st_mode = cases[i].mode,
					 .st_uid = cases[i].uid,
					 .st_gid = cases[i].gid };
		struct err err = { .text = "" };

		assert_int_equal(path_check_service(&st, "/a/b", &err),
				 cases[i].why == NULL ? 0 : -1);
		if (cases[i].why != NULL) {
			assert_int_equal(err.kind, ERR_UNSAFE);
			assert_string_equal(err.text, cases[i].why);
		}
	}
}

static void
plain_names_are_few(void **state)
{
	static const struct {
		const char *name;
		bool plain;
	} cases[] = {
		{ "a", true },
		{ "alice", true },
		{ "_x", true },
		{ "a-b_c9", true },
		{ "abcdefghijabcdefghijabcdefghijab", true }, /* 32 */
		{ "abcdefghijabcdefghijabcdefghijabc", false },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ "a/b", false },
		{ "/", false },
		{ "-a", false },
		{ "9a", false },
		{ "Alice", false },
		{ "alicE", false },
		{ "a.b", false },
		{ "a b", false },
		{ "a:b", false },
		{ "a\n", false },
		{ "a$", false },
		{ "\xc3\xa9", false },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++)
		assert_int_equal(name_is_plain(cases[i].name), cases[i].plain);
}

static void
clean_paths_have_one_way_to_be_written(void **state)
{
	static const struct {
		const char *path;
		bool clean;
	} cases[] = {
		{ "/", true },		{ "/a", true },
		{ "/a/b.c/...", true }, { "/.a/..b", true },
		{ "/a b", true },	{ "/\xc3\xa9", true },
		{ "", false },		{ "a", false },
		{ "./a", false },	{ "//", false },
		{ "//a", false },	{ "/a/", false },
		{ "/a//b", false },	{ "/.", false },
		{ "/..", false },	{ "/a/.", false },
		{ "/a/./b", false },	{ "/a/..", false },
		{ "/a/../b", false },	{ "/a\nb", false },
		{ "/a\x01", false },	{ "/a\x7f", false },
	};
	char path[PATH_MAX + 1];

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++)
		assert_int_equal(path_is_clean(cases[i].path), cases[i].clean);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[PATH_MAX] = '\0';
	assert_false(path_is_clean(path));
	path[PATH_MAX - 1] = '\0';
	assert_true(path_is_clean(path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_roots_alone_opens),
		cmocka_unit_test(what_is_somebody_elses_does_not_open),
		cmocka_unit_test(the_owners_own_opens_but_not_what_is_below),
		cmocka_unit_test(one_more_uid_may_be_trusted),
		cmocka_unit_test(a_too_long_name_is_an_error_of_the_system),
		cmocka_unit_test(an_object_is_checked_by_what_it_is),
		cmocka_unit_test(
			a_service_s_directory_may_be_a_system_account_s),
		cmocka_unit_test(plain_names_are_few),
		cmocka_unit_test(clean_paths_have_one_way_to_be_written),
	};

	return cmocka_run_group_tests(tests, make_tree, NULL);
}
