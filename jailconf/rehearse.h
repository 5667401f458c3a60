/* SPDX-License-Identifier: ISC */
/*
 * rehearse - the steps of a login, up to the one that starts the jail
 *
 * The code is the login's own, so that what is fine here is fine there.
 */
#ifndef JAILCONF_REHEARSE_H
#define JAILCONF_REHEARSE_H

#include "policy/policy.h"

/*
 * Makes the plan of JAIL for ACCOUNT, opens and checks all that it names on
 * the host (as root; others cannot), and looks whether the shell is there and
 * the host can hold the limits and make the network.
 * Returns 0, and *plan is to be freed with plan_free(); or -1 with what
 * policy_plan(), cgroup_foresee(), network_foresee() and root_trees_open()
 * fail with, or ERR_CONFIG (no shell).
 */
int rehearse_plan(const struct jail_conf *jail, const struct account *account,
		  struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether what PLAN's account keeps is counted: a plan that rehearse_plan() is
 * fine with is refused without, if it requires it.  Others than root are told
 * that it is.  Returns 0, or -1 with what quota_check() fails with.
 */
int rehearse_quota(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Loads the policy of CONF_DIR, and says in *err what to do if there is
 * none.  As policy_load().
 */
struct policy *rehearse_load(struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The file in users.d of the account NAME, in ARENA; NULL: ERR_SYSTEM, or
 * ERR_REFUSED if NAME may not be part of a path. */
const char *rehearse_user_path(struct arena *arena, const char *name,
			       struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether the host's own passwd(5) has the account NAME. */
bool account_is_local(const char *name) __attribute__((nonnull));

/* Processes of an account that are in the mount namespace of the caller,
 * which is no jail. */
struct outsiders {
	size_t n;
	pid_t example;
	char name[32]; /* of the example */
};
void account_outsiders(uid_t uid, struct outsiders *outsiders)
	__attribute__((nonnull));

/* The same in any mount namespace.  Returns 0, or -1 with an ERR_SYSTEM. */
int account_processes(uid_t uid, struct outsiders *outsiders, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
