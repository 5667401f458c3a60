/* SPDX-License-Identifier: ISC */
/*
 * listing - the accounts of this host, as far as the name service lists them
 *
 * Files do; a directory such as LDAP may, but some are asked by name only.
 */
#ifndef JAILCONF_LISTING_H
#define JAILCONF_LISTING_H

#include "base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct listed {
	const char *name;
	uid_t uid;	 /* (uid_t)-1: named elsewhere, not listed */
	bool has_jailsh; /* for its login shell, by what is listed */
};

struct listing {
	struct arena arena; /* everything below lives in it */
	struct listed *row; /* each name once, in order */
	size_t n;
	const char *silent; /* a source of nsswitch.conf(5) that lists
			     * nothing, as it seems; NULL: none */
	size_t room;
};

/*
 * Reads all that getpwent(3) gives.
 * Returns 0, and *listing is to be freed with listing_free(); or -1 and an
 * ERR_SYSTEM.
 */
int listing_read(struct listing *listing, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Adds NAME, if it is not there; listing_sort() is to be called next.
 * Returns 0, or -1 and an ERR_SYSTEM. */
int listing_add(struct listing *listing, const char *name, uid_t uid,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/* Sorts by name, and leaves each name once. */
void listing_sort(struct listing *listing) __attribute__((nonnull));

void listing_free(struct listing *listing) __attribute__((nonnull));

#endif
