/* SPDX-License-Identifier: ISC */
#include "jail/cgroup.h"

#include "base/cleanup.h"
#include "jail/ports.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

enum {
	MAKE_TRIES = 20,
	REMOVE_TRIES = 100,
	REMOVE_PAUSE_NS = 10 * 1000 * 1000,
};

static const char delegated_base[] = "jail.slice/jail.service";
static const char own_base[] = "jail";
static const char reseller_prefix[] = "reseller-";

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/*
 * The hierarchy is alone, or on a hybrid host beside the version 1 ones:
 * systemd(1), "control group hierarchy".  *HIERARCHY is -1 if it is not
 * there, which is no error; that it cannot be looked for is one.
 */
static int
find_hierarchy(int *hierarchy, struct err *err)
{
	static const char *const places[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };

	*hierarchy = -1;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		cleanup_fd int fd = open(places[i], dir_flags);
		struct statfs fs;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || fstatfs(fd, &fs) < 0)
			return err_errno(err, "%s", places[i]);
		if (fs.f_type == CGROUP2_SUPER_MAGIC) {
			*hierarchy = fd_take(&fd);
			break;
		}
	}
	return 0;
}

/* -1 also for an error: at the end, what cannot be found is left. */
static int
open_hierarchy(void)
{
	struct err err;
	int hierarchy;

	return find_hierarchy(&hierarchy, &err) < 0 ? -1 : hierarchy;
}

/* Opens NAME below the directory DIR, and makes it first if need be: *MADE. */
static int
make_group(int dir, const char *name, bool *made, struct err *err)
{
	cleanup_fd int fd = -1;

	*made = mkdirat(dir, name, 0755) == 0;
	if (!*made && errno != EEXIST)
		return err_errno(err, "make cgroup %s", name);
	fd = openat(dir, name, dir_flags);
	if (fd < 0)
		return err_errno(err, "cgroup %s", name);
	return fd_take(&fd);
}

static int
open_group(int dir, const char *name, struct err *err)
{
	bool made;

	return make_group(dir, name, &made, err);
}

/*
 * Opens BASE: what systemd(1) has delegated, or our own below the root.  Two
 * of them may be in use while an administrator changes from one to the other.
 */
static int
open_base(int hierarchy, struct err *err)
{
	cleanup_fd int delegated = openat(hierarchy, delegated_base, dir_flags);

	if (delegated >= 0)
		return fd_take(&delegated);
	if (errno != ENOENT)
		return err_errno(err, "cgroup %s", delegated_base);
	return open_group(hierarchy, own_base, err);
}

static bool
is_same(int a, int b)
{
	struct stat sa, sb;

	return a >= 0 && fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_ino == sb.st_ino;
}

/* The directory BASE/UID; -1 if it is not there. */
static int
open_account(uid_t uid, int base)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", uid);
	return base < 0 ? -1 : openat(base, name, dir_flags);
}

static void
remove_account(uid_t uid, int base)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", uid);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

static void
name_reseller(const char *reseller, char name[CGROUP_RESELLER_MAX])
{
	(void)snprintf(name, CGROUP_RESELLER_MAX, "%s%s", reseller_prefix,
		       reseller);
}

/*
 * Opens what the account's directory is in, and gives the reseller's, if it has
 * a name, its limits: whoever starts a jail does, so they are those of the
 * configuration, and no jail is there before they are.
 */
static int
open_parent(const struct plan *plan, struct cgroup *cgroup, struct err *err)
{
	struct share_held *const held = &cgroup->held;
	struct disk home;

	fd_close(&cgroup->parent);
	if (cgroup->reseller[0] == '\0') {
		cgroup->parent = fcntl(cgroup->base, F_DUPFD_CLOEXEC, 0);
		return cgroup->parent < 0 ? err_errno(err, "dup") : 0;
	}
	cgroup->parent = open_group(cgroup->base, cgroup->reseller, err);
	disks_find_home(plan, &home);
	if (cgroup->parent < 0 ||
	    share_set(plan->above, cgroup->parent, &home, held->reseller, err) <
		    0 ||
	    share_lift(plan->above, cgroup->parent, err) < 0)
		return -1;
	return share_hand_down(plan->shares, cgroup->parent, held->jail, err);
}

