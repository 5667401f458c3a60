/* SPDX-License-Identifier: ISC */
/*
 * pack - numbers and strings in a row of bytes, for plan.c and run.c
 *
 * The writer and the reader are the same calls in the same order.  Both keep
 * quiet about errors until the end: after the first one, writing adds
 * nothing and reading gives 0 and "", and the last call tells.
 */
#ifndef JAIL_PACK_H
#define JAIL_PACK_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct pack {
	char *bytes;
	size_t size, room;
	bool failed;
};

#define PACK_EMPTY ((struct pack){ .bytes = NULL })

void pack_number(struct pack *pack, uint64_t number) __attribute__((nonnull));
/* TEXT may be NULL, and is then NULL again for the reader. */
void pack_text(struct pack *pack, const char *text) __attribute__((nonnull(1)));
void pack_texts(struct pack *pack, const char *const *texts, size_t n)
	__attribute__((nonnull(1)));

/*
 * Seals what was packed (base/seal.h) and frees the pack in any case.
 * Returns the memfd, or -1 and an ERR_SYSTEM.
 */
int pack_seal(struct pack *pack, const char *name, struct err *err)
	__attribute__((nonnull, warn_unused_result));

struct unpack {
	const char *at, *end; /* a NUL stands at end */
	struct arena *arena;
	bool failed;
};

/*
 * Starts to read the sealed memfd FD; what is read lives in ARENA.
 * Returns 0, or -1 and an error of seal_read().
 */
int unpack_open(int fd, struct arena *arena, struct unpack *unpack,
		struct err *err) __attribute__((nonnull, warn_unused_result));

uint64_t unpack_number(struct unpack *unpack) __attribute__((nonnull));
/* A number of at most MAX, or the reading fails. */
uint64_t unpack_number_to(struct unpack *unpack, uint64_t max)
	__attribute__((nonnull));
const char *unpack_text_or_null(struct unpack *unpack) __attribute__((nonnull));
const char *unpack_text(struct unpack *unpack)
	__attribute__((nonnull, returns_nonnull));
/* Room for a number of things of SIZE bytes each, as the next number says. */
void *unpack_array(struct unpack *unpack, size_t size, size_t *n)
	__attribute__((nonnull));
const char **unpack_texts(struct unpack *unpack, size_t *n)
	__attribute__((nonnull));

/* Whether everything was read, and nothing is left over. */
bool unpack_done(const struct unpack *unpack) __attribute__((nonnull, pure));

#endif
