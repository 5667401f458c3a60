/* SPDX-License-Identifier: ISC */
#include "policy/template.h"

#include "conf.h"

static const struct {
	const char *who;
	const char *text;
	const char *filled; /* NULL: refused */
	const char *error;
} cases[] = {
	{ "alice", "", "", NULL },
	{ "alice", "plain", "plain", NULL },
	{ "alice", "%u-%U-%g-%G", "alice-20001-alice-20001", NULL },
	{ "alice", "/srv%h/%%u", "/srv/home/alice/%u", NULL },
	{ "alice", "%%%u%%", "%alice%", NULL },
	{ "web.1", "%U", "20003", NULL },
	{ "web.1", "/srv/%u", NULL,
	  "f:3: %u: \"web.1\" is no name that can be part of a path; use %U" },
	{ "web.1", "/srv/%g", NULL,
	  "f:3: %g: group 20003 has no name that can be part of a path; use "
	  "%G" },
	{ "many", "%h", NULL,
	  "f:3: %h: the home directory \"/home/many/\" is not a clean absolute "
	  "path" },
	{ "alice", "/srv/%n", NULL,
	  "f:3: \"/srv/%n\": %n means nothing; there are %u %U %g %G %h and "
	  "%%" },
	{ "alice", "50%", NULL,
	  "f:3: \"50%\": % means nothing; there are %u %U %g %G %h and %%" },
};

static const char *
check_and_fill(size_t i, const struct account *account, struct arena *arena,
	       struct err *err)
{
	const struct text text = { cases[i].text, { "f", 3 } };

	if (template_check(&text, err) < 0)
		return NULL;
	return template_fill(&text, account, arena, err);
}

static void
only_what_is_safe_is_filled_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct account account = look_up(cases[i].who);
		struct arena arena = { NULL };
		struct err err = { .text = "" };
		const char *const filled =
			check_and_fill(i, &account, &arena, &err);

		if (cases[i].filled != NULL) {
			assert_string_equal(err.text, "");
			assert_string_equal(filled, cases[i].filled);
		} else {
			assert_null(filled);
			assert_int_equal(err.kind, ERR_CONFIG);
			assert_string_equal(err.text, cases[i].error);
		}
		arena_free(&arena);
		account_free(&account);
	}
}

static void
a_hostile_name_leads_nowhere(void **state)
{
	static const char *const names[] = {
		"..",
		".",
		"",
		"a/b",
		"../x",
		"a:b",
		"a\nb",
		"-a",
		"A",
		"a b",
		"abcdefghijklmnopqrstuvwxyzabcdefg",
	};
	const struct text text = { "/srv/%u", { "f", 1 } };

	(void)state;
	for (size_t i = 0; i < N_ROWS(names); i++) {
		const struct account account = { .name = names[i] };
		struct arena arena = { NULL };
		struct err err;

		assert_null(template_fill(&text, &account, &arena, &err));
		assert_int_equal(err.kind, ERR_CONFIG);
		arena_free(&arena);
	}
}

static void
what_gets_too_long_is_refused(void **state)
{
	static char long_text[4200];
	const struct text text = { long_text, { "f", 1 } };
	struct account account = look_up("alice");
	struct arena arena = { NULL };
	struct err err = { .text = "" };

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_null(template_fill(&text, &account, &arena, &err));
	assert_string_equal(err.text,
			    "f:1: filled in, this is longer than 4096");
	long_text[4094] = '\0';
	memcpy(long_text + 4092, "%u", 2);
	assert_null(template_fill(&text, &account, &arena, &err));
	long_text[4095] = '\0';
	memset(long_text, 'x', 4095);
	assert_non_null(template_fill(&text, &account, &arena, &err));
	arena_free(&arena);
	account_free(&account);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_safe_is_filled_in),
		cmocka_unit_test(a_hostile_name_leads_nowhere),
		cmocka_unit_test(what_gets_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
