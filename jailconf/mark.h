/* SPDX-License-Identifier: ISC */
/*
 * mark - what is in a tree already is counted from now on: jail/quota.h
 *
 * Root walks through files that are the account's, of which no process may run
 * and no jail may start meanwhile.  Should there be one all the same, each file
 * is opened, looked at and marked by its descriptor, without following a link
 * or crossing a mount.  A directory is marked before what is in it is read:
 * from then on whatever is made there is of the project, and the kernel lets
 * nothing be moved in that is not; but xfs lets two change places
 * (RENAME_EXCHANGE), which is why nobody may be there.
 */
#ifndef JAILCONF_MARK_H
#define JAILCONF_MARK_H

#include "jail/quota.h"

struct mark_count {
	uint64_t marked; /* files and directories that were not before */
	uint64_t already;
	uint64_t special; /* links, sockets and the like that cannot be */
};

/*
 * Marks TREE and all that is in it for PLAN's account, and says so at its top;
 * adds up in COUNT.  Can be repeated: what was killed is completed then.
 * Returns 0, or -1 with ERR_REFUSED (something is of another project, has names
 * elsewhere or is a mount, or somebody is there) or ERR_SYSTEM.
 */
int mark_tree(const struct plan *plan, const struct quota_tree *tree,
	      struct mark_count *count, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
