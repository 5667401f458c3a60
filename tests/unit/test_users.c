/* SPDX-License-Identifier: ISC */
#include "conf.h"

#include <errno.h>

#define JAILS                                                                  \
	"jails = { shell = { }; files = { doors = { sshd = \"child\"; }; "     \
	"}; };\n"
#define ALICE USERS_PATH "/alice"

/* What the file of alice says, and what becomes of her. */
static const struct {
	const char *text;
	const char *jail;  /* NULL: refused */
	const char *error; /* after the file's name */
} cases[] = {
	{ "", "shell", NULL },
	{ "# my notes\n", "shell", NULL },
	{ "jail = \"files\";", "files", NULL },
	{ "former_shell = \"/bin/zsh\";", "shell", NULL },
	{ "umask = \"077\"; jail = \"files\"; linger = 5;", "files", NULL },
	{ "jail = \"fiels\";", NULL, ":1: no such jail: fiels" },
	{ "\njail = 5;", NULL,
	  ":2: \"jail\" must be a string, as in \"text\"" },
	{ "inherit = \"files\";", NULL,
	  ":1: unknown key \"inherit\" here; jail.conf(5) has the list" },
	{ "jails = { };", NULL,
	  ":1: unknown key \"jails\" here; jail.conf(5) has the list" },
	{ "former_shell = \"zsh\";", NULL,
	  ":1: \"former_shell\" must be the absolute path of a program" },
	{ "rules = ( { service = \"su\"; jail = \"files\"; } );", "shell",
	  NULL },
	{ "rules = ( { jail = \"shell\"; } );", NULL,
	  ":1: the file's own jail is \"shell\" already; a rule needs "
	  "another" },
	{ "rules = ( { user = \"bob\"; jail = \"files\"; } );", NULL,
	  ":1: unknown key \"user\" here; jail.conf(5) has the list" },
	{ "writable = true;", NULL,
	  ":1: jail \"shell\": writable = true needs a root of its own, and "
	  "root is \"host\"" },
	{ "jail = \"shell\"\njail = \"files\"\n", NULL,
	  ":2: duplicate setting name" },
	{ "jail =\n", NULL,
	  ":2: syntax error here, or something is missing before (; or \" or "
	  "})" },
	{ "@include \"/conf/jail.conf\"\n", NULL,
	  ":1: @include is not supported: put all jails and rules into "
	  "jail.conf, and single accounts into users.d" },
	{ "uid = 4294967297;", NULL,
	  ":1: the number 4294967297 is too large for an int: put an L behind "
	  "it" },
};

static void
a_file_decides_for_its_account(void **state)
{
	struct account alice = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct policy *policy = load_text(JAILS);
		struct decision decision;
		struct err err = { .text = "" };
		int ret;

		write_text(ALICE, cases[i].text);
		ret = policy_decide(policy, &alice, &ssh, &decision, &err);
		if (ret != (cases[i].jail != NULL ? 0 : -1))
			fail_msg("%s: %s", cases[i].text, err.text);
		if (cases[i].jail != NULL) {
			assert_string_equal(jail_conf_name(decision.jail),
					    cases[i].jail);
			assert_string_equal(decision.rule, ALICE);
			assert_int_equal(decision.door, DOOR_CHILD);
		} else {
			assert_null(decision.jail);
			assert_int_equal(err.kind, ERR_CONFIG);
			assert_memory_equal(err.text, ALICE, strlen(ALICE));
			assert_string_equal(err.text + strlen(ALICE),
					    cases[i].error);
		}
		policy_free(policy);
	}
	assert_int_equal(unlink(ALICE), 0);
	account_free(&alice);
}

/* Decides for NAME with RULES; returns the jail's name, NULL, or "refused". */
static const char *
jail_of(const char *rules, const char *name, struct err *err)
{
	static char said[64];
	struct account account = look_up(name);
	struct policy *policy = load_text(rules);
	struct decision decision;
	const char *jail = NULL;

	if (policy_decide(policy, &account, &ssh, &decision, err) < 0)
		jail = "refused";
	else if (decision.jail != NULL)
		jail = jail_conf_name(decision.jail);
	(void)snprintf(said, sizeof(said), "%s", jail != NULL ? jail : "");
	policy_free(policy);
	account_free(&account);
	return jail != NULL ? said : NULL;
}

