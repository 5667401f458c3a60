/* SPDX-License-Identifier: ISC */
#include "conf.h"

/* ann has the uid of alice, who comes first; bob's is his alone. */
static int
make_twins(void **state)
{
	static const char twin[] = "ann:x:20001:20001::/home/alice:/bin/sh\n";
	FILE *file;

	if (make_conf(state) < 0)
		return -1;
	file = fopen("/etc/passwd", "ae");
	return file != NULL && fputs(twin, file) >= 0 && fclose(file) == 0 ? 0
									   : -1;
}

static void
assert_refused(const char *name, const char *conf, const char *text)
{
	struct policy *policy = load_text(conf);
	struct account account = look_up(name);
	struct err err = { .text = "" };

	assert_int_equal(policy_require_own_uid(policy, &account, &err),
			 text == NULL ? 0 : -1);
	assert_string_equal(err.text, text == NULL ? "" : text);
	account_free(&account);
	policy_free(policy);
}

static const char alice[] = "jails = { shell = { }; };\nrules = ( { user = "
			    "\"alice\"; jail = \"shell\"; } );\n";
static const char ann[] = "jails = { shell = { }; };\nrules = ( { user = "
			  "\"ann\"; jail = \"shell\"; } );\n";
static const char both[] = "jails = { shell = { }; };\nrules = ( { match = "
			   "\"a*\"; jail = \"shell\"; } );\n";
static const char why[] = "uid 20001 is that of alice as well, and one of "
			  "them is jailed: give ann another uid";

static void
who_shares_a_jailed_one_s_uid_is_refused(void **state)
{
	(void)state;
	assert_refused("ann", alice, why);
	assert_refused("ann", both, why);
	assert_refused("ann", ann, why);
}

static void
the_first_of_a_uid_is_not_refused(void **state)
{
	(void)state;
	assert_refused("alice", alice, NULL);
	assert_refused("alice", both, NULL);
	assert_refused("bob", both, NULL);
}

static void
where_nobody_is_jailed_twins_may_be(void **state)
{
	(void)state;
	assert_refused("ann", "", NULL);
	assert_refused("alice", "", NULL);
	assert_refused("toor", both, NULL); /* uid 0 is nobody's business */
}

static void
count(void *arg, const char *name)
{
	char *const names = arg;

	(void)strncat(names, name, 100);
	(void)strncat(names, " ", 2);
}

static void
rules_name_accounts_and_members_of_groups(void **state)
{
	struct policy *policy = load_text(
		"jails = { shell = { }; };\nrules = (\n"
		"{ user = [ \"many\", \"ghost\" ]; jail = \"shell\"; },\n"
		"{ uid = 20003; jail = \"shell\"; },\n"
		"{ group = \"customers\"; jail = \"shell\"; } );\n");
	char names[400] = "";

	(void)state;
	assert_int_equal(policy_each_named(policy, count, names), 3);
	assert_string_equal(names, "many ghost alice bob ");
	policy_free(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_shares_a_jailed_one_s_uid_is_refused),
		cmocka_unit_test(the_first_of_a_uid_is_not_refused),
		cmocka_unit_test(where_nobody_is_jailed_twins_may_be),
		cmocka_unit_test(rules_name_accounts_and_members_of_groups),
	};

	return cmocka_run_group_tests(tests, make_twins, NULL);
}
