/* SPDX-License-Identifier: ISC */
/*
 * rules - the list "rules": read, and matched in order
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/setting.h"

/* Reads the list SETTING into POLICY, whose jails are read already. */
int rules_read(const struct reader *reader, const config_setting_t *setting,
	       struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Sets *rule to the first rule of POLICY that matches, or NULL.  A group is
 * looked up only if everything else in its rule matches.
 * Returns 0, or -1 with ERR_CONFIG (the host knows no such group) or
 * ERR_SYSTEM.
 */
int rules_match(const struct policy *policy, const struct account *account,
		const char *service, const struct rule **rule, struct err *err)
	__attribute__((nonnull(1, 2, 4, 5), warn_unused_result));

#endif
