/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/path.h"
#include "policy/file.h"
#include "policy/jails.h"
#include "policy/network.h"
#include "policy/ports.h"
#include "policy/resellers.h"
#include "policy/rules.h"
#include "policy/services.h"
#include "policy/users.h"

#define FILE_NAME "jail.conf"

/* The members of the file: each before those that name what is in it. */
struct members {
	const config_setting_t *exempt_groups, *private, *services, *ports,
		*resellers, *jails, *rules;
};

static int
member_exempt_groups(const struct reader *reader,
		     const config_setting_t *setting, void *target,
		     struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->exempt_groups = setting;
	return 0;
}

static int
member_private(const struct reader *reader, const config_setting_t *setting,
	       void *target, struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->private = setting;
	return 0;
}

static int
member_services(const struct reader *reader, const config_setting_t *setting,
		void *target, struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->services = setting;
	return 0;
}

static int
member_ports(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->ports = setting;
	return 0;
}

static int
member_resellers(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->resellers = setting;
	return 0;
}

static int
member_jails(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->jails = setting;
	return 0;
}

static int
member_rules(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err)
{
	struct members *const members = target;

	(void)reader;
	(void)err;
	members->rules = setting;
	return 0;
}

static const struct key member_keys[] = {
	{ "exempt_groups", member_exempt_groups },
	{ "private_network", member_private },
	{ "services", member_services },
	{ "ports", member_ports },
	{ "resellers", member_resellers },
	{ "jails", member_jails },
	{ "rules", member_rules },
	{ NULL, NULL },
};

static int
read_members(const struct reader *reader, const config_setting_t *root,
	     struct policy *policy, struct err *err)
{
	struct members members = { .jails = NULL };

	if (setting_read_group(reader, root, member_keys, &members, err) < 0)
		return -1;
	if (members.exempt_groups != NULL &&
	    setting_texts(reader, members.exempt_groups, &policy->exempt_groups,
			  err) < 0)
		return -1;
	if (members.private != NULL &&
	    network_read(reader, members.private, policy, err) < 0)
		return -1;
	if (members.services != NULL &&
	    services_read(reader, members.services, policy, err) < 0)
		return -1;
	if (members.ports != NULL &&
	    ports_read(reader, members.ports, policy, err) < 0)
		return -1;
	if (members.resellers != NULL &&
	    resellers_read(reader, members.resellers, policy, err) < 0)
		return -1;
	if (members.jails != NULL &&
	    jails_read(reader, members.jails, policy, err) < 0)
		return -1;
	if (members.rules != NULL &&
	    rules_read(reader, members.rules, policy, RULES_OF_ALL,
		       &policy->rules, err) < 0)
		return -1;
	if (members.jails == NULL)
		return err_set(
			err, ERR_CONFIG,
			"%s: it has no \"jails\": it is empty, or was cut "
			"off; \"jails = { };\" is none",
			reader->file);
	return 0;
}

static int
read_policy(struct policy *policy, const char *dir, struct err *err)
{
	cleanup_config config_t config;
	struct reader reader = { &policy->arena, NULL, policy };

	config_init(&config);
	policy->dir = arena_copy(&policy->arena, dir, err);
	policy->file = arena_printf(&policy->arena, err, "%s/" FILE_NAME, dir);
	if (policy->dir == NULL || policy->file == NULL)
		return -1;
	reader.file = policy->file;
	policy->dir_fd =
		path_open_owned(dir, policy->trusted, policy->trusted, err);
	if (policy->dir_fd < 0 || file_parse(&reader, policy->dir_fd, FILE_NAME,
					     policy->trusted, &config, err) < 0)
		return -1;
	if (read_members(&reader, config_root_setting(&config), policy, err) <
	    0)
		return -1;
	return users_require_directory(policy, err);
}

struct policy *
policy_load(const char *dir, uid_t trusted, struct err *err)
{
	struct policy *const policy = calloc(1, sizeof(*policy));

	if (policy == NULL) {
		(void)err_errno(err, "memory");
		return NULL;
	}
	policy->dir_fd = -1;
	policy->trusted = trusted;
	if (read_policy(policy, dir, err) < 0) {
		policy_free(policy);
		return NULL;
	}
	return policy;
}

void
policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	fd_close(&policy->dir_fd);
	arena_free(&policy->arena);
	free(policy);
}
