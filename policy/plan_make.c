/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/path.h"
#include "jail/jail.h"
#include "policy/filter.h"
#include "policy/layout.h"
#include "policy/network.h"
#include "policy/ports.h"
#include "policy/root_inside.h"
#include "policy/template.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

/* What the kernel cannot name is this uid. */
enum { UID_OF_NOBODY = 65534 };

static int
check_ids(const struct jail_conf *jail, const struct account *account,
	  struct err *err)
{
	if (account->uid == 0 || account->uid == (uid_t)-1 ||
	    account->uid == UID_OF_NOBODY || account->uid == JAIL_ID_OF_INIT)
		return err_set(err, ERR_REFUSED,
			       "account %s: uid %u cannot be jailed",
			       account->name, account->uid);
	if (account->gid == 0 || account->gid == (gid_t)-1)
		return err_set(err, ERR_REFUSED,
			       "account %s: group %u cannot be jailed",
			       account->name, account->gid);
	if (account_in_group(account, 0))
		return err_set(err, ERR_REFUSED,
			       "account %s: a member of root's group cannot "
			       "be jailed",
			       account->name);
	if (jail->uid != 0 && jail->uid != account->uid)
		return err_set(err, ERR_REFUSED,
			       "jail %s is for uid %u, and %s has uid %u",
			       jail->name, jail->uid, account->name,
			       account->uid);
	if (jail->gid != 0 && jail->gid != account->gid)
		return err_set(err, ERR_REFUSED,
			       "jail %s is for gid %u, and %s has gid %u",
			       jail->name, jail->gid, account->name,
			       account->gid);
	return 0;
}

static int
copy_reseller(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	if (jail->reseller == NULL)
		return 0;
	plan->reseller = arena_copy(&plan->arena, jail->reseller->name, err);
	memcpy(plan->above, jail->reseller->shares, sizeof(plan->above));
	return plan->reseller != NULL ? 0 : -1;
}

static int
copy_ids(const struct jail_conf *jail, const struct account *account,
	 struct plan *plan, struct err *err)
{
	const size_t n = account->n_groups;

	plan->uid = account->uid;
	plan->gid = account->gid;
	plan->account = arena_copy(&plan->arena, account->name, err);
	plan->jail = arena_copy(&plan->arena, jail->name, err);
	plan->groups =
		arena_alloc(&plan->arena, n * sizeof(*plan->groups), err);
	if (plan->account == NULL || plan->jail == NULL || plan->groups == NULL)
		return -1;
	if (n > 0)
		memcpy(plan->groups, account->groups,
		       n * sizeof(*plan->groups));
	plan->n_groups = n;
	return 0;
}

static int
make_name(const struct jail_conf *jail, const struct account *account,
	  struct plan *plan, struct err *err)
{
	if (plan->root_inside) {
		plan->name = "root";
		return 0;
	}
	if (jail->account.text == NULL && !name_is_plain(account->name))
		return where_error(&jail->at, err,
				   "\"%s\" cannot be a name inside; give it "
				   "one with the key name",
				   account->name);
	plan->name = jail->account.text != NULL
			     ? template_fill(&jail->account, account,
					     &plan->arena, err)
			     : arena_copy(&plan->arena, account->name, err);
	if (plan->name == NULL)
		return -1;
	if (!name_is_plain(plan->name) || strcmp(plan->name, "root") == 0 ||
	    strcmp(plan->name, "nobody") == 0)
		return where_error(&jail->at, err,
				   "\"%s\" cannot be a name inside: at most "
				   "32 of a-z 0-9 _ -, a letter or _ first, "
				   "and not root or nobody",
				   plan->name);
	return 0;
}

/* What is mounted or made there is not for a home to cover. */
static bool
is_reserved(const char *path)
{
	static const char *const reserved[] = {
		"/bin",	  "/dev",    "/etc",  "/lib",	  "/lib32",
		"/lib64", "/libx32", "/proc", "/run",	  "/sbin",
		"/sys",	  "/tmp",    "/usr",  "/var/tmp",
	};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (path_within(path, reserved[i]))
			return true;
	return strcmp(path, "/") == 0 || strcmp(path, "/var") == 0;
}

