/* SPDX-License-Identifier: ISC */
#include "jail/cgroup.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static const int dir_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/* The hierarchy is alone, or on a hybrid host beside the version 1 ones:
 * systemd(1), "control group hierarchy".  -1 if it is not there. */
static int
open_hierarchy(void)
{
	static const char *const places[] = { "/sys/fs/cgroup",
					      "/sys/fs/cgroup/unified" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		cleanup_fd int fd = open(places[i], dir_flags);
		struct statfs fs;

		if (fd >= 0 && fstatfs(fd, &fs) == 0 &&
		    fs.f_type == CGROUP2_SUPER_MAGIC)
			return fd_take(&fd);
	}
	return -1;
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

static int
open_procs(int dir, struct err *err)
{
	cleanup_fd int fd =
		openat(dir, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "cgroup.procs");
	return fd_take(&fd);
}

static int
join_keepers(int jails, struct err *err)
{
	cleanup_fd int keepers = open_group(jails, "keepers", err);
	cleanup_fd int procs = -1;

	if (keepers < 0)
		return -1;
	procs = open_procs(keepers, err);
	if (procs < 0)
		return -1;
	if (write(procs, "0", 1) != 1)
		return err_errno(err, "enter cgroup jail/keepers");
	return 0;
}

int
cgroup_make(uid_t uid, struct cgroup *cgroup, struct err *err)
{
	cleanup_fd int hierarchy = open_hierarchy();
	cleanup_fd int jails = -1, account = -1, dir = -1;
	char name[32];

	*cgroup = CGROUP_NONE;
	if (hierarchy < 0)
		return 0;
	jails = open_group(hierarchy, "jail", err);
	if (jails < 0 || join_keepers(jails, err) < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "%u", uid);
	account = open_group(jails, name, err);
	if (account < 0)
		return -1;
	(void)snprintf(name, sizeof(name), "%d", (int)getpid());
	dir = open_group(account, name, err);
	if (dir < 0)
		return -1;
	cgroup->procs = open_procs(dir, err);
	if (cgroup->procs < 0)
		return -1;
	cgroup->dir = fd_take(&dir);
	return 0;
}

/* Kills what is in the cgroup NAME below DIR and removes it.  Killed
 * processes take a moment to go; then it stays for the next sweep. */
static void
end_group(int dir, const char *name)
{
	char path[64];
	cleanup_fd int kill = -1;

	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return;
	(void)snprintf(path, sizeof(path), "%.32s/cgroup.kill", name);
	kill = openat(dir, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (kill >= 0 && write(kill, "1", 1) == 1)
		(void)unlinkat(dir, name, AT_REMOVEDIR);
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

void
cgroup_remove(uid_t uid, struct cgroup *cgroup)
{
	cleanup_fd int hierarchy = open_hierarchy();
	cleanup_fd int jails =
		hierarchy < 0 ? -1 : openat(hierarchy, "jail", dir_flags);
	cleanup_fd int account = open_account(uid, jails);
	char name[16];

	fd_close(&cgroup->dir);
	fd_close(&cgroup->procs);
	if (account < 0)
		return;
	(void)snprintf(name, sizeof(name), "%d", (int)getpid());
	end_group(account, name);
	remove_account(uid, jails);
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
			end_group(account, entry->d_name);
	if (stream != NULL)
		(void)closedir(stream);
	if (account >= 0)
		remove_account(uid, jails);
}
