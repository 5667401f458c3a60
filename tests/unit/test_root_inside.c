/* SPDX-License-Identifier: ISC */
/* root_inside: whose ids are used, and what the plan is. */
#include "conf.h"

#include "policy/root_inside.h"
#include "policy/subids.h"

#define ENOUGH "alice:100000:65536\n"

struct attempt {
	const char *text; /* of /etc/subuid */
	uint32_t first;	  /* or 0 */
	enum err_kind kind;
	const char *why;
};

static const struct attempt attempts[] = {
	{ ENOUGH, 100000, ERR_NONE, "" },
	{ "alice:100000:65535\n", 100000, ERR_NONE, "" },
	{ "# a comment\n\nbob:0:1000\nalice:100000:65536", 100000, ERR_NONE,
	  "" },
	{ "20001:300000:70000\n", 300000, ERR_NONE, "" },
	{ "alice:100000:10\nalice:200000:65536\nalice:400000:65536\n", 200000,
	  ERR_NONE, "" },
	/* Others may have as many of theirs as they like, and so may the
	 * account, by name and number. */
	{ "bob:165536:65536\n" ENOUGH "20002:165536:1\n20001:100000:65536\n",
	  100000, ERR_NONE, "" },
	{ "bob:165535:1\n" ENOUGH, 100000, ERR_NONE, "" },
	{ "alice:4294901759:65535\n", 4294901759U, ERR_NONE, "" },
	{ "bob:100000:0\n" ENOUGH, 100000, ERR_NONE, "" },

	{ "", 0, ERR_REFUSED,
	  "account alice: root_inside needs 65535 uids of its own in "
	  "/etc/subuid, and there are none: usermod --add-subuids "
	  "131072-196607 alice" },
	{ "bob:131072:65536\nmany:500000:1\n", 0, ERR_REFUSED,
	  "account alice: root_inside needs 65535 uids of its own in "
	  "/etc/subuid, and there are none: usermod --add-subuids "
	  "524288-589823 alice" },
	{ "alice:100000:65534\n", 0, ERR_REFUSED,
	  "account alice: root_inside needs 65535 uids of its own in "
	  "/etc/subuid, and there are fewer: usermod --add-subuids "
	  "196608-262143 alice" },
	{ "alic:100000:65536\nalicex:300000:65536\n2000:500000:65536\n", 0,
	  ERR_REFUSED,
	  "account alice: root_inside needs 65535 uids of its own in "
	  "/etc/subuid, and there are none: usermod --add-subuids "
	  "589824-655359 alice" },
	{ "alice:0:65536\n", 0, ERR_REFUSED,
	  "account alice: uids 0-65534 (/etc/subuid:1) begin below 65536, "
	  "where the system's own are" },
	{ "\nalice:65535:65536\n", 0, ERR_REFUSED,
	  "account alice: uids 65535-131069 (/etc/subuid:2) begin below 65536, "
	  "where the system's own are" },
	{ ENOUGH "bob:100000:65536\n", 0, ERR_REFUSED,
	  "account alice: uids 100000-165534 (/etc/subuid:1) are also those of "
	  "bob" },
	{ "20002:165534:1\n" ENOUGH, 0, ERR_REFUSED,
	  "account alice: uids 100000-165534 (/etc/subuid:2) are also those of "
	  "20002" },
	{ "bob:1:100000\n" ENOUGH, 0, ERR_REFUSED,
	  "account alice: uids 100000-165534 (/etc/subuid:2) are also those of "
	  "bob" },
	{ "bob:0:4294967295\n" ENOUGH, 0, ERR_REFUSED,
	  "account alice: uids 100000-165534 (/etc/subuid:2) are also those of "
	  "bob" },
	{ "alice:1000000:65536\n", 0, ERR_REFUSED,
	  "account alice: uids 1000000-1065534 (/etc/subuid:1) are also that "
	  "of far" },

	{ ENOUGH "bob\n", 0, ERR_CONFIG, "/etc/subuid:2" },
	{ ENOUGH "bob:1\n", 0, ERR_CONFIG, "/etc/subuid:2" },
	{ "alice:100000:65536:\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:100000: 65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:100000:-1\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:+100000:65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:0x1000:65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice::65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ ":100000:65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:4294901760:65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:4295067296:65536\n", 0, ERR_CONFIG, "/etc/subuid:1" },
	{ "alice:18446744073709651616:65536\n", 0, ERR_CONFIG,
	  "/etc/subuid:1" },
	{ " alice:100000:65536\nbob:1:2:3\n", 0, ERR_CONFIG, "/etc/subuid:2" },
};

/* An account whose uid is where ranges may be. */
static void
add_far_account(void)
{
	FILE *const passwd = fopen("/etc/passwd", "a");
	FILE *const group = fopen("/etc/group", "a");

	assert_non_null(passwd);
	assert_non_null(group);
	(void)fputs("far:x:1065534:20001::/:/bin/sh\n", passwd);
	(void)fputs("far:x:1065534:\n", group);
	assert_int_equal(fclose(passwd) | fclose(group), 0);
}

static int
make_world(void **state)
{
	(void)make_conf(state);
	add_far_account();
	(void)mkdir("/srv/tree", 0755);
	(void)mkdir("/srv/tree/bin", 0755);
	write_text("/srv/tree/bin/sh", "");
	return 0;
}

static void
a_range_is_the_account_s_alone_or_there_is_none(void **state)
{
	struct account alice = look_up("alice");

	(void)state;
	for (size_t i = 0; i < N_ROWS(attempts); i++) {
		const struct attempt *const attempt = &attempts[i];
		struct err err = { .kind = ERR_NONE };
		uint32_t first = 0;

		write_text("/etc/subuid", attempt->text);
		(void)!subids_find(SUBIDS_UID, &alice, &first, &err);
		if (err.kind != attempt->kind ||
		    (attempt->first != 0 && first != attempt->first) ||
		    strncmp(err.text, attempt->why, strlen(attempt->why)) != 0)
			fail_msg("%s: %u, %d: %s", attempt->text, first,
				 (int)err.kind, err.text);
		if (err.kind == ERR_CONFIG)
			assert_non_null(strstr(err.text,
					       ": not NAME:FIRST:COUNT with "
					       "numbers below 4294967295"));
	}
	account_free(&alice);
}

static void
groups_have_a_file_of_their_own(void **state)
{
	struct account alice = look_up("alice");
	struct err err = { .text = "" };
	uint32_t first = 0;

	(void)state;
	write_text("/etc/subgid", "alice:200000:65536\n");
	assert_int_equal(subids_find(SUBIDS_GID, &alice, &first, &err), 0);
	assert_int_equal(first, 200000);
	write_text("/etc/subgid", "alice:1000000:65536\n");
	assert_int_equal(subids_find(SUBIDS_GID, &alice, &first, &err), -1);
	assert_string_equal(err.text, "account alice: gids 1000000-1065534 "
				      "(/etc/subgid:1) are also that of far");
	(void)unlink("/etc/subgid");
	assert_int_equal(subids_find(SUBIDS_GID, &alice, &first, &err), -1);
	assert_string_equal(err.text, "account alice: root_inside needs 65535 "
				      "gids of its own in /etc/subgid, and "
				      "there are none: usermod --add-subgids "
				      "131072-196607 alice");
	account_free(&alice);
}

static void
a_file_that_others_could_have_written_is_not_read(void **state)
{
	struct account alice = look_up("alice");
	struct err err = { .text = "" };
	uint32_t first = 0;

	(void)state;
	write_text("/etc/subuid", ENOUGH);
	assert_int_equal(chmod("/etc/subuid", 0664), 0);
	assert_int_equal(subids_find(SUBIDS_UID, &alice, &first, &err), -1);
	assert_int_equal(err.kind, ERR_UNSAFE);
	(void)unlink("/etc/subuid");
	assert_int_equal(symlink("/etc/subgid", "/etc/subuid"), 0);
	assert_int_equal(subids_find(SUBIDS_UID, &alice, &first, &err), -1);
	assert_string_equal(err.text, "/etc/subuid: is a symbolic link");
	account_free(&alice);
}

static const struct entry *
find(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->n_entries; i++)
		if (strcmp(plan->entries[i].target, target) == 0)
			return &plan->entries[i];
	fail_msg("nothing at %s", target);
	return NULL;
}

