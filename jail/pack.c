/* SPDX-License-Identifier: ISC */
#include "jail/pack.h"

#include "base/cleanup.h"
#include "base/seal.h"

#include <string.h>

static void
append(struct pack *pack, const void *bytes, size_t size)
{
	if (!pack->failed && pack->room - pack->size < size) {
		const size_t room = (pack->size + size) * 2;
		char *const grown = realloc(pack->bytes, room);

		if (grown == NULL) {
			pack->failed = true;
		} else {
			pack->bytes = grown;
			pack->room = room;
		}
	}
	if (pack->failed)
		return;
	memcpy(pack->bytes + pack->size, bytes, size);
	pack->size += size;
}

void
pack_number(struct pack *pack, uint64_t number)
{
	append(pack, &number, sizeof(number));
}

void
pack_text(struct pack *pack, const char *text)
{
	pack_number(pack, text != NULL);
	if (text != NULL)
		append(pack, text, strlen(text) + 1);
}

void
pack_texts(struct pack *pack, const char *const *texts, size_t n)
{
	pack_number(pack, n);
	for (size_t i = 0; i < n; i++)
		pack_text(pack, texts[i]);
}

int
pack_seal(struct pack *pack, const char *name, struct err *err)
{
	cleanup_free char *bytes = pack->bytes;
	const struct pack done = *pack;

	*pack = PACK_EMPTY;
	if (done.failed) {
		errno = ENOMEM;
		return err_errno(err, "%s", name);
	}
	return seal_bytes(name, bytes, done.size, err);
}

int
unpack_open(int fd, struct arena *arena, struct unpack *unpack, struct err *err)
{
	size_t size = 0;
	const char *const bytes = seal_read(fd, arena, &size, err);

	if (bytes == NULL)
		return -1;
	*unpack = (struct unpack){ .at = bytes,
				   .end = bytes + size,
				   .arena = arena };
	return 0;
}

uint64_t
unpack_number(struct unpack *unpack)
{
	uint64_t number = 0;

	if ((size_t)(unpack->end - unpack->at) < sizeof(number))
		unpack->failed = true;
	if (unpack->failed)
		return 0;
	memcpy(&number, unpack->at, sizeof(number));
	unpack->at += sizeof(number);
	return number;
}

uint64_t
unpack_number_to(struct unpack *unpack, uint64_t max)
{
	const uint64_t number = unpack_number(unpack);

	if (number > max) {
		unpack->failed = true;
		return 0;
	}
	return number;
}

const char *
unpack_text_or_null(struct unpack *unpack)
{
	const char *const text =
		unpack_number_to(unpack, 1) == 1 ? unpack->at : NULL;
	size_t len;

	if (unpack->failed || text == NULL)
		return NULL;
	len = strlen(text); /* a NUL stands at end, if not before */
	if (text + len >= unpack->end) {
		unpack->failed = true;
		return NULL;
	}
	unpack->at += len + 1;
	return text;
}

const char *
unpack_text(struct unpack *unpack)
{
	const char *const text = unpack_text_or_null(unpack);

	if (text == NULL)
		unpack->failed = true;
	return text != NULL ? text : "";
}

void *
unpack_array(struct unpack *unpack, size_t size, size_t *n)
{
	/* Every element takes at least a number: a count that the rest
	 * cannot hold is a lie, and no reason to take memory. */
	const size_t left = (size_t)(unpack->end - unpack->at);
	void *array = NULL;
	struct err err;

	*n = unpack_number_to(unpack, left / sizeof(uint64_t));
	if (!unpack->failed)
		array = arena_alloc(unpack->arena, (*n + 1) * size, &err);
	if (array == NULL) {
		unpack->failed = true;
		*n = 0;
	}
	return array;
}

const char **
unpack_texts(struct unpack *unpack, size_t *n)
{
	const char **const texts = unpack_array(unpack, sizeof(*texts), n);

	for (size_t i = 0; i < *n; i++)
		texts[i] = unpack_text(unpack);
	return texts;
}

bool
unpack_done(const struct unpack *unpack)
{
	return !unpack->failed && unpack->at == unpack->end;
}
