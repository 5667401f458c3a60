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
		const struct visit *visit, struct decision *decision,
		struct err *err)
{
	const struct rule *rule = NULL;
	struct err why;
	const int ret =
		rules_match(&policy->rules, account, visit, &rule, &why);

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

/* The jail of a rule in the account's own file, with what the file knows of
 * the account. */
static int
take_rule(struct policy *policy, const struct user_file *file,
	  const struct rule *rule, struct decision *decision, struct err *err)
{
	struct jail_conf *const jail =
		arena_alloc(&policy->arena, sizeof(*jail), err);

	if (jail == NULL)
		return -1;
	*jail = *rule->jail;
	jail->former_shell = file->jail->former_shell;
	decision->jail = jail;
	decision->rule = rule->told;
	return 0;
}

static int
decide_by_file(struct policy *policy, const struct account *account,
	       const struct visit *visit, struct decision *decision,
	       struct err *err)
{
	const struct rule *rule;
	struct user_file file;

	if (users_read(policy, account->name, &policy->arena, &file, err) < 0)
		return -1;
	if (file.jail == NULL)
		return 0;
	if (rules_match(&file.rules, account, visit, &rule, err) < 0)
		return -1;
	if (rule != NULL)
		return take_rule(policy, &file, rule, decision, err);
	decision->jail = file.jail;
	decision->rule = file.told;
	return 0;
}

int
policy_decide(struct policy *policy, const struct account *account,
	      const struct visit *visit, struct decision *decision,
	      struct err *err)
{
	*decision = (struct decision){ .door = DOOR_CLOSED };
	if (account->uid == 0)
		return 0;
	if (decide_by_file(policy, account, visit, decision, err) < 0)
		return -1;
	if (decision->jail == NULL &&
	    decide_by_rules(policy, account, visit, decision, err) < 0)
		return -1;
	if (decision->jail != NULL)
		decision->door = door_of(decision->jail, visit->service);
	return 0;
}

/* The jails of RULES that the account may get; FILE is its own, if it has
 * one. */
static int
each_rule(struct policy *policy, const struct account *account,
	  const struct user_file *file, const struct jail_finder *finder,
	  struct err *err)
{
	const struct rules *const rules =
		file->jail != NULL ? &file->rules : &policy->rules;
	size_t index = 0;

	for (;;) {
		struct decision decision = { .door = DOOR_CLOSED };
		const struct rule *rule;

		if (rules_next(rules, account, &index, &rule, err) < 0)
			return -1;
		if (rule == NULL)
			return 0;
		decision.jail = rule->jail;
		decision.rule = rule->told;
		if (file->jail != NULL &&
		    take_rule(policy, file, rule, &decision, err) < 0)
			return -1;
		finder->found(finder->arg, &decision);
	}
}

int
policy_each(struct policy *policy, const struct account *account,
	    const struct jail_finder *finder, struct err *err)
{
	struct decision own = { .door = DOOR_CLOSED };
	struct user_file file;

	if (account->uid == 0)
		return 0;
	if (users_read(policy, account->name, &policy->arena, &file, err) < 0)
		return -1;
	if (file.jail == NULL) {
		const char *exempt;

		if (find_exemption(policy, account, &exempt, err) < 0)
			return -1;
		if (exempt != NULL)
			return 0;
	} else {
		own.jail = file.jail;
		own.rule = file.told;
		finder->found(finder->arg, &own);
	}
	return each_rule(policy, account, &file, finder, err);
}

int
policy_require_not_lost(struct policy *policy, const struct account *account,
			struct err *err)
{
	const struct rule *rule = NULL;
	const char *exempt = NULL;
	struct user_file file;
	size_t index = 0;

	if (strcmp(account->shell, JAILSH) != 0)
		return 0;
	if (users_read(policy, account->name, &policy->arena, &file, err) < 0)
		return -1;
	if (file.jail != NULL)
		return 0;
	if (find_exemption(policy, account, &exempt, err) < 0 ||
	    rules_next(&policy->rules, account, &index, &rule, err) < 0)
		return -1;
	if (exempt != NULL || rule != NULL)
		return 0;
	return err_set(err, ERR_REFUSED,
		       "the login shell is " JAILSH ", and nothing jails the "
		       "account: jailconf add %s, or usermod -s",
		       account->name);
}

/* For policy_find(). */
struct wanted {
	const char *jail;
	struct decision *decision;
};

static void
compare_jail(void *arg, const struct decision *decision)
{
	const struct wanted *const wanted = arg;

	if (wanted->decision->jail == NULL &&
	    strcmp(decision->jail->name, wanted->jail) == 0)
		*wanted->decision = *decision;
}

int
policy_find(struct policy *policy, const struct account *account,
	    const char *jail, struct decision *decision, struct err *err)
{
	struct wanted wanted = { jail, decision };
	const struct jail_finder finder = { compare_jail, &wanted };

	*decision = (struct decision){ .door = DOOR_CLOSED };
	return policy_each(policy, account, &finder, err);
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