static int
make_plan(const char *keys, struct plan *plan, struct err *err)
{
	struct account alice = look_up("alice");
	char text[512];
	struct policy *policy;
	int ret;

	(void)snprintf(text, sizeof(text),
		       "jails = { web = { root = \"/srv/tree\"; writable = "
		       "true; shell = \"/bin/sh\"; root_inside = true; %s }; "
		       "};",
		       keys);
	write_text("/etc/subuid", ENOUGH);
	write_text("/etc/subgid", "alice:200000:65536\n");
	policy = load_text(text);
	ret = policy_plan(policy_jail(policy, "web"), &alice, plan, err);
	policy_free(policy);
	account_free(&alice);
	return ret;
}

static struct plan
must_make(const char *keys)
{
	struct err err = { .text = "" };
	struct plan plan;

	if (make_plan(keys, &plan, &err) < 0)
		fail_msg("%s", err.text);
	return plan;
}

static void
the_account_is_root_and_its_home_is_root_s(void **state)
{
	struct plan plan = must_make("");

	(void)state;
	assert_true(plan.root_inside);
	assert_int_equal(plan.sub_uid, 100000);
	assert_int_equal(plan.sub_gid, 200000);
	assert_int_equal(plan_uid_inside(&plan), 0);
	assert_int_equal(plan_tty_group(&plan), 200004);
	assert_string_equal(plan.name, "root");
	assert_string_equal(plan.home, "/root");
	assert_string_equal(find(&plan, "/root")->text, "/home/alice");
	assert_string_equal(find(&plan, "/home/alice")->text, "/root");
	assert_int_equal(find(&plan, "/run/user/0")->flags, ENTRY_OWNED);
	plan_free(&plan);
	plan = must_make("home = \"/home/work\";");
	assert_string_equal(plan.home, "/home/work");
	plan_free(&plan);
}

