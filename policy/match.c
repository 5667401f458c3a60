/* SPDX-License-Identifier: ISC */
#include "base/path.h"
#include "policy/group.h"
#include "policy/rules.h"
#include "policy/users.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/*
 * A group that the host does not know has no members: nobody is exempt by
 * mistake.  policy_audit() tells the administrator.
 */
static int
find_exemption(const struct policy *policy, const struct account *account,
	       const char **exempt, struct err *err)
{
	*exempt = NULL;
	for (size_t i = 0; i < policy->exempt_groups.n && *exempt == NULL;
	     i++) {
		const char *const name = policy->exempt_groups.item[i].text;
		enum group_answer answer;

		if (group_has(name, account, &answer, err) < 0)
			return -1;
		if (answer == GROUP_YES)
			*exempt = name;
	}
	return 0;
}

/*
 * Most accounts of most hosts match no rule: only for the others the exempt
 * groups are looked up.  They count before a broken rule does, or a mistake
 * would lock out those who can repair it.
 */
static int
decide_by_rules(const struct policy *policy, const struct account *account,
		const char *service, struct decision *decision, struct err *err)
{
	const struct rule *rule = NULL;
	struct err why;
	const int ret = rules_match(policy, account, service, &rule, &why);

	if (ret == 0 && rule == NULL)
		return 0;
	if (find_exemption(policy, account, &decision->exempt, err) < 0)
		return -1;
	if (decision->exempt != NULL)
		return 0;
	if (ret < 0) {
		*err = why;
		return -1;
	}
	decision->jail = rule->jail;
	decision->rule = rule->told;
	return 0;
}

static enum door
door_of(const struct jail_conf *jail, const char *service)
{
	for (size_t i = 0; service != NULL && i < jail->n_doors; i++)
		if (strcmp(jail->doors[i].name, service) == 0)
			return jail->doors[i].door;
	return DOOR_CLOSED;
}

int
policy_decide(struct policy *policy, const struct account *account,
	      const char *service, struct decision *decision, struct err *err)
{
	*decision = (struct decision){ .door = DOOR_CLOSED };
	if (account->uid == 0)
		return 0;
	if (users_read(policy, account->name, &policy->arena, &decision->jail,
		       &decision->rule, err) < 0)
		return -1;
	if (decision->jail == NULL &&
	    decide_by_rules(policy, account, service, decision, err) < 0)
		return -1;
	if (decision->jail != NULL)
		decision->door = door_of(decision->jail, service);
	return 0;
}

bool
policy_claims(const char *dir, const struct account *account)
{
	char path[PATH_MAX];
	struct stat st;
	int n;

	if (account->uid == 0)
		return false;
	if (strcmp(account->shell, JAILSH) == 0)
		return true;
	if (!name_is_plain(account->name))
		return false;
	n = snprintf(path, sizeof(path), "%s/" USERS_DIR "/%s", dir,
		     account->name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return true;
	/* A file that cannot be seen may be there. */
	return lstat(path, &st) == 0 || errno != ENOENT;
}
