/* SPDX-License-Identifier: ISC */
/*
 * egress - "internet", "192.0.2.1:443/tcp": where a private network leads to
 */
#ifndef POLICY_EGRESS_H
#define POLICY_EGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum egress_to {
	EGRESS_ANY,	 /* any address but the host's and other jails' */
	EGRESS_INTERNET, /* and but those of private and special networks */
	EGRESS_HOST,	 /* the host, whatever address of its own is meant */
	EGRESS_ADDRESS,	 /* one address, whoever has it */
	EGRESS_RANGE,	 /* some, but the host's and other jails' */
};

enum egress_protocol { EGRESS_TCP_AND_UDP, EGRESS_TCP, EGRESS_UDP };

struct egress {
	enum egress_to to;
	uint32_t address; /* of ADDRESS, RANGE */
	unsigned int prefix;
	uint16_t port, last_port; /* 0: all of them, and all protocols */
	enum egress_protocol protocol;
};

/* Reads "A.B.C.D".  Returns whether TEXT is one. */
bool egress_parse_address(const char *text, uint32_t *address)
	__attribute__((nonnull, warn_unused_result));

/* Reads "A.B.C.D/N", with no bit set behind the prefix; or "A.B.C.D". */
bool egress_parse_range(const char *text, uint32_t *address,
			unsigned int *prefix)
	__attribute__((nonnull, warn_unused_result));

/*
 * Reads [TO][:PORT[-PORT][/PROTOCOL]]; without TO it is EGRESS_ANY.  Returns
 * whether TEXT is one.
 */
bool egress_parse(const char *text, struct egress *egress)
	__attribute__((nonnull, warn_unused_result));

#endif
