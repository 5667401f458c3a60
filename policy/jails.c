/* SPDX-License-Identifier: ISC */
#include "policy/jails.h"

#include "base/path.h"
#include "policy/keys.h"

#include <string.h>

/* Nobody can follow more by eye; it also bounds the recursion. */
enum { INHERIT_MAX = 16 };

static const struct service default_doors[] = {
	{ "sshd", DOOR_CHILD }, { "cron", DOOR_JOB },	 { "su", DOOR_SHELL },
	{ "su-l", DOOR_SHELL }, { "login", DOOR_SHELL },
};
static const struct text default_env_keep[] = {
	{ .text = "TERM" },	{ .text = "COLORTERM" }, { .text = "LANG" },
	{ .text = "LANGUAGE" }, { .text = "LC_*" },	 { .text = "TZ" },
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* What is not a private network of somebody's, of which the host may be a part,
 * is everybody's to reach. */
static const struct egress_word default_egress[] = {
	{ .egress = { .to = EGRESS_INTERNET }, .text = { .text = "internet" } },
};

const struct jail_conf jail_conf_defaults = {
	.network = PLAN_NETWORK_HOST,
	.egress = default_egress,
	.n_egress = LENGTH(default_egress),
	.seccomp = { .profile = PROFILE_LOGIN },
	.tmp_bytes = UINT64_C(256) << 20,
	.tmp_files = 65536,
	.terminals = 64,
	.sessions = 64,
	.doors = default_doors,
	.n_doors = LENGTH(default_doors),
	.env_keep = { default_env_keep, LENGTH(default_env_keep) },
	.umask = PLAN_UMASK_HOST,
	.linger_seconds = 10,
};

/* A jail of the file, while the jails it inherits from are read first. */
struct pending {
	const struct reader *reader;
	const config_setting_t *jails;
	struct policy *policy; /* jails[i] is complete if its name is set */
};

static int read_jail(const struct pending *pending, int index,
		     unsigned int depth, struct err *err);

static int
index_of(const config_setting_t *jails, const char *name)
{
	for (int i = 0; i < config_setting_length(jails); i++)
		if (strcmp(config_setting_name(config_setting_get_elem(
				   jails, (unsigned int)i)),
			   name) == 0)
			return i;
	return -1;
}

/* Copies the jail that SETTING inherits from, or the defaults, to *jail. */
static int
inherit(const struct pending *pending, const config_setting_t *setting,
	unsigned int depth, struct jail_conf *jail, struct err *err)
{
	const config_setting_t *const word =
		config_setting_get_member(setting, "inherit");
	struct text parent = { .text = NULL };
	int index;

	*jail = jail_conf_defaults;
	if (word == NULL)
		return 0;
	if (setting_text(pending->reader, word, &parent, err) < 0)
		return -1;
	index = index_of(pending->jails, parent.text);
	if (index < 0)
		return setting_error(pending->reader, word, err,
				     "no such jail: %s", parent.text);
	if (depth >= INHERIT_MAX)
		return setting_error(pending->reader, word, err,
				     "jail \"%s\" inherits from itself, or "
				     "more than %d jails deep",
				     config_setting_name(setting),
				     (int)INHERIT_MAX);
	if (read_jail(pending, index, depth + 1, err) < 0)
		return -1;
	*jail = pending->policy->jails[index];
	jail->etc_here = false;
	jail->ports.here = false;
	jail->private_here = false;
	return 0;
}

static int
read_jail(const struct pending *pending, int index, unsigned int depth,
	  struct err *err)
{
	const struct reader *const reader = pending->reader;
	const config_setting_t *const setting =
		config_setting_get_elem(pending->jails, (unsigned int)index);
	const char *const name = config_setting_name(setting);
	struct jail_conf jail;

	if (pending->policy->jails[index].name != NULL)
		return 0;
	if (!name_is_plain(name))
		return setting_error(reader, setting, err,
				     "\"%s\" cannot be the name of a jail: "
				     "at most 32 of a-z 0-9 _ -, a letter or "
				     "_ first",
				     name);
	if (setting_is_group(reader, setting, err) < 0 ||
	    inherit(pending, setting, depth, &jail, err) < 0)
		return -1;
	jail.at = setting_where(reader, setting);
	jail.name = arena_copy(reader->arena, name, err);
	if (jail.name == NULL ||
	    setting_read_group(reader, setting, jail_keys(JAIL_IN_JAILS), &jail,
			       err) < 0 ||
	    jail_conf_check(&jail, err) < 0)
		return -1;
	pending->policy->jails[index] = jail;
	return 0;
}

int
jails_read(const struct reader *reader, const config_setting_t *setting,
	   struct policy *policy, struct err *err)
{
	const struct pending pending = { reader, setting, policy };

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	policy->n_jails = (size_t)config_setting_length(setting);
	policy->jails = arena_alloc(
		reader->arena, policy->n_jails * sizeof(*policy->jails), err);
	if (policy->jails == NULL)
		return -1;
	for (size_t i = 0; i < policy->n_jails; i++)
		if (read_jail(&pending, (int)i, 0, err) < 0)
			return -1;
	return 0;
}

const struct jail_conf *
jails_find(const struct policy *policy, const struct text *word,
	   struct err *err)
{
	const struct jail_conf *const jail = policy_jail(policy, word->text);

	if (jail == NULL)
		(void)where_error(&word->at, err, "no such jail: %s",
				  word->text);
	return jail;
}

const struct jail_conf *
policy_jail(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_jails; i++)
		if (strcmp(policy->jails[i].name, name) == 0)
			return &policy->jails[i];
	return NULL;
}

const char *
jail_conf_name(const struct jail_conf *jail)
{
	return jail->name;
}

const struct service *
jail_conf_doors(const struct jail_conf *jail, size_t *n)
{
	*n = jail->n_doors;
	return jail->doors;
}
