/* SPDX-License-Identifier: ISC */
/*
 * rules - which commands, with which arguments, jail-broker(8) runs
 */
#ifndef BROKER_RULES_H
#define BROKER_RULES_H

#include "jail/commands.h"
#include "jail/plan.h"

/* More is no letter that a person wrote. */
enum { RULES_ARGS_MAX = 256 };

/*
 * Decides about ARGV, ARGC strings that the account has written: the name of
 * a command that PLAN allows, and arguments for it.  Returns the command, or
 * NULL and an ERR_REFUSED, whose text has none of those strings in it.
 */
const struct command *rules_decide(const struct plan *plan,
				   const char *const *argv, size_t argc,
				   struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
