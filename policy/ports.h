/* SPDX-License-Identifier: ISC */
/*
 * ports - which ports of the host's network an account may bind
 *
 * By uid, out of the range of the group "ports" at the top of jail.conf, in
 * which every account has its own; or those that its file in users.d names.
 */
#ifndef POLICY_PORTS_H
#define POLICY_PORTS_H

#include "policy/setting.h"

/* "8000-8009", or "8000"; returns whether it is. */
bool ports_parse(const char *text, uint16_t *first, uint16_t *last)
	__attribute__((nonnull));

/* Reads the group "ports" into POLICY. */
int ports_read(const struct reader *reader, const config_setting_t *setting,
	       struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Fills in the plan's ports.  Returns 0, or -1 with an ERR_CONFIG: the account
 * has none by its uid, or the kernel may give them to somebody else.
 */
int ports_make(const struct jail_conf *jail, const struct account *account,
	       struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
