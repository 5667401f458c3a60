/* SPDX-License-Identifier: ISC */
/*
 * rewrite - configuration files, read whole and replaced whole
 *
 * Whoever is killed in the middle leaves the old file or the new one, and at
 * most a NAME~ beside it, which the next change takes away.
 */
#ifndef JAILCONF_REWRITE_H
#define JAILCONF_REWRITE_H

#include "base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Opens the directory PATH, trusted as by path_open_trusted(), and waits
 * until no other jailconf(8) changes anything there.  (The lock itself is on
 * RUN_DIR, which others than root cannot open.)
 * Returns a descriptor that the caller owns and that is the lock; or -1 with
 * ERR_UNSAFE or ERR_SYSTEM.
 */
int directory_lock(const char *path, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Makes the directory PATH with MODE if it is not there; *made tells.
 * Returns 0, or -1 with ERR_UNSAFE or ERR_SYSTEM.
 */
int directory_make(const char *path, mode_t mode, bool *made, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Reads the file PATH, trusted as by path_open_trusted(), into ARENA, with a
 * NUL after its end.  Returns NULL with ERR_UNSAFE or ERR_SYSTEM (errnum
 * ENOENT: there is none).
 */
char *file_read(const char *path, struct arena *arena, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Makes TEXT the contents of DIRECTORY/NAME, mode 0644, at once and lasting.
 * The new file is prepared in DIRECTORY, or in STAGING if that is not NULL:
 * another directory of the same file system.
 * Returns 0, or -1 with ERR_UNSAFE or ERR_SYSTEM.
 */
int file_replace(const char *directory, const char *staging, const char *name,
		 const char *text, struct err *err)
	__attribute__((nonnull(1, 3, 4, 5), warn_unused_result));

/*
 * Removes DIRECTORY/NAME, lasting; *was_there tells.
 * Returns 0, or -1 with ERR_UNSAFE or ERR_SYSTEM.
 */
int file_remove(const char *directory, const char *name, bool *was_there,
		struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
