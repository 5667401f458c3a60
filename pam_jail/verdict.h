/* SPDX-License-Identifier: ISC */
/*
 * verdict - whether a login is one of a jailed account, and into which jail
 *
 * Of what PAM knows and what the configuration says.  In doubt nobody gets in.
 */
#ifndef PAM_JAIL_VERDICT_H
#define PAM_JAIL_VERDICT_H

#include "jail/account.h"
#include "pam_jail/record.h"
#include "policy/policy.h"

#include <security/pam_modules.h>

/* The module's own arguments, as PAM hands them over. */
struct words {
	int argc;
	const char **argv;
};

/* What is to be done with this account at this door. */
struct verdict {
	struct account account;
	struct policy *policy;
	struct decision decision; /* jail is NULL: leave it alone */
};

void verdict_free(struct verdict *verdict) __attribute__((nonnull));

#define cleanup_verdict __attribute__((cleanup(verdict_free)))

/*
 * Fills *VERDICT, which must be all zero and is to be freed in any case.
 * Returns 0, or -1 and why the account is refused.
 */
int verdict_reach(pam_handle_t *pamh, const struct words *words,
		  struct verdict *verdict, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether this door is one for the account: 0, or -1 with ERR_REFUSED. */
int verdict_check_door(const struct verdict *verdict, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* What is known of the login by now, to be recorded as EVENT. */
struct record verdict_record(const char *event, const struct verdict *verdict)
	__attribute__((nonnull));

#endif
