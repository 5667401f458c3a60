/* SPDX-License-Identifier: ISC */
/*
 * sidedoors - ways into an account that do not ask PAM
 *
 * pam_jail(8) cannot see them.  What a login ends in there is up to the
 * program that lets it in, and to the login shell.
 */
#ifndef JAILCONF_SIDEDOORS_H
#define JAILCONF_SIDEDOORS_H

#include "jailconf/doors.h"

/* What this host has of them. */
struct sidedoors {
	bool dropbear;	    /* it runs, or starts with the system */
	const char *mailer; /* what runs the pipes of ~/.forward; NULL: none */
};

void sidedoors_find(struct sidedoors *sidedoors) __attribute__((nonnull));

enum sidedoor {
	SIDEDOOR_DROPBEAR,
	SIDEDOOR_FORWARD,
	SIDEDOOR_LINGER, /* of systemd(1): refused, but tried at every start */
};
enum { SIDEDOORS = SIDEDOOR_LINGER + 1 };

/* "dropbear", "~/.forward", "linger". */
const char *sidedoor_name(enum sidedoor door) __attribute__((const));

/*
 * Looks at what DOOR does for ACCOUNT, which is jailed.  Returns whether
 * there is such a door; then *view has its end and why.
 */
bool sidedoor_look(const struct sidedoors *sidedoors, enum sidedoor door,
		   const struct account *account, struct door_view *view)
	__attribute__((nonnull));

/* Whether /etc/shells has SHELL: getusershell(3). */
bool shell_is_listed(const char *shell) __attribute__((nonnull));

#endif
