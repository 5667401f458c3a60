/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/log.h"
#include "test.h"

#include <sys/socket.h>

static void
what_is_not_plain_is_escaped(void **state)
{
	static const struct {
		const char *text, *escaped;
	} cases[] = {
		{ "", "" },
		{ "alice", "alice" },
		{ " ~", " ~" },
		{ "a\nb", "a\\x0ab" },
		{ "a\r\tb", "a\\x0d\\x09b" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "\x7f", "\\x7f" },
		{ "\x80\x9b\xff", "\\x80\\x9b\\xff" },
		{ "\xc3\xa9", "\\xc3\\xa9" },
		{ "\\x0a", "\\x5cx0a" },
		{ "\"quoted\"", "\"quoted\"" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		char out[100];

		log_escape(cases[i].text, out, sizeof(out));
		assert_string_equal(out, cases[i].escaped);
	}
}

static void
every_byte_comes_out_printable(void **state)
{
	char text[256], out[1024];

	(void)state;
	for (int i = 1; i < 256; i++)
		text[i - 1] = (char)i;
	text[255] = '\0';
	log_escape(text, out, sizeof(out));
	for (const char *p = out; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p < 0x7f);
}

static void
it_is_never_cut_in_the_middle_of_an_escape(void **state)
{
	(void)state;
	for (size_t size = 1; size < 20; size++) {
		char out[32];
		size_t len;

		memset(out, 'X', sizeof(out));
		log_escape("a\nb\nc\n", out, size);
		len = strlen(out);
		assert_true(len < size);
		assert_int_equal(out[size], 'X');
		/* As much of "a \x0a b \x0a c \x0a" as fits whole. */
		assert_true(len == 0 || len == 1 || len == 5 || len == 6 ||
			    len == 10 || len == 11 || len == 15);
	}
}

static void
a_line_has_its_priority_program_and_process(void **state)
{
	char wanted[100], got[3000];
	int pair[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_line(pair[0], LOG_ERR, "jailsh", "user=%s", "a\nb");
	n = recv(pair[1], got, sizeof(got) - 1, 0);
	assert_true(n > 0);
	got[n] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "<%d>jailsh[%d]: user=a\\x0ab",
		       LOG_AUTHPRIV | LOG_ERR, (int)getpid());
	assert_string_equal(got, wanted);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_line_is_bounded(void **state)
{
	char text[8000], got[9000];
	int pair[2];
	ssize_t n;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_line(pair[0], LOG_INFO, "x", "%s", text);
	n = recv(pair[1], got, sizeof(got), 0);
	assert_in_range(n, 2000, 2200);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
logging_never_blocks_and_never_kills(void **state)
{
	int pair[2];

	(void)state;
	log_line(-1, LOG_INFO, "x", "nobody listens");
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (int i = 0; i < 10000; i++) /* more than any queue holds */
		log_line(pair[0], LOG_INFO, "x", "and nobody reads");
	(void)close(pair[1]);
	log_line(pair[0], LOG_INFO, "x", "and nobody is there");
	(void)close(pair[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_plain_is_escaped),
		cmocka_unit_test(every_byte_comes_out_printable),
		cmocka_unit_test(it_is_never_cut_in_the_middle_of_an_escape),
		cmocka_unit_test(a_line_has_its_priority_program_and_process),
		cmocka_unit_test(a_line_is_bounded),
		cmocka_unit_test(logging_never_blocks_and_never_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
