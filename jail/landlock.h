/* SPDX-License-Identifier: ISC */
/*
 * landlock - abstract sockets of others, taken away: landlock(7)
 *
 * In the host's network everybody's abstract sockets can be reached: those of
 * the host's daemons and those of other jails.  In a domain with this scope
 * only those that were made in it can.
 */
#ifndef JAIL_LANDLOCK_H
#define JAIL_LANDLOCK_H

#include "jail/plan.h"

/*
 * If PLAN says so, makes a domain for the calling process and all that it
 * starts; it has no_new_privs already.  Returns 0, or -1 with an ERR_SYSTEM.
 */
int landlock_enter(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether landlock_enter() will find a kernel that can: 0, or -1 with an
 * ERR_SYSTEM. */
int landlock_foresee(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
