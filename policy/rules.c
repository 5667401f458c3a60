/* SPDX-License-Identifier: ISC */
#include "policy/rules.h"

#include "policy/amount.h"
#include "policy/group.h"
#include "policy/jails.h"

#include <fnmatch.h>
#include <string.h>

/* A rule while it is read: its jail is still a word. */
struct draft {
	struct rule rule;
	struct text jail;
};

static int
rule_user(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct draft *const draft = target;
	struct texts *const users = &draft->rule.users;

	if (setting_one_or_more(reader, setting, users, err) < 0)
		return -1;
	for (size_t i = 0; i < users->n; i++)
		if (strcmp(users->item[i].text, "root") == 0)
			return where_error(&users->item[i].at, err,
					   "root is never jailed");
	return 0;
}

static int
rule_group(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct draft *const draft = target;

	return setting_one_or_more(reader, setting, &draft->rule.groups, err);
}

static int
rule_service(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct draft *const draft = target;

	return setting_one_or_more(reader, setting, &draft->rule.services, err);
}

static int
rule_match(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct draft *const draft = target;
	struct text pattern = { .text = NULL };

	if (setting_text(reader, setting, &pattern, err) < 0)
		return -1;
	if (pattern.text[0] == '\0')
		return setting_error(reader, setting, err,
				     "\"match\" is empty, and would match "
				     "nobody");
	draft->rule.match = pattern.text;
	return 0;
}

static bool
parse_uid(const char *text, size_t len, uid_t *uid)
{
	char digits[sizeof("4294967295")];
	uint64_t value;

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!amount_parse(digits, AMOUNT_COUNT, &value) || value == 0 ||
	    value >= (uid_t)-1)
		return false;
	*uid = (uid_t)value;
	return true;
}

static bool
parse_uid_range(const char *text, struct rule *rule)
{
	const size_t len = strcspn(text, "-");

	if (!parse_uid(text, len, &rule->uid_first))
		return false;
	rule->uid_last = rule->uid_first;
	if (text[len] == '-' &&
	    !parse_uid(text + len + 1, strlen(text + len + 1), &rule->uid_last))
		return false;
	return rule->uid_first <= rule->uid_last;
}

static int
rule_uid(const struct reader *reader, const config_setting_t *setting,
	 void *target, struct err *err)
{
	static const struct bounds bounds = { 1, UINT32_MAX - 1 };
	struct rule *const rule = &((struct draft *)target)->rule;
	struct text text = { .text = NULL };
	int64_t uid = 0;

	rule->has_uid = true;
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		if (setting_number(reader, setting, &bounds, &uid, err) < 0)
			return -1;
		rule->uid_first = rule->uid_last = (uid_t)uid;
		return 0;
	}
	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (!parse_uid_range(text.text, rule))
		return setting_error(reader, setting, err,
				     "\"uid\" must be a uid, or a range as in "
				     "\"20000-29999\"; uid 0 is never jailed");
	return 0;
}

static int
rule_jail(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct draft *const draft = target;

	return setting_text(reader, setting, &draft->jail, err);
}

static const struct key rule_keys[] = {
	{ "user", rule_user },
	{ "group", rule_group },
	{ "uid", rule_uid },
	{ "match", rule_match },
	{ "service", rule_service },
	{ "jail", rule_jail },
	{ NULL, NULL },
};

static int
read_rule(const struct reader *reader, const config_setting_t *setting,
	  const struct policy *policy, struct rule *rule, struct err *err)
{
	struct draft draft = { .jail = { .text = NULL } };

	if (setting_read_group(reader, setting, rule_keys, &draft, err) < 0)
		return -1;
	if (draft.jail.text == NULL)
		return setting_error(reader, setting, err,
				     "this rule names no jail");
	*rule = draft.rule;
	rule->at = setting_where(reader, setting);
	rule->jail = jails_find(policy, &draft.jail, err);
	if (rule->jail == NULL)
		return -1;
	rule->told = arena_printf(reader->arena, err, "%s:%u", rule->at.file,
				  rule->at.line);
	return rule->told != NULL ? 0 : -1;
}

static bool
same_texts(const struct texts *a, const struct texts *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->item[i].text, b->item[i].text) != 0)
			return false;
	return true;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether two rules ask the same of an account. */
static bool
same_question(const struct rule *a, const struct rule *b)
{
	return same_texts(&a->users, &b->users) && a->has_uid == b->has_uid &&
	       a->uid_first == b->uid_first && a->uid_last == b->uid_last &&
	       same_text(a->match, b->match) &&
	       same_texts(&a->groups, &b->groups) &&
	       same_texts(&a->services, &b->services);
}

static int
check_twin(const struct rule *rules, size_t index, struct err *err)
{
	for (size_t i = 0; i < index; i++)
		if (same_question(&rules[i], &rules[index]))
			return where_error(&rules[index].at, err,
					   "this rule matches the same as the "
					   "one in line %u, which comes first",
					   rules[i].at.line);
	return 0;
}

int
rules_read(const struct reader *reader, const config_setting_t *setting,
	   struct policy *policy, struct err *err)
{
	if (setting_is_list_of_groups(reader, setting, err) < 0)
		return -1;
	policy->n_rules = (size_t)config_setting_length(setting);
	policy->rules = arena_alloc(
		reader->arena, policy->n_rules * sizeof(*policy->rules), err);
	if (policy->rules == NULL)
		return -1;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (read_rule(reader,
			      config_setting_get_elem(setting, (unsigned int)i),
			      policy, &policy->rules[i], err) < 0 ||
		    check_twin(policy->rules, i, err) < 0)
			return -1;
	return 0;
}

static bool
among(const struct texts *texts, const char *name)
{
	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(texts->item[i].text, name) == 0)
			return true;
	return false;
}

static bool
matches_without_groups(const struct rule *rule, const struct account *account,
		       const char *service)
{
	if (rule->users.n > 0 && !among(&rule->users, account->name))
		return false;
	if (rule->has_uid &&
	    (account->uid < rule->uid_first || account->uid > rule->uid_last))
		return false;
	if (rule->services.n > 0 &&
	    (service == NULL || !among(&rule->services, service)))
		return false;
	return rule->match == NULL ||
	       fnmatch(rule->match, account->name, 0) == 0;
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

int
rules_match(const struct policy *policy, const struct account *account,
	    const char *service, const struct rule **rule, struct err *err)
{
	*rule = NULL;
	for (size_t i = 0; i < policy->n_rules; i++) {
		bool matches = false;

		if (!matches_without_groups(&policy->rules[i], account,
					    service))
			continue;
		if (match_groups(&policy->rules[i], account, &matches, err) < 0)
			return -1;
		if (matches) {
			*rule = &policy->rules[i];
			return 0;
		}
	}
	return 0;
}
