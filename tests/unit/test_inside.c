/* SPDX-License-Identifier: ISC */
#include "jailconf/inside.h"
#include "test.h"

#include <errno.h>
#include <limits.h>

/*
 * Below the directory of the test: "tree" is what a root is made of, "upper"
 * what the account has changed in it, "host" what is bound.
 */
static char top[32];

static void
make(const char *name, mode_t mode)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	if (S_ISDIR(mode)) {
		assert_int_equal(mkdir(path, 0755), 0);
		return;
	}
	write_text(path, "");
	assert_int_equal(chmod(path, mode), 0);
}

static void
make_link(const char *name, const char *text)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(symlink(text, path), 0);
}

static int
make_all(void **state)
{
	static const char *const directories[] = {
		"tree",
		"tree/usr",
		"tree/usr/bin",
		"tree/opt",
		"upper",
		"upper/upper",
		"upper/upper/usr",
		"upper/upper/usr/bin",
		"host",
		"host/pkg",
	};

	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/test_inside.XXXXXX");
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < N_ROWS(directories); i++)
		make(directories[i], S_IFDIR);
	make("tree/usr/bin/sh", 0755);
	make("tree/usr/bin/hidden", 0755);
	make("tree/usr/bin/dash", 0755);
	make("tree/usr/bin/plain", 0644);
	make("upper/upper/usr/bin/zsh", 0755);
	make("host/pkg/fish", 0755);
	make("host/one", 0755);
	make_link("tree/bin", "usr/bin");
	make_link("tree/usr/bin/bash", "sh");
	make_link("tree/usr/bin/up", "../../../../usr/bin/sh");
	make_link("tree/usr/bin/pwsh", "/opt/pkg/pwsh");
	make_link("tree/usr/bin/loop", "/usr/bin/loop");
	make_link("tree/usr/bin/lost", "gone");
	make_link("host/pkg/pwsh", "fish");
	return 0;
}

static int
remove_all(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", top);
	/* NOLINTNEXTLINE(cert-env33-c) */
	return system(command);
}

