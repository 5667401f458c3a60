/* SPDX-License-Identifier: ISC */
/*
 * network - the private network of a plan: shown, and whether this host can
 * make it
 */
#ifndef JAILCONF_NETWORK_H
#define JAILCONF_NETWORK_H

#include "jail/plan.h"
#include "jailconf/output.h"

/* The lines of "explain" for any network, and for a private one its rules. */
void network_print(const struct plan *plan) __attribute__((nonnull));
void network_print_rules(const struct plan *plan) __attribute__((nonnull));

/* Adds "network", and for a private one all of it as "private". */
void network_json(const struct plan *plan, struct json_object *object)
	__attribute__((nonnull));

/*
 * Whether the programs are there that jail-keeper(8) needs for PLAN; as root,
 * also whether the kernel has what its rules ask for.  Returns 0, or -1 with
 * ERR_SYSTEM or ERR_REFUSED.
 */
int network_foresee(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The private networks that "check" has seen. */
struct network_seen {
	struct network_row *row;
	size_t n;
};

/* Notes the network of PLAN.  Returns 0, or -1 and an ERR_SYSTEM. */
int network_note(const struct plan *plan, struct network_seen *seen,
		 struct err *err) __attribute__((nonnull, warn_unused_result));

/* Tells of addresses that more than one jail has, and of a host that forwards
 * nothing. */
void network_tell(struct network_seen *seen, struct report *report)
	__attribute__((nonnull));

void network_seen_free(struct network_seen *seen) __attribute__((nonnull));

#endif
