/* SPDX-License-Identifier: ISC */
/*
 * running - the jails that run now
 */
#ifndef JAILCONF_RUNNING_H
#define JAILCONF_RUNNING_H

#include "base/path.h"
#include "jail/share.h"

#include <sys/types.h>

/* Where a jail runs, or ran: RUN_DIR/UID/JAIL. */
struct running_name {
	uid_t uid;
	char jail[NAME_PLAIN_MAX + 1]; /* "" for a directory without any */
};

struct running_jail {
	uid_t uid;
	unsigned int sessions;
	pid_t init;    /* PID 1 of the jail, as the host numbers it */
	int64_t since; /* time(2) */
	struct share_use use;
	struct plan plan;
	const char *bytes; /* the plan as it was sealed; in plan.arena */
	size_t n_bytes;
};

/*
 * Asks the keeper of the jail NAME.
 * Returns 0, and *jail is to be freed with plan_free(&jail->plan); or -1
 * with ERR_GONE, ERR_REFUSED, ERR_UNSAFE, ERR_SYSTEM.
 */
int running_ask(const struct running_name *name, struct running_jail *jail,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/* A session of the host that holds a jail. */
struct running_session {
	pid_t pid;	   /* of the process that has joined: sshd(8), su(1) */
	int64_t since;	   /* time(2) */
	const char *label; /* an event (base/log.h), or "" */
};

typedef void running_session_show(const struct running_session *session,
				  void *data);

/*
 * Calls SHOW for each session of the jail NAME; for none if it does not run
 * any more.  Returns 0, or -1 with ERR_UNSAFE or ERR_SYSTEM.
 */
int running_each_session(const struct running_name *name,
			 running_session_show *show, void *data,
			 struct err *err)
	__attribute__((nonnull(1, 2, 4), warn_unused_result));

/*
 * What there is in RUN_DIR of the account UID, or with RUNNING_ALL of every
 * account in ascending order; to be freed with free(3).
 * Returns how many, or -1 and an ERR_SYSTEM.
 */
enum { RUNNING_ALL = 0 };
ssize_t running_list(uid_t uid, struct running_name **names, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Takes away what a keeper left that was killed with kill -9.
 * Returns whether it did: not if a jail is just being started there.
 */
bool running_sweep(const struct running_name *name) __attribute__((nonnull));

/*
 * Ends all of UID's jails and waits until they are gone.
 * Returns 0, or -1 with ERR_GONE (none runs), ERR_REFUSED or ERR_SYSTEM.
 */
int running_stop(uid_t uid, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether a jail of UID runs. */
bool running_any(uid_t uid);

#endif
