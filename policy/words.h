/* SPDX-License-Identifier: ISC */
/*
 * words - what libconfig would let pass, and we do not
 *
 * libconfig cuts integers that are too large to a wrong value (1.5: 4294967297
 * is 1), ends a string at \x00, opens other files at @include without looking
 * who may have written them, and takes a file for complete in which the last
 * string or comment does not end: what has been written behind its beginning
 * would count for nothing.
 */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include "base/err.h"

/*
 * Checks TEXT, the content of the file PATH, before libconfig reads it.
 * Returns 0, or -1 and an ERR_CONFIG.
 */
int words_check(const char *text, const char *path, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
