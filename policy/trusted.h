/* SPDX-License-Identifier: ISC */
/*
 * trusted - read a configuration file that nobody but root can have written
 */
#ifndef POLICY_TRUSTED_H
#define POLICY_TRUSTED_H

#include "base/arena.h"

#include <sys/types.h>

/* A file of this size has some 50,000 rules. */
enum { TRUSTED_MAX_BYTES = 4 * 1024 * 1024 };

/*
 * Opens the directory NAME in the directory DIR (O_PATH), which is called
 * PATH in messages, if it is root's or TRUSTED's and nobody else may change
 * it.  DIR must have been opened that way itself.
 * Returns a descriptor that the caller owns, or -1 with ERR_UNSAFE or
 * ERR_SYSTEM.
 */
int trusted_directory(int dir, const char *name, const char *path,
		      uid_t trusted, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Reads the file NAME in the trusted directory DIR into ARENA.  It must be a
 * regular file with one name, root's or TRUSTED's, that nobody else may
 * change: security is checked on the descriptor that is read.
 * Returns the text, or NULL with
 *	ERR_UNSAFE	somebody else could have changed it
 *	ERR_CONFIG	it is too large, or has a NUL byte in it
 *	ERR_SYSTEM	it cannot be read; errnum says why
 */
char *trusted_read(int dir, const char *name, const char *path, uid_t trusted,
		   struct arena *arena, struct err *err)
	__attribute__((nonnull(2, 3, 5, 6), warn_unused_result));

#endif
