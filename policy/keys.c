/* SPDX-License-Identifier: ISC */
#include "policy/keys.h"

#include "base/path.h"
#include "policy/network.h"
#include "policy/template.h"

#include <stdlib.h>
#include <string.h>

/* 0 and -1 are nobody's, and -1 means "leave alone" to chown(2). */
static const struct bounds ids = { 1, UINT32_MAX - 1 };

int
key_template(const struct reader *reader, const config_setting_t *setting,
	     struct text *text, struct err *err)
{
	if (setting_text(reader, setting, text, err) < 0)
		return -1;
	return template_check(text, err);
}

int
key_path_template(const struct reader *reader, const config_setting_t *setting,
		  struct text *text, struct err *err)
{
	if (key_template(reader, setting, text, err) < 0)
		return -1;
	if (text->text[0] != '/' && strncmp(text->text, "%h", 2) != 0)
		return setting_error(reader, setting, err,
				     "\"%s\" must be an absolute path",
				     setting_key(setting));
	return 0;
}

/*
 * One of two words; *second tells which.  Returns 0, or -1, also if the string
 * is neither.
 */
static int
read_choice(const struct reader *reader, const config_setting_t *setting,
	    const char *const words[2], bool *second, struct err *err)
{
	struct text text = { .text = NULL };

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	*second = strcmp(text.text, words[1]) == 0;
	if (*second || strcmp(text.text, words[0]) == 0)
		return 0;
	return setting_error(reader, setting, err,
			     "\"%s\" must be \"%s\" or \"%s\"",
			     setting_key(setting), words[0], words[1]);
}

/* Read before the others, because they replace what it brings; or after. */
static int
key_parent(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	(void)reader;
	(void)setting;
	(void)target;
	(void)err;
	return 0;
}

static int
key_root(const struct reader *reader, const config_setting_t *setting,
	 void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	struct text root = { .text = NULL };

	if (setting_text(reader, setting, &root, err) < 0)
		return -1;
	if (strcmp(root.text, "host") == 0) {
		jail->root = (struct text){ .text = NULL };
		return 0;
	}
	if (root.text[0] != '/' || root.text[1] == '\0')
		return setting_error(reader, setting, err,
				     "\"root\" must be \"host\" or an "
				     "absolute path below /");
	jail->root = root;
	return template_check(&jail->root, err);
}

static int
key_writable(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	return setting_bool(reader, setting, &jail->writable, err);
}

static int
key_root_inside(const struct reader *reader, const config_setting_t *setting,
		void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	return setting_bool(reader, setting, &jail->root_inside, err);
}

static int
key_uid(const struct reader *reader, const config_setting_t *setting,
	void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	int64_t uid = 0;

	if (setting_number(reader, setting, &ids, &uid, err) < 0)
		return -1;
	jail->uid = (uid_t)uid;
	return 0;
}

static int
key_gid(const struct reader *reader, const config_setting_t *setting,
	void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	int64_t gid = 0;

	if (setting_number(reader, setting, &ids, &gid, err) < 0)
		return -1;
	jail->gid = (gid_t)gid;
	return 0;
}

static int
key_name(const struct reader *reader, const config_setting_t *setting,
	 void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	return key_template(reader, setting, &jail->account, err);
}

static int
key_home(const struct reader *reader, const config_setting_t *setting,
	 void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	return key_path_template(reader, setting, &jail->home, err);
}

static int
read_program(const struct reader *reader, const config_setting_t *setting,
	     struct text *text, struct err *err)
{
	if (setting_text(reader, setting, text, err) < 0)
		return -1;
	if (!path_is_clean(text->text) || text->text[1] == '\0')
		return setting_error(reader, setting, err,
				     "\"%s\" must be the absolute path of a "
				     "program",
				     setting_key(setting));
	if (strchr(text->text, ':') != NULL)
		return setting_error(reader, setting, err,
				     "\"%s\" has a colon, which passwd(5) "
				     "cannot hold",
				     setting_key(setting));
	return 0;
}

static int
key_shell(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	if (read_program(reader, setting, &jail->shell, err) < 0)
		return -1;
	if (strcmp(jail->shell.text, JAILSH) == 0)
		return setting_error(reader, setting, err,
				     "\"shell\" is the shell inside, and "
				     "cannot be %s again",
				     JAILSH);
	return 0;
}

static int
key_former_shell(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	return read_program(reader, setting, &jail->former_shell, err);
}

static int
key_passwd(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	static const char *const words[2] = { "generated", "tree" };
	struct jail_conf *const jail = target;

	return read_choice(reader, setting, words, &jail->passwd_tree, err);
}

static int
key_hostname(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	return key_template(reader, setting, &jail->hostname, err);
}

static int
key_abstract_sockets(const struct reader *reader,
		     const config_setting_t *setting, void *target,
		     struct err *err)
{
	static const char *const words[] = { "host", "session" };
	struct jail_conf *const jail = target;

	return read_choice(reader, setting, words, &jail->abstract_of_session,
			   err);
}

static int
key_umask(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	struct text text = { .text = NULL };

	/* libconfig reads the number 022 as twenty-two. */
	if (config_setting_is_number(setting))
		return setting_error(reader, setting, err,
				     "\"umask\" must be octal digits in "
				     "quotes, as in \"022\"");
	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (strlen(text.text) < 1 || strlen(text.text) > 4 ||
	    strspn(text.text, "01234567") != strlen(text.text) ||
	    strtoul(text.text, NULL, 8) > 0777)
		return setting_error(reader, setting, err,
				     "\"umask\" must be octal, from \"0\" to "
				     "\"777\"");
	jail->umask = (int32_t)strtoul(text.text, NULL, 8);
	return 0;
}

