/* SPDX-License-Identifier: ISC */
/*
 * cgroup - where a jail's processes are, in the host's cgroup v2 hierarchy
 *
 *	jail/keepers	every jail-keeper(8)
 *	jail/UID/PID	one running jail, named after its keeper
 *
 * Out of the login's own cgroup, so that the end of the first session (whose
 * scope systemd(1) ends) is not the end of the jail.
 */
#ifndef JAIL_CGROUP_H
#define JAIL_CGROUP_H

#include "base/err.h"

#include <sys/types.h>

/* Descriptors of a jail's cgroup; owned. */
struct cgroup {
	int dir;   /* for clone3(2); -1: the host has no cgroup v2 */
	int procs; /* cgroup.procs, open for writing; -1 likewise */
};

#define CGROUP_NONE ((struct cgroup){ .dir = -1, .procs = -1 })

/*
 * Makes a cgroup for a jail of UID and moves the calling process, its
 * keeper, to jail/keepers.  A host without cgroup v2 is no error: then
 * nothing is made, and *cgroup is CGROUP_NONE.
 * Returns 0, or -1 and an ERR_SYSTEM.
 */
int cgroup_make(uid_t uid, struct cgroup *cgroup, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Kills whatever is left in the caller's jail's cgroup, removes it, and
 * closes *cgroup.  What cannot be removed yet is left: cgroup_sweep().
 */
void cgroup_remove(uid_t uid, struct cgroup *cgroup) __attribute__((nonnull));

/*
 * Kills and removes the cgroups that keepers of UID which were killed have
 * left behind.  To be called when no jail of UID runs: by whoever holds its
 * lock.
 */
void cgroup_sweep(uid_t uid);

#endif
