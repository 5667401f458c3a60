/* SPDX-License-Identifier: ISC */
/*
 * forget - what the process that started the keeper leaves behind: nothing
 */
#ifndef KEEPER_FORGET_H
#define KEEPER_FORGET_H

#include "base/err.h"

/*
 * Makes descriptors from FIRST_FD on close-on-exec, and gives the calling
 * process, which must be root, the ids, limits, scheduling, keyring and
 * everything else that a child of the host's PID 1 has, instead of those of
 * the login that happened to come first.  Each is set, since a list of what to
 * take away is never complete.
 * Returns 0, or -1 and an ERR_SYSTEM.
 */
int forget_caller(unsigned int first_fd, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
