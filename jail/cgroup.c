/* SPDX-License-Identifier: ISC */
#include "jail/cgroup.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

enum {
	MAKE_TRIES = 20,
	REMOVE_TRIES = 100,
	REMOVE_PAUSE_NS = 10 * 1000 * 1000,
};

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

/* Opens NAME below the directory DIR, and makes it first if need be. */
static int
open_group(int dir, const char *name, struct err *err)
{
	cleanup_fd int fd = -1;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make cgroup %s", name);
	fd = openat(dir, name, dir_flags);
	if (fd < 0)
		return err_errno(err, "cgroup %s", name);
	return fd_take(&fd);
}

/* The directory jail/UID; -1 if it is not there. */
static int
open_account(uid_t uid, int jails)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", uid);
	return jails < 0 ? -1 : openat(jails, name, dir_flags);
}

static void
remove_account(uid_t uid, int jails)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", uid);
	(void)unlinkat(jails, name, AT_REMOVEDIR);
}

/* Makes a cgroup with a name that no other has had: the keeper of the jail
 * before may not be done with its own. */
static int
make_named(uid_t uid, int jails, struct cgroup *cgroup, struct err *err)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_errno(err, "getrandom");
	(void)snprintf(cgroup->name, sizeof(cgroup->name), "%016" PRIx64,
		       random);
	for (int i = 0; i < MAKE_TRIES; i++) {
		cleanup_fd int account = -1;
		char name[16];

		(void)snprintf(name, sizeof(name), "%u", uid);
		account = open_group(jails, name, err);
		if (account < 0)
			return -1;
		cgroup->jail = open_group(account, cgroup->name, err);
		if (cgroup->jail >= 0 || err->errnum != ENOENT)
			break; /* ENOENT: the keeper before took jail/UID away
				*/
	}
	return cgroup->jail < 0 ? -1 : 0;
}

int
cgroup_make(uid_t uid, struct cgroup *cgroup, struct err *err)
{
	cleanup_fd int hierarchy = -1;
	cleanup_fd int jails = -1;

	*cgroup = CGROUP_NONE;
	if (find_hierarchy(&hierarchy, err) < 0)
		return -1;
	if (hierarchy < 0)
		return 0;
	jails = open_group(hierarchy, "jail", err);
	if (jails < 0)
		return -1;
	cgroup->keepers = open_group(jails, "keepers", err);
	if (cgroup->keepers < 0 || make_named(uid, jails, cgroup, err) < 0) {
		cgroup_remove(uid, cgroup);
		return -1;
	}
	return 0;
}

static void
kill_group(int dir)
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
		kill_group(cgroup->jail);
}

void
cgroup_remove(uid_t uid, struct cgroup *cgroup)
{
	cleanup_fd int hierarchy = open_hierarchy();
	cleanup_fd int jails =
		hierarchy < 0 ? -1 : openat(hierarchy, "jail", dir_flags);
	cleanup_fd int account = open_account(uid, jails);
	const struct timespec pause = { .tv_nsec = REMOVE_PAUSE_NS };

	/* Who was killed takes a moment to go. */
	for (int i = 0; account >= 0 && i < REMOVE_TRIES; i++) {
		cgroup_kill(cgroup);
		if (unlinkat(account, cgroup->name, AT_REMOVEDIR) == 0 ||
		    errno != EBUSY)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (account >= 0)
		remove_account(uid, jails);
	fd_close(&cgroup->keepers);
	fd_close(&cgroup->jail);
	*cgroup = CGROUP_NONE;
}

void
cgroup_sweep(uid_t uid)
{
	cleanup_fd int hierarchy = open_hierarchy();
	cleanup_fd int jails =
		hierarchy < 0 ? -1 : openat(hierarchy, "jail", dir_flags);
	cleanup_fd int account = open_account(uid, jails);
	DIR *const stream =
		account < 0 ? NULL
			    : fdopendir(fcntl(account, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;

	while (stream != NULL && (entry = readdir(stream)) != NULL)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			(void)unlinkat(account, entry->d_name, AT_REMOVEDIR);
	if (stream != NULL)
		(void)closedir(stream);
	if (account >= 0)
		remove_account(uid, jails);
}
