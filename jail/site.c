/* SPDX-License-Identifier: ISC */
#include "jail/site.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* More than any plan puts there. */
enum { BUILD_BYTES = 64 << 20, BUILD_FILES = 1 << 16 };

int
fs_option(int fs, const char *key, const char *value, struct err *err)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return err_errno(err, "mount option %s=%s", key, value);
	return 0;
}

int
fs_option_number(int fs, const char *key, uint64_t value, struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return fs_option(fs, key, text, err);
}

int
fs_mount(int fs, uint64_t attr, struct err *err)
{
	cleanup_fd int mount = -1;

	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_errno(err, "create the file system");
	mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attr);
	if (mount < 0)
		return err_errno(err, "fsmount");
	return fd_take(&mount);
}

int
fs_set_attr(int fd, unsigned int flags, struct mount_attr *attr,
	    struct err *err)
{
	if (mount_setattr(fd, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr)) ==
	    0)
		return 0;
	if (errno == ENOSYS)
		return err_set(err, ERR_SYSTEM,
			       "set the mount's flags: mount_setattr(2) is "
			       "missing: Linux 5.15 or newer is needed");
	return err_errno(err, "set the mount's flags");
}

int
fs_change(int fd, uint64_t set, uint64_t clear, struct err *err)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	return fs_set_attr(fd, 0, &attr, err);
}

int
fs_tmpfs(uint64_t bytes, uint64_t files, mode_t mode, struct err *err)
{
	const uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char octal[16];

	if (fs < 0)
		return err_errno(err, "fsopen tmpfs");
	(void)snprintf(octal, sizeof(octal), "%04o", mode);
	if (fs_option(fs, "source", "jail", err) < 0 ||
	    fs_option_number(fs, "size", bytes, err) < 0 ||
	    fs_option_number(fs, "nr_inodes", files, err) < 0 ||
	    fs_option(fs, "mode", octal, err) < 0)
		return -1;
	return fs_mount(fs, attr, err);
}

int
site_open(struct site *site, struct err *err)
{
	struct stat st;

	/* Until site_limit(): one that has no limit can be given none. */
	site->base = fs_tmpfs(BUILD_BYTES, BUILD_FILES, 0755, err);
	if (site->base < 0)
		return -1;
	if (fstat(site->base, &st) < 0)
		return err_errno(err, "tmpfs");
	site->base_dev = st.st_dev;
	/* Its mounts can be copied only when it is attached: over something
	 * that every host has and that nobody needs from here on.  (Not over
	 * "/": the old root must be on top when it is detached.) */
	if (move_mount(site->base, "", AT_FDCWD, "/proc",
		       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "mount the jail's tmpfs");
	if (mkdirat(site->base, "root", 0755) < 0 ||
	    mkdirat(site->base, "empty", 0555) < 0)
		return err_errno(err, "fill the jail's tmpfs");
	return 0;
}

int
site_limit(const struct site *site, struct err *err)
{
	const struct plan *const plan = site->plan;
	cleanup_fd int fs =
		fspick(site->base, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
	uint64_t bytes, files;
	struct statfs st;

	if (fs < 0 || fstatfs(site->base, &st) < 0)
		return err_errno(err, "the jail's tmpfs");
	bytes = (uint64_t)(st.f_blocks - st.f_bfree) * (uint64_t)st.f_bsize;
	files = st.f_files - st.f_ffree;
	if (fs_option_number(fs, "size", bytes + plan->scratch_bytes, err) <
		    0 ||
	    fs_option_number(fs, "nr_inodes", files + plan->scratch_files,
			     err) < 0)
		return -1;
	if (fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
		return err_errno(err, "limit the jail's tmpfs");
	return 0;
}

void
site_close(struct site *site)
{
	fd_close(&site->base);
	fd_close(&site->root);
}

int
site_copy(const struct site *site, const char *name, struct err *err)
{
	cleanup_fd int fd = open_tree(site->base, name,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "copy %s", name);
	return fd_take(&fd);
}

int
site_attach(const struct site *site, int fd, const char *name, struct err *err)
{
	if (mkdirat(site->base, name, 0755) < 0)
		return err_errno(err, "make %s", name);
	if (move_mount(fd, "", site->base, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "mount %s", name);
	return 0;
}

int
site_give_away(const struct site *site, int dir, const char *name,
	       struct err *err)
{
	if (fchownat(dir, name, site->plan->uid, site->plan->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "chown %s", name);
	return 0;
}
