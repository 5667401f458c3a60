/* SPDX-License-Identifier: ISC */
/*
 * share - what a jail may take of the machine, all of its sessions together
 *
 * Each share of a plan is a file of the jail's cgroup (cgroups(7)), and needs
 * a controller that is handed down to there from the root of the hierarchy.
 * The directories are cgroup.h's.
 */
#ifndef JAIL_SHARE_H
#define JAIL_SHARE_H

#include "jail/disks.h"

#include <stddef.h>

/* Which of a plan's limits the kernel holds, by enum plan_share. */
struct share_held {
	bool jail[PLAN_SHARES];
	bool reseller[PLAN_SHARES]; /* those above */
};

/*
 * Hands the controllers that SHARES need down to the children of the
 * directory DIR, and leaves in HELD those shares for which that could be
 * done.  To be called for each directory on the way down, with HELD all true
 * for the first.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int share_hand_down(const struct plan_limit_share shares[PLAN_SHARES], int dir,
		    bool held[PLAN_SHARES], struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The same without doing it: by what DIR could hand down. */
int share_foresee(const struct plan_limit_share shares[PLAN_SHARES], int dir,
		  bool held[PLAN_SHARES], struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Sets the limits of SHARES that are HELD in the cgroup DIR, and leaves in
 * HELD those that the kernel has; those of disks if it has them for the disk
 * MUST, or for any if MUST is NULL.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int share_set(const struct plan_limit_share shares[PLAN_SHARES], int dir,
	      const struct disk *must, bool held[PLAN_SHARES], struct err *err)
	__attribute__((nonnull(1, 4, 5), warn_unused_result));

/*
 * Gives the cgroup DIR, which is around the jail's, its weights: they count
 * among siblings only.  FIRST: no other jail is in it; else it has the largest
 * of all of them.  Leaves in HELD those that the kernel has.  Returns 0, or -1
 * and an ERR_SYSTEM.
 */
int share_weigh(const struct plan_limit_share shares[PLAN_SHARES], int dir,
		bool held[PLAN_SHARES], bool first, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Lets no weight of a jail's keep what is in the cgroup DIR from its work, as
 * far as the kernel knows weights. */
void share_favour(int dir);

/*
 * Takes away from the cgroup DIR what limits it has that are not in SHARES.
 * Returns 0, or -1 and an ERR_SYSTEM.
 */
int share_lift(const struct plan_limit_share shares[PLAN_SHARES], int dir,
	       struct err *err) __attribute__((nonnull, warn_unused_result));

/* Returns 0 if all that PLAN requires is HELD, or -1 and an ERR_REFUSED. */
int share_require(const struct plan *plan, const struct share_held *held,
		  struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Writes the names of PLAN's shares that are not HELD to TEXT, with ", "
 * between.  Returns how many they are.
 */
size_t share_not_held(const struct plan *plan, const struct share_held *held,
		      char *text, size_t size) __attribute__((nonnull));

/* What is not there where a share of PLAN is not held: "no ... in cgroup
 * version 2". */
const char *share_lack(const struct plan *plan) __attribute__((nonnull));

/* How often a limit was hit, since the jail began. */
struct share_hits {
	uint64_t oom_kills;	/* processes ended for want of memory */
	uint64_t forks_refused; /* processes and threads not started */
	/* The same, because of all the reseller's jails together; it may have
	 * been another jail that wanted one. */
	uint64_t above_refused;
};

/* Files of a cgroup in which poll(2) has POLLPRI when there is a new hit;
 * owned, -1 where there is none. */
struct share_events {
	int memory, pids, above;
};

#define SHARE_EVENTS_NONE                                                      \
	((struct share_events){ .memory = -1, .pids = -1, .above = -1 })

/* DIR is the jail's cgroup, RESELLER the reseller's or -1. */
void share_events_open(int dir, int reseller, struct share_events *events)
	__attribute__((nonnull));

/* Brings *hits up to date; what cannot be known stays as it is. */
void share_read_hits(const struct share_events *events, struct share_hits *hits)
	__attribute__((nonnull));

/* Present use; SHARE_UNKNOWN where the kernel does not count. */
struct share_use {
	uint64_t memory_bytes;
	uint64_t pids; /* processes and threads */
};

#define SHARE_UNKNOWN UINT64_MAX

/* DIR may be -1: all is unknown. */
void share_read_use(int dir, struct share_use *use) __attribute__((nonnull));

#endif
