/* SPDX-License-Identifier: ISC */
#include "policy/users.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "policy/file.h"
#include "policy/jails.h"
#include "policy/keys.h"
#include "policy/rules.h"
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

/* A jail that runs is known by its name: two of the account cannot have the
 * same. */
static int
check_rules(const struct jail_conf *own, const struct rules *rules,
	    struct err *err)
{
	for (size_t i = 0; i < rules->n; i++)
		if (strcmp(rules->item[i].jail->name, own->name) == 0)
			return where_error(&rules->item[i].at, err,
					   "the file's own jail is \"%s\" "
					   "already; a rule needs another",
					   own->name);
	return 0;
}

static int
read_rules(const struct policy *policy, const struct reader *reader,
	   const config_setting_t *root, struct user_file *file,
	   struct err *err)
{
	const config_setting_t *const list =
		config_setting_get_member(root, "rules");

	if (list == NULL)
		return 0;
	if (rules_read(reader, list, policy, RULES_OF_ONE, &file->rules, err) <
	    0)
		return -1;
	return check_rules(file->jail, &file->rules, err);
}

static int
read_settings(const struct policy *policy, const struct reader *reader,
	      const config_setting_t *root, struct user_file *file,
	      struct err *err)
{
	const struct jail_conf *const parent =
		find_parent(policy, reader, root, err);
	struct jail_conf *jail;

	if (parent == NULL)
		return -1;
	jail = arena_alloc(reader->arena, sizeof(*jail), err);
	if (jail == NULL)
		return -1;
	*jail = *parent;
	jail->etc_here = false;
	jail->ports.here = false;
	jail->private_here = false;
	jail->at = (struct where){ reader->file, 1 };
	if (setting_read_group(reader, root, jail_keys(JAIL_IN_USERS), jail,
			       err) < 0 ||
	    jail_conf_check(jail, err) < 0)
		return -1;
	file->jail = jail;
	return read_rules(policy, reader, root, file, err);
}

static int
read_file(const struct policy *policy, int dir, const char *name,
	  const struct reader *reader, struct user_file *file, struct err *err)
{
	cleanup_config config_t config;

	config_init(&config);
	if (file_parse(reader, dir, name, policy->trusted, &config, err) < 0)
		return -1;
	return read_settings(policy, reader, config_root_setting(&config), file,
			     err);
}

static int
read_supposed(const struct policy *policy, const struct reader *reader,
	      struct user_file *file, struct err *err)
{
	cleanup_config config_t config;

	config_init(&config);
	if (file_parse_text(reader, policy->supposed_text, &config, err) < 0)
		return -1;
	return read_settings(policy, reader, config_root_setting(&config), file,
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

/* Opens the directory of POLICY, which is called PATH; *missing, and no error,
 * if there is none. */
static int
open_directory(const struct policy *policy, const char *path, bool *missing,
	       struct err *err)
{
	struct err why;
	const int dir = trusted_directory(policy->dir_fd, USERS_DIR, path,
					  policy->trusted, &why);

	*missing = dir < 0 && is_missing(&why);
	if (dir < 0 && !*missing)
		*err = why;
	return dir;
}

int
users_require_directory(struct policy *policy, struct err *err)
{
	const char *const path =
		arena_printf(&policy->arena, err, "%s/" USERS_DIR, policy->dir);
	cleanup_fd int dir = -1;
	bool missing;

	if (path == NULL)
		return -1;
	dir = open_directory(policy, path, &missing, err);
	return dir >= 0 || missing ? 0 : -1;
}

int
users_read(const struct policy *policy, const char *name, struct arena *arena,
	   struct user_file *file, struct err *err)
{
	const char *const path =
		arena_printf(arena, err, "%s/" USERS_DIR, policy->dir);
	struct reader reader = { arena, NULL, policy };
	cleanup_fd int dir = -1;
	struct err why;
	bool missing;

	*file = (struct user_file){ .jail = NULL };
	if (path == NULL)
		return -1;
	if (!name_is_plain(name))
		return 0; /* it would not be the name of a file */
	reader.file = arena_printf(arena, err, "%s/%s", path, name);
	if (reader.file == NULL)
		return -1;
	file->told = reader.file;
	dir = open_directory(policy, path, &missing, err);
	if (dir < 0 && !missing)
		return -1;
	if (is_supposed(policy, name))
		return read_supposed(policy, &reader, file, err);
	if (dir < 0 || read_file(policy, dir, name, &reader, file, &why) == 0)
		return 0;
	if (is_missing(&why))
		return 0;
	*err = why;
	return -1;
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
