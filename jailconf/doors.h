/* SPDX-License-Identifier: ISC */
/*
 * doors - the ways into an account, and which of them end in its jail
 *
 * A door is a PAM service.  What becomes of a login there is decided by
 * three things: what the jail says of the service, whether the service's
 * stacks call pam_jail(8), and, for "shell" doors, the login shell.
 */
#ifndef JAILCONF_DOORS_H
#define JAILCONF_DOORS_H

#include "jailconf/pamfiles.h"
#include "policy/policy.h"

/* What the PAM stacks of a service do for pam_jail(8). */
struct door_pam {
	bool exists; /* the service has a file of its own */
	struct pam_verdict verdict[PAM_TYPES];
	struct pam_service service; /* what the verdicts point into */
};

/*
 * Reads and judges the stacks of SERVICE.
 * Returns 0, and *pam is to be freed with door_pam_free(); or -1 as
 * pam_service_read().
 */
int door_pam_read(const char *const *directories, const char *service,
		  struct door_pam *pam, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void door_pam_free(struct door_pam *pam) __attribute__((nonnull));

/*
 * What keeps DOOR of SERVICE from being covered, of the stacks alone.
 * Returns whether there is something; *type says in which stack.
 */
bool door_pam_fault(const struct door_pam *pam, const char *service,
		    enum door door, enum pam_type *type)
	__attribute__((nonnull));

enum door_end {
	DOOR_END_JAIL,	  /* the session is in the jail */
	DOOR_END_REFUSED, /* there is no session */
	DOOR_END_OUTSIDE, /* a session outside any jail */
};

/* "jail", "refused", "outside". */
const char *door_end_name(enum door_end end) __attribute__((const));

struct door_view {
	enum door_end end;
	enum door door;
	const char *rule; /* what decided; NULL: nothing maps the account */
	char why[512];	  /* for the administrator */
};

/*
 * Looks at what happens to ACCOUNT when it comes in by VISIT, going by the PAM
 * files in DIRECTORIES.
 */
void door_look(struct policy *policy, const struct account *account,
	       const struct visit *visit, const char *const *directories,
	       struct door_view *view) __attribute__((nonnull));

/* Services that start sessions on many hosts, and what comes that way;
 * NULL-terminated. */
struct door_known {
	const char *service;
	const char *what;
	bool account;	/* it asks PAM's account stack about the account that
			 * the session will be of */
	bool root_only; /* only root can use it, to become anybody */
};
extern const struct door_known door_known[];
const struct door_known *door_known_find(const char *service)
	__attribute__((nonnull));

/* The doors of a jail that lists none; NULL-terminated. */
extern const struct service door_usual[];

#endif
