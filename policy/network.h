/* SPDX-License-Identifier: ISC */
/*
 * network - whence a private network has its addresses, and what is in a plan
 * of it
 */
#ifndef POLICY_NETWORK_H
#define POLICY_NETWORK_H

#include "policy/setting.h"

/*
 * Reads the group "private_network" into POLICY.
 * Returns 0, or -1 with ERR_CONFIG or ERR_SYSTEM.
 */
int network_read(const struct reader *reader, const config_setting_t *setting,
		 struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Checks the keys of a jail that belong to its network, together.  Returns 0,
 * or -1 and an ERR_CONFIG. */
int network_check(const struct jail_conf *jail, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Makes plan->private, if JAIL has a private network; the plan has its ids
 * already.  Returns 0, or -1 with ERR_CONFIG (the account's uid has no
 * address, or there is no name server) or ERR_SYSTEM.
 */
int network_make(const struct jail_conf *jail, struct plan *plan,
		 struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
