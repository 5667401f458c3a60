/* SPDX-License-Identifier: ISC */
/*
 * seal - bytes that are handed to another process and change no more
 *
 * A sealed memfd (memfd_create(2)): what was checked once stays as it was,
 * whoever else holds the descriptor.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/arena.h"

#include <stddef.h>

/* More than ARG_MAX (2 MiB on Linux by default) is nobody's request. */
enum { SEAL_MAX_BYTES = 4 * 1024 * 1024 };

/*
 * Returns a sealed, close-on-exec memfd that holds SIZE bytes and that the
 * caller owns, or -1 and an ERR_SYSTEM.  NAME is for /proc/PID/fd only.
 */
int seal_bytes(const char *name, const void *bytes, size_t size,
	       struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Reads all of the sealed memfd FD into ARENA, with a NUL after the end, and
 * sets *SIZE.  Returns the bytes, or NULL with
 *	ERR_UNSAFE	not a memfd, not fully sealed, or too large
 *	ERR_SYSTEM	it cannot be read
 */
char *seal_read(int fd, struct arena *arena, size_t *size, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
