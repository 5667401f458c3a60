/* SPDX-License-Identifier: ISC */
/*
 * arena - memory that is freed all at once
 *
 * For trees of small things that live and die together: a policy, a plan.
 * An arena that is all zero is empty and ready for use.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
};

/*
 * Returns SIZE zeroed bytes, aligned for any type, that live until
 * arena_free(); or NULL and an ERR_SYSTEM.
 */
void *arena_alloc(struct arena *arena, size_t size, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* A copy of TEXT in the arena, or NULL and an ERR_SYSTEM. */
char *arena_copy(struct arena *arena, const char *text, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Text made as by printf(3), in the arena, or NULL and an ERR_SYSTEM. */
char *arena_printf(struct arena *arena, struct err *err, const char *fmt, ...)
	__attribute__((nonnull, warn_unused_result, format(printf, 3, 4)));

/* Frees everything; the arena is empty again. */
void arena_free(struct arena *arena) __attribute__((nonnull));

#endif
