/* SPDX-License-Identifier: ISC */
/*
 * terminal - let a host that makes ptys itself make them in the jail
 *
 * sshd(8)'s monitor opens /dev/ptmx as root, on the host, after the session
 * was opened.  If it sees the jail's devpts there, the session's terminal
 * is one of the jail's: ttyname(3), tmux(1), ps(1) inside are right, and no
 * program has to stand between.
 */
#ifndef JAIL_TERMINAL_H
#define JAIL_TERMINAL_H

#include "jail/jail.h"

/*
 * Gives the calling process, which must be root with one thread, a mount
 * namespace of its own in which /dev/pts is the jail's.  Everything else
 * stays as it is, and mounts that the host makes later still arrive.
 *
 * Returns 0, or -1 with ERR_SYSTEM, ERR_UNSAFE, ERR_GONE; after -1 the
 * process must not open the session.  After ERR_ASTRAY it is in the jail's
 * mount namespace and must exit at once.
 */
int terminal_view(const struct jail *jail, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