static void
a_file_comes_before_rules_and_exemptions(void **state)
{
	static const char rules[] = JAILS "exempt_groups = [ \"customers\" ];\n"
					  "rules = ( { jail = \"files\"; } );";
	struct err err = { .text = "" };

	(void)state;
	assert_null(jail_of(rules, "alice", &err));
	write_text(ALICE, "");
	assert_string_equal(jail_of(rules, "alice", &err), "shell");
	assert_int_equal(unlink(ALICE), 0);
}

static void
a_broken_file_refuses_its_account_and_no_other(void **state)
{
	struct err err = { .text = "" };

	(void)state;
	write_text(ALICE, "jail = ;");
	assert_string_equal(jail_of(JAILS, "alice", &err), "refused");
	assert_null(jail_of(JAILS, "bob", &err));
	assert_int_equal(unlink(ALICE), 0);
}

static void
uid_0_is_not_even_looked_for(void **state)
{
	struct err err = { .text = "" };

	(void)state;
	write_text(USERS_PATH "/toor", "jail = ;");
	write_text(USERS_PATH "/root", "");
	assert_null(jail_of(JAILS, "toor", &err));
	assert_null(jail_of(JAILS, "root", &err));
	assert_int_equal(unlink(USERS_PATH "/toor"), 0);
	assert_int_equal(unlink(USERS_PATH "/root"), 0);
}

static void
a_name_that_is_not_plain_has_no_file(void **state)
{
	struct err err = { .text = "" };

	(void)state;
	write_text(USERS_PATH "/web.1", "");
	assert_null(jail_of(JAILS, "web.1", &err));
	assert_int_equal(unlink(USERS_PATH "/web.1"), 0);
}

static void
a_file_that_others_could_write_refuses(void **state)
{
	struct err err = { .text = "" };

	(void)state;
	write_text(ALICE, "");
	assert_int_equal(chmod(ALICE, 0664), 0);
	assert_string_equal(jail_of(JAILS, "alice", &err), "refused");
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_string_equal(err.text,
			    ALICE ": others may write to it (mode 0664): "
				  "chmod go-w it");

	assert_int_equal(unlink(ALICE), 0);
	assert_int_equal(symlink("/conf/jail.conf", ALICE), 0);
	assert_string_equal(jail_of(JAILS, "alice", &err), "refused");
	assert_string_equal(err.text, ALICE ": is a symbolic link");

	assert_int_equal(unlink(ALICE), 0);
	assert_int_equal(mkfifo(ALICE, 0644), 0);
	assert_string_equal(jail_of(JAILS, "alice", &err), "refused");
	assert_string_equal(err.text, ALICE ": is not a regular file");
	assert_int_equal(unlink(ALICE), 0);
}

static void
a_directory_that_others_could_write_refuses_everybody(void **state)
{
	struct err err = { .text = "" };

	(void)state;
	write_text(FILE_PATH, JAILS);
	assert_int_equal(chmod(USERS_PATH, 0777), 0);
	assert_null(policy_load(CONF, 0, &err));
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_string_equal(err.text,
			    USERS_PATH ": others may write to it (mode 0777): "
				       "chmod go-w it");
	assert_int_equal(chmod(USERS_PATH, 0755), 0);

	assert_int_equal(rename(USERS_PATH, "/elsewhere"), 0);
	assert_int_equal(symlink("/elsewhere", USERS_PATH), 0);
	assert_null(policy_load(CONF, 0, &err));
	assert_string_equal(err.text, USERS_PATH ": is a symbolic link");
	assert_int_equal(unlink(USERS_PATH), 0);

	write_text(USERS_PATH, "");
	assert_null(policy_load(CONF, 0, &err));
	assert_string_equal(err.text, USERS_PATH ": is not a directory");
	assert_int_equal(unlink(USERS_PATH), 0);

	/* No directory at all: no files. */
	assert_null(jail_of(JAILS, "alice", &err));
	assert_int_equal(rename("/elsewhere", USERS_PATH), 0);
}

