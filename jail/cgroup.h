/* SPDX-License-Identifier: ISC */
/*
 * cgroup - where a jail's processes are, in the host's cgroup v2 hierarchy
 *
 *	jail/keepers	every jail-keeper(8)
 *	jail/UID/NAME	one running jail: all but sshd(8)'s own processes, which
 *			stay in their login's
 *
 * Out of the login's own cgroup, so that the end of the first session (whose
 * scope systemd(1) ends) is not the end of the jail.
 *
 * Processes are born there, with clone3(2): to move one takes a lock that the
 * kernel can give only after every processor has been quiet, some 10 ms.
 */
#ifndef JAIL_CGROUP_H
#define JAIL_CGROUP_H

#include "base/err.h"

#include <sys/types.h>

/* A jail's cgroup; owned.  On a host without cgroup v2, all are -1. */
struct cgroup {
	int keepers; /* directories, for clone3(2) */
	int jail;
	int procs;     /* cgroup.procs of the jail, open for writing */
	char name[17]; /* of the jail's; "" if there is none */
};

#define CGROUP_NONE ((struct cgroup){ .keepers = -1, .jail = -1, .name = "" })

/*
 * Makes a cgroup for a jail of UID.  A host without cgroup v2 is no error:
 * then nothing is made, and *cgroup is CGROUP_NONE.
 * Returns 0, and *cgroup is to be given to cgroup_remove(); or -1 and an
 * ERR_SYSTEM.
 */
int cgroup_make(uid_t uid, struct cgroup *cgroup, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Kills everything in the jail's cgroup. */
void cgroup_kill(const struct cgroup *cgroup) __attribute__((nonnull));

/*
 * Kills whatever is left in the jail's cgroup, removes it, and closes
 * *cgroup.  Waits a second at most: what then cannot be removed is left for
 * cgroup_sweep().
 */
void cgroup_remove(uid_t uid, struct cgroup *cgroup) __attribute__((nonnull));

/*
 * Removes the cgroups that keepers of UID which were killed have left behind.
 * In those nothing runs any more; the others are somebody's.
 */
void cgroup_sweep(uid_t uid);

#endif