/* What holds the jail's processes, once it is there, and its limits.  Where it
 * counts who is in it, whoever enters has to move there. */
static int
open_jail(const struct plan *plan, int account, struct cgroup *cgroup,
	  struct err *err)
{
	bool counts = plan->ports.first != 0;
	struct disk home;

	disks_find_home(plan, &home);
	cgroup->jail = open_group(account, cgroup->name, err);
	if (cgroup->jail < 0 || share_set(plan->shares, cgroup->jail, &home,
					  cgroup->held.jail, err) < 0)
		return -1;
	for (int i = 0; i < PLAN_SHARES; i++)
		counts |= cgroup->held.jail[i] || cgroup->held.reseller[i];
	if (!counts)
		return 0;
	cgroup->procs =
		openat(cgroup->jail, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	return cgroup->procs < 0 ? err_errno(err, "cgroup.procs") : 0;
}

static int
make_account_and_jail(const struct plan *plan, struct cgroup *cgroup,
		      struct err *err)
{
	cleanup_fd int account = -1;
	char name[16];
	bool first;

	(void)snprintf(name, sizeof(name), "%u", plan->uid);
	/* The last jail at its end has taken it away. */
	account = make_group(cgroup->parent, name, &first, err);
	if (account < 0 ||
	    share_weigh(plan->shares, account, cgroup->held.jail, first, err) <
		    0 ||
	    share_hand_down(plan->shares, account, cgroup->held.jail, err) < 0)
		return -1;
	return open_jail(plan, account, cgroup, err);
}

/* Makes a cgroup with a name that no other has had: the keeper of the jail
 * before may not be done with its own. */
static int
make_named(const struct plan *plan, struct cgroup *cgroup, struct err *err)
{
	const struct share_held handed = cgroup->held;
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_errno(err, "getrandom");
	(void)snprintf(cgroup->name, sizeof(cgroup->name), "%016" PRIx64,
		       random);
	for (int i = 0; i < MAKE_TRIES; i++) {
		cgroup->held = handed;
		if (open_parent(plan, cgroup, err) == 0 &&
		    make_account_and_jail(plan, cgroup, err) == 0)
			return 0;
		/* A keeper at its end has taken the account's directory or
		 * the reseller's away, or is about to.  In one that is gone
		 * nothing can be made: no limit is lost with it. */
		if (cgroup->jail >= 0 ||
		    (err->errnum != ENOENT && err->errnum != ENODEV))
			return -1;
	}
	return -1;
}

/* The controllers for the jail and for the reseller. */
static int
hand_down(const struct plan *plan, int dir, struct share_held *held,
	  struct err *err)
{
	if (share_hand_down(plan->shares, dir, held->jail, err) < 0)
		return -1;
	return share_hand_down(plan->above, dir, held->reseller, err);
}

/* Sees to it that BASE has the controllers.  To systemd(1) the delegated one
 * is what it is to us: what is above is not ours to change. */
static int
make_base(const struct plan *plan, int hierarchy, struct cgroup *cgroup,
	  struct err *err)
{
	cleanup_fd int own = -1;

	cgroup->base = open_base(hierarchy, err);
	if (cgroup->base < 0)
		return -1;
	own = openat(hierarchy, own_base, dir_flags);
	if (is_same(own, cgroup->base) &&
	    hand_down(plan, hierarchy, &cgroup->held, err) < 0)
		return -1;
	cgroup->keepers = open_group(cgroup->base, "keepers", err);
	if (cgroup->keepers < 0)
		return -1;
	if (hand_down(plan, cgroup->base, &cgroup->held, err) < 0)
		return -1;
	share_favour(cgroup->keepers);
	return 0;
}

/* What this host may hold: weights of disks where the home's goes by them. */
static void
begin_held(const struct plan *plan, int hierarchy, struct share_held *held)
{
	struct disk home;

	memset(held, true, sizeof(*held));
	disks_find_home(plan, &home);
	if (disks_weigh(hierarchy, &home))
		return;
	held->jail[PLAN_IO_WEIGHT] = held->reseller[PLAN_IO_WEIGHT] = false;
}

/* RESELLER is the name of the group for all of the reseller's, NULL: none.
 * Whatever comes of it, *cgroup is to be given to cgroup_remove(). */
static int
make_below(const struct plan *plan, const char *reseller, struct cgroup *cgroup,
	   struct err *err)
{
	cleanup_fd int hierarchy = -1;

