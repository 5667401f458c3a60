/* SPDX-License-Identifier: ISC */
/* seccomp: which system calls a jail refuses. */
#include "policy/filter.h"
#include "policy/keys.h"

#include <string.h>

static int
read_profile(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct seccomp_conf *const conf = target;
	struct text word = { .text = NULL };

	if (setting_text(reader, setting, &word, err) < 0)
		return -1;
	for (int i = 0; i < N_PROFILES; i++) {
		const enum syscalls_profile profile = (enum syscalls_profile)i;

		if (strcmp(word.text, syscalls_profile_name(profile)) == 0) {
			conf->profile = profile;
			return 0;
		}
	}
	return setting_error(reader, setting, err,
			     "\"%s\" must be \"login\", \"ide\", \"batch\" or "
			     "\"none\"",
			     setting_key(setting));
}

static int
read_calls(const struct reader *reader, const config_setting_t *setting,
	   struct texts *calls, struct err *err)
{
	if (setting_texts(reader, setting, calls, err) < 0)
		return -1;
	for (size_t i = 0; i < calls->n; i++)
		if (!filter_knows(calls->item[i].text))
			return where_error(&calls->item[i].at, err,
					   "%s: no such system call: %s",
					   setting_key(setting),
					   calls->item[i].text);
	return 0;
}

static int
read_allow(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct seccomp_conf *const conf = target;

	return read_calls(reader, setting, &conf->allow, err);
}

static int
read_deny(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct seccomp_conf *const conf = target;

	return read_calls(reader, setting, &conf->deny, err);
}

/* The jail proves with the first that the filter is there, and gives up its
 * last capabilities with the others when it is. */
static bool
is_needed(const char *call)
{
	static const char *const needed[] = { "prctl", "capget", "capset" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(call, needed[i]) == 0)
			return true;
	return false;
}

/* What no single key can tell. */
static int
check(const struct seccomp_conf *conf, const struct reader *reader,
      const config_setting_t *setting, struct err *err)
{
	const struct texts *const allow = &conf->allow, *const deny =
								&conf->deny;

	if (conf->profile == PROFILE_NONE && allow->n + deny->n > 0)
		return setting_error(reader, setting, err,
				     "\"seccomp\": with the profile \"none\" "
				     "there is no filter to add to");
	for (size_t i = 0; i < deny->n; i++) {
		const struct text *const call = &deny->item[i];

		if (is_needed(call->text))
			return where_error(&call->at, err,
					   "deny: %s cannot be refused, "
					   "the jail itself needs it",
					   call->text);
		for (size_t k = 0; k < allow->n; k++)
			if (strcmp(call->text, allow->item[k].text) == 0)
				return where_error(&call->at, err,
						   "deny: %s is in \"allow\" "
						   "as well",
						   call->text);
	}
	return 0;
}

int
key_seccomp(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err)
{
	static const struct key keys[] = {
		{ "profile", read_profile },
		{ "allow", read_allow },
		{ "deny", read_deny },
		{ NULL, NULL },
	};
	struct jail_conf *const jail = target;

	jail->seccomp = jail_conf_defaults.seccomp;
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return read_profile(reader, setting, &jail->seccomp, err);
	if (!config_setting_is_group(setting))
		return setting_error(reader, setting, err,
				     "\"seccomp\" must be a profile, as in "
				     "\"login\", or a group, as in "
				     "{ profile = \"login\"; allow = [ "
				     "\"mount\" ]; }");
	if (setting_read_group(reader, setting, keys, &jail->seccomp, err) < 0)
		return -1;
	return check(&jail->seccomp, reader, setting, err);
}
