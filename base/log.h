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
#include <syslog.h>

/*
 * Returns a close-on-exec descriptor connected to the host's /dev/log, which
 * the caller owns; or -1 when there is no syslog daemon, which is no error.
 */
int log_open(void);

/*
 * Sends one line, escaped as by log_escape(), to the facility LOG_AUTHPRIV.
 * PRIORITY is one of syslog(3); IDENT names the program.  Never blocks;
 * FD may be -1.
 */
void log_line(int fd, int priority, const char *ident, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 4, 5)));

/*
 * Copies TEXT to OUT so that it is printable ASCII on one line: every other
 * byte, and the backslash, becomes \xHH.  What does not fit is cut, never in
 * the middle of an escape.
 */
void log_escape(const char *text, char *out, size_t size)
	__attribute__((nonnull));

#endif
