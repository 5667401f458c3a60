/* SPDX-License-Identifier: ISC */
#include "conf.h"

#include <errno.h>

#define JAILS "jails = { a = { }; b = { doors = { sshd = \"closed\"; }; }; };\n"

/* Who goes where, at which door. */
static const struct {
	const char *rules;
	const char *who;
	const char *service; /* NULL: any */
	const char *jail;    /* NULL: not jailed */
	const char *rule;
	const char *door;
} cases[] = {
	{ "", "alice", "sshd", NULL, NULL, "closed" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "sshd", "a", ":2",
	  "child" },
	{ "rules = ( { jail = \"a\"; } );", "toor", "sshd", NULL, NULL,
	  "closed" },

	/* doors */
	{ "rules = ( { jail = \"a\"; } );", "alice", "cron", "a", ":2", "job" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "su", "a", ":2", "shell" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "su-l", "a", ":2",
	  "shell" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "login", "a", ":2",
	  "shell" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "systemd-user", "a", ":2",
	  "closed" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "SSHD", "a", ":2",
	  "closed" },
	{ "rules = ( { jail = \"a\"; } );", "alice", "", "a", ":2", "closed" },
	{ "rules = ( { jail = \"a\"; } );", "alice", NULL, "a", ":2",
	  "closed" },
	{ "rules = ( { jail = \"b\"; } );", "alice", "sshd", "b", ":2", "closed" },
	{ "rules = ( { jail = \"b\"; } );", "alice", "su", "b", ":2",
	  "closed" },

	/* the first match decides */
	{ "rules = ( { user = \"alice\"; jail = \"a\"; },\n"
	  "{ jail = \"b\"; } );",
	  "alice", "sshd", "a", ":2", "child" },
	{ "rules = ( { user = \"alice\"; jail = \"a\"; },\n"
	  "{ jail = \"b\"; } );",
	  "bob", "sshd", "b", ":3", "closed" },

	/* each key */
	{ "rules = ( { user = [ \"x\", \"bob\" ]; jail = \"a\"; } );", "bob",
	  "su", "a", ":2", "shell" },
	{ "rules = ( { user = [ \"x\", \"bo\" ]; jail = \"a\"; } );", "bob",
	  "su", NULL, NULL, "closed" },
	{ "rules = ( { uid = 20001; jail = \"a\"; } );", "alice", "su", "a",
	  ":2", "shell" },
	{ "rules = ( { uid = \"20002-20003\"; jail = \"a\"; } );", "alice",
	  "su", NULL, NULL, "closed" },
	{ "rules = ( { uid = \"20000-20001\"; jail = \"a\"; } );", "alice",
	  "su", "a", ":2", "shell" },
	{ "rules = ( { uid = \"20001\"; jail = \"a\"; } );", "bob", "su", NULL,
	  NULL, "closed" },
	{ "rules = ( { match = \"al*\"; jail = \"a\"; } );", "alice", "su", "a",
	  ":2", "shell" },
	{ "rules = ( { match = \"l*\"; jail = \"a\"; } );", "alice", "su", NULL,
	  NULL, "closed" },
	{ "rules = ( { match = \"web.[0-9]\"; jail = \"a\"; } );", "web.1",
	  "su", "a", ":2", "shell" },
	{ "rules = ( { group = \"customers\"; jail = \"a\"; } );", "alice",
	  "su", "a", ":2", "shell" },
	{ "rules = ( { group = \"customers\"; jail = \"a\"; } );", "web.1",
	  "su", NULL, NULL, "closed" },
	{ "rules = ( { group = [ \"empty\", \"alice\" ]; jail = \"a\"; } );",
	  "alice", "su", "a", ":2", "shell" },
	{ "rules = ( { service = [ \"su\", \"su-l\" ]; jail = \"a\"; } );",
	  "alice", "su", "a", ":2", "shell" },
	{ "rules = ( { service = \"su\"; jail = \"a\"; } );", "alice", "sshd",
	  NULL, NULL, "closed" },
	{ "rules = ( { service = \"su\"; jail = \"a\"; } );", "alice", NULL,
	  NULL, NULL, "closed" },

	/* all keys must match */
	{ "rules = ( { user = \"alice\"; group = \"admins\"; jail = \"a\"; } "
	  ");",
	  "alice", "su", NULL, NULL, "closed" },
	{ "rules = ( { user = \"alice\"; uid = 20001; match = \"a*\"; "
	  "group = \"customers\"; service = \"su\"; jail = \"a\"; } );",
	  "alice", "su", "a", ":2", "shell" },

	/* exempt */
	{ "exempt_groups = [ \"admins\" ]; rules = ( { jail = \"a\"; } );",
	  "bob", "sshd", NULL, NULL, "closed" },
	{ "exempt_groups = [ \"admins\" ]; rules = ( { jail = \"a\"; } );",
	  "alice", "sshd", "a", ":2", "child" },
	{ "exempt_groups = [ \"admin\" ]; rules = ( { jail = \"a\"; } );",
	  "bob", "sshd", "a", ":2", "child" },

	/* a group that nobody knows, in a rule that is not reached */
	{ "rules = ( { user = \"x\"; group = \"gone\"; jail = \"a\"; } );",
	  "alice", "sshd", NULL, NULL, "closed" },
	{ "exempt_groups = [ \"admins\" ];\n"
	  "rules = ( { group = \"gone\"; jail = \"a\"; } );",
	  "bob", "sshd", NULL, NULL, "closed" },
};

