/* SPDX-License-Identifier: ISC */
/* Namespaces that are the host's, that can be joined or made, and mounts. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Newer than the headers: linux/nsfs.h of 6.12, linux/pidfd.h of 6.11. */
struct mount_namespace {
	uint32_t size, mounts;
	uint64_t id;
};
#define MOUNT_NAMESPACE_NEXT  _IOR(0xb7, 11, struct mount_namespace)
#define MOUNT_NAMESPACE_PREV  _IOR(0xb7, 12, struct mount_namespace)
#define PIDFD_MOUNT_NAMESPACE _IO(0xff, 3)

enum {
	FD_NSFS = -10003, /* linux/fcntl.h of 6.18 */
	WALK_MAX = 200,
};

static void
compare(const char *name)
{
	if (shares(name))
		leaked("the %s namespace is the host's", name);
	contained("it is the jail's own");
}

/* Has a descriptor of a mount namespace: whether it is a way out. */
static bool
leaves_by(int ns)
{
	return setns(ns, CLONE_NEWNS) == 0 && climbs_to_host();
}

static void
join_path(const char *path)
{
	const int ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns < 0)
		refused(path);
	if (leaves_by(ns))
		escaped("joined %s", path);
	if (errno == EPERM)
		refused("setns");
	leaked("joined %s", path);
}

static void
join_other(const char *path)
{
	const int ns = open(path, O_RDONLY | O_CLOEXEC);

	if (ns < 0)
		refused(path);
	if (setns(ns, 0) < 0)
		refused("setns");
	leaked("joined %s", path);
}

static int
pidfd_of(pid_t pid)
{
	const int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		refused("pidfd_open");
	return fd;
}

static void
join_init(const char *unused)
{
	const int pidfd = pidfd_of(1);

	(void)unused;
	if (setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC) < 0)
		refused("setns");
	if (climbs_to_host())
		escaped("joined process 1");
	leaked("joined process 1");
}

static int
own_mount_namespace(void)
{
	const int ns = ioctl(pidfd_of(getpid()), PIDFD_MOUNT_NAMESPACE, 0);

	if (ns < 0)
		refused("PIDFD_GET_MNT_NAMESPACE");
	return ns;
}

static void
join_by_pidfd(const char *unused)
{
	(void)unused;
	if (leaves_by(own_mount_namespace()))
		escaped("joined the own mount namespace again");
	if (errno == EPERM)
		refused("setns");
	leaked("joined the own mount namespace");
}

/* From one mount namespace to the next, as far as the kernel lets us. */
static void
walk(unsigned long direction, const char *word)
{
	struct mount_namespace next = { .size = sizeof(next) };
	int ns = own_mount_namespace(), seen = 0;

	for (; seen < WALK_MAX; seen++) {
		const int neighbour = ioctl(ns, direction, &next);

		if (neighbour < 0)
			break;
		if (leaves_by(neighbour))
			escaped("%s mount namespace %d", word, seen);
		(void)close(ns);
		ns = neighbour;
	}
	if (seen == 0)
		refused(word);
	leaked("saw %d mount namespaces", seen);
}

static void
walk_on(const char *unused)
{
	(void)unused;
	walk(MOUNT_NAMESPACE_NEXT, "next");
}

static void
walk_back(const char *unused)
{
	(void)unused;
	walk(MOUNT_NAMESPACE_PREV, "previous");
}

/* A namespace's file handle, from name_to_handle_at(2) outside. */
static void
open_namespace_handle(const char *key)
{
	struct {
		unsigned int bytes;
		int type;
		unsigned char data[128];
	} handle = { 0 };
	char *hex;
	long ns;

	handle.type = (int)strtol(require_hint(key), &hex, 10);
	for (hex++; hex[0] != '\0' && hex[1] != '\0' && handle.bytes < 128;
	     hex += 2) {
		const char byte[] = { hex[0], hex[1], '\0' };

		handle.data[handle.bytes++] =
			(unsigned char)strtol(byte, NULL, 16);
	}
	ns = syscall(SYS_open_by_handle_at, FD_NSFS, &handle, O_RDONLY);
	if (ns < 0)
		refused("open_by_handle_at");
	if (leaves_by((int)ns))
		escaped("joined the host's by its handle");
	leaked("opened the host's namespace by its handle");
}

static void
ask_relative(unsigned long request, const char *path)
{
	const int ns = open(path, O_RDONLY | O_CLOEXEC);
	int relative;

	if (ns < 0)
		refused(path);
	relative = ioctl(ns, request, 0);
	if (relative < 0)
		refused("ioctl");
	if (setns(relative, 0) < 0)
		refused("setns");
	leaked("joined a relative of %s", path);
}

