/* SPDX-License-Identifier: ISC */
/*
 * jail - a running jail, as whoever may enter it holds it
 *
 * All of it comes from the keeper, over descriptors; nothing is looked up by
 * name or number, and nothing that the jailed account can write decides.
 */
#ifndef JAIL_JAIL_H
#define JAIL_JAIL_H

#include "jail/plan.h"

#include <errno.h>

struct jail {
	int init;	/* pidfd of its PID 1 */
	int procs;	/* cgroup.procs of its cgroup, or -1: whoever enters
			 * is there already, or it does not count */
	dev_t root_dev; /* of "/" inside, to be compared after entering */
	ino_t root_ino;
	struct plan plan; /* what it was built from */
};

#define JAIL_NONE ((struct jail){ .init = -1, .procs = -1 })

/* The calling process is inside: made by jail_enter(), needed to drop. */
struct jail_inside {
	const struct plan *plan;
};

/*
 * Puts the calling process, which must be root, outside, and have one thread
 * only, under the jail's limits and into all of its namespaces, with "/" for
 * its working directory.
 * The pid namespace is for its children.
 *
 * Afterwards only system calls are safe: name services, locales, syslog(3)
 * and everything else that opens files would open the jail's.
 *
 * Returns 0, or -1 with ERR_SYSTEM, ERR_GONE (the jail just ended) or
 * ERR_UNSAFE (that is not the root it was built with).  After -1 the process
 * may be half way in: it must exit and run nothing for the user.
 */
int jail_enter(const struct jail *jail, struct jail_inside *inside,
	       struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * A filter that is in force answers prctl(JAIL_FILTER_PROBE) with
 * JAIL_FILTER_ANSWER, which no kernel does.  PR_GET_SECCOMP would only tell
 * that there is some filter, such as that of a container we are in.
 */
enum { JAIL_FILTER_PROBE = 0x6a61696c, JAIL_FILTER_ANSWER = ENOTUNIQ };

/*
 * Becomes the account, for good: session keyring, limits, processors, groups,
 * gid, uid, every capability but two at most, bounding set, ambient and
 * inheritable set, no_new_privs, Landlock's rules, the plan's filter, those
 * two.  That is the order, as each needs a right that a later one gives up.
 * Limits, ids, capabilities, no_new_privs and the filter are proved by reading
 * them back.
 *
 * Returns 0, or -1 with ERR_SYSTEM or ERR_UNSAFE (something came back);
 * after -1 the caller must exit.
 */
int jail_become(const struct jail_inside *inside, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * All of jail_become() but the ids, for hosts that set those themselves
 * afterwards: sshd(8), cron(8).  The filter holds for the host's calls, too.
 */
int jail_confine(const struct jail_inside *inside, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * setrlimit(2) for a limit that is a ceiling: in a container root may not raise
 * one, and then that which the service was given is the lower of the two and
 * stays.  Returns 0 and in *LIMIT what it is now, or -1 with errno.
 */
int jail_limit(__rlimit_resource_t resource, struct rlimit *limit)
	__attribute__((nonnull, warn_unused_result));

/* The resource limits alone. */
int jail_set_limits(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * The part of jail_become() that takes longest, for a root process that
 * executes nothing itself, but whose children will become the account.
 */
int jail_drop_bounding_set(struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Before that, for a root process that will run programs which change the
 * host's network: CAP_NET_ADMIN becomes inheritable, so that it is what they
 * have, and nothing else.  All of the above take it away again.
 */
int jail_keep_network(struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Becomes the account of PLAN on the host, for jail-broker(8): ids and groups,
 * no capability, but without no_new_privs and with the whole bounding set, so
 * that a set-uid program of the host's is one.  As jail_become().
 */
int jail_become_outside(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Uid and gid of every jail's PID 1.  Whoever has the uid may kill it, from the
 * host as well: kill(2).  So it is none that anything has: 65534 is that of
 * servers, and ranges of adduser(8), useradd(8), subuid(5) and systemd(1) end
 * below 2^31; and not -2, which was once nobody's.
 */
#define JAIL_ID_OF_INIT 4294900000U

/*
 * jail_become() for the jail's own PID 1: JAIL_ID_OF_INIT, no groups, the end
 * with its keeper, and FILTER, which knows JAIL_FILTER_PROBE and allows
 * capget(2) and capset(2).
 */
int jail_become_init(const struct sock_fprog *filter, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void jail_close(struct jail *jail) __attribute__((nonnull));

#endif
