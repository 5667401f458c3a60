/* SPDX-License-Identifier: ISC */
/*
 * path - paths that root may act on
 *
 * A path becomes a descriptor once, is checked on that descriptor, and from
 * then on only the descriptor is used (rule: check the object you hold).
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Opens PATH (O_PATH) if nobody but root could have put something else
 * there: PATH is absolute and has no "..", no component is a symbolic link,
 * and every directory on the way is root's and not writable by group or
 * others; a sticky bit does not help.
 *
 * The object itself must belong to root or to OWNER, and must not be
 * writable by group or others if it is root's.  (What a user has in his own
 * directory is his affair.)
 *
 * Tests that are not root pass their own uid as OWNER and as TRUSTED;
 * everybody else passes 0, root, as TRUSTED, or uses path_open_trusted().
 *
 * Returns a descriptor that the caller owns, or -1 with
 *	ERR_UNSAFE	a component may have been tampered with
 *	ERR_SYSTEM	a component cannot be opened; errnum says why
 */
int path_open_owned(const char *path, uid_t owner, uid_t trusted,
		    struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* path_open_owned() for an object that is root's as well. */
int path_open_trusted(const char *path, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * The check that path_open_owned() makes of the object itself, for one that
 * was opened in a directory that is trusted already.  PATH is for the
 * message.  Returns 0, or -1 and an ERR_UNSAFE.
 */
int path_check_object(const struct stat *st, const char *path, uid_t owner,
		      struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * The same for the directory of a service of the host's, such as /run/mysqld:
 * it may belong to an account of the system's, and its group may write to it
 * if that is one of the system's; the numbers are those of login.defs(5),
 * SYS_UID_MAX and SYS_GID_MAX.
 */
int path_check_service(const struct stat *st, const char *path, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * path_open_trusted() for such a directory.  PATH is clean, and not "/".
 */
int path_open_service(const char *path, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether NAME may become a part of a path or of a line in passwd(5):
 * [a-z_][a-z0-9_-]{0,31}.  32 is what utmp(5) holds.
 */
enum { NAME_PLAIN_MAX = 32 };
bool name_is_plain(const char *name) __attribute__((nonnull, pure));

/*
 * Whether PATH is absolute and clean: no empty, "." or ".." component, no
 * trailing slash, no control character, shorter than PATH_MAX.
 */
bool path_is_clean(const char *path) __attribute__((nonnull, pure));

#endif