	*cgroup = CGROUP_NONE;
	if (find_hierarchy(&hierarchy, err) < 0)
		return -1;
	if (hierarchy < 0)
		return 0;
	begin_held(plan, hierarchy, &cgroup->held);
	if (reseller != NULL)
		name_reseller(reseller, cgroup->reseller);
	if (make_base(plan, hierarchy, cgroup, err) < 0)
		return -1;
	return make_named(plan, cgroup, err);
}

int
cgroup_make(const struct plan *plan, struct cgroup *cgroup, struct err *err)
{
	if (make_below(plan, plan->reseller, cgroup, err) == 0 &&
	    share_require(plan, &cgroup->held, err) == 0)
		return 0;
	cgroup_remove(plan->uid, cgroup);
	return -1;
}

int
cgroup_open_commands(const struct cgroup *cgroup, int *dir, struct err *err)
{
	*dir = -1;
	if (cgroup->base < 0)
		return 0;
	*dir = open_group(cgroup->base, "commands", err);
	return *dir < 0 ? -1 : 0;
}

/* A disk of the home's is all that can be seen without a cgroup. */
static void
foresee_disks(const struct plan *plan, struct share_held *held)
{
	struct disk home;

	disks_find_home(plan, &home);
	if (home.number[0] != '\0')
		return;
	held->jail[PLAN_IO_READ] = held->jail[PLAN_IO_WRITE] = false;
	held->reseller[PLAN_IO_READ] = held->reseller[PLAN_IO_WRITE] = false;
}

/* By what the hierarchy has, for who may make none. */
static int
foresee_unprivileged(const struct plan *plan, struct share_held *held,
		     struct err *err)
{
	cleanup_fd int hierarchy = -1, delegated = -1;
	int above;

	memset(held, false, sizeof(*held));
	if (find_hierarchy(&hierarchy, err) < 0)
		return -1;
	if (hierarchy >= 0) {
		delegated = openat(hierarchy, delegated_base, dir_flags);
		above = delegated >= 0 ? delegated : hierarchy;
		begin_held(plan, hierarchy, held);
		if (share_foresee(plan->shares, above, held->jail, err) < 0 ||
		    share_foresee(plan->above, above, held->reseller, err) < 0)
			return -1;
		foresee_disks(plan, held);
	}
	return share_require(plan, held, err);
}

/* Makes one below another reseller, so that nothing changes for jails that
 * run. */
int
cgroup_foresee(const struct plan *plan, struct share_held *held,
	       struct err *err)
{
	struct cgroup trial;
	char apart[32];
	int ret;

