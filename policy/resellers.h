/* SPDX-License-Identifier: ISC */
/*
 * resellers - the group "resellers": limits over the jails of several accounts
 */
#ifndef POLICY_RESELLERS_H
#define POLICY_RESELLERS_H

#include "policy/setting.h"

/* Reads "resellers" at the top of jail.conf into POLICY.  Returns 0, or -1
 * with ERR_CONFIG or ERR_SYSTEM. */
int resellers_read(const struct reader *reader, const config_setting_t *setting,
		   struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
