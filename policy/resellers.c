/* SPDX-License-Identifier: ISC */
#include "policy/resellers.h"

#include "base/path.h"
#include "policy/keys.h"
#include "policy/shares.h"

#include <string.h>

static int
reseller_limits(const struct reader *reader, const config_setting_t *setting,
		void *target, struct err *err)
{
	struct reseller *const reseller = target;

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	for (int i = 0; i < config_setting_length(setting); i++) {
		const config_setting_t *const limit =
			config_setting_get_elem(setting, (unsigned int)i);

		if (!shares_is_key_of_many(config_setting_name(limit)))
			return setting_error(reader, limit, err,
					     "%s: only the limits of whole "
					     "jails hold for a reseller's "
					     "together; see jail.conf(5)",
					     config_setting_name(limit));
	}
	return shares_read(reader, setting, reseller->shares, err);
}

static const struct key reseller_keys[] = {
	{ "limits", reseller_limits },
	{ NULL, NULL },
};

static int
read_reseller(const struct reader *reader, const config_setting_t *setting,
	      struct reseller *reseller, struct err *err)
{
	const char *const name = config_setting_name(setting);

	if (!name_is_plain(name))
		return setting_error(reader, setting, err,
				     "\"%s\" cannot be the name of a reseller: "
				     "at most 32 of a-z 0-9 _ -, a letter or "
				     "_ first",
				     name);
	reseller->name = arena_copy(reader->arena, name, err);
	if (reseller->name == NULL)
		return -1;
	return setting_read_group(reader, setting, reseller_keys, reseller,
				  err);
}

int
resellers_read(const struct reader *reader, const config_setting_t *setting,
	       struct policy *policy, struct err *err)
{
	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	policy->n_resellers = (size_t)config_setting_length(setting);
	policy->resellers = arena_alloc(
		reader->arena, policy->n_resellers * sizeof(*policy->resellers),
		err);
	if (policy->resellers == NULL)
		return -1;
	for (size_t i = 0; i < policy->n_resellers; i++)
		if (read_reseller(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    &policy->resellers[i], err) < 0)
			return -1;
	return 0;
}

/* --- the key of a jail --------------------------------------------------- */

int
key_reseller(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	const struct policy *const policy = reader->policy;
	struct jail_conf *const jail = target;
	struct text name = { .text = NULL };

	if (setting_text(reader, setting, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < policy->n_resellers; i++)
		if (strcmp(policy->resellers[i].name, name.text) == 0) {
			jail->reseller = &policy->resellers[i];
			return 0;
		}
	return setting_error(reader, setting, err, "no such reseller: %s",
			     name.text);
}
