/* SPDX-License-Identifier: ISC */
/*
 * What root could do that is root of a jail only, and who made a user namespace
 * and is root in that: to files that the host has as well, to ids, and to
 * control groups.
 */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/quota.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	ID_OUTSIDE = 65536, /* that a jail with root inside has not */
	NAME_LEN = 300,
	CGROUP_LEVELS = 4,
};

static void
require_root(void)
{
	if (geteuid() != 0)
		not_here("is not root");
}

/* --- files of the host's root --------------------------------------------- */

/* Readable for root alone, and shown inside. */
static void
read_vault(const char *key)
{
	const char *const path = require_hint(key);

	require_root();
	if (secret_at(AT_FDCWD, path))
		escaped("read %s", path);
	refused(path);
}

static void
take_vault(const char *key)
{
	const char *const path = require_hint(key);

	require_root();
	if (chmod(path, 0644) == 0)
		escaped("changed the mode of %s", path);
	if (chown(path, 0, 0) == 0)
		escaped("owns %s", path);
	if (setxattr(path, "security.capability", "x", 1, 0) == 0)
		escaped("gave %s an attribute", path);
	if (open(path, O_WRONLY | O_CLOEXEC) >= 0)
		escaped("may write to %s", path);
	refused(path);
}

/* In the home, where names are the account's, but this file is root's. */
static void
take_file_at_home(const char *name)
{
	struct stat st;
	const int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fstatat(AT_FDCWD, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		not_here("no %s", name);
	if (fd >= 0 && secret_in(fd))
		escaped("read %s", name);
	if (chmod(name, 0666) == 0 || chown(name, getuid(), getgid()) == 0)
		escaped("took %s", name);
	if (link(name, "linked") == 0) {
		(void)unlink("linked");
		leaked("may link to %s", name);
	}
	refused(name);
}

/* --- ids ------------------------------------------------------------------ */

static int
new_file(const char *name)
{
	int fd;

	(void)unlink(name);
	fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0)
		refused(name);
	return fd;
}

/* To somebody who is nobody's in here: an id beyond the map, or the host's. */
static void
give_file_away(const char *how)
{
	const int fd = new_file("given-away");
	const uid_t uid = strcmp(how, "beyond") == 0 ? ID_OUTSIDE : (uid_t)-2;

	require_root();
	if (fchown(fd, uid, (gid_t)-1) == 0 || fchown(fd, (uid_t)-1, uid) == 0)
		leaked("gave a file to %u", uid);
	refused("fchown");
}

static void
become_outsider(const char *how)
{
	require_root();
	if (strcmp(how, "uid") == 0 &&
	    setresuid(ID_OUTSIDE, ID_OUTSIDE, ID_OUTSIDE) == 0)
		leaked("uid %u", ID_OUTSIDE);
	if (strcmp(how, "gid") == 0 &&
	    setresgid(ID_OUTSIDE, ID_OUTSIDE, ID_OUTSIDE) == 0)
		leaked("gid %u", ID_OUTSIDE);
	if (strcmp(how, "groups") == 0 &&
	    setgroups(1, (gid_t[]){ ID_OUTSIDE }) == 0)
		leaked("group %u", ID_OUTSIDE);
	refused(how);
}

/* Who this is on the host, in a namespace that is one's own. */
static void
map_root_of_host(const char *map)
{
	char path[64];
	const pid_t parent = getpid();
	pid_t child;
	int ends[2], fd;
	char byte;

	if (pipe(ends) < 0)
		not_here("pipe");
	child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (child < 0)
		refused("clone");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!read(ends[0], &byte, 1);
		_exit(0);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map",
		       strcmp(map, "own") == 0 ? parent : child);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0 0 1\n", 6) < 0)
		refused(path);
	if (geteuid() == 0)
		leaked("root is root in there, too");
	escaped("the host's root is root in there");
}

/* --- what the host keeps -------------------------------------------------- */

static void
set_attribute(const char *name)
{
	const int fd = new_file("attributed");

	if (fsetxattr(fd, name, "/../../..", 9, 0) < 0)
		refused(name);
	leaked("set %s", name);
}

/* Where a directory redirects to, for who mounts the layers again. */
static void
redirect(const char *name)
{
	const char *const place = make_place(
		hint("throwaway") != NULL ? "/opt/redirected" : "redirected");
	char path[64];

	if (setxattr(place, name, "/../../../srv", 13, 0) < 0)
		refused(name);
	(void)snprintf(path, sizeof(path), "%s/planted/secret", place);
	if (secret_at(AT_FDCWD, path))
		escaped("%s leads outside", place);
	contained("%s means nothing", name);
}

