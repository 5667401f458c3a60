/* SPDX-License-Identifier: ISC */
/*
 * disks - how fast a cgroup may read and write: io.max
 *
 * The kernel limits each disk for itself, whole disks only, and those alone
 * that are there when it is told to.
 */
#ifndef JAIL_DISKS_H
#define JAIL_DISKS_H

#include "base/err.h"
#include "jail/plan.h"

#include <stdbool.h>

/* "MAJOR:MINOR" of a whole disk, "" for none. */
struct disk {
	char number[32];
};

/*
 * Finds the disk that the account's home is on.  There is none for a file
 * system of the network, of memory, or of several disks.
 */
void disks_find_home(const struct plan *plan, struct disk *disk)
	__attribute__((nonnull));

/*
 * Writes KEY=VALUE ("rbps", "max") for every disk to io.max of the cgroup DIR.
 * Returns 1 if that could be done for the disk MUST, or for any if MUST is
 * NULL; 0 if not; or -1 with an ERR_SYSTEM.
 */
int disks_set(int dir, const char *key, const char *value,
	      const struct disk *must, struct err *err)
	__attribute__((nonnull(2, 3, 5), warn_unused_result));

/*
 * Whether requests to DISK are served by the weights of cgroups: its scheduler
 * is BFQ, or io.cost.qos of the root HIERARCHY is enabled for it.  Else the
 * kernel takes a weight and does nothing.
 */
bool disks_weigh(int hierarchy, const struct disk *disk)
	__attribute__((nonnull, warn_unused_result));

#endif
