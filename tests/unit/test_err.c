/* SPDX-License-Identifier: ISC */
#include "base/err.h"
#include "test.h"

#include <errno.h>

static void
errno_is_kept_and_spelled_out(void **state)
{
	static const struct {
		int errnum;
		const char *text;
	} cases[] = {
		{ ENOENT, "open /x: No such file or directory" },
		{ EPERM, "open /x: Operation not permitted" },
		{ 0, "open /x: Success" },
		{ 99999, "open /x: unknown error" },
		{ -1, "open /x: unknown error" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct err err = { .kind = ERR_NONE };

		errno = cases[i].errnum;
		assert_int_equal(err_errno(&err, "open %s", "/x"), -1);
		assert_int_equal(err.kind, ERR_SYSTEM);
		assert_int_equal(err.errnum, cases[i].errnum);
		assert_string_equal(err.text, cases[i].text);
	}
}

static void
what_is_set_has_no_errno(void **state)
{
	struct err err = { .errnum = 5 };

	(void)state;
	errno = EPERM;
	assert_int_equal(err_set(&err, ERR_REFUSED, "%s: no", "alice"), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_int_equal(err.errnum, 0);
	assert_string_equal(err.text, "alice: no");
}

static void
context_goes_in_front_and_keeps_the_kind(void **state)
{
	struct err err;

	(void)state;
	errno = EIO;
	(void)err_errno(&err, "etc");
	assert_int_equal(err_context(&err, "jail %s", "web"), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_equal(err.errnum, EIO);
	assert_string_equal(err.text, "jail web: etc: Input/output error");
	assert_int_equal(err_context(&err, "x"), -1);
	assert_string_equal(err.text, "x: jail web: etc: Input/output error");
}

static void
of_a_long_text_the_cause_is_kept(void **state)
{
	char name[5000];
	struct err err;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	errno = EPERM;
	(void)err_errno(&err, "%s", name);
	assert_true(strlen(err.text) < sizeof(err.text));
	assert_non_null(strstr(err.text, "xxx: Operation not permitted"));
	(void)err_context(&err, "%s", name);
	assert_true(strlen(err.text) < sizeof(err.text));
	(void)err_set(&err, ERR_CONFIG, "%s", name);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errno_is_kept_and_spelled_out),
		cmocka_unit_test(what_is_set_has_no_errno),
		cmocka_unit_test(context_goes_in_front_and_keeps_the_kind),
		cmocka_unit_test(of_a_long_text_the_cause_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
