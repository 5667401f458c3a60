/* SPDX-License-Identifier: ISC */
/*
 * users - DIR/users.d: one file for one account
 */
#ifndef POLICY_USERS_H
#define POLICY_USERS_H

#include "policy/conf.h"

/* The directory's name in DIR. */
#define USERS_DIR "users.d"

/* One file. */
struct user_file {
	const struct jail_conf *jail; /* NULL: there is no file */
	struct rules rules;	      /* other jails, by how he comes in */
	const char *told;	      /* the file's name */
};

/*
 * The directory is trusted, or is not there, which is no error: else nobody
 * knows whose files are in it.  Returns 0, or -1 with ERR_UNSAFE or ERR_SYSTEM.
 */
int users_require_directory(struct policy *policy, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Fills *file with what the file of the account NAME says, in ARENA.
 * Returns 0, or -1 if there is a file that cannot be believed: ERR_CONFIG,
 * ERR_UNSAFE, ERR_SYSTEM.
 */
int users_read(const struct policy *policy, const char *name,
	       struct arena *arena, struct user_file *file, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
