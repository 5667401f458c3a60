/* SPDX-License-Identifier: ISC */
/*
 * services - services of the host's whose sockets may be let into a jail
 *
 * Those that every host may have are compiled in; jail.conf(5) can add others
 * and say that one of them is elsewhere.
 */
#ifndef POLICY_SERVICES_H
#define POLICY_SERVICES_H

#include "policy/setting.h"

/* Reads "services" at the top of jail.conf into POLICY.  Returns 0, or -1
 * with ERR_CONFIG or ERR_SYSTEM. */
int services_read(const struct reader *reader, const config_setting_t *setting,
		  struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
