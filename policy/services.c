/* SPDX-License-Identifier: ISC */
#include "policy/services.h"

#include "base/path.h"
#include "policy/keys.h"
#include "policy/layout.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Where Debian's packages have them; jail.conf(5) documents this list.  All
 * are optional: a daemon that does not run keeps nobody out.
 *
 * No php-fpm (who may connect runs what he likes as the pool's account, and
 * outside), no nscd (it tells of all accounts), no bus, no docker.
 */
static const struct host_service known[] = {
	{ "log", "/run/systemd/journal", "/run/systemd/journal", "dev-log",
	  "/dev/log", true },
	{ "memcached", "/run/memcached", "/run/memcached", NULL, NULL, true },
	{ "mysql", "/run/mysqld", "/run/mysqld", NULL, NULL, true },
	{ "postgresql", "/run/postgresql", "/run/postgresql", NULL, NULL,
	  true },
	{ "redis", "/run/redis", "/run/redis", NULL, NULL, true },
};

static const struct host_service *
find(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_services; i++)
		if (strcmp(policy->services[i].name, name) == 0)
			return &policy->services[i];
	for (size_t i = 0; i < LENGTH(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

/* --- services of the file ------------------------------------------------ */

static int
read_path(const struct reader *reader, const config_setting_t *setting,
	  const char **path, struct err *err)
{
	struct text text = { .text = NULL };

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (!path_is_clean(text.text) || text.text[1] == '\0')
		return setting_error(reader, setting, err,
				     "\"%s\": \"%s\" is not a clean absolute "
				     "path below /",
				     setting_key(setting), text.text);
	*path = text.text;
	return 0;
}

static int
service_directory(const struct reader *reader, const config_setting_t *setting,
		  void *target, struct err *err)
{
	struct host_service *const service = target;

	return read_path(reader, setting, &service->directory, err);
}

static int
read_path_inside(const struct reader *reader, const config_setting_t *setting,
		 const char **path, struct err *err)
{
	if (read_path(reader, setting, path, err) < 0)
		return -1;
	if (layout_needs(*path))
		return setting_error(reader, setting, err,
				     "\"%s\": something at %s would break the "
				     "jail",
				     setting_key(setting), *path);
	return 0;
}

static int
service_target(const struct reader *reader, const config_setting_t *setting,
	       void *target, struct err *err)
{
	struct host_service *const service = target;

	return read_path_inside(reader, setting, &service->target, err);
}

static int
service_link(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct host_service *const service = target;

	return read_path_inside(reader, setting, &service->link, err);
}

static int
service_socket(const struct reader *reader, const config_setting_t *setting,
	       void *target, struct err *err)
{
	struct host_service *const service = target;
	struct text text = { .text = NULL };

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (text.text[0] == '\0' || strchr(text.text, '/') != NULL)
		return setting_error(reader, setting, err,
				     "\"socket\": \"%s\" is not the name of a "
				     "file in the directory",
				     text.text);
	service->socket = text.text;
	return 0;
}

static int
service_optional(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err)
{
	struct host_service *const service = target;

	return setting_bool(reader, setting, &service->optional, err);
}

static const struct key service_keys[] = {
	{ "directory", service_directory }, { "target", service_target },
	{ "socket", service_socket },	    { "link", service_link },
	{ "optional", service_optional },   { NULL, NULL },
};

static int
read_service(const struct reader *reader, const config_setting_t *setting,
	     struct host_service *service, struct err *err)
{
	const char *const name = config_setting_name(setting);

	if (!name_is_plain(name))
		return setting_error(reader, setting, err,
				     "\"%s\" cannot be the name of a service: "
				     "at most 32 of a-z 0-9 _ -, a letter or "
				     "_ first",
				     name);
	service->name = arena_copy(reader->arena, name, err);
	if (service->name == NULL ||
	    setting_read_group(reader, setting, service_keys, service, err) < 0)
		return -1;
	if (service->directory == NULL)
		return setting_error(reader, setting, err,
				     "service %s has no directory", name);
	if ((service->socket == NULL) != (service->link == NULL))
		return setting_error(reader, setting, err,
				     "service %s: \"socket\" and \"link\" go "
				     "together",
				     name);
	if (service->target != NULL)
		return 0;
	service->target = service->directory;
	if (layout_needs(service->target))
		return setting_error(reader, setting, err,
				     "service %s: something at %s would break "
				     "the jail; give it another target",
				     name, service->target);
	return 0;
}

int
services_read(const struct reader *reader, const config_setting_t *setting,
	      struct policy *policy, struct err *err)
{
	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	policy->n_services = (size_t)config_setting_length(setting);
	policy->services = arena_alloc(
		reader->arena, policy->n_services * sizeof(*policy->services),
		err);
	if (policy->services == NULL)
		return -1;
	for (size_t i = 0; i < policy->n_services; i++)
		if (read_service(
			    reader,
			    config_setting_get_elem(setting, (unsigned int)i),
			    &policy->services[i], err) < 0)
			return -1;
	return 0;
}

/* --- the key of a jail --------------------------------------------------- */

static int
find_word(const struct reader *reader, const struct text *name,
	  struct service_word *word, struct err *err)
{
	word->at = name->at;
	word->service = find(reader->policy, name->text);
	if (word->service == NULL)
		return where_error(&name->at, err,
				   "\"services\": no such service: %s",
				   name->text);
	return 0;
}

int
key_services(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	struct texts names = { .n = 0 };
	struct service_word *words;

	if (setting_texts(reader, setting, &names, err) < 0)
		return -1;
	words = arena_alloc(reader->arena, names.n * sizeof(*words), err);
	if (words == NULL)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (find_word(reader, &names.item[i], &words[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (words[j].service == words[i].service)
				return where_error(&names.item[i].at, err,
						   "\"services\": %s is there "
						   "twice",
						   names.item[i].text);
	}
	jail->services = words;
	jail->n_services = names.n;
	return 0;
}
