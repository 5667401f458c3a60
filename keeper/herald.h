/* SPDX-License-Identifier: ISC */
/*
 * herald - tells a session that it is over
 */
#ifndef KEEPER_HERALD_H
#define KEEPER_HERALD_H

#include "jail/jail.h"

/*
 * Writes TEXT to the terminals of the processes in the cgroup DIR, and sends
 * them SIGHUP.  For a process of its own, which it ends: root, outside of the
 * jail.  Takes some seconds at most, whatever the account does.
 */
_Noreturn void herald_main(const struct jail *jail, int dir, const char *text)
	__attribute__((nonnull));

#endif
