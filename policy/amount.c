/* SPDX-License-Identifier: ISC */
#include "policy/amount.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum amount_unit unit;
	const char *suffix;
	uint64_t factor;
} suffixes[] = {
	{ AMOUNT_COUNT, "", 1 },
	{ AMOUNT_BYTES, "", 1 },
	{ AMOUNT_BYTES, "K", UINT64_C(1) << 10 },
	{ AMOUNT_BYTES, "M", UINT64_C(1) << 20 },
	{ AMOUNT_BYTES, "G", UINT64_C(1) << 30 },
	{ AMOUNT_BYTES, "T", UINT64_C(1) << 40 },
	{ AMOUNT_SECONDS, "", 1 },
	{ AMOUNT_SECONDS, "s", 1 },
	{ AMOUNT_SECONDS, "m", 60 },
	{ AMOUNT_SECONDS, "h", 60 * 60 },
	{ AMOUNT_SECONDS, "d", 24 * 60 * 60 },
	{ AMOUNT_MICROSECONDS, "", 1 },
	{ AMOUNT_MICROSECONDS, "us", 1 },
	{ AMOUNT_MICROSECONDS, "ms", 1000 },
	{ AMOUNT_MICROSECONDS, "s", 1000 * 1000 },
};

static bool
find_factor(enum amount_unit unit, const char *suffix, uint64_t *factor)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (suffixes[i].unit == unit &&
		    strcmp(suffixes[i].suffix, suffix) == 0) {
			*factor = suffixes[i].factor;
			return true;
		}
	return false;
}

bool
amount_parse(const char *text, enum amount_unit unit, uint64_t *value)
{
	const size_t digits = strspn(text, "0123456789");
	uint64_t number = 0, factor;

	if (digits == 0 || !find_factor(unit, text + digits, &factor))
		return false;
	for (size_t i = 0; i < digits; i++) {
		const uint64_t digit = (uint64_t)(text[i] - '0');

		if (number > (INT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (number > INT64_MAX / factor)
		return false;
	*value = number * factor;
	return true;
}

bool
amount_parse_part(const char *text, size_t len, uint64_t most, uint64_t *value)
{
	char digits[sizeof("18446744073709551615")];
	const int longest = snprintf(digits, sizeof(digits), "%" PRIu64, most);

	if (len > (size_t)longest)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return amount_parse(digits, AMOUNT_COUNT, value) && *value > 0 &&
	       *value <= most;
}

bool
amount_parse_port(const char *text, size_t len, uint16_t *port)
{
	uint64_t value;

	if (!amount_parse_part(text, len, UINT16_MAX, &value))
		return false;
	*port = (uint16_t)value;
	return true;
}

const char *
amount_words(enum amount_unit unit)
{
	switch (unit) {
	case AMOUNT_COUNT:
		return "a number";
	case AMOUNT_BYTES:
		return "bytes, with K, M, G or T";
	case AMOUNT_SECONDS:
		return "seconds, with m, h or d";
	case AMOUNT_MICROSECONDS:
		return "microseconds, with ms or s";
	}
	return "";
}

enum amount_unit
limit_unit(unsigned int resource)
{
	switch (resource) {
	case RLIMIT_AS:
	case RLIMIT_CORE:
	case RLIMIT_DATA:
	case RLIMIT_FSIZE:
	case RLIMIT_MEMLOCK:
	case RLIMIT_MSGQUEUE:
	case RLIMIT_RSS:
	case RLIMIT_STACK:
		return AMOUNT_BYTES;
	case RLIMIT_CPU:
		return AMOUNT_SECONDS;
	case RLIMIT_RTTIME:
		return AMOUNT_MICROSECONDS;
	default:
		return AMOUNT_COUNT;
	}
}

static bool
parse_side(const char *text, enum amount_unit unit, rlim_t *value)
{
	uint64_t amount;

	if (strcmp(text, "unlimited") == 0) {
		*value = RLIM_INFINITY;
		return true;
	}
	if (!amount_parse(text, unit, &amount))
		return false;
	*value = amount;
	return true;
}

bool
amount_parse_limit(const char *text, enum amount_unit unit,
		   struct rlimit *value)
{
	const char *const colon = strchr(text, ':');
	char soft[sizeof("18446744073709551615us")];
	const size_t len =
		colon != NULL ? (size_t)(colon - text) : strlen(text);

	if (len >= sizeof(soft))
		return false;
	(void)snprintf(soft, sizeof(soft), "%.*s", (int)len, text);
	if (!parse_side(soft, unit, &value->rlim_cur) ||
	    !parse_side(colon != NULL ? colon + 1 : soft, unit,
			&value->rlim_max))
		return false;
	return value->rlim_cur <= value->rlim_max;
}
