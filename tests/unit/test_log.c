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
	struct log_event event;
	int pair[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_begin(&event, "open");
	log_add(&event, "user", "a\nb");
	log_send(pair[0], LOG_ERR, "jailsh", &event);
	n = recv(pair[1], got, sizeof(got) - 1, 0);
	assert_true(n > 0);
	got[n] = '\0';
	(void)snprintf(wanted, sizeof(wanted),
		       "<%d>jailsh[%d]: open user=\"a\\x0ab\"",
		       LOG_AUTHPRIV | LOG_ERR, (int)getpid());
	assert_string_equal(got, wanted);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
a_line_is_bounded(void **state)
{
	char text[8000], got[9000];
	struct log_event event;
	int pair[2];
	ssize_t n;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_begin(&event, "open");
	for (int i = 0; i < 20; i++)
		log_add(&event, "key", text);
	log_send(pair[0], LOG_INFO, "x", &event);
	n = recv(pair[1], got, sizeof(got), 0);
	assert_in_range(n, 1700, 2200);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void
logging_never_blocks_and_never_kills(void **state)
{
	struct log_event event;
	int pair[2];

	(void)state;
	log_begin(&event, "open");
	log_send(-1, LOG_INFO, "nobody-listens", &event);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	for (int i = 0; i < 10000; i++) /* more than any queue holds */
		log_send(pair[0], LOG_INFO, "nobody-reads", &event);
	(void)close(pair[1]);
	log_send(pair[0], LOG_INFO, "nobody-is-there", &event);
	(void)close(pair[0]);
}

static void
no_value_of_an_event_looks_like_another(void **state)
{
	static const struct {
		const char *value, *line;
	} cases[] = {
		{ NULL, "open" },
		{ "", "open" },
		{ "alice", "open user=alice" },
		{ "pts/0", "open user=pts/0" },
		{ "2001:db8::1%eth0", "open user=2001:db8::1%eth0" },
		{ "a b", "open user=\"a b\"" },
		{ "a uid=0", "open user=\"a uid=0\"" },
		{ "a=b", "open user=\"a=b\"" },
		{ "a\" uid=0 x=\"", "open user=\"a\\x22 uid=0 x=\\x22\"" },
		{ "a\nopen user=b", "open user=\"a\\x0aopen user=b\"" },
		{ "\x1b[2J", "open user=\"\\x1b[2J\"" },
		{ "\x9b", "open user=\"\\x9b\"" },
		{ "\x7f", "open user=\"\\x7f\"" },
		{ "\xc2\x9b", "open user=\"\\xc2\\x9b\"" },
		{ "\\x22", "open user=\"\\x5cx22\"" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct log_event event;

		log_begin(&event, "open");
		log_add(&event, "user", cases[i].value);
		assert_string_equal(event.text, cases[i].line);
	}
}

static void
a_cause_comes_with_its_step_and_errno(void **state)
{
	struct log_event event;
	struct err err;

	(void)state;
	(void)err_set(&err, ERR_CONFIG, "jail.conf:7: no \"web\"");
	log_begin(&event, "refuse");
	log_add_number(&event, "uid", 1001);
	log_add_cause(&event, "open", &err);
	assert_string_equal(event.text,
			    "refuse uid=1001 step=open "
			    "cause=\"jail.conf:7: no \\x22web\\x22\"");
	errno = EACCES;
	(void)err_errno(&err, "x");
	log_begin(&event, "refuse");
	log_add_cause(&event, "enter", &err);
	assert_string_equal(event.text, "refuse step=enter errno=EACCES "
					"cause=\"x: Permission denied\"");
	log_begin(&event, "not jailed");
	log_add_cause(&event, NULL, &err);
	assert_string_equal(event.text, "not jailed errno=EACCES "
					"cause=\"x: Permission denied\"");
}

/* However long what others have chosen is. */
static void
an_event_has_room_for_its_cause(void **state)
{
	struct log_event event;
	char text[5000];
	struct err err;

	(void)state;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, ERR_REFUSED, "%s", text);
	log_begin(&event, "refuse");
	log_add(&event, "user", text);
	log_add(&event, "tty", text);
	log_add(&event, "rhost", text);
	log_add_number(&event, "uid", 1001);
	log_add_cause(&event, "open", &err);
	assert_non_null(
		strstr(event.text, " uid=1001 step=open cause=\"\\x0a"));
	assert_string_equal(event.text + strlen(event.text) - 5, "\\x0a\"");
	/* And if there is none, it is left out whole. */
	for (int i = 0; i < 20; i++)
		log_add(&event, "more", text);
	assert_true(event.used < sizeof(event.text));
	assert_int_equal(strlen(event.text), event.used);
	assert_string_equal(event.text + strlen(event.text) - 5, "\\x0a\"");
}

static void
an_event_is_sent_as_it_is(void **state)
{
	char wanted[100], got[3000];
	struct log_event event;
	int pair[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	log_begin(&event, "open");
	log_add(&event, "user", "a\nb");
	log_send(pair[0], LOG_INFO, "pam_jail", &event);
	n = recv(pair[1], got, sizeof(got) - 1, 0);
	assert_true(n > 0);
	got[n] = '\0';
	(void)snprintf(wanted, sizeof(wanted),
		       "<%d>pam_jail[%d]: open user=\"a\\x0ab\"",
		       LOG_AUTHPRIV | LOG_INFO, (int)getpid());
	assert_string_equal(got, wanted);
	(void)close(pair[0]);
	(void)close(pair[1]);
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
		cmocka_unit_test(no_value_of_an_event_looks_like_another),
		cmocka_unit_test(a_cause_comes_with_its_step_and_errno),
		cmocka_unit_test(an_event_has_room_for_its_cause),
		cmocka_unit_test(an_event_is_sent_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
