/* SPDX-License-Identifier: ISC */
#include "policy/users.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "policy/file.h"
#include "policy/jails.h"
#include "policy/keys.h"
#include "policy/trusted.h"

#include <string.h>

/* What `jailconf add` uses when it is not told. */
#define DEFAULT_JAIL "shell"

/* Finds the jail that the file inherits from. */
static const struct jail_conf *
find_parent(const struct policy *policy, const struct reader *reader,
	    const config_setting_t *root, struct err *err)
{
	const config_setting_t *const word =
		config_setting_get_member(root, "jail");
	struct text name = { DEFAULT_JAIL, { reader->file, 1 } };

	if (word != NULL && setting_text(reader, word, &name, err) < 0)
		return NULL;
	return jails_find(policy, &name, err);
}

static int
read_settings(const struct policy *policy, const struct reader *reader,
	      const config_setting_t *root, struct jail_conf *jail,
	      struct err *err)
{
	const struct jail_conf *const parent =
		find_parent(policy, reader, root, err);

	if (parent == NULL)
		return -1;
	*jail = *parent;
	jail->etc_here = false;
	jail->at = (struct where){ reader->file, 1 };
	if (setting_read_group(reader, root, jail_keys(JAIL_IN_USERS), jail,
			       err) < 0)
		return -1;
	return jail_conf_check(jail, err);
}

static int
read_file(const struct policy *policy, int dir, const char *name,
	  const struct reader *reader, struct jail_conf *jail, struct err *err)
{
	cleanup_config config_t config;

	config_init(&config);
	if (file_parse(reader, dir, name, policy->trusted, &config, err) < 0)
		return -1;
	return read_settings(policy, reader, config_root_setting(&config), jail,
			     err);
}

static int
read_supposed(const struct policy *policy, const struct reader *reader,
	      struct jail_conf *jail, struct err *err)
{
	cleanup_config config_t config;

	config_init(&config);
	if (file_parse_text(reader, policy->supposed_text, &config, err) < 0)
		return -1;
	return read_settings(policy, reader, config_root_setting(&config), jail,
			     err);
}

static bool
is_supposed(const struct policy *policy, const char *name)
{
	return policy->supposed_name != NULL &&
	       strcmp(policy->supposed_name, name) == 0;
}

static bool
is_missing(const struct err *err)
{
	return err->kind == ERR_SYSTEM && err->errnum == ENOENT;
}

int
users_read(const struct policy *policy, const char *name, struct arena *arena,
	   const struct jail_conf **jail, const char **told, struct err *err)
{
	cleanup_fd int dir = -1;
	const char *const path =
		arena_printf(arena, err, "%s/" USERS_DIR, policy->dir);
	struct reader reader = { arena, NULL };
	struct jail_conf *read;
	struct err why;

	*jail = NULL;
	if (path == NULL)
		return -1;
	if (!name_is_plain(name))
		return 0; /* it would not be the name of a file */
	reader.file = arena_printf(arena, err, "%s/%s", path, name);
	read = arena_alloc(arena, sizeof(*read), err);
	if (reader.file == NULL || read == NULL)
		return -1;
	dir = trusted_directory(policy->dir_fd, USERS_DIR, path,
				policy->trusted, &why);
	if (dir < 0 && !is_missing(&why)) {
		*err = why;
		return -1;
	}
	if (is_supposed(policy, name)) {
		if (read_supposed(policy, &reader, read, err) < 0)
			return -1;
	} else if (dir < 0) {
		return 0;
	} else if (read_file(policy, dir, name, &reader, read, &why) < 0) {
		if (is_missing(&why))
			return 0;
		*err = why;
		return -1;
	}
	*jail = read;
	*told = reader.file;
	return 0;
}

int
policy_suppose(struct policy *policy, const char *name, const char *text,
	       struct err *err)
{
	policy->supposed_name = arena_copy(&policy->arena, name, err);
	policy->supposed_text = arena_copy(&policy->arena, text, err);
	return policy->supposed_name != NULL && policy->supposed_text != NULL
		       ? 0
		       : -1;
}