static int
key_linger(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	static const struct bounds bounds = { 0, 365 * 24 * 60 * 60 };
	struct jail_conf *const jail = target;
	const char *const word = config_setting_get_string(setting);
	int64_t seconds = 0;

	if (word != NULL && strcmp(word, "forever") == 0) {
		jail->linger_seconds = PLAN_LINGER_FOREVER;
		return 0;
	}
	if (setting_number(reader, setting, &bounds, &seconds, err) < 0)
		return -1;
	jail->linger_seconds = (int32_t)seconds;
	return 0;
}

/* clang-format off */
#define KEYS_OF_BOTH                                                         \
	{ "root", key_root }, { "writable", key_writable },                  \
	{ "root_inside", key_root_inside },                                  \
	{ "uid", key_uid }, { "gid", key_gid }, { "name", key_name },        \
	{ "home", key_home }, { "shell", key_shell },                        \
	{ "passwd", key_passwd }, { "hostname", key_hostname },              \
	{ "network", key_network }, { "egress", key_egress },                \
	{ "abstract_sockets", key_abstract_sockets },                        \
	{ "address", key_address }, { "binds", key_binds },                  \
	{ "services", key_services }, { "commands", key_commands }, { "hide", key_hide }, { "etc", key_etc }, { "limits", key_limits },  \
	{ "doors", key_doors }, { "env", key_env },                    \
	{ "env_keep", key_env_keep }, { "umask", key_umask },                \
	{ "seccomp", key_seccomp },                                          \
	{ "reseller", key_reseller },                                        \
	{ "linger", key_linger }, { NULL, NULL }
/* clang-format on */

static const struct key keys_in_jails[] = {
	{ "inherit", key_parent },
	{ "ports", key_ports_in_jails },
	KEYS_OF_BOTH,
};

static const struct key keys_in_users[] = {
	{ "jail", key_parent },
	{ "rules", key_parent },
	{ "former_shell", key_former_shell },
	{ "ports", key_ports_in_users },
	KEYS_OF_BOTH,
};

const struct key *
jail_keys(enum jail_place place)
{
	switch (place) {
	case JAIL_IN_JAILS:
		return keys_in_jails;
	case JAIL_IN_USERS:
		return keys_in_users;
	}
	return keys_in_jails;
}

static int
check_root_inside(const struct jail_conf *jail, struct err *err)
{
	if (jail->root.text == NULL || !jail->writable)
		return where_error(&jail->at, err,
				   "jail \"%s\": root_inside = true needs a "
				   "root that it may change: root = "
				   "\"/DIRECTORY\" and writable = true",
				   jail->name);
	if (jail->account.text != NULL)
		return where_error(&jail->account.at, err,
				   "jail \"%s\": name has no effect, because "
				   "with root_inside = true it is root",
				   jail->name);
	if (jail->commands.n > 0)
		return where_error(&jail->commands.item[0].at, err,
				   "jail \"%s\": commands would cover the "
				   "programs of a root that root_inside = true "
				   "lets change: leave them out, with "
				   "commands = [ ] if they are inherited",
				   jail->name);
	if (jail->hide.n > 0)
		return where_error(
			&jail->hide.item[0].at, err,
			"jail \"%s\": hide covers a path, and with "
			"root_inside = true the account may move "
			"what is there: leave it out, with hide = [ "
			"] if it is inherited, and bind only what is "
			"to be seen",
			jail->name);
	for (size_t i = 0; i < jail->seccomp.deny.n; i++)
		if (strcmp(jail->seccomp.deny.item[i].text, "setns") == 0)
			return where_error(&jail->seccomp.deny.item[i].at, err,
					   "jail \"%s\": without setns nobody "
					   "becomes root, and root_inside = "
					   "true asks for it",
					   jail->name);
	return 0;
}

/* What is counted must stay so. */
static int
check_quota(const struct jail_conf *jail, struct err *err)
{
	const struct texts *const allow = &jail->seccomp.allow;

	if (jail->seccomp.profile == PROFILE_NONE)
		return where_error(&jail->at, err,
				   "jail \"%s\": with seccomp = \"none\" the "
				   "account may take its files out of the "
				   "quota that disk and disk_files set",
				   jail->name);
	for (size_t i = 0; i < allow->n; i++)
		if (plan_call_moves_files(allow->item[i].text))
			return where_error(&allow->item[i].at, err,
					   "jail \"%s\": with %s allowed, the "
					   "account may take its files out of "
					   "the quota that disk and disk_files "
					   "set",
					   jail->name, allow->item[i].text);
	return 0;
}

int
jail_conf_check(const struct jail_conf *jail, struct err *err)
{
	if (jail->root.text == NULL && jail->writable)
		return where_error(&jail->at, err,
				   "jail \"%s\": writable = true needs a root "
				   "of its own, and root is \"host\"",
				   jail->name);
	if (jail->root.text == NULL && jail->passwd_tree)
		return where_error(&jail->at, err,
				   "jail \"%s\": passwd = \"tree\" needs a "
				   "root of its own, and root is \"host\"",
				   jail->name);
	if (jail->root.text != NULL && jail->etc_here)
		return where_error(&jail->at, err,
				   "jail \"%s\": etc has no effect, because "
				   "root is not \"host\"",
				   jail->name);
	if (jail->network != PLAN_NETWORK_HOST && jail->ports.here &&
	    jail->ports.kind != PORTS_ANY)
		return where_error(&jail->ports.at, err,
				   "jail \"%s\": ports has no effect, because "
				   "network is not \"host\"",
				   jail->name);
	if (jail->root_inside && check_root_inside(jail, err) < 0)
		return -1;
	if ((jail->quota.bytes != 0 || jail->quota.files != 0) &&
	    check_quota(jail, err) < 0)
		return -1;
	return network_check(jail, err);
}
