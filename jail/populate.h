/* SPDX-License-Identifier: ISC */
/*
 * populate - put the entries of a plan into the root that is being built
 *
 * Every path is looked up within the root; what is missing is made, but only
 * in directories that are the jail's own.
 */
#ifndef JAIL_POPULATE_H
#define JAIL_POPULATE_H

#include "jail/site.h"

/* Puts ENTRY, one of the plan's, at its place.  Both return 0, or -1 with
 * ERR_SYSTEM or ERR_UNSAFE. */
int site_place(struct site *site, const struct entry *entry, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Once all are there: what has been writable to be filled becomes read-only,
 * and what root will rely on is proved to be there. */
int site_finish(const struct site *site, const struct entry *entry,
		struct err *err) __attribute__((nonnull, warn_unused_result));

#endif
