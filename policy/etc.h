/* SPDX-License-Identifier: ISC */
/*
 * etc - which parts of the host's /etc a jail sees
 */
#ifndef POLICY_ETC_H
#define POLICY_ETC_H

#include "policy/conf.h"
#include "policy/entries.h"

/* The list for jails that have no "etc"; ends with NULL. */
extern const char *const etc_default_names[];

/*
 * Whether NAME may be in an "etc" list: below /etc, clean, and nothing that
 * holds secrets, tells of other accounts, or is made by the jail itself.
 * Returns 0, or -1 and an ERR_CONFIG.
 */
int etc_check_name(const struct text *name, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Adds what JAIL shows of the host's /etc.
 * Returns 0, or -1 with ERR_CONFIG (a name in the configuration does not
 * exist or cannot be shown) or ERR_SYSTEM.
 */
int etc_add(const struct jail_conf *jail, struct entries *entries,
	    struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
