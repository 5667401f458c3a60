/* SPDX-License-Identifier: ISC */
#include "policy/etc.h"

#include "conf.h"

/* What is at /etc/NAME after setting it up, if the jail's list is LIST. */
struct row {
	const char *name; /* below /etc */
	enum entry_kind kind;
	const char *text; /* NULL: nothing is there */
};

static void
set_up_etc(void)
{
	static const char *const dirs[] = { "ssl",	   "ssl/certs",
					    "ssl/private", "java-17",
					    "skel",	   "ssh",
					    "loose",	   "alternatives" };
	static const char *const files[] = {
		"services", "shadow",	      "python3.11",	  "mine",
		"writable", "ssh/ssh_config", "ssh/ssh_host_key",
	};
	static const char *const links[][2] = {
		{ "localtime", "/usr/share/zoneinfo/UTC" },
		{ "os-release", "../usr/lib/os-release" },
		{ "mtab", "/proc/self/mounts" },
		{ "fpc.cfg", "/etc/alternatives/fpc.cfg" },
		{ "profile", "../srv/profile" },
		{ "inputrc", "/etc/shadow" },
		{ "vimrc", "../usr/../etc/passwd" },
		{ "ssl/openssl.cnf", "../../usr/lib/ssl/openssl.cnf" },
	};
	char path[100];

	for (size_t i = 0; i < N_ROWS(dirs); i++) {
		(void)snprintf(path, sizeof(path), "/etc/%s", dirs[i]);
		(void)mkdir(path, 0755);
	}
	for (size_t i = 0; i < N_ROWS(files); i++) {
		(void)snprintf(path, sizeof(path), "/etc/%s", files[i]);
		write_text(path, "");
	}
	for (size_t i = 0; i < N_ROWS(links); i++) {
		(void)snprintf(path, sizeof(path), "/etc/%s", links[i][0]);
		(void)unlink(path);
		assert_int_equal(symlink(links[i][1], path), 0);
	}
	assert_int_equal(chmod("/etc/writable", 0664), 0);
	assert_int_equal(chmod("/etc/loose", 0777), 0);
}

static const struct row by_default[] = {
	{ "services", ENTRY_BIND, "/etc/services" },
	{ "ssl/certs", ENTRY_BIND, "/etc/ssl/certs" },
	{ "ssh/ssh_config", ENTRY_BIND, "/etc/ssh/ssh_config" },
	{ "python3.11", ENTRY_BIND, "/etc/python3.11" },
	{ "java-17", ENTRY_BIND, "/etc/java-17" },
	{ "skel", ENTRY_BIND, "/etc/skel" },
	{ "alternatives", ENTRY_BIND, "/etc/alternatives" },
	{ "localtime", ENTRY_LINK, "/usr/share/zoneinfo/UTC" },
	{ "os-release", ENTRY_LINK, "../usr/lib/os-release" },
	{ "mtab", ENTRY_LINK, "/proc/self/mounts" },
	{ "fpc.cfg", ENTRY_LINK, "/etc/alternatives/fpc.cfg" },
	{ "ssl/openssl.cnf", ENTRY_LINK, "../../usr/lib/ssl/openssl.cnf" },
	/* links to what the jail does not show */
	{ "profile", 0, NULL },
	{ "inputrc", 0, NULL },
	{ "vimrc", 0, NULL },
	/* not in the list */
	{ "ssl", 0, NULL },
	{ "ssl/private", 0, NULL },
	{ "ssh", 0, NULL },
	{ "ssh/ssh_host_key", 0, NULL },
	{ "shadow", 0, NULL },
	{ "mine", 0, NULL },
};

static const struct row of_wildcards[] = {
	{ "services", ENTRY_BIND, "/etc/services" },
	{ "mine", ENTRY_BIND, "/etc/mine" },
	{ "ssl", ENTRY_BIND, "/etc/ssl" },
	{ "mtab", ENTRY_LINK, "/proc/self/mounts" },
	{ "shadow", 0, NULL },
	{ "passwd", 0, NULL },
	{ "group", 0, NULL },
	{ "ssh", 0, NULL },
	{ "writable", 0, NULL },
	{ "loose", 0, NULL },
};

static const struct row of_one_name[] = {
	{ "mine", ENTRY_BIND, "/etc/mine" },
	{ "services", 0, NULL },
	{ "localtime", 0, NULL },
};

static const struct text wildcards[] = { { "*", { "f", 1 } },
					 { "ssl/*", { "f", 1 } } };
static const struct text twice[] = { { "mine", { "f", 1 } },
				     { "mi*", { "f", 1 } },
				     { "mine", { "f", 1 } } };
static const struct text one_name[] = { { "mine", { "f", 1 } } };

static const struct jail_conf jails[] = {
	{ .etc_given = false },
	{ .etc = { wildcards, 2 }, .etc_given = true },
	{ .etc = { one_name, 1 }, .etc_given = true },
	{ .etc = { twice, 3 }, .etc_given = true },
	{ .etc_given = true },
};

static void
assert_rows(const struct entries *entries, const struct row *rows, size_t n)
{
	char path[100];

	for (size_t i = 0; i < n; i++) {
		const struct entry *found = NULL;

		(void)snprintf(path, sizeof(path), "/etc/%s", rows[i].name);
		for (size_t k = 0; k < entries->n; k++)
			if (strcmp(entries->item[k].target, path) == 0) {
				assert_null(found);
				found = &entries->item[k];
			}
		if ((found != NULL) != (rows[i].text != NULL))
			fail_msg("%s", path);
		if (found == NULL)
			continue;
		assert_int_equal(found->kind, rows[i].kind);
		assert_string_equal(found->text, rows[i].text);
		assert_int_equal(found->flags, found->kind == ENTRY_BIND
						       ? ENTRY_READONLY
						       : 0);
	}
}

