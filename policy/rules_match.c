/* SPDX-License-Identifier: ISC */
#include "policy/group.h"
#include "policy/rules.h"

#include <fnmatch.h>
#include <string.h>

static bool
among(const struct texts *texts, const char *name)
{
	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(texts->item[i].text, name) == 0)
			return true;
	return false;
}

/* What does not depend on how the account comes in, but for groups. */
static bool
matches_account(const struct rule *rule, const struct account *account)
{
	if (rule->users.n > 0 && !among(&rule->users, account->name))
		return false;
	if (rule->has_uid &&
	    (account->uid < rule->uid_first || account->uid > rule->uid_last))
		return false;
	return rule->match == NULL ||
	       fnmatch(rule->match, account->name, 0) == 0;
}

/* Whether the line of LEN characters says that the key was accepted. */
static bool
is_line_of(const char *line, size_t len, const char *key)
{
	static const char method[] = "publickey ";
	const size_t before = strlen(method);

	return len == before + strlen(key) &&
	       strncmp(line, method, before) == 0 &&
	       strncmp(line + before, key, strlen(key)) == 0;
}

static bool
matches_key(const struct rule *rule, const struct visit *visit)
{
	const char *line = visit->keys;

	while (line != NULL && *line != '\0') {
		const size_t len = strcspn(line, "\n");

		for (size_t i = 0; i < rule->keys.n; i++)
			if (is_line_of(line, len, rule->keys.item[i].text))
				return true;
		line += len + (line[len] == '\n');
	}
	return rule->keys.n == 0;
}

/* A name is not looked up: whoever answers for it could choose the jail. */
static int
match_address(const struct rule *rule, const struct visit *visit, bool *matches,
	      struct err *err)
{
	*matches = rule->addresses.n == 0;
	if (visit->address == NULL)
		return 0;
	for (size_t i = 0; i < rule->addresses.n && !*matches; i++) {
		const int within =
			address_within(visit->address, &rule->ranges[i]);

		if (within < 0)
			return err_set(err, ERR_REFUSED,
				       "%s asks for an address, and the "
				       "service tells a name (sshd_config: "
				       "UseDNS no)",
				       rule->told);
		*matches = within > 0;
	}
	return 0;
}

static int
match_visit(const struct rule *rule, const struct visit *visit, bool *matches,
	    struct err *err)
{
	*matches = false;
	if (rule->services.n > 0 &&
	    (visit->service == NULL || !among(&rule->services, visit->service)))
		return 0;
	if (!matches_key(rule, visit))
		return 0;
	/* What another has of a key, pam_env(8) may have read. */
	if (rule->keys.n > 0 && visit->service != NULL &&
	    !service_tells_keys(visit->service))
		return err_set(err, ERR_REFUSED,
			       "%s asks for a key, and %s tells of one, which "
			       "only sshd or a service named sshd-... may "
			       "(pam_env: user_readenv)",
			       rule->told, visit->service);
	return match_address(rule, visit, matches, err);
}

static int
match_groups(const struct rule *rule, const struct account *account,
	     bool *matches, struct err *err)
{
	*matches = rule->groups.n == 0;
	for (size_t i = 0; i < rule->groups.n && !*matches; i++) {
		const struct text *const group = &rule->groups.item[i];
		enum group_answer answer;

		if (group_has(group->text, account, &answer, err) < 0)
			return -1;
		if (answer == GROUP_UNKNOWN)
			return where_error(&group->at, err, "no such group: %s",
					   group->text);
		*matches = answer == GROUP_YES;
	}
	return 0;
}

/* Whoever is not in its group is not refused, whatever cannot be told of the
 * visit. */
static int
match_rule(const struct rule *rule, const struct account *account,
	   const struct visit *visit, bool *matches, struct err *err)
{
	struct err of_groups;

	if (match_visit(rule, visit, matches, err) == 0)
		return *matches ? match_groups(rule, account, matches, err) : 0;
	if (match_groups(rule, account, matches, &of_groups) == 0 && !*matches)
		return 0;
	return -1;
}

int
rules_match(const struct rules *rules, const struct account *account,
	    const struct visit *visit, const struct rule **rule,
	    struct err *err)
{
	*rule = NULL;
	for (size_t i = 0; i < rules->n && *rule == NULL; i++) {
		const struct rule *const next = &rules->item[i];
		bool matches = false;

		if (!matches_account(next, account))
			continue;
		if (match_rule(next, account, visit, &matches, err) < 0)
			return -1;
		if (matches)
			*rule = next;
	}
	return 0;
}

int
rules_next(const struct rules *rules, const struct account *account,
	   size_t *index, const struct rule **rule, struct err *err)
{
	*rule = NULL;
	while (*index < rules->n && *rule == NULL) {
		const struct rule *const next = &rules->item[(*index)++];
		bool matches = false;

		if (!matches_account(next, account))
			continue;
		if (match_groups(next, account, &matches, err) < 0)
			return -1;
		if (matches)
			*rule = next;
	}
	return 0;
}
