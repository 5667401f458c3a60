/* SPDX-License-Identifier: ISC */
/*
 * template - %u %U %g %G %h in the values of jail.conf(5)
 */
#ifndef POLICY_TEMPLATE_H
#define POLICY_TEMPLATE_H

#include "policy/conf.h"

/*
 * Whether every % in TEXT stands before a letter that means something.
 * Returns 0, or -1 and an ERR_CONFIG.
 */
int template_check(const struct text *text, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Fills TEXT in for ACCOUNT.  Names must be plain (base/path.h) and the home
 * must be clean, or they could lead somewhere else.
 * Returns a string in ARENA, or NULL with ERR_CONFIG (too long, or not
 * possible for this account) or ERR_SYSTEM.
 */
const char *template_fill(const struct text *text,
			  const struct account *account, struct arena *arena,
			  struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
