/* SPDX-License-Identifier: ISC */
/*
 * userns - root inside that is the account outside
 *
 * The user namespace of a jail maps 0 to the account, and no id of the host's.
 * It belongs to the account, so that its processes may enter it; the jail's
 * other namespaces do not belong to it.  Root inside has capabilities for the
 * files and processes of the jail's own ids, and for nothing of the kernel's.
 */
#ifndef JAIL_USERNS_H
#define JAIL_USERNS_H

#include "jail/plan.h"

/* Where the jail has its file: a mount of root's that nobody can take away. */
#define USERNS_FILE RUN_DIR "/userns"

/*
 * Makes the user namespace of PLAN, which has root inside.  To be called by
 * root on the host.  Returns a descriptor of the namespace that the caller
 * owns, or -1 with ERR_SYSTEM or ERR_UNSAFE (it is not what was asked for).
 */
int userns_make(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Makes the calling process, which is the account and inside, root inside, for
 * good.  Returns 0, or -1 with ERR_SYSTEM or ERR_UNSAFE (it is not root then).
 */
int userns_enter(struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