static void
only_what_is_listed_and_safe_is_shown(void **state)
{
	static const struct {
		const struct row *rows;
		size_t n;
	} expected[] = {
		{ by_default, N_ROWS(by_default) },
		{ of_wildcards, N_ROWS(of_wildcards) },
		{ of_one_name, N_ROWS(of_one_name) },
		{ of_one_name, N_ROWS(of_one_name) },
		{ NULL, 0 },
	};

	(void)state;
	set_up_etc();
	for (size_t i = 0; i < N_ROWS(jails); i++) {
		struct arena arena = { NULL };
		struct entries entries = { .arena = &arena };
		struct err err = { .text = "" };

		if (etc_add(&jails[i], &entries, &err) < 0)
			fail_msg("%s", err.text);
		assert_rows(&entries, expected[i].rows, expected[i].n);
		if (expected[i].n == 0)
			assert_int_equal(entries.n, 0);
		arena_free(&arena);
	}
}

static void
a_name_that_was_asked_for_is_shown_or_a_mistake(void **state)
{
	static const struct {
		const char *name, *error;
	} cases[] = {
		{ "gone", "f:7: \"etc\": /etc/gone does not exist" },
		{ "mine/gone", "f:7: \"etc\": /etc/mine/gone does not exist" },
		{ "profile", "f:7: \"etc\": /etc/profile is a symbolic link to "
			     "where the jail shows nothing" },
		{ "inputrc", "f:7: \"etc\": /etc/inputrc is a symbolic link to "
			     "where the jail shows nothing" },
		{ "writable", "f:7: \"etc\": /etc/writable can be changed by "
			      "others than root" },
		{ "loose", "f:7: \"etc\": /etc/loose can be changed by others "
			   "than root" },
	};

	(void)state;
	set_up_etc();
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const struct text name = { cases[i].name, { "f", 7 } };
		const struct jail_conf jail = { .etc = { &name, 1 },
						.etc_given = true };
		struct arena arena = { NULL };
		struct entries entries = { .arena = &arena };
		struct err err = { .text = "" };

		assert_int_equal(etc_add(&jail, &entries, &err), -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_string_equal(err.text, cases[i].error);
		arena_free(&arena);
	}
}

static void
what_somebody_else_owns_is_not_shown(void **state)
{
	const struct text name = { "theirs", { "f", 7 } };
	const struct jail_conf jail = { .etc = { &name, 1 },
					.etc_given = true };
	struct arena arena = { NULL };
	struct entries entries = { .arena = &arena };
	struct err err = { .text = "" };

	(void)state;
	write_text("/etc/theirs", "");
	give_to("/etc/theirs", 20001);
	assert_int_equal(etc_add(&jail, &entries, &err), -1);
	assert_string_equal(err.text, "f:7: \"etc\": /etc/theirs can be "
				      "changed by others than root");
	arena_free(&arena);
	assert_int_equal(unlink("/etc/theirs"), 0);
}

static void
the_compiled_list_keeps_its_own_rules(void **state)
{
	(void)state;
	for (size_t i = 0; etc_default_names[i] != NULL; i++) {
		const struct text name = { etc_default_names[i], { "f", 1 } };
		struct err err = { .text = "" };

		if (etc_check_name(&name, &err) < 0)
			fail_msg("%s", err.text);
	}
}

/* Appends the words of the manual's list to OUT, one space between. */
static void
read_manual(char *out, size_t size)
{
	char path[4096], line[400];
	FILE *manual;
	bool in_list = false;

	(void)snprintf(path, sizeof(path), "%s/man/jail.conf.5",
		       getenv("top_srcdir"));
	manual = fopen(path, "re");
	assert_non_null(manual);
	while (fgets(line, sizeof(line), manual) != NULL) {
		if (strncmp(line, ".\\\" end of etc", 14) == 0)
			in_list = false;
		if (in_list && line[0] != '.')
			for (char *word = strtok(line, " \n"); word != NULL;
			     word = strtok(NULL, " \n"))
				(void)snprintf(out + strlen(out),
					       size - strlen(out), " %s", word);
		if (strncmp(line, ".\\\" begin of etc", 16) == 0)
			in_list = true;
	}
	assert_int_equal(fclose(manual), 0);
}

static void
the_manual_has_the_compiled_list(void **state)
{
	static char manual[8000], compiled[8000];

	(void)state;
	read_manual(manual, sizeof(manual));
	for (size_t i = 0; etc_default_names[i] != NULL; i++)
		(void)snprintf(compiled + strlen(compiled),
			       sizeof(compiled) - strlen(compiled), " %s",
			       etc_default_names[i]);
	assert_string_equal(manual, compiled);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_listed_and_safe_is_shown),
		cmocka_unit_test(
			a_name_that_was_asked_for_is_shown_or_a_mistake),
		cmocka_unit_test(what_somebody_else_owns_is_not_shown),
		cmocka_unit_test(the_compiled_list_keeps_its_own_rules),
		cmocka_unit_test(the_manual_has_the_compiled_list),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
