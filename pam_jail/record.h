/* SPDX-License-Identifier: ISC */
/*
 * record - what the host's log and its audit trail say of a login
 *
 * One line in the log and one audit record for each session that goes into a
 * jail, and for each that was refused.  Both are written on the host: libaudit
 * looks at /proc and at names, and in the jail both are the account's.
 */
#ifndef PAM_JAIL_RECORD_H
#define PAM_JAIL_RECORD_H

#include "base/err.h"

#include <security/pam_modules.h>
#include <stddef.h>
#include <sys/types.h>

/* Of a login, as far as it is known; user, service, terminal and remote host
 * are PAM's.  Everything is borrowed. */
struct record {
	const char *event; /* "open", "close", "refuse", "not jailed" */
	const char *step;  /* of a refusal: the hook it happened in */
	const uid_t *uid;  /* NULL: not known, and so with the others */
	const char *jail;
	const char *door;
	int init;		 /* pidfd of the jail's PID 1, or -1 */
	const struct err *cause; /* why not; NULL: nothing is wrong */
};

#define RECORD_NONE ((struct record){ .init = -1 })

/* Writes RECORD to the log, facility LOG_AUTHPRIV, with a PRIORITY of
 * syslog(3). */
void record_log(pam_handle_t *pamh, int priority, const struct record *record)
	__attribute__((nonnull));

/* What jailconf(8) is to say of a session: service, terminal, remote host. */
void record_label(pam_handle_t *pamh, char *label, size_t size)
	__attribute__((nonnull));

/*
 * Writes RECORD to the audit trail, as a success if it has no cause.  That
 * the kernel has no audit, or none in this user namespace, is no error.
 * Returns 0, or -1 with ERR_SYSTEM: it could not be written.
 */
int record_audit(pam_handle_t *pamh, const struct record *record,
		 struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
