/* SPDX-License-Identifier: ISC */
/*
 * host - whether this host lets pam_jail(8) do its work
 *
 * Programs in place, PAM stacks right, sshd(8) using them.  "check" asks all
 * of it, "setup" before and after it changes anything, "add" for a warning.
 */
#ifndef JAILCONF_HOST_H
#define JAILCONF_HOST_H

#include "jailconf/output.h"
#include "policy/policy.h"

/* What a module path must be in a PAM file: a name if libpam looks in
 * PAM_DIR, else a path. */
const char *host_module_path(void);

/* pam_jail.so, jail-keeper and jailsh: root's, and nobody else's to change. */
void host_check_programs(struct report *report) __attribute__((nonnull));

/*
 * The stacks of every service: those of SERVICES (ended by a NULL name), and
 * all others in the PAM directories, which count as closed.
 */
void host_check_pam(struct report *report, const struct service *services)
	__attribute__((nonnull));

/* What sshd -T and shells(5) say. */
void host_check_settings(struct report *report) __attribute__((nonnull));

/* Whether sshd(8) is there and asks PAM, as far as its settings tell. */
enum host_sshd {
	HOST_SSHD_NONE,	   /* it is not there, or we are not root */
	HOST_SSHD_PAM,	   /* UsePAM yes */
	HOST_SSHD_NO_PAM,  /* UsePAM no */
	HOST_SSHD_UNKNOWN, /* it does not tell */
};
enum host_sshd host_sshd_look(void);

/*
 * Whether sessions at the SERVICES that exist here go through pam_jail(8).
 * Returns how many do not; *example is one of them.
 */
size_t host_count_uncovered(const struct service *services,
			    const char **example) __attribute__((nonnull));

/* Whether any service calls pam_jail.so at all. */
bool host_has_lines(void);

#endif
