/* SPDX-License-Identifier: ISC */
/*
 * generated - the files of /etc that are made for each jail
 *
 * They name root, nobody, the account and its groups, and no other account.
 * Each returns the text of the file, in the plan's arena, or NULL and an
 * ERR_SYSTEM.  The plan has its names, ids, home, shell, hostname and network
 * already.
 */
#ifndef POLICY_GENERATED_H
#define POLICY_GENERATED_H

#include "jail/plan.h"

const char *generated_passwd(struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));
const char *generated_group(struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));
const char *generated_hosts(struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));
const char *generated_nsswitch(const struct plan *plan)
	__attribute__((nonnull));

/*
 * What the host has at PATH, /etc/resolv.conf, which may be a symbolic link;
 * nothing if it is not there.
 */
const char *generated_read_resolver(const char *path, struct arena *arena,
				    struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * The same for a jail with the host's network; the name servers of the plan's
 * for one of its own; and nothing for one without.
 */
const char *generated_resolv_conf(struct plan *plan, const char *path,
				  struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * The file that the symbolic link PATH, /etc/resolv.conf, leads to, if it is
 * in a directory that a program keeps for that: then the directory can be
 * shown, and the file in it follows the host's.  NULL if it is not, or if the
 * jail has not the host's network.
 */
const char *generated_resolver(const struct plan *plan, const char *path,
			       struct arena *arena) __attribute__((nonnull));

#endif
