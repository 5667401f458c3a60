/* SPDX-License-Identifier: ISC */
/*
 * network - a jail's own network, and its way out
 *
 * A pair of interfaces: the jail's end is eth0 in its namespace, the host's
 * end has the name that the plan gives it.  Both have one address and know
 * that of the other.  What may pass is decided by the plan's rules, on the
 * host's side, where nobody in the jail has a say.
 *
 * The host's end is the lock on the address: who cannot make it does not get
 * the address.  It is there for as long as its keeper, because that keeps the
 * namespace in which the other end is, and it goes last.
 */
#ifndef KEEPER_NETWORK_H
#define KEEPER_NETWORK_H

#include "jail/plan.h"

struct network {
	int namespace;	/* the jail's; -1: it has no network that we made */
	int changes;	/* tells of those of the host's rules; -1 likewise */
	int64_t due_ms; /* when what has failed is tried again; -1: never */
};

#define NETWORK_NONE                                                           \
	((struct network){ .namespace = -1, .changes = -1, .due_ms = -1 })

/*
 * Makes the network of the jail whose PID 1 is INIT, if PLAN has a private
 * one: the keeper still has all of its capabilities, and nobody is inside.
 * Returns 0, or -1 with ERR_REFUSED (another jail has the address) or
 * ERR_SYSTEM; network_stop() is to be called in either case.
 */
int network_start(const struct plan *plan, pid_t init, struct network *network,
		  struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Hears what network->changes has to tell.  Where somebody has taken our table
 * away, as "flush ruleset" does, nothing passes until our rules are in force
 * again.  To be called as well when network->due_ms is there.
 *
 * Returns 1 if they had gone, 0 if not; or -1 and an ERR_SYSTEM: then nothing
 * passes until network->due_ms, or the jail ends, whose PID 1 is INIT.
 */
int network_mend(const struct plan *plan, pid_t init, struct network *network,
		 struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Takes it away: the rules, then the interfaces.  By then nobody may be
 * inside.  Returns 0, or -1 and an ERR_SYSTEM: what is left holds nobody up.
 */
int network_stop(const struct plan *plan, struct network *network,
		 struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