/* passwd(5) often has a slash at the end. */
static char *
without_slash(struct arena *arena, const char *path, struct err *err)
{
	char *const copy = arena_copy(arena, path, err);

	for (size_t len = copy != NULL ? strlen(copy) : 0;
	     len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	return copy;
}

static int
make_home(const struct jail_conf *jail, const struct account *account,
	  struct plan *plan, struct err *err)
{
	const char *const usual = plan->root_inside ? "/root" : account->home;
	const char *const word =
		jail->home.text != NULL
			? template_fill(&jail->home, account, &plan->arena, err)
			: usual;

	plan->home =
		word != NULL ? without_slash(&plan->arena, word, err) : NULL;
	if (plan->home == NULL)
		return -1;
	/* A colon ends a field of passwd(5). */
	if (!path_is_clean(plan->home) || is_reserved(plan->home) ||
	    strchr(plan->home, ':') != NULL)
		return where_error(&jail->at, err,
				   "account %s: \"%s\" cannot be a home "
				   "directory inside; give another one with "
				   "the key home",
				   account->name, plan->home);
	return 0;
}

/* Follows symbolic links the way they lead once TREE is the root. */
static bool
exists_in(const char *tree, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT };
	cleanup_fd int root = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;

	if (root < 0)
		return false;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd >= 0;
}

static int
make_shell(const struct jail_conf *jail, const struct account *account,
	   struct plan *plan, struct err *err)
{
	const char *shell = jail->shell.text;

	if (shell == NULL && jail->former_shell.text != NULL &&
	    strcmp(jail->former_shell.text, JAILSH) != 0)
		shell = jail->former_shell.text;
	if (shell == NULL && strcmp(account->shell, JAILSH) != 0)
		shell = account->shell;
	if (shell == NULL)
		shell = exists_in(plan->tree != NULL ? plan->tree : "/",
				  "/bin/bash")
				? "/bin/bash"
				: "/bin/sh";
	if (!path_is_clean(shell))
		return err_set(err, ERR_REFUSED,
			       "account %s: login shell \"%s\" is not a clean "
			       "absolute path",
			       account->name, shell);
	plan->shell = arena_copy(&plan->arena, shell, err);
	return plan->shell != NULL ? 0 : -1;
}

/* hostname(7): labels of letters, digits and hyphens, with dots between. */
static bool
is_hostname(const char *name)
{
	const char *p = name;

	if (strlen(name) > HOST_NAME_MAX)
		return false;
	for (;;) {
		const size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "abcdefghijklmnopqrstuvwxyz"
					     "0123456789-");

		if (len == 0 || len > 63 || p[0] == '-' || p[len - 1] == '-')
			return false;
		if (p[len] != '.')
			return p[len] == '\0';
		p += len + 1;
	}
}

static int
make_hostname(const struct jail_conf *jail, const struct account *account,
	      struct plan *plan, struct err *err)
{
	if (jail->hostname.text == NULL)
		plan->hostname = arena_copy(
			&plan->arena,
			is_hostname(account->name) ? account->name : "jail",
			err);
	else
		plan->hostname = template_fill(&jail->hostname, account,
					       &plan->arena, err);
	if (plan->hostname == NULL)
		return -1;
	if (!is_hostname(plan->hostname))
		return where_error(&jail->hostname.at, err,
				   "hostname: \"%s\" is not one: letters, "
				   "digits and - only, at most %d, with dots "
				   "between",
				   plan->hostname, HOST_NAME_MAX);
	return 0;
}

/*
 * Changes to TREE by one account in one jail: a directory of their own.  They
 * mean nothing on top of another tree, and two jails that run must not share
 * one (Documentation/filesystems/overlayfs.rst), nor may what a strict jail
 * changes be there in a loose one.  "-" for "/", "--" for "-".
 */
static const char *
upper_of(struct plan *plan, struct err *err)
{
	char name[NAME_MAX + 1 - NAME_PLAIN_MAX - 1]; /* the jail's, and ":" */
	size_t used = 0;

	for (const char *p = plan->tree + 1; *p != '\0'; p++) {
		if (used + 3 > sizeof(name)) {
			(void)err_set(err, ERR_CONFIG,
				      "root %s: too long to be writable",
				      plan->tree);
			return NULL;
		}
		name[used++] = *p == '/' ? '-' : *p;
		if (*p == '-')
			name[used++] = '-';
	}
	name[used] = '\0';
	return arena_printf(&plan->arena, err, STATE_DIR "/overlay/%u/%s:%s",
			    plan->uid, plan->jail, name);
}

