/* SPDX-License-Identifier: ISC */
#include "policy/entries.h"

#include <string.h>

enum { ROOM_FIRST = 128 }; /* a root of the host's has about 100 */

static int
make_room(struct entries *entries, struct err *err)
{
	const size_t room = entries->room > 0 ? entries->room * 2 : ROOM_FIRST;
	struct entry *item;

	if (entries->n < entries->room)
		return 0;
	item = arena_alloc(entries->arena, room * sizeof(*item), err);
	if (item == NULL)
		return -1;
	if (entries->n > 0)
		memcpy(item, entries->item, entries->n * sizeof(*item));
	entries->item = item;
	entries->room = room;
	return 0;
}

static int
add(struct entries *entries, const struct entry *entry, struct err *err)
{
	struct entry copy = *entry;

	copy.target = arena_copy(entries->arena, entry->target, err);
	copy.text = arena_copy(entries->arena,
			       entry->text != NULL ? entry->text : "", err);
	if (copy.target == NULL || copy.text == NULL ||
	    make_room(entries, err) < 0)
		return -1;
	entries->item[entries->n++] = copy;
	return 0;
}

int
entries_dir(struct entries *entries, const char *target, mode_t mode,
	    unsigned int flags, struct err *err)
{
	const struct entry entry = { .kind = ENTRY_DIR,
				     .flags = entries->made | flags,
				     .mode = mode,
				     .target = target };

	return add(entries, &entry, err);
}

int
entries_file(struct entries *entries, const char *target, const char *text,
	     struct err *err)
{
	const struct entry entry = { .kind = ENTRY_FILE,
				     .flags = entries->made,
				     .mode = 0644,
				     .target = target,
				     .text = text };

	return add(entries, &entry, err);
}

int
entries_link(struct entries *entries, const char *target, const char *text,
	     struct err *err)
{
	const struct entry entry = { .kind = ENTRY_LINK,
				     .flags = entries->made,
				     .target = target,
				     .text = text };

	return add(entries, &entry, err);
}

int
entries_device(struct entries *entries, const char *target, const char *number,
	       struct err *err)
{
	const struct entry entry = { .kind = ENTRY_DEVICE,
				     .flags = entries->made,
				     .mode = 0666,
				     .target = target,
				     .text = number };

	return add(entries, &entry, err);
}

int
entries_bind(struct entries *entries, const char *target, const char *source,
	     unsigned int flags, struct err *err)
{
	const struct entry entry = { .kind = ENTRY_BIND,
				     .flags = flags,
				     .target = target,
				     .text = source };

	return add(entries, &entry, err);
}

int
entries_scratch(struct entries *entries, const char *target, mode_t mode,
		unsigned int flags, struct err *err)
{
	const struct entry entry = { .kind = ENTRY_SCRATCH,
				     .flags = entries->made | flags,
				     .mode = mode,
				     .target = target };

	return add(entries, &entry, err);
}

int
entries_sized(struct entries *entries, const char *target, mode_t mode,
	      const char *size, struct err *err)
{
	const struct entry entry = { .kind = ENTRY_SCRATCH,
				     .flags = entries->made,
				     .mode = mode,
				     .target = target,
				     .text = size };

	return add(entries, &entry, err);
}

int
entries_plain(struct entries *entries, enum entry_kind kind, const char *target,
	      unsigned int flags, struct err *err)
{
	const struct entry entry = { .kind = kind,
				     .flags = flags,
				     .target = target };

	return add(entries, &entry, err);
}

bool
entries_has(const struct entries *entries, const char *target)
{
	for (size_t i = 0; i < entries->n; i++)
		if (strcmp(entries->item[i].target, target) == 0)
			return true;
	return false;
}