static void
join_parent(const char *path)
{
	ask_relative(_IO(0xb7, 2), path);
}

static void
join_owner(const char *path)
{
	ask_relative(_IO(0xb7, 1), path);
}

/* --- new ones ------------------------------------------------------------ */

static const struct kind {
	const char *name;
	int flag;
} kinds[] = {
	{ "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },
	{ "pid", CLONE_NEWPID },       { "net", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC },       { "uts", CLONE_NEWUTS },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

static void
unshare_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		if (unshare(kinds[i].flag) < 0)
			refused("unshare");
		leaked("made a %s namespace", name);
	}
}

static void
clone_user(const char *unused)
{
	const long child =
		syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	(void)unused;
	if (child == 0)
		_exit(0);
	if (child < 0)
		refused("clone");
	leaked("made a user namespace");
}

static void
clone3_user(const char *unused)
{
	struct clone_args args = { .flags = CLONE_NEWUSER,
				   .exit_signal = SIGCHLD };
	const long child = syscall(SYS_clone3, &args, sizeof(args));

	(void)unused;
	if (child == 0)
		_exit(0);
	if (child < 0)
		refused("clone3");
	leaked("made a user namespace");
}

/* A user namespace of one's own, in which this is root. */
static void
become_root_of_own(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		refused("unshare");
}

static void
leave_in_user_namespace(const char *unused)
{
	const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)unused;
	become_root_of_own();
	if (chroot(make_place("chroot-in")) < 0)
		refused("chroot");
	if (fchdir(root) < 0)
		refused("fchdir");
	if (climbs_to_host())
		escaped("chroot in a user namespace of one's own");
	contained("chroot led nowhere");
}

static void
mount_in_user_namespace(const char *type)
{
	const char *const place = make_place("mount-in");

	become_root_of_own();
	if (mount("none", place, type, 0, NULL) < 0)
		refused("mount");
	leaked("mounted %s in a user namespace", type);
}

/* What the jail covers must stay covered. */
static void
uncover_in_user_namespace(const char *path)
{
	become_root_of_own();
	if (umount2(path, MNT_DETACH) < 0)
		refused("umount2");
	if (climbs_to_host())
		escaped("below %s is the host", path);
	leaked("took %s away", path);
}

static void
be_root_of_host(const char *unused)
{
	(void)unused;
	if (geteuid() != 0)
		contained("uid %u", geteuid());
	if (root_of_here() > 0)
		contained("root is uid %ld of the host", root_of_here());
	leaked("root is the host's");
}

/* --- mounts -------------------------------------------------------------- */

static void
mount_type(const char *type)
{
	const char *const place = make_place("mount-here");

	if (mount("none", place, type, MS_NOSUID, NULL) < 0)
		refused("mount");
	(void)umount2(place, MNT_DETACH);
	leaked("mounted %s", type);
}

static void
mount_overlay(const char *unused)
{
	const char *const place = make_place("mount-here");

	(void)unused;
	if (mount("none", place, "overlay", 0, "lowerdir=/usr:/etc") < 0)
		refused("mount");
	(void)umount2(place, MNT_DETACH);
	leaked("mounted an overlay");
}

static void
bind_root(const char *unused)
{
	const char *const place = make_place("mount-here");

	(void)unused;
	/* Not what is mounted below: taking that away again would take it
	 * away from everybody who shares it. */
	if (mount("/", place, NULL, MS_BIND, NULL) < 0)
		refused("mount");
	(void)umount2(place, MNT_DETACH);
	leaked("bound / elsewhere");
}

static void
remount(const char *path)
{
	if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL) < 0)
		refused(path);
	(void)mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	leaked("%s can be made writable", path);
}

/* MNT_EXPIRE marks a mount first: with the right to unmount, EAGAIN. */
static void
unmount(const char *path)
{
	if (umount2(path, MNT_EXPIRE) == 0)
		leaked("took %s away", path);
	if (errno == EAGAIN || errno == EBUSY)
		leaked("%s could be taken away", path);
	refused(path);
}

static void
pivot(const char *unused)
{
	(void)unused;
	if (chdir(make_place("mount-here")) < 0)
		not_here("chdir");
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		leaked("changed the root");
	if (errno == EINVAL || errno == EBUSY)
		leaked("pivot_root is allowed");
	refused("pivot_root");
}

static void
open_file_system(const char *type)
{
	if (fsopen(type, FSOPEN_CLOEXEC) < 0)
		refused("fsopen");
	leaked("opened the file system %s", type);
}

static void
copy_tree(const char *path)
{
	const int tree =
		open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		refused("open_tree");
	leaked("copied the mount %s", path);
}

