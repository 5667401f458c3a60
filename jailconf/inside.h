/* SPDX-License-Identifier: ISC */
/*
 * inside - what will be where in a jail, seen from the host
 *
 * A jail that does not run has no root to look into: its plan says of what on
 * the host it is made.
 */
#ifndef JAILCONF_INSIDE_H
#define JAILCONF_INSIDE_H

#include "jail/plan.h"

#include <sys/stat.h>

/* The entry of PLAN that mounts what PATH is on; NULL: the root itself. */
const struct entry *inside_mount(const struct plan *plan, const char *path)
	__attribute__((nonnull));

/*
 * Follows PATH, clean and absolute, with all links on the way, as a process of
 * the jail would; *st is what it comes to.  Returns 0, or -1 and errno.
 */
int inside_stat(const struct plan *plan, const char *path, struct stat *st)
	__attribute__((nonnull, warn_unused_result));

/* Whether PLAN's account may execute what ST is. */
bool inside_may_execute(const struct plan *plan, const struct stat *st)
	__attribute__((nonnull, pure));

#endif
