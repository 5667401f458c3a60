/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/path.h"
#include "policy/group.h"
#include "policy/trusted.h"
#include "policy/users.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>

/* Ports that a file in users.d names. */
struct own_ports {
	const char *file;
	uint16_t first, last;
};

struct audit {
	struct policy *policy;
	struct own_ports *ports;
	size_t n_ports;
	void (*found)(void *arg, const struct err *err);
	void *arg;
	size_t n;
};

static void
tell(struct audit *audit, const struct err *err)
{
	audit->found(audit->arg, err);
	audit->n++;
}

static void
audit_user(struct audit *audit, const struct text *user)
{
	struct account account;
	struct err err;

	if (account_lookup(user->text, &account, &err) == 0) {
		account_free(&account);
		return;
	}
	if (err.kind == ERR_REFUSED)
		(void)where_error(&user->at, &err, "no such user: %s",
				  user->text);
	tell(audit, &err);
}

static void
audit_group(struct audit *audit, const struct text *group)
{
	static const struct account nobody = { .name = "" };
	enum group_answer answer;
	struct err err;

	if (group_has(group->text, &nobody, &answer, &err) < 0) {
		tell(audit, &err);
	} else if (answer == GROUP_UNKNOWN) {
		(void)where_error(&group->at, &err, "no such group: %s",
				  group->text);
		tell(audit, &err);
	}
}

static void
audit_rules(struct audit *audit)
{
	const struct policy *const policy = audit->policy;

	for (size_t i = 0; i < policy->exempt_groups.n; i++)
		audit_group(audit, &policy->exempt_groups.item[i]);
	for (size_t i = 0; i < policy->rules.n; i++) {
		const struct rule *const rule = &policy->rules.item[i];

		for (size_t k = 0; k < rule->users.n; k++)
			audit_user(audit, &rule->users.item[k]);
		for (size_t k = 0; k < rule->groups.n; k++)
			audit_group(audit, &rule->groups.item[k]);
	}
}

/* Returns false, and tells, if the file NAME can map nobody. */
static bool
check_file_name(struct audit *audit, const char *name)
{
	const char *const dir = audit->policy->dir;
	struct account account;
	struct err err;

	if (!name_is_plain(name)) {
		(void)err_set(&err, ERR_CONFIG,
			      "%s/" USERS_DIR "/%s: not the name of an "
			      "account: nobody is jailed by this file",
			      dir, name);
	} else if (account_lookup(name, &account, &err) == 0) {
		const bool is_root = account.uid == 0;

		account_free(&account);
		if (!is_root)
			return true;
		(void)err_set(&err, ERR_CONFIG,
			      "%s/" USERS_DIR "/%s: uid 0 is never jailed", dir,
			      name);
	} else {
		(void)err_context(&err, "%s/" USERS_DIR "/%s", dir, name);
	}
	tell(audit, &err);
	return false;
}

/* A login reads one file, and cannot see that two accounts have a port. */
static int
audit_ports(struct audit *audit, const struct user_file *file, struct err *err)
{
	const struct ports_conf *const conf = &file->jail->ports;
	struct own_ports *ports;

	if (conf->kind != PORTS_OWN)
		return 0;
	for (size_t i = 0; i < audit->n_ports; i++) {
		ports = &audit->ports[i];
		if (conf->first <= ports->last && conf->last >= ports->first)
			return where_error(&conf->at, err,
					   "\"ports\": some of %u-%u are in "
					   "%s as well",
					   conf->first, conf->last,
					   ports->file);
	}
	ports = reallocarray(audit->ports, audit->n_ports + 1, sizeof(*ports));
	if (ports == NULL)
		return err_errno(err, "memory");
	audit->ports = ports;
	ports[audit->n_ports] =
		(struct own_ports){ arena_copy(&audit->policy->arena,
					       file->told, err),
				    conf->first, conf->last };
	if (ports[audit->n_ports].file == NULL)
		return -1;
	audit->n_ports++;
	return 0;
}

static void
audit_file(struct audit *audit, const char *name)
{
	struct arena arena = { NULL };
	struct user_file file;
	struct err err;

	if (users_read(audit->policy, name, &arena, &file, &err) < 0 ||
	    (file.jail != NULL && audit_ports(audit, &file, &err) < 0))
		tell(audit, &err);
	arena_free(&arena);
}

/* Returns the directory, or NULL, if need be after telling why. */
static DIR *
open_users(struct audit *audit)
{
	struct policy *const policy = audit->policy;
	cleanup_fd int path_fd = -1, fd = -1;
	const char *path;
	struct err err;
	DIR *dir;

	path = arena_printf(&policy->arena, &err, "%s/" USERS_DIR, policy->dir);
	if (path != NULL)
		path_fd = trusted_directory(policy->dir_fd, USERS_DIR, path,
					    policy->trusted, &err);
	if (path_fd < 0) {
		if (path == NULL || err.kind != ERR_SYSTEM ||
		    err.errnum != ENOENT)
			tell(audit, &err);
		return NULL;
	}
	fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir != NULL) {
		(void)fd_take(&fd);
		return dir;
	}
	(void)err_errno(&err, "%s", path);
	tell(audit, &err);
	return NULL;
}

static void
audit_users(struct audit *audit)
{
	DIR *const dir = open_users(audit);
	const struct dirent *file;
	struct err err;

	if (dir == NULL)
		return;
	for (errno = 0; (file = readdir(dir)) != NULL; errno = 0)
		if (strcmp(file->d_name, ".") != 0 &&
		    strcmp(file->d_name, "..") != 0) {
			if (check_file_name(audit, file->d_name))
				audit_file(audit, file->d_name);
		}
	if (errno != 0) {
		(void)err_errno(&err, USERS_DIR);
		tell(audit, &err);
	}
	(void)closedir(dir);
}

size_t
policy_each_named(const struct policy *policy,
		  void (*found)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < policy->rules.n; i++) {
		const struct rule *const rule = &policy->rules.item[i];

		for (size_t k = 0; k < rule->users.n; k++)
			found(arg, rule->users.item[k].text);
		for (size_t k = 0; k < rule->groups.n; k++) {
			const struct group *const group =
				getgrnam(rule->groups.item[k].text);
			char **const members =
				group != NULL ? group->gr_mem : NULL;

			for (size_t m = 0; members != NULL && members[m]; m++)
				found(arg, members[m]);
		}
	}
	return policy->rules.n;
}

size_t
policy_audit(struct policy *policy,
	     void (*found)(void *arg, const struct err *err), void *arg)
{
	struct audit audit = { .policy = policy, .found = found, .arg = arg };

	audit_rules(&audit);
	audit_users(&audit);
	free(audit.ports);
	return audit.n;
}
