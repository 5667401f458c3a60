/* SPDX-License-Identifier: ISC */
/*
 * ports - which ports of the host's network the processes of a jail may bind
 *
 * The kernel asks two programs in the jail's cgroup, one for IPv4 and one for
 * IPv6, at each bind(2) of a socket that was made by a process in there: TCP
 * and UDP alike, whoever has the socket by then.  Allowed are the ports of
 * the plan, and 0, for which the kernel chooses a port of its own range
 * (net.ipv4.ip_local_port_range); everything else is EPERM.  What is bound
 * without bind(2), by connect(2) and listen(2), has a port of that range, too.
 */
#ifndef JAIL_PORTS_H
#define JAIL_PORTS_H

#include "jail/plan.h"

/*
 * Puts the programs into the cgroup directory CGROUP, where nobody may be yet,
 * for as long as it exists.  CGROUP is -1 on a host without cgroup v2.
 * Returns 0, also if the plan lets all ports be bound; or -1 with ERR_REFUSED
 * (this host cannot hold it).
 */
int ports_hold(const struct plan *plan, int cgroup, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether the kernel takes the programs, without using them: as root.  As
 * ports_hold(). */
int ports_foresee(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Proves that the calling process is one of those that may bind no other port,
 * if the plan requires it: by trying.  For a root process in the host's
 * network.  Returns 0, or -1 with ERR_UNSAFE (it may) or ERR_SYSTEM.
 */
int ports_prove(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
