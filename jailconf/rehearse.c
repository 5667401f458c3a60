/* SPDX-License-Identifier: ISC */
#include "jailconf/rehearse.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "jail/cgroup.h"
#include "jail/landlock.h"
#include "jail/quota.h"
#include "jail/upper.h"
#include "jailconf/inside.h"
#include "jailconf/network.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

static int
check_shell(const struct plan *plan, struct err *err)
{
	struct stat st;

	if (inside_stat(plan, plan->shell, &st) < 0)
		return err_set(err, ERR_CONFIG,
			       "jail %s: the shell %s is not there: %s",
			       plan->jail, plan->shell, strerror(errno));
	if (!inside_may_execute(plan, &st))
		return err_set(err, ERR_CONFIG,
			       "jail %s: the shell %s cannot be executed",
			       plan->jail, plan->shell);
	return 0;
}

/* As whoever starts the jail does; but what the account has changed of its root
 * is looked at where it is, and made for nobody. */
static int
open_trees(const struct plan *plan, struct root_trees *trees, struct err *err)
{
	struct plan without = *plan;

	without.upper = NULL;
	if (root_trees_open(&without, trees, err) < 0)
		return -1;
	if (plan->upper == NULL || upper_check(plan, err) == 0)
		return 0;
	root_trees_close(trees);
	return err_context(err, "%s", plan->upper);
}

static int
open_everything(const struct plan *plan, struct err *err)
{
	struct root_trees trees = ROOT_TREES_NONE;
	int ret = 0;

	if (geteuid() != 0)
		return 0;
	if (open_trees(plan, &trees, err) < 0)
		return err_context(err, "jail %s", plan->jail);
	if (plan->quota.need == PLAN_NEED_REQUIRED)
		ret = quota_foresee(plan, &trees, err);
	root_trees_close(&trees);
	return ret;
}

int
rehearse_quota(const struct plan *plan, struct err *err)
{
	struct root_trees trees = ROOT_TREES_NONE;
	int ret;

	if (geteuid() != 0 || !plan_has_quota(plan))
		return 0;
	if (open_trees(plan, &trees, err) < 0)
		return -1;
	ret = quota_check(plan, &trees, err);
	root_trees_close(&trees);
	return ret;
}

int
rehearse_plan(const struct jail_conf *jail, const struct account *account,
	      struct plan *plan, struct err *err)
{
	struct share_held held;

	if (policy_plan(jail, account, plan, err) < 0)
		return -1;
	if (plan_check(plan, err) < 0 || cgroup_foresee(plan, &held, err) < 0 ||
	    (plan->ports.need == PLAN_NEED_REQUIRED &&
	     cgroup_foresee_ports(plan, err) < 0) ||
	    network_foresee(plan, err) < 0 || landlock_foresee(plan, err) < 0 ||
	    open_everything(plan, err) < 0 || check_shell(plan, err) < 0) {
		plan_free(plan);
		return -1;
	}
	return 0;
}

struct policy *
rehearse_load(struct err *err)
{
	struct policy *const policy = policy_load(CONF_DIR, 0, err);

	if (policy == NULL && err->kind == ERR_SYSTEM && err->errnum == ENOENT)
		(void)err_set(err, ERR_SYSTEM,
			      CONF_DIR "/jail.conf is not there: run jailconf "
				       "setup first");
	return policy;
}

const char *
rehearse_user_path(struct arena *arena, const char *name, struct err *err)
{
	if (!name_is_plain(name)) {
		(void)err_set(err, ERR_REFUSED,
			      "%s: a file in " CONF_DIR "/users.d can be made "
			      "for names of [a-z0-9_-] only; use a rule",
			      name);
		return NULL;
	}
	return arena_printf(arena, err, CONF_DIR "/users.d/%s", name);
}

bool
account_is_local(const char *name)
{
	FILE *const file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;

	if (file == NULL)
		return false;
	while ((entry = fgetpwent(file)) != NULL)
		if (strcmp(entry->pw_name, name) == 0)
			break;
	(void)fclose(file);
	return entry != NULL;
}

/* Whether the process PID is UID's, and with OURS, in that mount namespace. */
static bool
is_of(int proc, const char *pid, uid_t uid, const struct stat *ours)
{
	char path[NAME_MAX + 16];
	struct stat st;

	if (fstatat(proc, pid, &st, 0) < 0 || st.st_uid != uid)
		return false;
	if (ours == NULL)
		return true;
	(void)snprintf(path, sizeof(path), "%s/ns/mnt", pid);
	return fstatat(proc, path, &st, 0) == 0 && st.st_dev == ours->st_dev &&
	       st.st_ino == ours->st_ino;
}

static void
read_name(int proc, const char *pid, char *name, size_t size)
{
	cleanup_fd int fd = -1;
	char path[NAME_MAX + 16];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, size - 1);
	name[n < 0 ? 0 : n] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

/* With OURS, only in that mount namespace. */
static int
find_processes(uid_t uid, const struct stat *ours, struct outsiders *outsiders,
	       struct err *err)
{
	DIR *const proc = opendir("/proc");
	const struct dirent *entry;
	int ret = 0;

	*outsiders = (struct outsiders){ 0 };
	if (proc == NULL)
		return err_errno(err, "/proc");
	for (errno = 0; (entry = readdir(proc)) != NULL; errno = 0) {
		const char *const pid = entry->d_name;

		if (!isdigit((unsigned char)pid[0]) ||
		    !is_of(dirfd(proc), pid, uid, ours))
			continue;
		outsiders->n++;
		outsiders->example = (pid_t)strtol(pid, NULL, 10);
		read_name(dirfd(proc), pid, outsiders->name,
			  sizeof(outsiders->name));
	}
	if (errno != 0)
		ret = err_errno(err, "/proc");
	(void)closedir(proc);
	return ret;
}

void
account_outsiders(uid_t uid, struct outsiders *outsiders)
{
	struct stat ours;
	struct err err;

	if (stat("/proc/self/ns/mnt", &ours) < 0 ||
	    find_processes(uid, &ours, outsiders, &err) < 0)
		*outsiders = (struct outsiders){ 0 };
}

int
account_processes(uid_t uid, struct outsiders *outsiders, struct err *err)
{
	return find_processes(uid, NULL, outsiders, err);
}
