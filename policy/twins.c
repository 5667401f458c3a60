/* SPDX-License-Identifier: ISC */
#include "policy/policy.h"

#include <string.h>

static void
note_jail(void *arg, const struct decision *decision)
{
	bool *const jailed = arg;

	(void)decision;
	*jailed = true;
}

/* Whether the account NAME is jailed by one way to come in or another. */
static int
look_for_jail(struct policy *policy, const char *name, bool *jailed,
	      struct err *err)
{
	const struct jail_finder finder = { note_jail, jailed };
	struct account account;
	int ret;

	if (account_lookup(name, &account, err) < 0)
		return -1;
	ret = policy_each(policy, &account, &finder, err);
	account_free(&account);
	return ret;
}

static int
require_no_jail(struct policy *policy, const struct account *account,
		const char *first, struct err *err)
{
	bool jailed = false;

	if (look_for_jail(policy, account->name, &jailed, err) < 0 ||
	    look_for_jail(policy, first, &jailed, err) < 0)
		return -1;
	if (!jailed)
		return 0;
	return err_set(err, ERR_REFUSED,
		       "uid %u is that of %s as well, and one of them is "
		       "jailed: give %s another uid",
		       account->uid, first, account->name);
}

int
policy_require_own_uid(struct policy *policy, const struct account *account,
		       struct err *err)
{
	struct account first;
	int ret = 0;

	if (account->uid == 0)
		return 0;
	if (account_of_uid(account->uid, &first, err) < 0)
		return -1;
	if (strcmp(first.name, account->name) != 0)
		ret = require_no_jail(policy, account, first.name, err);
	account_free(&first);
	return ret;
}