static struct entry entries[] = {
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/opt/pkg", NULL },
	{ ENTRY_BIND, ENTRY_OPTIONAL, 0, "/usr/bin", "/nowhere/at/all" },
	{ ENTRY_DIR, 0, 0755, "/made", "" },
	{ ENTRY_LINK, 0, 0, "/made/sh", "../bin/sh" },
	{ ENTRY_FILE, 0, 0555, "/made/ask", "" },
	{ ENTRY_SCRATCH, 0, 0755, "/usr/tmp", "" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/usr/tmp/one", NULL },
	{ ENTRY_HIDE, ENTRY_OPTIONAL, 0, "/usr/bin/hidden", "" },
	{ ENTRY_FREEZE, 0, 0, "/usr/bin/plain", "" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/bin/rbash", NULL },
	{ ENTRY_HIDE, 0, 0, "/bin/dash", "" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/deep/er/one", NULL },
	{ ENTRY_LINK, 0, 0, "/deep/er/two", "/usr/bin/sh" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/deep", NULL },
};

static const struct {
	const char *path;
	int error; /* 0: it is a file */
} paths[] = {
	{ "/usr/bin/sh", 0 },
	{ "/bin/sh", 0 },
	{ "/bin/bash", 0 },
	{ "/bin/up", 0 },
	{ "/bin/pwsh", 0 }, /* from the tree into what is bound */
	{ "/opt/pkg/fish", 0 },
	{ "/made/sh", 0 },
	{ "/made/ask", 0 },
	{ "/usr/tmp/one", 0 },
	{ "/usr/bin/zsh", 0 },	 /* the account's own */
	{ "/usr/bin/plain", 0 }, /* no other, only read-only */
	{ "/usr/bin/hidden", ENOENT },
	{ "/usr/bin/lost", ENOENT },
	{ "/usr/bin/loop", ELOOP },
	{ "/bin/rbash", 0 }, /* its mount follows /bin, too */
	{ "/bin/dash", ENOENT },
	{ "/deep/fish", 0 },
	{ "/deep/er/one", ENOENT }, /* covered by what came later */
	{ "/deep/er/two", ENOENT },
	{ "/usr/tmp/two", ENOENT },
	{ "/opt/pkg/bash", ENOENT },
	{ "/made/zsh", ENOENT },
	{ "/etc/shells", ENOENT }, /* it is on the host only */
};

static void
a_path_is_followed_as_inside(void **state)
{
	char tree[64], upper[64], pkg[64], one[64];
	struct plan plan = {
		.tree = tree,
		.upper = upper,
		.entries = entries,
		.n_entries = N_ROWS(entries),
	};
	struct stat st;

	(void)state;
	(void)snprintf(tree, sizeof(tree), "%s/tree", top);
	(void)snprintf(upper, sizeof(upper), "%s/upper", top);
	(void)snprintf(pkg, sizeof(pkg), "%s/host/pkg", top);
	(void)snprintf(one, sizeof(one), "%s/host/one", top);
	entries[0].text = pkg;
	entries[6].text = entries[9].text = entries[11].text = one;
	entries[13].text = pkg;
	for (size_t i = 0; i < N_ROWS(paths); i++) {
		const int ret = inside_stat(&plan, paths[i].path, &st);
		const int error = ret == 0 ? 0 : errno;

		if (error != paths[i].error ||
		    (ret == 0 && !S_ISREG(st.st_mode)))
			fail_msg("%s: %s", paths[i].path, strerror(error));
	}
	assert_ptr_equal(inside_mount(&plan, "/opt/pkg/a/b"), &entries[0]);
	assert_ptr_equal(inside_mount(&plan, "/usr/tmp/one"), &entries[6]);
	assert_ptr_equal(inside_mount(&plan, "/usr/tmp/x"), &entries[5]);
	assert_null(inside_mount(&plan, "/opt/pkgs"));
	assert_null(inside_mount(&plan, "/usr/bin/sh"));
	plan.upper = NULL;
	assert_int_equal(inside_stat(&plan, "/usr/bin/zsh", &st), -1);
	plan.tree = NULL;
	assert_int_equal(inside_stat(&plan, "/usr/bin/sh", &st), -1);
	assert_int_equal(inside_stat(&plan, "/opt/pkg/fish", &st), 0);
}

static void
who_may_execute_it_is_known(void **state)
{
	static const struct {
		mode_t mode;
		uid_t uid;
		gid_t gid;
		bool root_inside, may;
	} rows[] = {
		{ S_IFREG | 0755, 0, 0, false, true },
		{ S_IFREG | 0644, 0, 0, false, false },
		{ S_IFDIR | 0755, 0, 0, false, false },
		{ S_IFREG | 0750, 0, 0, false, false },
		{ S_IFREG | 0750, 0, 30, false, true },
		{ S_IFREG | 0705, 0, 31, false, false },
		{ S_IFREG | 0700, 7, 0, false, true },
		{ S_IFREG | 0077, 7, 0, false, false },
		{ S_IFREG | 0700, 0, 0, false, false },
		{ S_IFREG | 0700, 0, 0, true, true },
		{ S_IFREG | 0600, 0, 0, true, false },
	};
	gid_t groups[] = { 31 };

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		const struct plan plan = { .uid = 7,
					   .gid = 30,
					   .groups = groups,
					   .n_groups = 1,
					   .root_inside = rows[i].root_inside };
		const struct stat st = { .st_mode = rows[i].mode,
					 .st_uid = rows[i].uid,
					 .st_gid = rows[i].gid };

		assert_int_equal(inside_may_execute(&plan, &st), rows[i].may);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_followed_as_inside),
		cmocka_unit_test(who_may_execute_it_is_known),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
