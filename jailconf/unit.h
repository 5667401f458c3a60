/* SPDX-License-Identifier: ISC */
/*
 * unit - jail.service, the part of systemd(1)'s tree of control groups that
 * it leaves to jail-keeper(8)
 */
#ifndef JAILCONF_UNIT_H
#define JAILCONF_UNIT_H

#include "jailconf/output.h"

/*
 * Enables and starts it, where systemd(1) runs and it is not done yet; adds
 * to *CHANGES.  Returns 0, or -1 with ERR_REFUSED or ERR_SYSTEM.
 */
int unit_enable(int *changes, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The way back, which ends every jail in it.  As unit_enable(). */
int unit_disable(int *changes, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether it runs where it should. */
void unit_check(struct report *report) __attribute__((nonnull));

#endif
