/* SPDX-License-Identifier: ISC */
/*
 * group - groups of the host, as the name service sees them
 */
#ifndef POLICY_GROUP_H
#define POLICY_GROUP_H

#include "jail/account.h"

enum group_answer { GROUP_NO, GROUP_YES, GROUP_UNKNOWN };

/*
 * Whether ACCOUNT is in the group NAME.  The group's own list counts as
 * well: getgrouplist(3) does not tell when a name service gave up halfway.
 * GROUP_UNKNOWN: the host knows no such group.
 * Returns 0, or -1 and an ERR_SYSTEM: the name service did not answer.
 */
int group_has(const char *name, const struct account *account,
	      enum group_answer *answer, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Sets *name to the name of the group GID, in ARENA; NULL if it has none.
 * Returns 0, or -1 and an ERR_SYSTEM.
 */
int group_name(gid_t gid, struct arena *arena, const char **name,
	       struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
