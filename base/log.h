/* SPDX-License-Identifier: ISC */
/*
 * log - lines for the administrator from where syslog(3) cannot be used
 *
 * Inside a jail there is no /dev/log of the host, and a static program has
 * no business with time zones and locales.  So the socket is connected while
 * the host is still in view, and lines are sent over it afterwards.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

/*
 * Returns a close-on-exec descriptor connected to the host's /dev/log, which
 * the caller owns; or -1 when there is no syslog daemon, which is no error.
 */
int log_open(void);

/*
 * Copies TEXT to OUT so that it is printable ASCII on one line: every other
 * byte, and the backslash, becomes \xHH.  What does not fit is cut, never in
 * the middle of an escape.
 */
void log_escape(const char *text, char *out, size_t size)
	__attribute__((nonnull));

/*
 * An event for the log, on one line: its name, then KEY=VALUE for each thing
 * known of it.  A value that is not a plain word is in double quotes.  No
 * value, whoever has chosen it, can look like a line or a key of its own:
 * what is not printable, the backslash and the quote become \xHH.
 */
struct log_event {
	size_t used;
	char text[2048]; /* what does not fit is left out */
};

/* Begins EVENT anew with its name, "open" or the like. */
void log_begin(struct log_event *event, const char *name)
	__attribute__((nonnull));

/* Adds one thing, cut if it is very long; nothing if VALUE is NULL or empty. */
void log_add(struct log_event *event, const char *key, const char *value)
	__attribute__((nonnull(1, 2)));

void log_add_number(struct log_event *event, const char *key, int64_t value)
	__attribute__((nonnull));

/* Adds why, as the last thing: step, if it has a name, errno and cause. */
void log_add_cause(struct log_event *event, const char *step,
		   const struct err *err) __attribute__((nonnull(1, 3)));

/*
 * Sends EVENT to the facility LOG_AUTHPRIV.  PRIORITY is one of syslog(3);
 * IDENT names the program.  Never blocks; FD may be -1.
 */
void log_send(int fd, int priority, const char *ident,
	      const struct log_event *event) __attribute__((nonnull));

#endif
