/* SPDX-License-Identifier: ISC */
#include "conf.h"

enum { FINDINGS_MAX = 20 };

struct findings {
	size_t n;
	char text[FINDINGS_MAX][sizeof(((struct err *)0)->text)];
};

static void
keep(void *arg, const struct err *err)
{
	struct findings *const findings = arg;

	assert_true(findings->n < FINDINGS_MAX);
	assert_int_not_equal(err->kind, ERR_NONE);
	memcpy(findings->text[findings->n++], err->text, sizeof(err->text));
}

static void
assert_found(const struct findings *findings, const char *text)
{
	for (size_t i = 0; i < findings->n; i++)
		if (strcmp(findings->text[i], text) == 0)
			return;
	for (size_t i = 0; i < findings->n; i++)
		print_error("found: %s\n", findings->text[i]);
	fail_msg("not found: %s", text);
}

static const char conf[] = "exempt_groups = [ \"admins\", \"sduo\" ];\n"
			   "jails = { shell = { }; };\n"
			   "rules = (\n"
			   "{ user = [ \"alice\", \"alcie\" ]; jail = "
			   "\"shell\"; },\n"
			   "{ group = [ \"customers\",\n"
			   "\"costumers\" ]; jail = \"shell\"; } );\n";

static void
what_a_login_does_not_look_at_is_found(void **state)
{
	static const struct {
		const char *file, *text, *found;
	} files[] = {
		{ "alice", "", NULL },
		{ "bob", "jail = \"shel\";",
		  USERS_PATH "/bob:1: no such jail: shel" },
		{ "many~", "",
		  USERS_PATH "/many~: not the name of an account: nobody is "
			     "jailed by this file" },
		{ "Alice", "",
		  USERS_PATH "/Alice: not the name of an account: nobody is "
			     "jailed by this file" },
		{ "alcie", "", USERS_PATH "/alcie: alcie: no such user" },
		{ "toor", "", USERS_PATH "/toor: uid 0 is never jailed" },
	};
	struct findings findings = { .n = 0 };
	struct policy *policy = load_text(conf);
	char path[100];

	(void)state;
	for (size_t i = 0; i < N_ROWS(files); i++) {
		(void)snprintf(path, sizeof(path), USERS_PATH "/%s",
			       files[i].file);
		write_text(path, files[i].text);
	}
	assert_int_equal(policy_audit(policy, keep, &findings), 8);
	assert_int_equal(findings.n, 8);
	assert_found(&findings, FILE_PATH ":1: no such group: sduo");
	assert_found(&findings, FILE_PATH ":4: no such user: alcie");
	assert_found(&findings, FILE_PATH ":6: no such group: costumers");
	for (size_t i = 0; i < N_ROWS(files); i++) {
		if (files[i].found != NULL)
			assert_found(&findings, files[i].found);
		(void)snprintf(path, sizeof(path), USERS_PATH "/%s",
			       files[i].file);
		assert_int_equal(unlink(path), 0);
	}
	policy_free(policy);
}

static void
a_port_that_two_accounts_have_is_found(void **state)
{
	static const char *const files[] = { USERS_PATH "/alice",
					     USERS_PATH "/bob" };
	struct findings findings = { .n = 0 };
	struct policy *policy = load_text("jails = { shell = { }; };");

	(void)state;
	write_text(files[0], "ports = \"8000-8009\";");
	write_text(files[1], "ports = \"8010-8019\";");
	assert_int_equal(policy_audit(policy, keep, &findings), 0);
	write_text(files[1], "\nports = \"8009-8019\";");
	assert_int_equal(policy_audit(policy, keep, &findings), 1);
	/* Whichever is read first. */
	if (strncmp(findings.text[0], files[1], strlen(files[1])) == 0)
		assert_found(&findings,
			     USERS_PATH "/bob:2: \"ports\": some of 8009-8019 "
					"are in " USERS_PATH "/alice as well");
	else
		assert_found(&findings, USERS_PATH
			     "/alice:1: \"ports\": some of 8000-8009 are "
			     "in " USERS_PATH "/bob as well");
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(unlink(files[i]), 0);
	policy_free(policy);
}

static void
a_good_configuration_is_quiet(void **state)
{
	struct findings findings = { .n = 0 };
	struct policy *policy = load_text("jails = { shell = { }; };");

	(void)state;
	write_text(USERS_PATH "/alice", "");
	assert_int_equal(policy_audit(policy, keep, &findings), 0);
	assert_int_equal(unlink(USERS_PATH "/alice"), 0);
	assert_int_equal(rmdir(USERS_PATH), 0);
	assert_int_equal(policy_audit(policy, keep, &findings), 0);
	assert_int_equal(mkdir(USERS_PATH, 0755), 0);
	policy_free(policy);
}

static void
an_unsafe_directory_is_found(void **state)
{
	struct findings findings = { .n = 0 };
	struct policy *policy = load_text("");

	(void)state;
	assert_int_equal(chmod(USERS_PATH, 0775), 0);
	assert_int_equal(policy_audit(policy, keep, &findings), 1);
	assert_found(&findings,
		     USERS_PATH ": others may write to it (mode 0775): chmod "
				"go-w it");
	assert_int_equal(chmod(USERS_PATH, 0755), 0);
	policy_free(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_login_does_not_look_at_is_found),
		cmocka_unit_test(a_port_that_two_accounts_have_is_found),
		cmocka_unit_test(a_good_configuration_is_quiet),
		cmocka_unit_test(an_unsafe_directory_is_found),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
