/* SPDX-License-Identifier: ISC */
/*
 * upper - the directory that keeps what an account has changed in a tree
 *
 * It has "upper" and "work" in it, the layers of an overlay.  With root inside
 * what is in "upper" belongs to the account's own ids, and so the directory
 * around it is for root alone, and has a word on whose ids those are: "ids".
 */
#ifndef JAIL_UPPER_H
#define JAIL_UPPER_H

#include "jail/plan.h"

/*
 * Opens PLAN->upper, and makes it first if need be: it is two levels below a
 * directory that is there, root's, and nobody else's to change.  Returns a
 * descriptor (O_PATH) that the caller owns, or -1 with ERR_UNSAFE (somebody
 * else could have changed it, or it belongs to other ids) or ERR_SYSTEM.
 */
int upper_open(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether upper_open() would succeed, and nothing is made: what is not there
 * yet has a place to be.  Returns 0, or -1 as that does.
 */
int upper_check(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
