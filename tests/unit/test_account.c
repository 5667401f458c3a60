/* SPDX-License-Identifier: ISC */
#include "conf.h"

static void
an_account_is_as_the_host_sees_it(void **state)
{
	struct account alice = look_up("alice");

	(void)state;
	assert_string_equal(alice.name, "alice");
	assert_string_equal(alice.home, "/home/alice");
	assert_string_equal(alice.shell, "/bin/bash");
	assert_int_equal(alice.uid, 20001);
	assert_int_equal(alice.gid, 20001);
	assert_int_equal(alice.n_groups, 2);
	assert_true(account_in_group(&alice, 20001));
	assert_true(account_in_group(&alice, 30000));
	assert_false(account_in_group(&alice, 0));
	assert_false(account_in_group(&alice, 30001));
	account_free(&alice);
	assert_null(alice.groups);
}

static void
an_empty_shell_is_bin_sh(void **state)
{
	struct account bob = look_up("bob");

	(void)state;
	assert_string_equal(bob.shell, "/bin/sh");
	account_free(&bob);
}

static void
any_number_of_groups_is_found(void **state)
{
	struct account many = look_up("many");

	(void)state;
	assert_int_equal(many.n_groups, 101);
	assert_true(account_in_group(&many, 40099));
	account_free(&many);
}

static void
an_unknown_name_is_refused(void **state)
{
	static const char *const names[] = { "nobody-here", "", "a:b",
					     "alice\n" };

	(void)state;
	for (size_t i = 0; i < N_ROWS(names); i++) {
		struct account account;
		struct err err = { .text = "" };
		char said[64];

		(void)snprintf(said, sizeof(said), "%s: no such user",
			       names[i]);
		assert_int_equal(account_lookup(names[i], &account, &err), -1);
		assert_int_equal(err.kind, ERR_REFUSED);
		assert_string_equal(err.text, said);
	}
}

/* A line of passwd that does not fit into the first buffers. */
static void
a_long_entry_is_read(void **state)
{
	static char line[20000];
	static char home[15000];
	FILE *passwd = fopen("/etc/passwd", "ae");
	struct account account;

	(void)state;
	memset(home, 'x', sizeof(home) - 1);
	home[0] = '/';
	(void)snprintf(line, sizeof(line), "long:x:20009:20009::%s:/bin/sh\n",
		       home);
	assert_non_null(passwd);
	assert_true(fputs(line, passwd) >= 0);
	assert_int_equal(fclose(passwd), 0);
	account = look_up("long");
	assert_string_equal(account.home, home);
	account_free(&account);
}

/* A name service that does not answer is not "no such user". */
static void
a_broken_name_service_is_told_apart(void **state)
{
	struct account account;
	struct err err = { .text = "" };

	(void)state;
	assert_int_equal(rename("/etc/passwd", "/etc/passwd.away"), 0);
	assert_int_equal(mkdir("/etc/passwd", 0755), 0);
	assert_int_equal(account_lookup("alice", &account, &err), -1);
	assert_int_equal(rmdir("/etc/passwd"), 0);
	assert_int_equal(rename("/etc/passwd.away", "/etc/passwd"), 0);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_not_equal(err.errnum, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_is_as_the_host_sees_it),
		cmocka_unit_test(an_empty_shell_is_bin_sh),
		cmocka_unit_test(any_number_of_groups_is_found),
		cmocka_unit_test(an_unknown_name_is_refused),
		cmocka_unit_test(a_long_entry_is_read),
		cmocka_unit_test(a_broken_name_service_is_told_apart),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
