/* SPDX-License-Identifier: ISC */
/*
 * address - ranges of IP addresses, as rules name them
 */
#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Of either family: IPv4 is what IPv6 has mapped of it (RFC 4291, 2.5.5.2). */
struct address_range {
	uint8_t bytes[16];
	unsigned int prefix; /* how many bits count, 0 to 128 */
};

/*
 * Reads "ADDRESS" or "ADDRESS/PREFIX".  Returns whether TEXT is one, with no
 * bit set behind the prefix.
 */
bool address_parse(const char *text, struct address_range *range)
	__attribute__((nonnull));

/*
 * Whether the address TEXT is in RANGE: 1 or 0, or -1 if TEXT is no address.
 * A zone ("fe80::1%eth0") is of no matter.
 */
int address_within(const char *text, const struct address_range *range)
	__attribute__((nonnull));

#endif
