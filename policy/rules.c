/* SPDX-License-Identifier: ISC */
#include "policy/rules.h"

#include "policy/amount.h"
#include "policy/jails.h"

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
rule_address(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct rule *const rule = &((struct draft *)target)->rule;
	struct texts *const texts = &rule->addresses;

	if (setting_one_or_more(reader, setting, texts, err) < 0)
		return -1;
	rule->ranges = arena_alloc(reader->arena,
				   texts->n * sizeof(*rule->ranges), err);
	if (rule->ranges == NULL)
		return -1;
	for (size_t i = 0; i < texts->n; i++)
		if (!address_parse(texts->item[i].text, &rule->ranges[i]))
			return where_error(&texts->item[i].at, err,
					   "\"%s\" is not an address, or a "
					   "range as in \"192.0.2.0/24\"",
					   texts->item[i].text);
	return 0;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

/* The first two words of a public key's file: sshd(8), AUTHORIZED_KEYS. */
static int
read_key(const struct reader *reader, struct text *key, struct err *err)
{
	const size_t type = strspn(key->text, LETTERS DIGITS "-.@");
	const char *const blob =
		key->text + type + strspn(key->text + type, " ");
	const size_t len = strspn(blob, LETTERS DIGITS "+/=");

	if (type == 0 || blob == key->text + type || len < 16 ||
	    (blob[len] != '\0' && blob[len] != ' '))
		return where_error(&key->at, err,
				   "\"%s\" is not a public key, as in "
				   "\"ssh-ed25519 AAAA...\"",
				   key->text);
	key->text = arena_printf(reader->arena, err, "%.*s %.*s", (int)type,
				 key->text, (int)len, blob);
	return key->text != NULL ? 0 : -1;
}

static int
rule_key(const struct reader *reader, const config_setting_t *setting,
	 void *target, struct err *err)
{
	struct rule *const rule = &((struct draft *)target)->rule;
	struct texts keys;
	struct text *copies;

	if (setting_one_or_more(reader, setting, &keys, err) < 0)
		return -1;
	copies = arena_alloc(reader->arena, keys.n * sizeof(*copies), err);
	if (copies == NULL)
		return -1;
	memcpy(copies, keys.item, keys.n * sizeof(*copies));
	for (size_t i = 0; i < keys.n; i++)
		if (read_key(reader, &copies[i], err) < 0)
			return -1;
	rule->keys = (struct texts){ copies, keys.n };
	return 0;
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
	uint64_t value;

	if (!amount_parse_part(text, len, (uid_t)-2, &value))
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

/* clang-format off */
#define KEYS_OF_BOTH                                                         \
	{ "service", rule_service }, { "address", rule_address },            \
	{ "key", rule_key }, { "jail", rule_jail }, { NULL, NULL }
/* clang-format on */

static const struct key keys_of_all[] = {
	{ "user", rule_user }, { "group", rule_group },
	{ "uid", rule_uid },   { "match", rule_match },
	KEYS_OF_BOTH,
};

static const struct key keys_of_one[] = { KEYS_OF_BOTH };

static const struct key *
rule_keys(enum rules_place place)
{
	switch (place) {
	case RULES_OF_ALL:
		return keys_of_all;
	case RULES_OF_ONE:
		return keys_of_one;
	}
	return keys_of_one;
}

/* One rule, and what it is read with. */
struct source {
	const struct reader *reader;
	const struct policy *policy;
	enum rules_place place;
};

static int
read_rule(const struct source *source, const config_setting_t *setting,
	  struct rule *rule, struct err *err)
{
	const struct reader *const reader = source->reader;
	struct draft draft = { .jail = { .text = NULL } };

	if (setting_read_group(reader, setting, rule_keys(source->place),
			       &draft, err) < 0)
		return -1;
	if (draft.jail.text == NULL)
		return setting_error(reader, setting, err,
				     "this rule names no jail");
	*rule = draft.rule;
	rule->at = setting_where(reader, setting);
	rule->jail = jails_find(source->policy, &draft.jail, err);
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
	       same_texts(&a->addresses, &b->addresses) &&
	       same_texts(&a->keys, &b->keys) &&
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
	   const struct policy *policy, enum rules_place place,
	   struct rules *rules, struct err *err)
{
	const struct source source = { reader, policy, place };

	if (setting_is_list_of_groups(reader, setting, err) < 0)
		return -1;
	rules->n = (size_t)config_setting_length(setting);
	rules->item = arena_alloc(reader->arena,
				  rules->n * sizeof(*rules->item), err);
	if (rules->item == NULL)
		return -1;
	for (size_t i = 0; i < rules->n; i++)
		if (read_rule(&source,
			      config_setting_get_elem(setting, (unsigned int)i),
			      &rules->item[i], err) < 0 ||
		    check_twin(rules->item, i, err) < 0)
			return -1;
	return 0;
}