	if (geteuid() != 0)
		return foresee_unprivileged(plan, held, err);
	memset(held, false, sizeof(*held));
	(void)snprintf(apart, sizeof(apart), ".check-%d", (int)getpid());
	ret = make_below(plan, apart, &trial, err);
	if (ret == 0)
		*held = trial.held;
	cgroup_remove(plan->uid, &trial);
	return ret < 0 ? -1 : share_require(plan, held, err);
}

int
cgroup_foresee_ports(const struct plan *plan, struct err *err)
{
	cleanup_fd int hierarchy = -1;

	if (find_hierarchy(&hierarchy, err) < 0)
		return -1;
	if (hierarchy < 0)
		return ports_hold(plan, hierarchy, err);
	return geteuid() == 0 ? ports_foresee(plan, err) : 0;
}

void
cgroup_kill_group(int dir)
{
	cleanup_fd int kill =
		openat(dir, "cgroup.kill", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (kill >= 0)
		(void)!write(kill, "1", 1);
}

void
cgroup_kill(const struct cgroup *cgroup)
{
	if (cgroup->jail >= 0)
		cgroup_kill_group(cgroup->jail);
}

/* Calls SWEEP for each directory below DIR, which may be -1. */
static void
each_below(int dir, uid_t uid,
	   void (*sweep)(uid_t uid, int dir, const char *name))
{
	const int copy = dir < 0 ? -1 : fcntl(dir, F_DUPFD_CLOEXEC, 0);
	DIR *const stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	/* The copy has gone on from where the last one was. */
	if (stream != NULL)
		rewinddir(stream);
	while (stream != NULL && (entry = readdir(stream)) != NULL)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			sweep(uid, dir, entry->d_name);
	if (stream != NULL)
		(void)closedir(stream);
	else if (copy >= 0)
		(void)close(copy);
}

static void
remove_session(uid_t uid, int jail, const char *name)
{
	(void)uid;
	(void)unlinkat(jail, name, AT_REMOVEDIR);
}

void
cgroup_remove(uid_t uid, struct cgroup *cgroup)
{
	cleanup_fd int account = open_account(uid, cgroup->parent);
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };

	/* Who was killed takes a moment to go. */
	for (int i = 0; account >= 0 && i < REMOVE_TRIES; i++) {
		cgroup_kill(cgroup);
		each_below(cgroup->jail, uid, remove_session);
		if (unlinkat(account, cgroup->name, AT_REMOVEDIR) == 0 ||
		    errno != EBUSY)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (account >= 0)
		remove_account(uid, cgroup->parent);
	/* Not while another jail of the reseller's is in it. */
	if (cgroup->reseller[0] != '\0')
		(void)unlinkat(cgroup->base, cgroup->reseller, AT_REMOVEDIR);
	fd_close(&cgroup->base);
	fd_close(&cgroup->keepers);
	fd_close(&cgroup->parent);
	fd_close(&cgroup->jail);
	fd_close(&cgroup->procs);
	*cgroup = CGROUP_NONE;
}

/* Whether something runs in it or below it. */
static bool
is_populated(int dir)
{
	cleanup_fd int fd =
		dir < 0 ? -1
			: openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	char text[64] = "";

	return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 &&
	       strstr(text, "populated 1") != NULL;
}

/* A session's group with nobody in it is about to be entered, if the jail is
 * there. */
static void
sweep_jail(uid_t uid, int account, const char *name)
{
	cleanup_fd int jail = openat(account, name, dir_flags);

	if (is_populated(jail))
		return;
	each_below(jail, uid, remove_session);
	(void)unlinkat(account, name, AT_REMOVEDIR);
}

/* PARENT is BASE, or a reseller's. */
static void
sweep_account(uid_t uid, int parent)
{
	cleanup_fd int account = open_account(uid, parent);

	each_below(account, uid, sweep_jail);
	if (account >= 0)
		remove_account(uid, parent);
}

static void
sweep_reseller(uid_t uid, int base, const char *name)
{
	cleanup_fd int reseller = -1;

	if (strncmp(name, reseller_prefix, strlen(reseller_prefix)) != 0)
		return;
	reseller = openat(base, name, dir_flags);
	sweep_account(uid, reseller);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

/* NAME is the one reseller's to look into; "" is none, NULL each. */
static void
sweep(uid_t uid, const char *name)
{
	static const char *const bases[] = { own_base, delegated_base };
	cleanup_fd int hierarchy = open_hierarchy();

	for (size_t i = 0; hierarchy >= 0 && i < 2; i++) {
		cleanup_fd int base = openat(hierarchy, bases[i], dir_flags);

		sweep_account(uid, base);
		if (name == NULL)
			each_below(base, uid, sweep_reseller);
		else if (base >= 0)
			sweep_reseller(uid, base, name);
	}
}

void
cgroup_sweep(const struct plan *plan)
{
	char name[CGROUP_RESELLER_MAX] = "";

	if (plan->reseller != NULL)
		name_reseller(plan->reseller, name);
	sweep(plan->uid, name);
}

void
cgroup_sweep_all(uid_t uid)
{
	sweep(uid, NULL);
}
