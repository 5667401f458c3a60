/* SPDX-License-Identifier: ISC */
/*
 * subids - ids of the host's that are an account's alone: subuid(5), subgid(5)
 *
 * With root inside, a jail can make files and processes of all of them.  So
 * they must be nobody else's: no account has one of them, and no other range
 * in the file, whoever's it is, has one as well.
 */
#ifndef POLICY_SUBIDS_H
#define POLICY_SUBIDS_H

#include "jail/account.h"

#include <stdint.h>

enum subids_kind { SUBIDS_UID, SUBIDS_GID };

/*
 * Finds the first PLAN_SUB_IDS of the ids of KIND that are ACCOUNT's, in the
 * first of its ranges that has as many.  Returns 0 and in *first the least of
 * them; or -1 with
 *	ERR_REFUSED	there are none, too few, or they are not its alone
 *	ERR_CONFIG	FILE:LINE: that is not a range
 *	ERR_UNSAFE	somebody else than root could have written the file
 *	ERR_SYSTEM	it cannot be read
 */
int subids_find(enum subids_kind kind, const struct account *account,
		uint32_t *first, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
