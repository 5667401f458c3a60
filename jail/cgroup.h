/* SPDX-License-Identifier: ISC */
/*
 * cgroup - where a jail's processes are, in the host's cgroup v2 hierarchy
 *
 *	BASE/keepers			every jail-keeper(8)
 *	BASE/commands			every jail-broker(8)
 *	BASE/UID/NAME			one running jail
 *	BASE/reseller-NAME/UID/NAME	one of a reseller's
 *	.../session-N			below a jail's: keeper/times.h
 *
 * BASE is jail.slice/jail.service, which systemd(1) makes and has delegated
 * to us; where that does not run, it is jail.
 *
 * Out of the login's own cgroup, so that the end of the first session (whose
 * scope systemd(1) ends) is not the end of the jail.
 *
 * Processes are born there, with clone3(2): to move one takes a lock that the
 * kernel can give only after every processor has been quiet, some 10 ms.  So
 * sshd(8)'s own processes are moved only where there is a limit to hold, or
 * ports are.
 */
#ifndef JAIL_CGROUP_H
#define JAIL_CGROUP_H

#include "jail/share.h"

enum { CGROUP_RESELLER_MAX = 48 };

/* A jail's cgroup; owned.  On a host without cgroup v2, all are -1. */
struct cgroup {
	int base;    /* directories */
	int keepers; /* for clone3(2) */
	int parent;  /* of the account's: the reseller's, or BASE again */
	int jail;
	int procs; /* cgroup.procs of the jail, if it counts who is in it, for
		    * a limit or ports; else -1 */
	char name[17]; /* of the jail's; "" if there is none */
	char reseller[CGROUP_RESELLER_MAX]; /* of the reseller's, or "" */
	struct share_held held;
};

#define CGROUP_NONE                                                            \
	((struct cgroup){ .base = -1,                                          \
			  .keepers = -1,                                       \
			  .parent = -1,                                        \
			  .jail = -1,                                          \
			  .procs = -1 })

/*
 * Makes a cgroup for a jail after PLAN, with PLAN's shares for limits, and
 * gives the reseller's, if there is one, what limits PLAN says.  A host
 * without cgroup v2 is no error: then nothing is made, and *cgroup is
 * CGROUP_NONE.  A limit that this host cannot hold is not in cgroup->held.
 *
 * Returns 0, and *cgroup is to be given to cgroup_remove(); or -1 with an
 * ERR_REFUSED (PLAN requires what is not held) or ERR_SYSTEM.
 */
int cgroup_make(const struct plan *plan, struct cgroup *cgroup, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Opens the directory for what runs outside at an account's word, which is not
 * to be favoured as keepers are, but is one account more: *DIR, for clone3(2);
 * -1 on a host without cgroup v2.  Returns 0, or -1 with ERR_SYSTEM.
 */
int cgroup_open_commands(const struct cgroup *cgroup, int *dir, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * What cgroup_make() would put into HELD.  For root, one is made and removed;
 * for others, it is what is known without that.  Returns 0, or -1 with
 * ERR_REFUSED or ERR_SYSTEM; HELD is what is held also if not all that is
 * required is.
 */
int cgroup_foresee(const struct plan *plan, struct share_held *held,
		   struct err *err) __attribute__((nonnull));

/* Whether ports_hold() would succeed in the cgroup, as far as that is known
 * without making one, and without being root.  Returns as that does. */
int cgroup_foresee_ports(const struct plan *plan, struct err *err)
	__attribute__((nonnull));

/* Kills everything in the cgroup whose directory is DIR. */
void cgroup_kill_group(int dir);

/* Kills everything in the jail's cgroup. */
void cgroup_kill(const struct cgroup *cgroup) __attribute__((nonnull));

/*
 * Kills whatever is left in the jail's cgroup, removes it, and closes
 * *cgroup.  Waits a second at most: what then cannot be removed is left for
 * cgroup_sweep().
 */
void cgroup_remove(uid_t uid, struct cgroup *cgroup) __attribute__((nonnull));

/*
 * Removes the cgroups that keepers of PLAN's uid which were killed have left
 * behind, where PLAN's is to be.  In those nothing runs any more; the others
 * are somebody's.  How many jails run does not matter.
 */
void cgroup_sweep(const struct plan *plan) __attribute__((nonnull));

/* cgroup_sweep() wherever a plan of UID may have had it. */
void cgroup_sweep_all(uid_t uid);

#endif