static void
what_is_made_is_root_s_inside_but_not_the_way_there(void **state)
{
	static const char *const host[] = { RUN_DIR,	       RUN_DIR "/shell",
					    RUN_DIR "/userns", "/proc",
					    "/dev/pts",	       JAILSH };
	struct plan plan = must_make("");

	(void)state;
	for (size_t i = 0; i < plan.n_entries; i++) {
		const struct entry *const entry = &plan.entries[i];
		bool wanted = entry->kind != ENTRY_HIDE &&
			      entry->kind != ENTRY_FREEZE;

		for (size_t k = 0; k < N_ROWS(host); k++)
			wanted = wanted && strcmp(entry->target, host[k]) != 0;
		if (((entry->flags & ENTRY_OWNED) != 0) != wanted)
			fail_msg("%s: flags %x", entry->target, entry->flags);
		assert_string_not_equal(entry->target, "/etc/passwd");
		assert_string_not_equal(entry->target, "/etc/group");
	}
	assert_int_equal(find(&plan, RUN_DIR)->kind, ENTRY_SCRATCH);
	assert_int_equal(find(&plan, RUN_DIR)->flags,
			 ENTRY_READONLY | ENTRY_NOEXEC);
	assert_int_equal(find(&plan, RUN_DIR "/userns")->kind, ENTRY_USERNS);
	plan_free(&plan);
}

static void
without_ids_there_is_no_plan(void **state)
{
	struct account alice = look_up("alice");
	struct err err = { .text = "" };
	struct plan plan = { .uid = 20001 };

	(void)state;
	write_text("/etc/subuid", ENOUGH);
	write_text("/etc/subgid", "");
	assert_int_equal(root_inside_plan(&alice, &plan, &err), -1);
	assert_false(plan.root_inside);
	assert_int_equal(make_plan("binds = ( );", &plan, &err), 0);
	plan_free(&plan);
	account_free(&alice);
}

static void
the_kernel_must_be_new_enough(void **state)
{
	(void)state;
	assert_false(root_inside_suits("5.15.0-91-generic"));
	assert_false(root_inside_suits("5.18.19"));
	assert_false(root_inside_suits("4.20.1"));
	assert_false(root_inside_suits(""));
	assert_true(root_inside_suits("5.19.0"));
	assert_true(root_inside_suits("6.1.0-18-amd64"));
	assert_true(root_inside_suits("10.0"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_range_is_the_account_s_alone_or_there_is_none),
		cmocka_unit_test(groups_have_a_file_of_their_own),
		cmocka_unit_test(
			a_file_that_others_could_have_written_is_not_read),
		cmocka_unit_test(the_account_is_root_and_its_home_is_root_s),
		cmocka_unit_test(
			what_is_made_is_root_s_inside_but_not_the_way_there),
		cmocka_unit_test(without_ids_there_is_no_plan),
		cmocka_unit_test(the_kernel_must_be_new_enough),
	};

	return cmocka_run_group_tests(tests, make_world, NULL);
}
