/* SPDX-License-Identifier: ISC */
#include "conf.h"

#include <errno.h>

#define JAILS "jails = { a = { }; b = { doors = { sshd = \"closed\"; }; }; };\n"

#define KEY   "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"
#define OTHER "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK"

/* Who goes where, by what he comes with. */
static const struct {
	const char *rule;
	const char *address;
	const char *keys;
	bool matches;
} visits[] = {
	{ "address = \"192.0.2.7\";", "192.0.2.7", NULL, true },
	{ "address = \"192.0.2.7\";", "192.0.2.8", NULL, false },
	{ "address = \"192.0.2.0/24\";", "192.0.2.8", NULL, true },
	{ "address = \"192.0.2.0/24\";", "::ffff:192.0.2.8", NULL, true },
	{ "address = \"192.0.2.0/24\";", "192.0.3.0", NULL, false },
	{ "address = \"0.0.0.0/0\";", "192.0.3.0", NULL, true },
	{ "address = \"0.0.0.0/0\";", "2001:db8::1", NULL, false },
	{ "address = \"::/0\";", "192.0.3.0", NULL, true },
	{ "address = \"2001:db8::/33\";", "2001:db8:7fff::1", NULL, true },
	{ "address = \"2001:db8::/33\";", "2001:db8:8000::1", NULL, false },
	{ "address = \"fe80::/10\";", "fe80::1%eth0", NULL, true },
	{ "address = [ \"::1\", \"127.0.0.0/8\" ];", "127.0.0.1", NULL, true },
	{ "address = \"0.0.0.0/0\";", NULL, NULL, false },

	{ "key = \"" KEY "\";", NULL, "publickey " KEY, true },
	{ "key = \"" KEY "\";", NULL, "publickey " KEY "\n", true },
	{ "key = \"" KEY " deploy@host\";", NULL, "publickey " KEY "\n", true },
	{ "key = \"" KEY "\";", NULL, "password\npublickey " KEY "\n", true },
	{ "key = \"" KEY "\";", NULL, "publickey " OTHER "\n", false },
	{ "key = \"" KEY "\";", NULL, "publickey " KEY "A\n", false },
	{ "key = \"" KEY "A\";", NULL, "publickey " KEY "\n", false },
	{ "key = \"" KEY "\";", NULL, "hostbased " KEY "\n", false },
	{ "key = \"" KEY "\";", NULL, "x publickey " KEY "\n", false },
	{ "key = \"" KEY "\";", NULL, "password\n", false },
	{ "key = \"" KEY "\";", NULL, "", false },
	{ "key = \"" KEY "\";", NULL, NULL, false },
	{ "key = [ \"" OTHER "\", \"" KEY "\" ];", NULL, "publickey " KEY,
	  true },

	{ "key = \"" KEY "\"; address = \"192.0.2.1\";", "192.0.2.1",
	  "publickey " KEY, true },
	{ "key = \"" KEY "\"; address = \"192.0.2.1\";", "192.0.2.2",
	  "publickey " KEY, false },
	{ "key = \"" KEY "\"; address = \"192.0.2.1\";", "192.0.2.1",
	  "publickey " OTHER, false },
};

static void
a_rule_asks_whence_and_how_somebody_comes(void **state)
{
	struct account account = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(visits); i++) {
		const struct visit visit = { "sshd", visits[i].address,
					     visits[i].keys };
		struct decision decision;
		struct policy *policy;
		struct err err;
		char text[1000];

		(void)snprintf(text, sizeof(text),
			       JAILS "rules = ( { %s jail = \"a\"; } );",
			       visits[i].rule);
		policy = load_text(text);
		if (policy_decide(policy, &account, &visit, &decision, &err) <
		    0)
			fail_msg("%s: %s", visits[i].rule, err.text);
		if ((decision.jail != NULL) != visits[i].matches)
			fail_msg("%s, row %zu", visits[i].rule, i);
		policy_free(policy);
	}
	account_free(&account);
}

/* Only of whom the rule may be meant for the address has to be known. */
static void
a_name_is_no_address(void **state)
{
	struct account account = look_up("alice");
	const struct visit visit = { "sshd", "host.example", NULL };
	struct policy *policy = load_text(
		JAILS "rules = ( { group = \"admins\"; address = \"::/0\"; "
		      "jail = \"a\"; } );");
	struct decision decision;
	struct err err;

	(void)state;
	assert_int_equal(
		policy_decide(policy, &account, &visit, &decision, &err), 0);
	assert_null(decision.jail);
	policy_free(policy);
	policy = load_text(
		JAILS "rules = ( { address = \"::/0\"; jail = \"a\"; } );");
	assert_int_equal(
		policy_decide(policy, &account, &visit, &decision, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_string_equal(err.text,
			    FILE_PATH ":2 asks for an address, and the service "
				      "tells a name (sshd_config: UseDNS no)");
	policy_free(policy);
	account_free(&account);
}

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
	{ "rules = ( { jail = \"b\"; } );", "alice", "sshd", "b", ":2",
	  "closed" },
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
		if (policy_decide(
			    policy, &account,
			    &(struct visit){ .service = cases[i].service },
			    &decision, &err) < 0)
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
	assert_int_equal(policy_decide(policy, &alice, &ssh, &decision, &err),
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
	assert_int_equal(policy_decide(policy, &alice, &ssh, &decision, &err),
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
	ret = policy_decide(policy, &alice, &ssh, &decision, &err);
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
		cmocka_unit_test(a_rule_asks_whence_and_how_somebody_comes),
		cmocka_unit_test(a_name_is_no_address),
		cmocka_unit_test(an_unknown_group_in_a_rule_refuses),
		cmocka_unit_test(
			a_list_of_groups_cut_short_does_not_free_anybody),
		cmocka_unit_test(a_name_service_that_is_down_refuses),
		cmocka_unit_test(inherited_keys_are_replaced_whole),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