static int
make_tree(const struct jail_conf *jail, const struct account *account,
	  struct plan *plan, struct err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	struct err why;

	if (jail->root.text == NULL)
		return 0;
	plan->tree = template_fill(&jail->root, account, &plan->arena, err);
	if (plan->tree == NULL)
		return -1;
	if (!path_is_clean(plan->tree))
		return where_error(&jail->root.at, err,
				   "root: \"%s\" is not a clean absolute path",
				   plan->tree);
	fd = path_open_trusted(plan->tree, &why);
	if (fd < 0)
		return where_error(&jail->root.at, err, "root: %s", why.text);
	if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return where_error(&jail->root.at, err,
				   "root: %s is not a directory", plan->tree);
	plan->upper = jail->writable ? upper_of(plan, err) : NULL;
	return jail->writable && plan->upper == NULL ? -1 : 0;
}

/* What the account may bind, for it to read. */
static int
tell_ports(struct plan *plan, struct err *err)
{
	const struct plan_ports *const ports = &plan->ports;

	if (ports->first == 0)
		return 0;
	plan->env[plan->n_env] =
		arena_printf(&plan->arena, err, "JAIL_PORTS=%u-%u",
			     ports->first, ports->last);
	return plan->env[plan->n_env++] != NULL ? 0 : -1;
}

static int
make_env(const struct jail_conf *jail, const struct account *account,
	 struct plan *plan, struct err *err)
{
	plan->env = arena_alloc(&plan->arena,
				(jail->n_env + 1) * sizeof(*plan->env), err);
	plan->env_keep = arena_alloc(
		&plan->arena, jail->env_keep.n * sizeof(*plan->env_keep), err);
	if (plan->env == NULL || plan->env_keep == NULL)
		return -1;
	for (; plan->n_env < jail->n_env; plan->n_env++) {
		const struct variable *const variable = &jail->env[plan->n_env];
		const char *const value = template_fill(
			&variable->value, account, &plan->arena, err);

		if (value == NULL)
			return -1;
		plan->env[plan->n_env] = arena_printf(
			&plan->arena, err, "%s=%s", variable->name, value);
		if (plan->env[plan->n_env] == NULL)
			return -1;
	}
	for (; plan->n_env_keep < jail->env_keep.n; plan->n_env_keep++) {
		plan->env_keep[plan->n_env_keep] = arena_copy(
			&plan->arena,
			jail->env_keep.item[plan->n_env_keep].text, err);
		if (plan->env_keep[plan->n_env_keep] == NULL)
			return -1;
	}
	return tell_ports(plan, err);
}

static void
copy_limits(const struct jail_conf *jail, struct plan *plan)
{
	memcpy(plan->limits, jail->limits, sizeof(plan->limits));
	memcpy(plan->shares, jail->shares, sizeof(plan->shares));
	plan->quota = jail->quota;
	plan->scratch_bytes = jail->tmp_bytes;
	plan->scratch_files = jail->tmp_files;
	plan->terminals = jail->terminals;
	plan->sessions = jail->sessions;
	plan->network = jail->network;
	plan->abstract_of_session = jail->abstract_of_session;
	plan->umask = jail->umask;
	plan->linger_seconds = jail->linger_seconds;
}

int
policy_plan(const struct jail_conf *jail, const struct account *account,
	    struct plan *plan, struct err *err)
{
	*plan = (struct plan){ .uid = 0 };
	copy_limits(jail, plan);
	if (check_ids(jail, account, err) < 0 ||
	    copy_ids(jail, account, plan, err) < 0 ||
	    copy_reseller(jail, plan, err) < 0 ||
	    make_tree(jail, account, plan, err) < 0 ||
	    (jail->root_inside && root_inside_plan(account, plan, err) < 0) ||
	    make_name(jail, account, plan, err) < 0 ||
	    make_home(jail, account, plan, err) < 0 ||
	    make_shell(jail, account, plan, err) < 0 ||
	    make_hostname(jail, account, plan, err) < 0 ||
	    ports_make(jail, account, plan, err) < 0 ||
	    make_env(jail, account, plan, err) < 0 ||
	    network_make(jail, plan, err) < 0 ||
	    layout_make(jail, account, plan, err) < 0 ||
	    filter_make(jail, plan, err) < 0 || plan_check(plan, err) < 0) {
		plan_free(plan);
		return -1;
	}
	return 0;
}
