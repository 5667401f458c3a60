/* SPDX-License-Identifier: ISC */
/*
 * root_inside - what a jail with root inside needs of the host
 */
#ifndef POLICY_ROOT_INSIDE_H
#define POLICY_ROOT_INSIDE_H

#include "jail/account.h"
#include "jail/plan.h"

/*
 * Gives PLAN, which has its ids and its tree, root inside for ACCOUNT.
 * Returns 0, or -1 with what subids_find() says, or ERR_REFUSED: this kernel
 * is too old.
 */
int root_inside_plan(const struct account *account, struct plan *plan,
		     struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether the kernel that calls itself RELEASE, as "6.1.0-18-amd64", has
 * overlays over idmapped mounts.
 */
bool root_inside_suits(const char *release) __attribute__((nonnull, pure));

#endif
