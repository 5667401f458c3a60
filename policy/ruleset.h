/* SPDX-License-Identifier: ISC */
/*
 * ruleset - the rules of nft(8) that hold a private network
 *
 * All jails share the table "inet pam_jail".  It has two chains for each: what
 * the jail sends to the host, and what it sends elsewhere.  The interface a
 * packet comes from or goes to finds them, by one look-up however many jails
 * there are.  The table's own rules are written anew with each jail's, in one
 * transaction, so that it is of no matter what was there before: nothing,
 * another version's, or what a killed keeper has left.
 */
#ifndef POLICY_RULESET_H
#define POLICY_RULESET_H

#include "policy/conf.h"

/*
 * Fills in rules and end of plan->private, which has the rest already.
 * Returns 0, or -1 and an ERR_SYSTEM.
 */
int ruleset_make(const struct jail_conf *jail, struct plan *plan,
		 struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
