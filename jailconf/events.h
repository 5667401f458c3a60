/* SPDX-License-Identifier: ISC */
/*
 * events - what the host's log says of an account and its jails
 *
 * An event (base/log.h) becomes a JSON object of strings: "time", "program",
 * "event", and a member for each thing that the line knows, escaped as it is
 * there.
 */
#ifndef JAILCONF_EVENTS_H
#define JAILCONF_EVENTS_H

#include "base/err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

/* The last ones; of their lines, 2 kB at most, host_read() cuts none. */
enum { EVENTS_MAX = 50 };

/* Whose events are wanted. */
struct event_owner {
	const char *name;
	uid_t uid;
	bool has_uid; /* it has no entry in passwd(5) any more */
};

/*
 * What MESSAGE, which the program IDENT has logged, is; the caller owns it.
 * NULL: no event of ours, or memory is short.
 */
struct json_object *event_parse(const char *ident, const char *message)
	__attribute__((nonnull));

/*
 * The same for a line of a file that syslogd(8) has written: time, host and
 * IDENT[PID] before the message.
 */
struct json_object *event_parse_line(const char *line) __attribute__((nonnull));

/* Whether OWNER is meant: by name, or where no name is known, by uid. */
bool event_is_of(struct json_object *event, const struct event_owner *owner)
	__attribute__((nonnull));

/*
 * Reads the last events of OWNER, the oldest first, from journald(8), or if
 * that has none, from the file that syslogd(8) keeps.
 * Returns a JSON list, which the caller owns; or NULL with
 *	ERR_GONE	there is neither
 *	ERR_REFUSED	journalctl(1) failed
 *	ERR_SYSTEM
 */
struct json_object *events_read(const struct event_owner *owner,
				struct err *err) __attribute__((nonnull));

#endif
