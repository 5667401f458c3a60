/* SPDX-License-Identifier: ISC */
#include "jail/terminal.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Opens what the jail has at /dev/pts, and believes that it is a devpts only
 * when it sees one: a tree could have a link there. */
static int
open_pts(struct err *err)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	cleanup_fd int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/pts",
					 &how, sizeof(how));
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_errno(err, "the jail's /dev/pts");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, ERR_UNSAFE,
			       "the jail's /dev/pts is not a devpts");
	return fd_take(&fd);
}

/* A copy of the jail's /dev/pts mount; we are inside. */
static int
copy_pts(struct err *err)
{
	cleanup_fd int pts = open_pts(err);
	cleanup_fd int copy = -1;

	if (pts < 0)
		return -1;
	copy = open_tree(pts, "",
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (copy < 0)
		return err_errno(err, "copy the jail's /dev/pts");
	return fd_take(&copy);
}

/* The copy is taken where it can be: inside. */
static int
fetch_pts(const struct jail *jail, struct err *err)
{
	cleanup_fd int host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	cleanup_fd int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int pts = -1;

	if (host < 0 || cwd < 0)
		return err_errno(err, "the host's mount namespace");
	if (setns(jail->init, CLONE_NEWNS) < 0)
		return err_errno(err, "look into the jail");
	pts = copy_pts(err);
	if (setns(host, CLONE_NEWNS) < 0 || fchdir(cwd) < 0) {
		(void)err_errno(err, "cannot come back to the host");
		err->kind = ERR_ASTRAY;
		return -1;
	}
	return fd_take(&pts);
}

int
terminal_view(const struct jail *jail, struct err *err)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };
	cleanup_fd int pts = -1;
	struct stat before, after;

	if (stat("/", &before) < 0)
		return err_errno(err, "/");
	pts = fetch_pts(jail, err);
	if (pts < 0)
		return -1;
	if (stat("/", &after) < 0)
		return err_errno(err, "/");
	/* setns(2) leaves us at the namespace's root, which is not where a
	 * host that had chrooted itself was. */
	if (before.st_dev != after.st_dev || before.st_ino != after.st_ino)
		return err_set(err, ERR_UNSAFE, "the host process is chrooted");
	if (unshare(CLONE_NEWNS) < 0)
		return err_errno(err, "unshare the mount namespace");
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof(slave)) <
	    0)
		return err_errno(err, "keep our mounts from the host");
	if (move_mount(pts, "", AT_FDCWD, "/dev/pts", MOVE_MOUNT_F_EMPTY_PATH) <
	    0)
		return err_errno(err, "mount the jail's /dev/pts");
	return 0;
}
