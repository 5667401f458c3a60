/* SPDX-License-Identifier: ISC */
/* doors, commands, env, env_keep: how a session begins, and what it may ask
 * for. */
#include "jail/commands.h"
#include "policy/keys.h"
#include "policy/template.h"

#include <fnmatch.h>
#include <string.h>

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"

const char *
door_name(enum door door)
{
	switch (door) {
	case DOOR_CLOSED:
		return "closed";
	case DOOR_CHILD:
		return "child";
	case DOOR_JOB:
		return "job";
	case DOOR_SHELL:
		return "shell";
	}
	return "closed";
}

/*
 * What has been tried and proved, host by host: a door that the host does not
 * go through leaves the session outside.  An sshd may have another name:
 * sshd_config(5), PAMServiceName.
 */
static const struct {
	const char *pattern; /* fnmatch(3) */
	enum door door;
} proved[] = {
	{ "sshd", DOOR_CHILD }, { "sshd-*", DOOR_CHILD },
	{ "cron", DOOR_JOB },	{ "su", DOOR_SHELL },
	{ "su-l", DOOR_SHELL }, { "login", DOOR_SHELL },
};

static bool
is_proved(const struct service *service)
{
	for (size_t i = 0; i < sizeof(proved) / sizeof(proved[0]); i++)
		if (proved[i].door == service->door &&
		    fnmatch(proved[i].pattern, service->name, 0) == 0)
			return true;
	return service->door == DOOR_CLOSED;
}

bool
service_tells_keys(const char *service)
{
	const struct service as_sshd = { service, DOOR_CHILD };

	return is_proved(&as_sshd);
}

static int
read_service(const struct reader *reader, const config_setting_t *setting,
	     struct service *service, struct err *err)
{
	static const enum door doors[] = { DOOR_CLOSED, DOOR_CHILD, DOOR_JOB,
					   DOOR_SHELL };
	struct text word = { .text = NULL };

	if (setting_text(reader, setting, &word, err) < 0)
		return -1;
	service->name =
		arena_copy(reader->arena, config_setting_name(setting), err);
	if (service->name == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		if (strcmp(word.text, door_name(doors[i])) == 0) {
			service->door = doors[i];
			if (is_proved(service))
				return 0;
			return setting_error(
				reader, setting, err,
				"service %s: \"%s\" is not how it can be "
				"jailed: \"child\" is for sshd, \"job\" for "
				"cron, \"shell\" for su, su-l and login; "
				"others can only be \"closed\"",
				service->name, word.text);
		}
	return setting_error(reader, setting, err,
			     "service %s: \"%s\" must be \"child\", \"job\", "
			     "\"shell\" or \"closed\"",
			     service->name, word.text);
}

int
key_doors(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	const size_t n = (size_t)config_setting_length(setting);
	struct service *doors;

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	doors = arena_alloc(reader->arena, n * sizeof(*doors), err);
	if (doors == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (read_service(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    &doors[i], err) < 0)
			return -1;
	jail->doors = doors;
	jail->n_doors = n;
	return 0;
}

int
key_commands(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	struct texts *const names = &jail->commands;

	if (setting_texts(reader, setting, names, err) < 0)
		return -1;
	for (size_t i = 0; i < names->n; i++) {
		const struct text *const name = &names->item[i];

		if (command_find(name->text) == NULL)
			return where_error(&name->at, err,
					   "\"commands\": \"%s\" is none of "
					   "crontab, passwd and sendmail",
					   name->text);
		for (size_t j = 0; j < i; j++)
			if (strcmp(names->item[j].text, name->text) == 0)
				return where_error(&name->at, err,
						   "\"commands\": %s is there "
						   "twice",
						   name->text);
	}
	return 0;
}

/* environ(7): LEN bytes that a shell would take for a variable's name. */
static bool
is_variable(const char *name, size_t len)
{
	return len > 0 && strchr("0123456789", name[0]) == NULL &&
	       strspn(name, NAME_LETTERS "0123456789") >= len;
}

static int
read_variable(const struct reader *reader, const config_setting_t *setting,
	      struct variable *variable, struct err *err)
{
	static const char *const ours[] = { "HOME", "LOGNAME", "SHELL",
					    "USER" };
	const char *const name = config_setting_name(setting);

	if (!is_variable(name, strlen(name)))
		return setting_error(reader, setting, err,
				     "env: \"%s\" cannot be the name of a "
				     "variable",
				     name);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return setting_error(reader, setting, err,
					     "env: %s comes from the keys "
					     "home, name and shell",
					     name);
	if (strcmp(name, "JAIL_PORTS") == 0)
		return setting_error(reader, setting, err,
				     "env: JAIL_PORTS comes from the key "
				     "ports");
	variable->name = arena_copy(reader->arena, name, err);
	if (variable->name == NULL)
		return -1;
	return key_template(reader, setting, &variable->value, err);
}

int
key_env(const struct reader *reader, const config_setting_t *setting,
	void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	jail->n_env = (size_t)config_setting_length(setting);
	jail->env = arena_alloc(reader->arena, jail->n_env * sizeof(*jail->env),
				err);
	if (jail->env == NULL)
		return -1;
	for (size_t i = 0; i < jail->n_env; i++)
		if (read_variable(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    &jail->env[i], err) < 0)
			return -1;
	return 0;
}

int
key_env_keep(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct jail_conf *const jail = target;

	if (setting_texts(reader, setting, &jail->env_keep, err) < 0)
		return -1;
	for (size_t i = 0; i < jail->env_keep.n; i++) {
		const struct text *const name = &jail->env_keep.item[i];
		const size_t len = strcspn(name->text, "*");

		if (!is_variable(name->text, len) ||
		    strlen(name->text + len) > 1)
			return where_error(&name->at, err,
					   "env_keep: \"%s\" must be the name "
					   "of a variable, or the beginning "
					   "of one with a * behind it",
					   name->text);
	}
	return 0;
}
