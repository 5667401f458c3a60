/* SPDX-License-Identifier: ISC */
/*
 * layout - what is where in a jail
 */
#ifndef POLICY_LAYOUT_H
#define POLICY_LAYOUT_H

#include "policy/conf.h"

/*
 * Makes the entries of PLAN, which has everything else already.
 * Returns 0, or -1 with ERR_CONFIG or ERR_SYSTEM.
 */
int layout_make(const struct jail_conf *jail, const struct account *account,
		struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether a mount on PATH inside would take away something that every jail
 * needs: the way in, /proc, terminals.
 */
bool layout_needs(const char *path) __attribute__((nonnull, pure));

/* Whether PATH is DIR or below it. */
bool path_within(const char *path, const char *dir)
	__attribute__((nonnull, pure));

#endif
