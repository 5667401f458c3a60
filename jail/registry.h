/* SPDX-License-Identifier: ISC */
/*
 * registry - the names of the jails that run
 *
 * A jail that runs is a socket, RUN_DIR/UID/JAIL, that its keeper listens on:
 * an account may have more than one, by different rules.  There is no state
 * file: who answers is the keeper (the directories are root's), what it hands
 * out are descriptors, and when it dies the kernel says so.  Starting and
 * ending are serialised per account by a lock, the file RUN_DIR/UID.lock,
 * which goes away with the directory after the account's last jail.
 */
#ifndef JAIL_REGISTRY_H
#define JAIL_REGISTRY_H

#include "base/err.h"

#include <sys/types.h>

/*
 * Connects to the keeper of UID's jail named JAIL.  Needs no privilege but
 * the directory's and the socket's.  Returns a socket that the caller owns,
 * or -1 with ERR_GONE (it does not run), ERR_UNSAFE or ERR_SYSTEM.
 */
int registry_connect(uid_t uid, const char *jail, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Writes the name of UID's only jail to JAIL, of SIZE bytes, for who has not
 * been told which one is meant.  Returns 0, or -1 with ERR_GONE (none runs),
 * ERR_REFUSED (more than one does) or ERR_SYSTEM.
 */
int registry_find(uid_t uid, char *jail, size_t size, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Waits for the account's lock.  Root's, and nobody else can take it.
 * Returns a descriptor that the caller owns, which is the lock; or -1 with
 * ERR_UNSAFE or ERR_SYSTEM (somebody has had it for too long).
 */
int registry_lock(uid_t uid, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Opens the account's lock, for flock(2).  Once it is taken, it may be one
 * that is gone: its st_nlink is 0 then.
 * Returns a descriptor that the caller owns, or -1 and an ERR_SYSTEM.
 */
int registry_open_lock(uid_t uid, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Makes the socket of UID's jail named JAIL, for the account and root only,
 * and listens; a killed keeper's is removed first.  The caller has the lock.
 * Returns a descriptor that the caller owns, or -1 and an ERR_SYSTEM.
 */
int registry_listen(uid_t uid, const char *jail, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Takes the name JAIL away, and the directory if it was the last: the next
 * login builds anew.  The caller has the lock.
 */
void registry_remove(uid_t uid, const char *jail) __attribute__((nonnull));

/*
 * Nobody listens at the name of the account's JAIL, or there would be two
 * jails. A keeper that dies hangs up on who is connected and on its name one
 * after the other: waits a second for that.  Returns 0, or -1 with ERR_REFUSED
 * (somebody hangs up and listens on) or what registry_connect() fails with.
 */
int registry_require_none(uid_t uid, const char *jail, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
