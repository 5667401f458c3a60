/* SPDX-License-Identifier: ISC */
/*
 * lease - find the account's running jail, or start it, and keep it alive
 *
 * A lease is a connection to the jail's keeper: the jail lives as long as
 * there is one.
 */
#ifndef JAIL_LEASE_H
#define JAIL_LEASE_H

#include "jail/jail.h"

struct lease {
	int sock; /* the jail lives as long as this is open */
	struct jail jail;
	char note[256]; /* what the account is to know, or "" */
};

#define LEASE_NONE ((struct lease){ .sock = -1, .jail = JAIL_NONE })

/*
 * Joins the running jail of UID that is named JAIL.  *lease must be LEASE_NONE.
 * Returns 0, and *lease is to be closed with lease_close(); or -1 with
 *	ERR_GONE	it does not run
 *	ERR_REFUSED	the keeper says no (too many sessions)
 *	ERR_UNSAFE, ERR_SYSTEM
 */
int lease_join(uid_t uid, const char *jail, struct lease *lease,
	       struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Joins the jail that PLAN names, or builds it after PLAN and joins that:
 * of any number that do so at a time, one builds.  As lease_join(), without
 * ERR_GONE.
 */
int lease_take(const struct plan *plan, struct lease *lease, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Builds a jail after PLAN that has no name and that nobody else can join;
 * it ends with the lease.  For "jailconf try".
 */
int lease_private(const struct plan *plan, struct lease *lease, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void lease_close(struct lease *lease) __attribute__((nonnull));

#endif
