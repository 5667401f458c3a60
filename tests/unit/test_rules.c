/* SPDX-License-Identifier: ISC */
#include "broker/rules.h"
#include "test.h"

static const struct {
	bool allowed;
	const char *argv[6];
} cases[] = {
	{ true, { "passwd" } },
	{ false, { "passwd", "root" } },
	{ false, { "passwd", "-l" } },
	{ false, { "passwd", "" } },

	{ true, { "crontab", "-" } },
	{ true, { "crontab", "-l" } },
	{ true, { "crontab", "-r" } },
	{ false, { "crontab" } },
	{ false, { "crontab", "-e" } },
	{ false, { "crontab", "-u" } },
	{ false, { "crontab", "-l", "-u", "root" } },
	{ false, { "crontab", "-uroot" } },
	{ false, { "crontab", "/etc/shadow" } },
	{ false, { "crontab", "--" } },

	{ true, { "sendmail" } },
	{ true, { "sendmail", "-t", "-i" } },
	{ true, { "sendmail", "-oi", "-oem", "a@b.example" } },
	{ true, { "sendmail", "-em", "-bm", "-B8BITMIME", "--", "a" } },
	{ true, { "sendmail", "-f", "a+b=c@d-e.example", "x_y" } },
	{ true, { "sendmail", "-fa@b", "-FCronDaemon", "x" } },
	{ true, { "sendmail", "-F", "A. O'Hara", "x" } },
	{ true, { "sendmail", "a", "-t", "b" } },
	{ false, { "sendmail", "-f" } },
	{ false, { "sendmail", "-F" } },
	{ false, { "sendmail", "-f", "" } },
	{ false, { "sendmail", "-f", "-bd" } },
	{ false, { "sendmail", "-f-bd" } },
	{ false, { "sendmail", "-f", "--", "-bd" } },
	{ false, { "sendmail", "-F", "-be" } },
	{ false, { "sendmail", "-F", "a\nb" } },
	{ false, { "sendmail", "-F", "$(id)" } },
	{ false, { "sendmail", "-fa", "-bd" } },
	{ false, { "sendmail", "-ti" } },
	{ false, { "sendmail", "-oi-C" } },
	{ false, { "sendmail", "-C", "x" } },
	{ false, { "sendmail", "-Cx" } },
	{ false, { "sendmail", "-D", "x" } },
	{ false, { "sendmail", "-X", "x" } },
	{ false, { "sendmail", "-O", "x" } },
	{ false, { "sendmail", "-q" } },
	{ false, { "sendmail", "-bd" } },
	{ false, { "sendmail", "-be" } },
	{ false, { "sendmail", "-bs" } },
	{ false, { "sendmail", "-bi" } },
	{ false, { "sendmail", "-v" } },
	{ false, { "sendmail", "-" } },
	{ false, { "sendmail", "--", "-bd" } },
	{ false, { "sendmail", "--", "--" } },
	{ false, { "sendmail", "a", "-be" } },
	{ false, { "sendmail", "|id" } },
	{ false, { "sendmail", "/etc/x" } },
	{ false, { "sendmail", ":include:/x" } },
	{ false, { "sendmail", "a b" } },
	{ false, { "sendmail", "a,b" } },
	{ false, { "sendmail", "\"a\"@b" } },
	{ false, { "sendmail", "${run{x}}" } },
	{ false, { "sendmail", "\xc3\xa4@b" } },
	{ false, { "sendmail", "" } },

	{ false, { "sh" } },
	{ false, { "/usr/bin/passwd" } },
	{ false, { "" } },
};

static struct plan
plan_with(const char **commands, size_t n)
{
	return (struct plan){ .uid = 20001,
			      .commands = commands,
			      .n_commands = n };
}

static void
what_is_listed_is_allowed_and_nothing_else(void **state)
{
	const char *all[] = { "passwd", "crontab", "sendmail" };
	const struct plan plan = plan_with(all, N_ROWS(all));

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const struct command *command;
		struct err err = { .text = "" };
		size_t argc = 0;

		while (argc < 6 && cases[i].argv[argc] != NULL)
			argc++;
		command = rules_decide(&plan, cases[i].argv, argc, &err);
		if ((command != NULL) != cases[i].allowed)
			fail_msg("%s %s %s: %s", cases[i].argv[0],
				 argc > 1 ? cases[i].argv[1] : "",
				 argc > 2 ? cases[i].argv[2] : "", err.text);
		if (command != NULL)
			assert_string_equal(command->name, cases[i].argv[0]);
		else
			assert_int_equal(err.kind, ERR_REFUSED);
	}
}

static void
only_what_the_jail_has_is_run(void **state)
{
	static const char *const passwd[] = { "passwd", NULL };
	static const char *const crontab[] = { "crontab", "-l", NULL };
	const char *some[] = { "crontab" };
	const struct plan none = plan_with(NULL, 0);
	const struct plan one = plan_with(some, 1);
	struct err err = { .text = "" };

	(void)state;
	assert_null(rules_decide(&none, passwd, 1, &err));
	assert_null(rules_decide(&one, passwd, 1, &err));
	assert_string_equal(err.text, "no such command for this jail");
	assert_string_equal(rules_decide(&one, crontab, 2, &err)->path,
			    "/usr/bin/crontab");
}

static void
words_and_addresses_are_bounded(void **state)
{
	const char *all[] = { "sendmail" };
	const struct plan plan = plan_with(all, 1);
	const char *argv[RULES_ARGS_MAX + 1] = { "sendmail" };
	char address[256];
	struct err err = { .text = "" };

	(void)state;
	for (size_t i = 1; i < N_ROWS(argv); i++)
		argv[i] = "a@b";
	assert_non_null(rules_decide(&plan, argv, RULES_ARGS_MAX, &err));
	assert_null(rules_decide(&plan, argv, RULES_ARGS_MAX + 1, &err));
	assert_null(rules_decide(&plan, argv, 0, &err));
	memset(address, 'a', sizeof(address));
	address[254] = '\0';
	argv[1] = address;
	assert_non_null(rules_decide(&plan, argv, 2, &err));
	address[254] = 'a';
	address[255] = '\0';
	assert_null(rules_decide(&plan, argv, 2, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_listed_is_allowed_and_nothing_else),
		cmocka_unit_test(only_what_the_jail_has_is_run),
		cmocka_unit_test(words_and_addresses_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
