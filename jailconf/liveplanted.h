/* SPDX-License-Identifier: ISC */
/*
 * liveplanted - what an account can leave for programs of the host's to run,
 * and whether they do
 *
 * jail-escape plants it in the home (tests/escape/probes.c), as the account and
 * from inside; whatever is run leaves a mark where it ran.
 */
#ifndef JAILCONF_LIVEPLANTED_H
#define JAILCONF_LIVEPLANTED_H

#include "jailconf/live.h"

#include <time.h>

/* Takes a line of jail-escape's, of --plant and --unplant; ARG is the struct
 * live. */
void planted_heard(void *arg, const char *line) __attribute__((nonnull));

/*
 * Plants a job of the account's, as in its own crontab, which stays as it is;
 * none if no cron(8) runs.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int planted_job(struct live *live, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Tries to start the user manager, which would run the account's units. */
void planted_try_unit(struct live *live) __attribute__((nonnull));

/* Asks where mail would go; none is sent. */
void planted_try_forward(struct live *live) __attribute__((nonnull));

/* Waits until cron(8) has looked at its files once after SINCE. */
void planted_wait(const struct live *live, time_t since)
	__attribute__((nonnull));

/* Tells of the marks that were left, after all doors were tried. */
void planted_tell(struct live *live) __attribute__((nonnull));

#endif