static void
change_flags(const char *path)
{
	struct mount_attr attr = { 0 };

	if (mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0)
		refused("mount_setattr");
	attr.propagation = 0xffff; /* no such thing: EINVAL or EPERM */
	if (mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0 &&
	    errno == EPERM)
		refused("mount_setattr");
	attr.propagation = MS_PRIVATE;
	if (mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0)
		refused("mount_setattr");
	leaked("changed the flags of %s", path);
}

const struct attempt namespace_attempts[] = {
	{ "ns.same-mnt", "S2", compare, "mnt" },
	{ "ns.same-pid", "S7", compare, "pid" },
	{ "ns.same-ipc", "S12", compare, "ipc" },
	{ "ns.same-uts", "S9", compare, "uts" },
	{ "ns.same-cgroup", "S9", compare, "cgroup" },
	{ "ns.same-net", "S12", compare, "net" },
	{ "ns.setns-self", "S2", join_path, "/proc/self/ns/mnt" },
	{ "ns.setns-init", "S2", join_path, "/proc/1/ns/mnt" },
	{ "ns.setns-init-pidfd", "S2", join_init, NULL },
	{ "ns.setns-init-user", "S2", join_other, "/proc/1/ns/user" },
	{ "ns.setns-init-net", "S2", join_other, "/proc/1/ns/net" },
	{ "ns.setns-init-pid", "S2", join_other, "/proc/1/ns/pid" },
	{ "ns.pidfd-namespace", "S2", join_by_pidfd, NULL },
	{ "ns.mntns-walk", "S2", walk_on, NULL },
	{ "ns.mntns-walk-back", "S2", walk_back, NULL },
	{ "ns.file-handle", "S2", open_namespace_handle, "mnt_handle" },
	{ "ns.file-handle-pid", "S2", open_namespace_handle, "pid_handle" },
	{ "ns.parent-pid", "S2", join_parent, "/proc/self/ns/pid" },
	{ "ns.parent-user", "S2", join_parent, "/proc/self/ns/user" },
	{ "ns.owner", "S2", join_owner, "/proc/self/ns/mnt" },
	{ "ns.root-is-root", "S17", be_root_of_host, NULL },
	{ "ns.userns-unshare", "S10", unshare_kind, "user" },
	{ "ns.userns-clone", "S10", clone_user, NULL },
	{ "ns.userns-clone3", "S10", clone3_user, NULL },
	{ "ns.userns-chroot", "S2", leave_in_user_namespace, NULL },
	{ "ns.userns-uncover", "S2", uncover_in_user_namespace, "/proc" },
	{ "ns.unshare-mnt", "S9", unshare_kind, "mnt" },
	{ "ns.unshare-pid", "S9", unshare_kind, "pid" },
	{ "ns.unshare-net", "S9", unshare_kind, "net" },
	{ "ns.unshare-ipc", "S9", unshare_kind, "ipc" },
	{ "ns.unshare-uts", "S9", unshare_kind, "uts" },
	{ "ns.unshare-cgroup", "S9", unshare_kind, "cgroup" },
	{ "ns.unshare-time", "S9", unshare_kind, "time" },
	{ "mount.tmpfs", "S9", mount_type, "tmpfs" },
	{ "mount.proc", "S9", mount_type, "proc" },
	{ "mount.sysfs", "S9", mount_type, "sysfs" },
	{ "mount.devpts", "S9", mount_type, "devpts" },
	{ "mount.mqueue", "S9", mount_type, "mqueue" },
	{ "mount.cgroup2", "S9", mount_type, "cgroup2" },
	{ "mount.debugfs", "S9", mount_type, "debugfs" },
	{ "mount.overlay", "S9", mount_overlay, NULL },
	{ "mount.bind-root", "S9", bind_root, NULL },
	{ "mount.remount-usr", "S9", remount, "/usr" },
	{ "mount.remount-root", "S9", remount, "/" },
	{ "mount.unmount-proc", "S9", unmount, "/proc" },
	{ "mount.unmount-tmp", "S9", unmount, "/tmp" },
	{ "mount.pivot-root", "S9", pivot, NULL },
	{ "mount.fsopen-tmpfs", "S9", open_file_system, "tmpfs" },
	{ "mount.open-tree", "S9", copy_tree, "/" },
	{ "mount.setattr", "S9", change_flags, "/tmp" },
	{ "mount.userns-tmpfs", "S10", mount_in_user_namespace, "tmpfs" },
	{ "mount.userns-ramfs", "S10", mount_in_user_namespace, "ramfs" },
	{ .name = NULL },
};
