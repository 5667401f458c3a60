/* SPDX-License-Identifier: ISC */
/*
 * account - who is logging in, as the host's name service sees it
 *
 * Looked up once, on the host, before anything of the jail is entered:
 * inside, getpwnam(3) would ask the jail's files and load the jail's
 * libraries into a root process.  The static programs never use this.
 */
#ifndef JAIL_ACCOUNT_H
#define JAIL_ACCOUNT_H

#include "base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct account {
	struct arena arena; /* everything below lives in it */
	const char *name;
	const char *home;
	const char *shell; /* never empty; "/bin/sh" as in passwd(5) */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* gid is among them */
	size_t n_groups;
};

/*
 * Fills *account for the user NAME.
 * Returns 0, and *account is to be freed with account_free(); or -1 with
 *	ERR_REFUSED	there is no such user
 *	ERR_SYSTEM	the name service did not answer
 */
int account_lookup(const char *name, struct account *account, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Fills *account for the account that the name service names first for UID;
 * its groups are not looked up.  Returns as account_lookup().
 */
int account_of_uid(uid_t uid, struct account *account, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void account_free(struct account *account) __attribute__((nonnull));

/* Whether GID is one of the account's groups. */
bool account_in_group(const struct account *account, gid_t gid)
	__attribute__((nonnull, pure));

#endif
