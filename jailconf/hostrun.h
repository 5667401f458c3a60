/* SPDX-License-Identifier: ISC */
/*
 * hostrun - programs of the host that jailconf(8) needs
 *
 * By absolute path, without a shell, with a fixed environment; nothing of
 * the administrator's terminal session decides what they do.
 */
#ifndef JAILCONF_HOSTRUN_H
#define JAILCONF_HOSTRUN_H

#include "base/arena.h"

/* Programs of the host, and where they are (hier(7)). */
#define PROGRAM_PAM_AUTH_UPDATE "/usr/sbin/pam-auth-update"
#define PROGRAM_USERMOD		"/usr/sbin/usermod"
#define PROGRAM_SSHD		"/usr/sbin/sshd"
#define PROGRAM_JOURNALCTL	"/usr/bin/journalctl"
#define PROGRAM_SYSTEMCTL	"/usr/bin/systemctl"

/*
 * Runs ARGV[0] (an absolute path) and waits for it.  Its standard input is
 * /dev/null, its output goes to our standard error.
 * Returns 0 if it exits with 0, or -1 with
 *	ERR_REFUSED	it failed: how, is in the text
 *	ERR_SYSTEM	it cannot be run (errnum ENOENT: it is not there)
 */
int host_run(const char *const *argv, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The same, but its standard output is returned, in ARENA, and what it
 * complains of is not printed; NULL for -1. */
const char *host_read(const char *const *argv, struct arena *arena,
		      struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