static void
a_supposed_file_is_taken_for_the_real_one(void **state)
{
	struct account alice = look_up("alice"), bob = look_up("bob");
	struct policy *policy = load_text(JAILS);
	struct decision decision;
	struct err err = { .text = "" };

	(void)state;
	write_text(ALICE, "jail = ;");
	assert_int_equal(policy_suppose(policy, "alice",
					"jail = \"files\"; "
					"former_shell = \"/bin/zsh\";",
					&err),
			 0);
	assert_int_equal(policy_decide(policy, &alice, &ssh, &decision, &err),
			 0);
	assert_string_equal(jail_conf_name(decision.jail), "files");
	assert_string_equal(decision.rule, ALICE);
	assert_int_equal(policy_decide(policy, &bob, &ssh, &decision, &err), 0);
	assert_null(decision.jail);
	assert_int_equal(unlink(ALICE), 0);
	policy_free(policy);
	account_free(&alice);
	account_free(&bob);
}

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"

static void
note_jail(void *arg, const struct decision *decision)
{
	char *const names = arg;

	(void)strcat(names, jail_conf_name(decision->jail));
	(void)strcat(names, " ");
}

static void
the_rules_of_a_file_come_before_its_own_jail(void **state)
{
	const struct visit by_key = { "sshd", NULL, "publickey " KEY "\n" };
	struct policy *const policy = load_text(JAILS);
	struct account alice = look_up("alice");
	char names[100] = "";
	const struct jail_finder finder = { note_jail, names };
	struct decision decision;
	struct err err = { .text = "" };

	(void)state;
	assert_int_equal(policy_suppose(policy, "alice",
					"former_shell = \"/bin/zsh\";\n"
					"rules = ( { key = \"" KEY
					"\"; jail = \"files\"; } );\n",
					&err),
			 0);
	assert_int_equal(
		policy_decide(policy, &alice, &by_key, &decision, &err), 0);
	assert_string_equal(jail_conf_name(decision.jail), "files");
	assert_string_equal(decision.rule, ALICE ":2");
	assert_int_equal(policy_decide(policy, &alice, &ssh, &decision, &err),
			 0);
	assert_string_equal(jail_conf_name(decision.jail), "shell");
	assert_string_equal(decision.rule, ALICE);

	assert_int_equal(policy_each(policy, &alice, &finder, &err), 0);
	assert_string_equal(names, "shell files ");
	assert_int_equal(policy_find(policy, &alice, "files", &decision, &err),
			 0);
	assert_string_equal(decision.rule, ALICE ":2");
	assert_int_equal(policy_find(policy, &alice, "other", &decision, &err),
			 0);
	assert_null(decision.jail);
	policy_free(policy);
	account_free(&alice);
}

static void
claims_need_no_policy(void **state)
{
	const struct account cases_of[] = {
		{ .name = "alice", .uid = 20001, .shell = "/bin/sh" },
		{ .name = "bob", .uid = 20002, .shell = JAILSH },
		{ .name = "carol", .uid = 20003, .shell = "/bin/sh" },
		{ .name = "../users.d/alice", .uid = 4, .shell = "/bin/sh" },
		{ .name = "alice", .uid = 0, .shell = JAILSH },
	};
	const bool claimed[] = { true, true, false, false, false };

	(void)state;
	write_text(FILE_PATH, "broken");
	write_text(ALICE, "broken");
	for (size_t i = 0; i < N_ROWS(cases_of); i++)
		assert_int_equal(policy_claims(CONF, &cases_of[i]), claimed[i]);

	/* Not to be seen is not the same as not to be there. */
	assert_int_equal(unlink(ALICE), 0);
	assert_int_equal(symlink("nowhere", ALICE), 0);
	assert_true(policy_claims(CONF, &cases_of[0]));
	assert_int_equal(unlink(ALICE), 0);
	assert_false(policy_claims(CONF, &cases_of[0]));
	assert_true(policy_claims(FILE_PATH, &cases_of[0]));
	assert_false(policy_claims("/nowhere", &cases_of[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_decides_for_its_account),
		cmocka_unit_test(a_file_comes_before_rules_and_exemptions),
		cmocka_unit_test(
			a_broken_file_refuses_its_account_and_no_other),
		cmocka_unit_test(uid_0_is_not_even_looked_for),
		cmocka_unit_test(a_name_that_is_not_plain_has_no_file),
		cmocka_unit_test(a_file_that_others_could_write_refuses),
		cmocka_unit_test(
			a_directory_that_others_could_write_refuses_everybody),
		cmocka_unit_test(a_supposed_file_is_taken_for_the_real_one),
		cmocka_unit_test(the_rules_of_a_file_come_before_its_own_jail),
		cmocka_unit_test(claims_need_no_policy),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
