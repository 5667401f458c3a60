/* SPDX-License-Identifier: ISC */
#include "policy/amount.h"

#include "test.h"

static const struct {
	const char *text;
	enum amount_unit unit;
	bool good;
	uint64_t value;
} amounts[] = {
	{ "0", AMOUNT_COUNT, true, 0 },
	{ "64", AMOUNT_COUNT, true, 64 },
	{ "9223372036854775807", AMOUNT_COUNT, true, INT64_MAX },
	{ "9223372036854775808", AMOUNT_COUNT, false, 0 },
	{ "18446744073709551617", AMOUNT_COUNT, false, 0 },
	{ "64K", AMOUNT_COUNT, false, 0 },
	{ "", AMOUNT_COUNT, false, 0 },
	{ "-1", AMOUNT_COUNT, false, 0 },
	{ "+1", AMOUNT_COUNT, false, 0 },
	{ " 1", AMOUNT_COUNT, false, 0 },
	{ "1 ", AMOUNT_COUNT, false, 0 },
	{ "0x10", AMOUNT_COUNT, false, 0 },
	{ "1e3", AMOUNT_COUNT, false, 0 },
	{ "1", AMOUNT_BYTES, true, 1 },
	{ "2K", AMOUNT_BYTES, true, 2048 },
	{ "3M", AMOUNT_BYTES, true, 3 << 20 },
	{ "1G", AMOUNT_BYTES, true, 1 << 30 },
	{ "1T", AMOUNT_BYTES, true, INT64_C(1) << 40 },
	{ "8388608T", AMOUNT_BYTES, false, 0 },
	{ "1k", AMOUNT_BYTES, false, 0 },
	{ "1KB", AMOUNT_BYTES, false, 0 },
	{ "K", AMOUNT_BYTES, false, 0 },
	{ "90", AMOUNT_SECONDS, true, 90 },
	{ "90s", AMOUNT_SECONDS, true, 90 },
	{ "10m", AMOUNT_SECONDS, true, 600 },
	{ "2h", AMOUNT_SECONDS, true, 7200 },
	{ "1d", AMOUNT_SECONDS, true, 86400 },
	{ "1M", AMOUNT_SECONDS, false, 0 },
	{ "5", AMOUNT_MICROSECONDS, true, 5 },
	{ "5us", AMOUNT_MICROSECONDS, true, 5 },
	{ "5ms", AMOUNT_MICROSECONDS, true, 5000 },
	{ "5s", AMOUNT_MICROSECONDS, true, 5000000 },
	{ "5m", AMOUNT_MICROSECONDS, false, 0 },
};

static void
amounts_are_read_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(amounts); i++) {
		uint64_t value = 0;

		if (amount_parse(amounts[i].text, amounts[i].unit, &value) !=
			    amounts[i].good ||
		    (amounts[i].good && value != amounts[i].value))
			fail_msg("\"%s\" gave %ju", amounts[i].text,
				 (uintmax_t)value);
	}
}

static const struct {
	const char *text;
	bool good;
	rlim_t soft, hard;
} limits[] = {
	{ "10", true, 10, 10 },
	{ "10:20", true, 10, 20 },
	{ "1K:1M", true, 1024, 1048576 },
	{ "unlimited", true, RLIM_INFINITY, RLIM_INFINITY },
	{ "10:unlimited", true, 10, RLIM_INFINITY },
	{ "unlimited:10", false, 0, 0 },
	{ "20:10", false, 0, 0 },
	{ "10:", false, 0, 0 },
	{ ":10", false, 0, 0 },
	{ "1:2:3", false, 0, 0 },
	{ "infinity", false, 0, 0 },
	{ "00000000000000000000000000001", false, 0, 0 },
};

static void
soft_is_never_more_than_hard(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ROWS(limits); i++) {
		struct rlimit value = { 0, 0 };

		if (amount_parse_limit(limits[i].text, AMOUNT_BYTES, &value) !=
			    limits[i].good ||
		    (limits[i].good && (value.rlim_cur != limits[i].soft ||
					value.rlim_max != limits[i].hard)))
			fail_msg("\"%s\"", limits[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_are_read_whole),
		cmocka_unit_test(soft_is_never_more_than_hard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