/* Whose start gives rights: the host's side looks at what the layer has. */
static void
plant_privileged(const char *path)
{
	struct stat st;
	const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd;

	require_root();
	(void)require_hint("throwaway");
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0)
		refused(path);
	if (self < 0 || fstat(self, &st) < 0 ||
	    sendfile(fd, self, NULL, (size_t)st.st_size) != st.st_size)
		not_here("%s: %s", path, strerror(errno));
	if (fchown(fd, 0, 42) < 0 || fchmod(fd, 06755) < 0)
		refused("chown and chmod");
	contained("made %s; the host looks who may start it", path);
}

static void
plant_capable(const char *path)
{
	/* cap_setuid, effective and permitted: capability(7) */
	const uint32_t value[] = { 0x02000001, 1 << 7, 0, 0, 0 };
	int fd;

	require_root();
	(void)require_hint("throwaway");
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0)
		refused(path);
	if (fsetxattr(fd, "security.capability", value, sizeof(value), 0) < 0)
		refused("security.capability");
	contained("made %s; the host looks where it counts", path);
}

/* What a jail counts by, or cannot lose. */
static void
set_project(const char *unused)
{
	const int fd = new_file("project");
	struct fsxattr attr;

	(void)unused;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		refused("FS_IOC_FSGETXATTR");
	attr.fsx_projid++;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0)
		refused("FS_IOC_FSSETXATTR");
	leaked("a file is counted for project %u", attr.fsx_projid);
}

static void
set_flag(const char *unused)
{
	const int fd = new_file("immutable");
	int flags = 0;

	(void)unused;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		refused("FS_IOC_GETFLAGS");
	flags |= FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		refused("FS_IOC_SETFLAGS");
	flags &= ~FS_IMMUTABLE_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	leaked("made a file that nobody can remove");
}

static void
set_quota(const char *unused)
{
	struct dqblk quota = { .dqb_valid = 0 };

	(void)unused;
	if (syscall(SYS_quotactl, QCMD(Q_SETQUOTA, USRQUOTA), "/dev/root",
		    getuid(), &quota) < 0)
		refused("quotactl");
	leaked("set a quota");
}

/* What stands in the jail for itself: its shell, the way to be root. */
static void
change_jail(const char *unused)
{
	(void)unused;
	if (access("/run/jail", F_OK) < 0)
		not_here("no /run/jail");
	if (rename("/run/jail", "/run/jail-away") == 0) {
		(void)rename("/run/jail-away", "/run/jail");
		leaked("/run/jail can be moved");
	}
	if (symlink("/", "/run/jail/planted") == 0) {
		(void)unlink("/run/jail/planted");
		leaked("/run/jail can be written to");
	}
	if (rename("/run/jail/shell", "/run/jail/shell-away") == 0) {
		(void)rename("/run/jail/shell-away", "/run/jail/shell");
		leaked("/run/jail/shell can be moved");
	}
	refused("/run/jail");
}

/* --- in a user namespace of one's own ------------------------------------- */

static bool
write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) > 0;
}

static void
become_root_of_own(int flags)
{
	char uids[64], gids[64];

	(void)snprintf(uids, sizeof(uids), "0 %u 1\n", geteuid());
	(void)snprintf(gids, sizeof(gids), "0 %u 1\n", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | flags) < 0)
		refused("unshare");
	if (!write_text("/proc/self/setgroups", "deny") ||
	    !write_text("/proc/self/uid_map", uids) ||
	    !write_text("/proc/self/gid_map", gids))
		refused("uid_map");
}

/* What is read-only must stay so, with and without a copy of the mount. */
static void
write_to_system(const char *path)
{
	const char *const copy = make_place("mount-copy");
	char file[256];

	become_root_of_own(0);
	(void)mount(path, copy, NULL, MS_BIND | MS_REC, NULL);
	(void)mount("none", copy, NULL, MS_REMOUNT | MS_BIND, NULL);
	(void)mount("none", path, NULL, MS_REMOUNT | MS_BIND, NULL);
	for (const char *const *dir = (const char *[]){ path, copy, NULL };
	     *dir != NULL; dir++) {
		struct statvfs fs;

		(void)snprintf(file, sizeof(file), "%s/marker-%s", *dir,
			       require_hint("nonce"));
		if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) == 0 &&
		    open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) >= 0)
			leaked("wrote %s", file);
	}
	contained("it stays read-only: %s", strerror(errno));
}

