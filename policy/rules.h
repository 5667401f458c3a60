/* SPDX-License-Identifier: ISC */
/*
 * rules - the list "rules": read, and matched in order
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/setting.h"

/* Where rules are written: those of one account's file do not ask who it is.
 */
enum rules_place { RULES_OF_ALL, RULES_OF_ONE };

/* Reads the list SETTING; the jails that it names are those of POLICY, which
 * are read already. */
int rules_read(const struct reader *reader, const config_setting_t *setting,
	       const struct policy *policy, enum rules_place place,
	       struct rules *rules, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Sets *rule to the first of RULES that matches, or NULL.  A group is looked
 * up only if everything else in its rule matches.
 * Returns 0, or -1 with ERR_CONFIG (the host knows no such group), ERR_REFUSED
 * (a rule asks for an address, and only a name is known) or ERR_SYSTEM.
 */
int rules_match(const struct rules *rules, const struct account *account,
		const struct visit *visit, const struct rule **rule,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Sets *rule to the next of RULES that could match by one way to come in or
 * another, beginning at *index, and *index behind it; or *rule to NULL.
 * Returns as rules_match().
 */
int rules_next(const struct rules *rules, const struct account *account,
	       size_t *index, const struct rule **rule, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
