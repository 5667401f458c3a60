/* SPDX-License-Identifier: ISC */
/*
 * root - make the "/" of a jail
 *
 * Two steps, because mounts can be copied only where they are: on the host
 * everything that the plan names is opened, checked and copied to detached
 * trees; in the jail's new namespaces those are put together and become "/".
 * No path of the host is looked up in the second step.
 */
#ifndef JAIL_ROOT_H
#define JAIL_ROOT_H

#include "jail/plan.h"

#include <sys/stat.h>

/* Step 1 done: all that will be mounted, as detached trees; owned. */
struct root_trees {
	int *entries; /* by entry of the plan; -1: nothing to mount */
	size_t n_entries;
	int tree;   /* the lower layer, or -1 */
	int upper;  /* what keeps its changes, or -1 */
	int null;   /* /dev/null of the host, to hide files with */
	int userns; /* the jail's user namespace, or -1 */
	struct arena arena;
};

#define ROOT_TREES_NONE                                                        \
	((struct root_trees){                                                  \
		.tree = -1, .upper = -1, .null = -1, .userns = -1 })

/*
 * Opens and checks what PLAN takes from the host.  Directories and files of
 * the system must be root's and nobody else's to change, with everything on
 * the way to them; an entry that is ENTRY_OWNED may belong to the account, one
 * that is ENTRY_SERVICE to a system account.
 *
 * Returns 0, and *trees is to be closed with root_trees_close(); or -1 with
 * ERR_UNSAFE or ERR_SYSTEM, which name the path.
 */
int root_trees_open(const struct plan *plan, struct root_trees *trees,
		    struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether ENTRY is a bind in which others than root may have put links.  Until
 * the root is finished they are not followed: a target below would lead to
 * where they want it to.
 */
bool root_entry_is_open(const struct entry *entry)
	__attribute__((nonnull, pure));

void root_trees_close(struct root_trees *trees) __attribute__((nonnull));

/*
 * Puts PLAN's root together and makes it "/" of the calling process, which
 * must be alone in new mount and pid namespaces, and root.  The host's tree
 * is detached, not hidden.  *root is then fstat(2)'s word on "/".
 *
 * Returns 0, or -1 with ERR_SYSTEM or ERR_UNSAFE, which name the entry; the
 * process must then exit.
 */
int root_build(const struct plan *plan, const struct root_trees *trees,
	       struct stat *root, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
