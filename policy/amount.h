/* SPDX-License-Identifier: ISC */
/*
 * amount - "1G", "10m", "100:200": how limits are written
 */
#ifndef POLICY_AMOUNT_H
#define POLICY_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

enum amount_unit {
	AMOUNT_COUNT,	     /* digits only */
	AMOUNT_BYTES,	     /* K, M, G, T: powers of 1024 */
	AMOUNT_SECONDS,	     /* s, m, h, d */
	AMOUNT_MICROSECONDS, /* us, ms, s */
};

/*
 * The whole of TEXT is a number with at most one letter (or two) of UNIT
 * behind it.  Sets *value and returns true; false if it is anything else or
 * more than INT64_MAX.
 */
bool amount_parse(const char *text, enum amount_unit unit, uint64_t *value)
	__attribute__((nonnull, warn_unused_result));

/*
 * The first LEN bytes of TEXT are a decimal number from 1 to MOST, such as a
 * port or a uid in "FIRST-LAST".  Sets *value and returns true; or false,
 * also if there are more digits than MOST has.
 */
bool amount_parse_part(const char *text, size_t len, uint64_t most,
		       uint64_t *value)
	__attribute__((nonnull, warn_unused_result));

/* The same for a port, 1 to 65535. */
bool amount_parse_port(const char *text, size_t len, uint16_t *port)
	__attribute__((nonnull, warn_unused_result));

/* What UNIT may look like, for a message. */
const char *amount_words(enum amount_unit unit) __attribute__((const));

/* The unit in which setrlimit(2) counts RESOURCE. */
enum amount_unit limit_unit(unsigned int resource) __attribute__((const));

/*
 * "LIMIT" or "SOFT:HARD"; each an amount in UNIT, or "unlimited".
 * Returns false if TEXT is anything else, or soft is more than hard.
 */
bool amount_parse_limit(const char *text, enum amount_unit unit,
			struct rlimit *value)
	__attribute__((nonnull, warn_unused_result));

#endif