static void
check_decision(size_t i, const struct decision *decision)
{
	if (cases[i].jail == NULL) {
		assert_null(decision->jail);
		return;
	}
	if (decision->jail == NULL)
		fail_msg("%s: not jailed", cases[i].rules);
	assert_string_equal(jail_conf_name(decision->jail), cases[i].jail);
	assert_string_equal(decision->rule + strlen(FILE_PATH), cases[i].rule);
}

static void
the_first_rule_that_matches_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		char text[1000];
		struct account account = look_up(cases[i].who);
		struct policy *policy;
		struct decision decision;
		struct err err = { .text = "" };

		(void)snprintf(text, sizeof(text), "%s%s", JAILS,
			       cases[i].rules);
		policy = load_text(text);
		if (policy_decide(policy, &account, cases[i].service, &decision,
				  &err) < 0)
			fail_msg("%s: %s", cases[i].rules, err.text);
		check_decision(i, &decision);
		assert_string_equal(door_name(decision.door), cases[i].door);
		policy_free(policy);
		account_free(&account);
	}
}

static void
an_unknown_group_in_a_rule_refuses(void **state)
{
	struct account alice = look_up("alice");
	struct policy *policy = load_text(
		JAILS "rules = ( {\ngroup = [ \"admins\",\n\"gone\" ]; "
		      "jail = \"a\"; } );");
	struct decision decision;
	struct err err = { .text = "" };

	(void)state;
	assert_int_equal(policy_decide(policy, &alice, "sshd", &decision, &err),
			 -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.text, FILE_PATH ":4: no such group: gone");
	policy_free(policy);
	account_free(&alice);
}

/* getgrouplist(3) came back short, as from a name service that gave up. */
static void
a_list_of_groups_cut_short_does_not_free_anybody(void **state)
{
	struct account alice = look_up("alice");
	struct policy *policy = load_text(
		JAILS "rules = ( { group = \"customers\"; jail = \"a\"; } );");
	struct decision decision;
	struct err err = { .text = "" };

	(void)state;
	alice.n_groups = 1;
	assert_false(account_in_group(&alice, 30000));
	assert_int_equal(policy_decide(policy, &alice, "sshd", &decision, &err),
			 0);
	assert_non_null(decision.jail);
	policy_free(policy);
	account_free(&alice);
}

static void
a_name_service_that_is_down_refuses(void **state)
{
	struct account alice = look_up("alice");
	struct policy *policy = load_text(
		JAILS "rules = ( { group = \"customers\"; jail = \"a\"; } );");
	struct decision decision;
	struct err err = { .text = "" };
	int ret;

	(void)state;
	assert_int_equal(rename("/etc/group", "/etc/group.away"), 0);
	assert_int_equal(mkdir("/etc/group", 0755), 0);
	ret = policy_decide(policy, &alice, "sshd", &decision, &err);
	assert_int_equal(rmdir("/etc/group"), 0);
	assert_int_equal(rename("/etc/group.away", "/etc/group"), 0);
	assert_int_equal(ret, -1);
	assert_null(decision.jail);
	policy_free(policy);
	account_free(&alice);
}

static void
inherited_keys_are_replaced_whole(void **state)
{
	struct policy *policy = load_text(
		"jails = {\n"
		"c = { inherit = \"b\"; };\n"
		"a = { doors = { sshd = \"child\"; cron = \"job\"; }; };\n"
		"b = { inherit = \"a\"; doors = { su = \"shell\"; }; };\n"
		"};");
	const struct service *services;
	size_t n = 0;

	(void)state;
	services = jail_conf_doors(policy_jail(policy, "c"), &n);
	assert_int_equal(n, 1);
	assert_string_equal(services[0].name, "su");
	assert_int_equal(services[0].door, DOOR_SHELL);
	services = jail_conf_doors(policy_jail(policy, "a"), &n);
	assert_int_equal(n, 2);
	assert_null(policy_jail(policy, "d"));
	policy_free(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule_that_matches_decides),
		cmocka_unit_test(an_unknown_group_in_a_rule_refuses),
		cmocka_unit_test(
			a_list_of_groups_cut_short_does_not_free_anybody),
		cmocka_unit_test(a_name_service_that_is_down_refuses),
		cmocka_unit_test(inherited_keys_are_replaced_whole),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
