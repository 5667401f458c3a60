/* SPDX-License-Identifier: ISC */
/*
 * entries - the list that describes a jail's root, while it grows
 */
#ifndef POLICY_ENTRIES_H
#define POLICY_ENTRIES_H

#include "jail/plan.h"

struct entries {
	struct arena *arena;
	unsigned int made; /* flags that all have which are made, not mounted */
	struct entry *item;
	size_t n, room;
};

/*
 * Each adds one entry at the end.  Strings are copied into the arena, flags
 * are of enum entry_flag.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int entries_dir(struct entries *entries, const char *target, mode_t mode,
		unsigned int flags, struct err *err)
	__attribute__((nonnull, warn_unused_result));
int entries_file(struct entries *entries, const char *target, const char *text,
		 struct err *err) __attribute__((nonnull, warn_unused_result));
int entries_link(struct entries *entries, const char *target, const char *text,
		 struct err *err) __attribute__((nonnull, warn_unused_result));
int entries_device(struct entries *entries, const char *target,
		   const char *number, struct err *err)
	__attribute__((nonnull, warn_unused_result));
int entries_bind(struct entries *entries, const char *target,
		 const char *source, unsigned int flags, struct err *err)
	__attribute__((nonnull, warn_unused_result));
int entries_scratch(struct entries *entries, const char *target, mode_t mode,
		    unsigned int flags, struct err *err)
	__attribute__((nonnull, warn_unused_result));
/* On a tmpfs of its own if SIZE is BYTES:FILES; "" is none. */
int entries_sized(struct entries *entries, const char *target, mode_t mode,
		  const char *size, struct err *err)
	__attribute__((nonnull, warn_unused_result));
/* ENTRY_PROC, ENTRY_PTS, ENTRY_HIDE, ENTRY_FREEZE: there is nothing more to
 * say. */
int entries_plain(struct entries *entries, enum entry_kind kind,
		  const char *target, unsigned int flags, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether an entry for TARGET is in the list. */
bool entries_has(const struct entries *entries, const char *target)
	__attribute__((nonnull, pure));

#endif
