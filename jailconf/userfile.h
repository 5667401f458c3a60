/* SPDX-License-Identifier: ISC */
/*
 * userfile - the text of a file in users.d, changed without losing the rest
 *
 * "jailconf add" may meet a file that somebody has edited by hand.  It sets
 * its own few keys and leaves every other line, and the comments, alone.
 */
#ifndef JAILCONF_USERFILE_H
#define JAILCONF_USERFILE_H

#include "base/arena.h"

/* The keys that jailconf(8) sets; NULL: leave it as it is. */
struct userfile_keys {
	const char *jail;
	const char *shell;
	const char *root;
	const char *network;
	const char *former_shell;
};

/*
 * Sets KEYS in OLD, the file's text (NULL if there is no file yet).
 * Returns the new text, in ARENA; or NULL with
 *	ERR_CONFIG	LINE: a key is there in a form that cannot be changed
 *			line by line, or OLD is broken
 *	ERR_SYSTEM	no memory
 */
const char *userfile_edit(struct arena *arena, const char *old,
			  const struct userfile_keys *keys, struct err *err)
	__attribute__((nonnull(1, 3, 4), warn_unused_result));

/*
 * The string at KEY in TEXT, in ARENA; NULL if there is none, or if TEXT is
 * broken.  For finding the way back when the policy does not load any more.
 */
const char *userfile_get(struct arena *arena, const char *text, const char *key)
	__attribute__((nonnull, warn_unused_result));

#endif
