/* SPDX-License-Identifier: ISC */
#include "jailconf/events.h"
#include "test.h"

/* Compares all but "time" and "program". */
static void
assert_members(struct json_object *event, const char *wanted)
{
	const char *got;

	assert_non_null(event);
	json_object_object_del(event, "time");
	json_object_object_del(event, "program");
	got = json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN);
	assert_string_equal(got, wanted);
	(void)json_object_put(event);
}

static void
an_event_is_taken_apart(void **state)
{
	static const struct {
		const char *ident, *message, *members;
	} cases[] = {
		{ "sshd",
		  "pam_jail(sshd:session): open user=alice uid=1001 jail=web",
		  "{\"event\":\"open\",\"user\":\"alice\",\"uid\":\"1001\","
		  "\"jail\":\"web\"}" },
		{ "jail-keeper", "close user=alice",
		  "{\"event\":\"close\",\"user\":\"alice\"}" },
		{ "jailsh",
		  "refuse uid=7 step=shell cause=\"no jail, no uid=0\"",
		  "{\"event\":\"refuse\",\"uid\":\"7\",\"step\":\"shell\","
		  "\"cause\":\"no jail, no uid=0\"}" },
		{ "su",
		  "pam_jail(su:account): not jailed user=a cause=\"x = 1\"",
		  "{\"event\":\"not jailed\",\"user\":\"a\",\"cause\":\"x = "
		  "1\"}" },
		{ "su", "pam_jail(su:account): refuse user=\"a\\x22 uid=0\"",
		  "{\"event\":\"refuse\",\"user\":\"a\\\\x22 uid=0\"}" },
		{ "jail-keeper", "limit user=a oom_kill=2 disk_full=1",
		  "{\"event\":\"limit\",\"user\":\"a\",\"oom_kill\":\"2\","
		  "\"disk_full\":\"1\"}" },
		{ "jail-keeper", "session from-uid=7",
		  "{\"event\":\"session\",\"from-uid\":\"7\"}" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++)
		assert_members(event_parse(cases[i].ident, cases[i].message),
			       cases[i].members);
}

static void
what_is_no_event_is_left_out(void **state)
{
	static const struct {
		const char *ident, *message;
	} cases[] = {
		{ "sshd", "open user=alice" },
		{ "sshd", "Accepted password for pam_jail(x:y): open user=a" },
		{ "sshd", "pam_jail(sshd:session" },
		{ "sshd", "pam_jail(sshd:session): " },
		{ "sshd", "pam_jail(sshd:session): open" },
		{ "jailsh", "" },
		{ "jailsh", "=" },
		{ "jailsh", "refuse user=\"a" },
		{ "jailsh", "refuse user=a and more" },
		{ "jailsh", "refuse USER=a" },
		{ "jailsh", "refuse uid=1 program=pam_jail" },
		{ "jailsh", "refuse uid=1 event=open" },
		{ "jailsh", "refuse uid=1 time=x" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++)
		if (event_parse(cases[i].ident, cases[i].message) != NULL)
			fail_msg("%s", cases[i].message);
}

static void
a_line_of_a_file_has_its_time(void **state)
{
	static const struct {
		const char *line, *time;
	} cases[] = {
		{ "Nov 26 18:03:07 bed sshd[137]: pam_jail(sshd:session): open "
		  "user=alice",
		  "Nov 26 18:03:07" },
		{ "Nov  6 18:03:07 bed jail-keeper[1]: open user=alice",
		  "Nov  6 18:03:07" },
		{ "2026-11-26T18:03:07.123+00:00 bed jailsh: open user=alice",
		  "2026-11-26T18:03:07.123+00:00" },
	};
	static const char *const none[] = {
		"",
		"Nov",
		"Nov 26 18:03:07",
		"Nov 26 18:03:07 bed",
		"Nov 26 18:03:07 bed jailsh",
		"2026-11-26T18:03:07",
		"2026 x y: open user=alice",
		"Nov 26 18:03:07 bed su[1]: (to alice) root on pts/1",
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct json_object *const event =
			event_parse_line(cases[i].line);
		struct json_object *when;

		assert_non_null(event);
		assert_true(json_object_object_get_ex(event, "time", &when));
		assert_string_equal(json_object_get_string(when),
				    cases[i].time);
		assert_members(event,
			       "{\"event\":\"open\",\"user\":\"alice\"}");
	}
	for (size_t i = 0; i < N_ROWS(none); i++)
		if (event_parse_line(none[i]) != NULL)
			fail_msg("%s", none[i]);
}

static void
it_is_of_the_name_or_else_of_the_uid(void **state)
{
	static const struct {
		const char *message;
		bool is;
	} cases[] = {
		{ "refuse user=alice uid=1", true },
		{ "refuse user=alice", true },
		{ "refuse user=alicf uid=1001", false },
		{ "refuse user=alice2", false },
		{ "refuse uid=1001", true },
		{ "refuse uid=10010", false },
		{ "refuse jail=web", false },
	};
	const struct event_owner alice = { "alice", 1001, true };
	const struct event_owner gone = { "alice", 0, false };

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct json_object *const event =
			event_parse("jailsh", cases[i].message);

		assert_non_null(event);
		assert_int_equal(event_is_of(event, &alice), cases[i].is);
		if (strstr(cases[i].message, "user=") == NULL)
			assert_false(event_is_of(event, &gone));
		(void)json_object_put(event);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_taken_apart),
		cmocka_unit_test(what_is_no_event_is_left_out),
		cmocka_unit_test(a_line_of_a_file_has_its_time),
		cmocka_unit_test(it_is_of_the_name_or_else_of_the_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
