/* SPDX-License-Identifier: ISC */
#include "base/arena.h"

#include "base/cleanup.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

enum { CHUNK_BYTES = 4000 }; /* a page, less what malloc(3) adds */

void *
arena_alloc(struct arena *arena, size_t size, struct err *err)
{
	struct arena_chunk *chunk = arena->chunks;
	const size_t align = alignof(max_align_t);
	size_t need;
	void *p;

	if (size > SIZE_MAX / 2) {
		errno = ENOMEM;
		(void)err_errno(err, "memory");
		return NULL;
	}
	need = (size + align - 1) / align * align;
	if (chunk == NULL || chunk->size - chunk->used < need) {
		const size_t bytes = need > CHUNK_BYTES ? need : CHUNK_BYTES;

		chunk = calloc(1, sizeof(*chunk) + bytes);
		if (chunk == NULL) {
			(void)err_errno(err, "memory");
			return NULL;
		}
		chunk->size = bytes;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	p = chunk->bytes + chunk->used;
	chunk->used += need;
	return p;
}

char *
arena_copy(struct arena *arena, const char *text, struct err *err)
{
	const size_t size = strlen(text) + 1;
	char *copy = arena_alloc(arena, size, err);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

char *
arena_printf(struct arena *arena, struct err *err, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		(void)err_errno(err, "memory");
		return NULL;
	}
	return arena_copy(arena, text, err);
}

void
arena_free(struct arena *arena)
{
	while (arena->chunks != NULL) {
		struct arena_chunk *const next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}
