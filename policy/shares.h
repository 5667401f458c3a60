/* SPDX-License-Identifier: ISC */
/*
 * shares - what a jail, or all jails of a reseller, may take of the machine
 *
 * The same words in the group "limits" of both.
 */
#ifndef POLICY_SHARES_H
#define POLICY_SHARES_H

#include "policy/setting.h"

/* Whether NAME is one that shares_read() reads. */
bool shares_is_key(const char *name) __attribute__((nonnull));

/* Whether it may be one for many jails together. */
bool shares_is_key_of_many(const char *name) __attribute__((nonnull));

/*
 * Reads the shares in GROUP, and which of them are required, into SHARES; its
 * other members are not looked at.  Returns 0, or -1 with ERR_CONFIG or
 * ERR_SYSTEM.
 */
int shares_read(const struct reader *reader, const config_setting_t *group,
		struct plan_limit_share shares[PLAN_SHARES], struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether GROUP requires the limit NAME, which is one of it and need not be one
 * that shares_read() reads; that has read it before.  Returns 0, or -1 with
 * ERR_CONFIG or ERR_SYSTEM.
 */
int shares_require(const struct reader *reader, const config_setting_t *group,
		   const char *name, bool *required, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* An amount written as an integer or as a string, as text; or NULL. */
const char *shares_amount(const struct reader *reader,
			  const config_setting_t *setting, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
