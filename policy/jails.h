/* SPDX-License-Identifier: ISC */
/*
 * jails - the group "jails", with everything inherited
 */
#ifndef POLICY_JAILS_H
#define POLICY_JAILS_H

#include "policy/setting.h"

/* Reads the group SETTING into POLICY. */
int jails_read(const struct reader *reader, const config_setting_t *setting,
	       struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* ERR_CONFIG "no such jail" for the name in WORD, or the jail. */
const struct jail_conf *jails_find(const struct policy *policy,
				   const struct text *word, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
