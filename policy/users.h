/* SPDX-License-Identifier: ISC */
/*
 * users - DIR/users.d: one file for one account
 */
#ifndef POLICY_USERS_H
#define POLICY_USERS_H

#include "policy/conf.h"

/* The directory's name in DIR. */
#define USERS_DIR "users.d"

/*
 * Sets *jail to what the file of the account NAME says, in ARENA, or to NULL
 * if there is no file; *told to the file's name.
 * Returns 0, or -1 if there is a file that cannot be believed: ERR_CONFIG,
 * ERR_UNSAFE, ERR_SYSTEM.
 */
int users_read(const struct policy *policy, const char *name,
	       struct arena *arena, const struct jail_conf **jail,
	       const char **told, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
