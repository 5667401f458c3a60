/* SPDX-License-Identifier: ISC */
/* ports: which ports of the host's a jail may bind. */
#include "policy/keys.h"
#include "policy/ports.h"

#include <string.h>

static int
read_count(const struct reader *reader, const config_setting_t *setting,
	   struct ports_conf *conf, struct err *err)
{
	const struct port_shares *const shares = &reader->policy->ports;
	int64_t count = 0;

	if (shares->first == 0)
		return setting_error(reader, setting, err,
				     "\"%s\": a number needs the group ports "
				     "at the top of jail.conf, which says out "
				     "of what range",
				     setting_key(setting));
	if (setting_number(reader, setting, &(struct bounds){ 1, shares->each },
			   &count, err) < 0)
		return -1;
	conf->kind = PORTS_BY_UID;
	conf->count = (uint16_t)count;
	conf->shares = shares;
	return 0;
}

/* "any"; returns whether it is. */
static bool
read_any(const config_setting_t *setting, struct ports_conf *conf)
{
	const char *const word = config_setting_get_string(setting);

	if (word == NULL || strcmp(word, "any") != 0)
		return false;
	conf->kind = PORTS_ANY;
	return true;
}

/* A jail may be more than one account's; its own ports are one's. */
static int
read_in_jails(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err)
{
	if (read_any(setting, target))
		return 0;
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return setting_error(reader, setting, err,
				     "\"%s\" must be a number of ports, or "
				     "\"any\"; FIRST-LAST is for an account's "
				     "file in users.d",
				     setting_key(setting));
	return read_count(reader, setting, target, err);
}

static int
read_own(const struct reader *reader, const config_setting_t *setting,
	 struct ports_conf *conf, struct err *err)
{
	const struct port_shares *const shares = &reader->policy->ports;
	struct text text = { .text = NULL };

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (!ports_parse(text.text, &conf->first, &conf->last) ||
	    (conf->first == 1 && conf->last == UINT16_MAX))
		return setting_error(reader, setting, err,
				     "\"%s\" must be a number of ports, or "
				     "\"any\", or a range as in \"8000-8009\"",
				     setting_key(setting));
	if (shares->first != 0 && conf->first <= shares->last &&
	    conf->last >= shares->first)
		return setting_error(reader, setting, err,
				     "\"%s\": %u-%u, which the group ports "
				     "gives away by uid, has some of %s",
				     setting_key(setting), shares->first,
				     shares->last, text.text);
	conf->kind = PORTS_OWN;
	return 0;
}

static int
read_in_users(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err)
{
	if (read_any(setting, target))
		return 0;
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return read_own(reader, setting, target, err);
	return read_count(reader, setting, target, err);
}

static int
read_required(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err)
{
	struct ports_conf *const conf = target;

	return setting_bool(reader, setting, &conf->required, err);
}

static const struct key keys_in_jails[] = {
	{ "lease", read_in_jails },
	{ "required", read_required },
	{ NULL, NULL },
};

static const struct key keys_in_users[] = {
	{ "lease", read_in_users },
	{ "required", read_required },
	{ NULL, NULL },
};

/* One of the above: the value itself is a lease, or it is a group. */
static int
read_ports(const struct reader *reader, const config_setting_t *setting,
	   const struct key *keys, struct jail_conf *jail, struct err *err)
{
	struct ports_conf *const conf = &jail->ports;

	*conf = (struct ports_conf){ .kind = PORTS_ANY,
				     .required = true,
				     .here = true,
				     .at = setting_where(reader, setting) };
	if (!config_setting_is_group(setting))
		return keys[0].read(reader, setting, conf, err);
	if (config_setting_get_member(setting, keys[0].name) == NULL)
		return setting_error(reader, setting, err,
				     "\"ports\" needs a lease, as in { lease = "
				     "10; required = false; }");
	return setting_read_group(reader, setting, keys, conf, err);
}

int
key_ports_in_jails(const struct reader *reader, const config_setting_t *setting,
		   void *target, struct err *err)
{
	return read_ports(reader, setting, keys_in_jails, target, err);
}

int
key_ports_in_users(const struct reader *reader, const config_setting_t *setting,
		   void *target, struct err *err)
{
	return read_ports(reader, setting, keys_in_users, target, err);
}