static void
run_set_uid(const char *key)
{
	char copy[NAME_LEN];
	const char *const program = require_hint(key);
	const char *const place = make_place("mount-suid");

	become_root_of_own(0);
	(void)snprintf(copy, sizeof(copy), "%s/%s", place,
		       strrchr(program, '/') + 1);
	if (mount("/usr/bin", place, NULL, MS_BIND, NULL) < 0)
		refused("mount");
	if (mount("none", place, NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
		leaked("took nosuid away");
	refused("remount");
}

static void
make_device_in_own(const char *unused)
{
	const char *const place = make_place("mount-dev");

	(void)unused;
	become_root_of_own(0);
	if (mount("none", place, "tmpfs", 0, NULL) < 0)
		refused("mount");
	if (chdir(place) < 0 || mknod("memory", S_IFCHR | 0600, 0x101) < 0)
		refused("mknod");
	if (open("memory", O_RDONLY | O_CLOEXEC) < 0)
		refused("open");
	escaped("opened a device that was made there");
}

/* The tree of control groups, as far up as it can be seen. */
static void
mount_cgroups(const char *file)
{
	const char *const place = make_place("mount-cgroup");
	char path[NAME_LEN];
	size_t len;
	int fd, error = 0;

	become_root_of_own(CLONE_NEWCGROUP);
	if (mount("none", place, "cgroup2", 0, NULL) < 0)
		refused("mount");
	len = (size_t)snprintf(path, sizeof(path), "%s/", place);
	for (int i = 0; i < CGROUP_LEVELS; i++) {
		(void)snprintf(path + len, sizeof(path) - len, "%s", file);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			leaked("%s can be written to", path);
		error = i == 0 ? errno : error;
		len += (size_t)snprintf(path + len, sizeof(path) - len, "../");
	}
	errno = error;
	refused(file);
}

static void
make_cgroup_in_own(const char *unused)
{
	const char *const place = make_place("mount-cgroup");
	char path[NAME_LEN];

	(void)unused;
	become_root_of_own(CLONE_NEWCGROUP);
	if (mount("none", place, "cgroup2", 0, NULL) < 0)
		refused("mount");
	(void)snprintf(path, sizeof(path), "%s/escape-try", place);
	if (mkdir(path, 0755) < 0)
		refused("mkdir");
	(void)rmdir(path);
	leaked("made a cgroup");
}

const struct attempt root_attempts[] = {
	{ "root.read-vault", "S17", read_vault, "vault" },
	{ "root.take-vault", "S17", take_vault, "vault" },
	{ "root.take-at-home", "S17", take_file_at_home, "of-root" },
	{ "root.give-beyond", "S17", give_file_away, "beyond" },
	{ "root.give-nobody", "S17", give_file_away, "last" },
	{ "root.uid-beyond", "S17", become_outsider, "uid" },
	{ "root.gid-beyond", "S17", become_outsider, "gid" },
	{ "root.groups-beyond", "S17", become_outsider, "groups" },
	{ "root.map-own", "S17", map_root_of_host, "own" },
	{ "root.trusted", "S17", set_attribute, "trusted.planted" },
	{ "root.trusted-overlay", "S17", set_attribute,
	  "trusted.overlay.opaque" },
	{ "root.security", "S17", set_attribute, "security.planted" },
	{ "root.redirect", "S17", redirect, "trusted.overlay.redirect" },
	{ "root.redirect-user", "S17", redirect, "user.overlay.redirect" },
	{ "root.suid", "S17", plant_privileged, "/usr/bin/planted-by-root" },
	{ "root.suid-home", "S17", plant_privileged, "planted-by-root" },
	{ "root.capable", "S17", plant_capable, "/usr/bin/planted-capable" },
	{ "root.capable-home", "S17", plant_capable, "planted-capable" },
	{ "root.project", "S14", set_project, NULL },
	{ "root.immutable", "S9", set_flag, NULL },
	{ "root.quota", "S9", set_quota, NULL },
	{ "root.jail", "S17", change_jail, NULL },
	{ "userns.map", "S17", map_root_of_host, "child" },
	{ "userns.write-usr", "S2", write_to_system, "/usr" },
	{ "userns.write-root", "S2", write_to_system, "/" },
	{ "userns.suid", "S5", run_set_uid, "suid" },
	{ "userns.device", "S9", make_device_in_own, NULL },
	{ "userns.cgroup-move", "S14", mount_cgroups, "cgroup.procs" },
	{ "userns.cgroup-kill", "S14", mount_cgroups, "cgroup.kill" },
	{ "userns.cgroup-freeze", "S14", mount_cgroups, "cgroup.freeze" },
	{ "userns.cgroup-limit", "S14", mount_cgroups,
	  "cgroup.subtree_control" },
	{ "userns.cgroup-make", "S14", make_cgroup_in_own, NULL },
	{ .name = NULL },
};
