/* SPDX-License-Identifier: ISC */
/*
 * ask - inside, as the account: what passwd(1), crontab(1) and sendmail(8) are
 *
 * Nothing is decided here; whoever changes this program, or writes another
 * one, gets what the broker's rules allow and no more.
 */
#ifndef BROKER_ASK_H
#define BROKER_ASK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* What goes to the command and comes from it; descriptors stay the caller's. */
struct talk {
	int input;   /* -1: none */
	int output;  /* its standard output; its errors go to ours */
	bool secret; /* what is typed is not shown */
};

/*
 * Has the broker run ARGV, of ARGC words, and stays until it has ended.
 * Returns its exit status, 128 and the signal's number if it died of one; or
 * -1 with ERR_REFUSED, ERR_GONE or ERR_SYSTEM.
 */
int talk_run(const char *const *argv, size_t argc, const struct talk *talk,
	     struct err *err) __attribute__((nonnull, warn_unused_result));

/* crontab(1): becomes requests that have no file and no editor in them.
 * Returns an exit status, or -1 as above. */
int crontab_run(const char *const *argv, size_t argc, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
