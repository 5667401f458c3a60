/* SPDX-License-Identifier: ISC */
/*
 * filter - the seccomp program of a jail
 */
#ifndef POLICY_FILTER_H
#define POLICY_FILTER_H

#include "policy/conf.h"

/*
 * Whether there is a system call with this name, on this architecture or on
 * another one.
 */
bool filter_knows(const char *name) __attribute__((nonnull));

/*
 * Makes PLAN's filter, and its words about it, of what JAIL says.  The plan
 * has its network already.  It takes some milliseconds, and is done when a
 * jail starts; who joins finds it in the plan.
 * Returns 0, or -1 and an ERR_SYSTEM.
 */
int filter_make(const struct jail_conf *jail, struct plan *plan,
		struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
