/* SPDX-License-Identifier: ISC */
#include "jail/populate.h"

#include "base/cleanup.h"
#include "jail/root.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

/* openat2(2) has no wrapper in the C library yet. */
static int
open_inside(const struct site *site, const char *path, uint64_t flags)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, site->root, path, &how, sizeof(how));
}

/* Mounts the detached tree FD over what TARGET is. */
static int
attach(int fd, int target, struct err *err)
{
	if (move_mount(fd, "", target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_errno(err, "move_mount");
	return 0;
}

static int
give_away_held(const struct site *site, int fd, struct err *err)
{
	if (fchownat(fd, "", site->plan->uid, site->plan->gid, AT_EMPTY_PATH) <
	    0)
		return err_errno(err, "chown");
	return 0;
}

/* A place in the root: a directory, open, and a name in it. */
struct place {
	int dir;
	const char *name;
};

static bool
is_ours(const struct site *site, dev_t dev)
{
	for (size_t i = 0; i < site->n_own_devs; i++)
		if (site->own_devs[i] == dev)
			return true;
	return dev == site->base_dev || dev == site->root_dev;
}

/* Whether DIR is ours to create in, and nothing that is mounted here. */
static int
require_ours(const struct site *site, int dir, const char *path,
	     struct err *err)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_errno(err, "%s", path);
	if (!is_ours(site, st.st_dev))
		return err_set(err, ERR_UNSAFE,
			       "%s does not exist, and it would have to be "
			       "made in a directory of the host",
			       path);
	return 0;
}

/*
 * Opens the directory PATH of the root and makes it, and what is missing on
 * the way, in directories of ours.  The last one gets MODE.
 */
static int
open_directory(const struct site *site, const char *path, mode_t mode,
	       struct err *err)
{
	const uint64_t flags = O_PATH | O_DIRECTORY;
	cleanup_fd int fd = open_inside(site, path, flags);
	cleanup_free char *parent = NULL;
	cleanup_fd int dir = -1;
	char *slash;

	if (fd >= 0)
		return fd_take(&fd);
	if (errno != ENOENT)
		return err_errno(err, "%s", path);
	parent = strdup(path);
	if (parent == NULL)
		return err_errno(err, "%s", path);
	slash = strrchr(parent, '/');
	*slash = '\0';
	dir = open_directory(site, slash == parent ? "/" : parent, 0755, err);
	if (dir < 0 || require_ours(site, dir, path, err) < 0)
		return -1;
	if (mkdirat(dir, slash + 1, mode) < 0)
		return err_errno(err, "make %s", path);
	if (site->plan->root_inside &&
	    site_give_away(site, dir, slash + 1, err) < 0)
		return -1;
	fd = open_inside(site, path, flags);
	if (fd < 0)
		return err_errno(err, "%s", path);
	return fd_take(&fd);
}

/* Opens the directory that TARGET is to be made in; ours, or it fails. */
static int
open_place(const struct site *site, const char *target, struct place *place,
	   struct err *err)
{
	const char *const slash = strrchr(target, '/');
	cleanup_free char *parent = strndup(target, (size_t)(slash - target));
	cleanup_fd int dir = -1;

	if (parent == NULL)
		return err_errno(err, "%s", target);
	dir = open_directory(site, parent[0] != '\0' ? parent : "/", 0755, err);
	if (dir < 0 || require_ours(site, dir, target, err) < 0)
		return -1;
	place->dir = fd_take(&dir);
	place->name = slash + 1;
	return 0;
}

/* A tree may have something there already; only a directory stays. */
static int
make_room(const struct place *place, struct err *err)
{
	if (unlinkat(place->dir, place->name, 0) < 0 && errno != ENOENT &&
	    errno != EISDIR)
		return err_errno(err, "replace %s", place->name);
	return 0;
}

static int
make_dir(const struct site *site, const struct entry *entry, struct err *err)
{
	cleanup_fd int fd =
		open_directory(site, entry->target, entry->mode, err);

	if (fd < 0)
		return -1;
	if ((entry->flags & ENTRY_OWNED) == 0)
		return 0;
	if (require_ours(site, fd, entry->target, err) < 0)
		return -1;
	if (fchownat(fd, "", site->plan->uid, site->plan->gid, AT_EMPTY_PATH) <
	    0)
		return err_errno(err, "chown %s", entry->target);
	return 0;
}

static int
write_all(int fd, const char *text, struct err *err)
{
	for (size_t left = strlen(text); left > 0;) {
		const ssize_t n = write(fd, text, left);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "write");
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return 0;
}

static int
make_file(const struct entry *entry, const struct place *place, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int fd = -1;

	if (make_room(place, err) < 0)
		return -1;
	fd = openat(place->dir, place->name, flags, entry->mode);
	if (fd < 0)
		return err_errno(err, "make the file");
	return write_all(fd, entry->text, err);
}

static int
make_link(const struct entry *entry, const struct place *place, struct err *err)
{
	if (make_room(place, err) < 0)
		return -1;
	if (symlinkat(entry->text, place->dir, place->name) < 0 &&
	    errno != EEXIST)
		return err_errno(err, "make the link");
	return 0;
}

static int
make_device(const struct entry *entry, const struct place *place,
	    struct err *err)
{
	unsigned int major, minor;

	/* The configuration's side wrote it from two numbers.
	 * NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(entry->text, "%u:%u", &major, &minor) != 2)
		return err_set(err, ERR_UNSAFE, "not MAJOR:MINOR: %s",
			       entry->text);
	if (mknodat(place->dir, place->name, S_IFCHR | entry->mode,
		    makedev(major, minor)) < 0)
		return err_errno(err, "make the device");
	return 0;
}

static int
make_in_place(const struct site *site, const struct entry *entry,
	      int (*make)(const struct entry *, const struct place *,
			  struct err *),
	      struct err *err)
{
	struct place place = { .dir = -1, .name = "" };
	int ret;

	if (open_place(site, entry->target, &place, err) < 0)
		return -1;
	ret = make(entry, &place, err);
	if (ret == 0 && (entry->flags & ENTRY_OWNED) != 0)
		ret = site_give_away(site, place.dir, place.name, err);
	fd_close(&place.dir);
	return ret;
}

/* Something to mount TREE on: a directory on a directory, else a file. */
static int
open_mount_point(const struct site *site, const struct entry *entry, int tree,
		 struct err *err)
{
	const struct entry empty = {
		.target = entry->target,
		.flags = site->plan->root_inside ? (unsigned int)ENTRY_OWNED
						 : 0U,
		.mode = 0644,
		.text = "",
	};
	cleanup_fd int fd = -1;
	struct stat st;

	if (fstat(tree, &st) < 0)
		return err_errno(err, "what is to be mounted");
	if (S_ISDIR(st.st_mode))
		return open_directory(site, entry->target, 0755, err);
	fd = open_inside(site, entry->target, O_PATH);
	if (fd < 0 && errno == ENOENT) {
		if (make_in_place(site, &empty, make_file, err) < 0)
			return -1;
		fd = open_inside(site, entry->target, O_PATH);
	}
	if (fd < 0)
		return err_errno(err, "the mount point");
	return fd_take(&fd);
}

static int
mount_tree(const struct site *site, const struct entry *entry, int tree,
	   struct err *err)
{
	cleanup_fd int target = open_mount_point(site, entry, tree, err);

	return target < 0 ? -1 : attach(tree, target, err);
}

/* A detached mount of a new directory of the base. */
static int
share_base(const struct site *site, const struct entry *entry, struct err *err)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "%zu",
		       (size_t)(entry - site->plan->entries));
	if (mkdirat(site->base, name, entry->mode) < 0)
		return err_errno(err, "make the directory");
	return site_copy(site, name, err);
}

/* Directories may be made in it, as in what all share. */
static int
make_own(struct site *site, uint64_t bytes, uint64_t files, mode_t mode,
	 struct err *err)
{
	cleanup_fd int tree = fs_tmpfs(bytes, files, mode, err);
	struct stat st;

	if (tree < 0)
		return -1;
	if (fstat(tree, &st) < 0)
		return err_errno(err, "tmpfs");
	if (site->n_own_devs == OWN_MAX)
		return err_set(err, ERR_UNSAFE, "more than %d of their own",
			       (int)OWN_MAX);
	site->own_devs[site->n_own_devs++] = st.st_dev;
	return fd_take(&tree);
}

static int
mount_scratch(struct site *site, const struct entry *entry, struct err *err)
{
	uint64_t set = 0, clear = 0, bytes, files;
	cleanup_fd int tree = -1;

	if (entry_own_size(entry, &bytes, &files) > 0)
		tree = make_own(site, bytes, files, entry->mode, err);
	else
		tree = share_base(site, entry, err);
	if (tree < 0)
		return -1;
	if ((entry->flags & ENTRY_OWNED) != 0 &&
	    give_away_held(site, tree, err) < 0)
		return -1;
	if ((entry->flags & ENTRY_NOEXEC) != 0)
		set |= MOUNT_ATTR_NOEXEC;
	if ((entry->flags & ENTRY_DEVICES) != 0)
		clear |= MOUNT_ATTR_NODEV;
	if ((set | clear) != 0 && fs_change(tree, set, clear, err) < 0)
		return -1;
	return mount_tree(site, entry, tree, err);
}

static int
mount_proc(const struct site *site, const struct entry *entry, struct err *err)
{
	cleanup_fd int fs = fsopen("proc", FSOPEN_CLOEXEC);
	cleanup_fd int tree = -1;

	if (fs < 0)
		return err_errno(err, "fsopen proc");
	if (fs_option(fs, "hidepid", "invisible", err) < 0)
		return -1;
	tree = fs_mount(
		fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		err);
	return tree < 0 ? -1 : mount_tree(site, entry, tree, err);
}

static int
mount_pts(const struct site *site, const struct entry *entry, struct err *err)
{
	cleanup_fd int fs = fsopen("devpts", FSOPEN_CLOEXEC);
	cleanup_fd int tree = -1;

	if (fs < 0)
		return err_errno(err, "fsopen devpts");
	if (fs_option(fs, "ptmxmode", "0666", err) < 0 ||
	    fs_option(fs, "mode", "0620", err) < 0 ||
	    fs_option_number(fs, "gid", plan_tty_group(site->plan), err) < 0 ||
	    fs_option_number(fs, "max", site->plan->terminals, err) < 0)
		return -1;
	tree = fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	return tree < 0 ? -1 : mount_tree(site, entry, tree, err);
}

static int
mount_hide(const struct site *site, const struct entry *entry, struct err *err)
{
	cleanup_fd int target = open_inside(site, entry->target, O_PATH);
	cleanup_fd int cover = -1;
	struct stat st;

	if (target < 0 && errno == ENOENT &&
	    (entry->flags & ENTRY_OPTIONAL) != 0)
		return 0;
	if (target < 0 || fstat(target, &st) < 0)
		return err_errno(err, "what is to be hidden");
	if (S_ISDIR(st.st_mode)) {
		cover = site_copy(site, "empty", err);
		if (cover < 0 ||
		    fs_change(cover, MOUNT_ATTR_RDONLY, 0, err) < 0)
			return -1;
	} else {
		/* The null device, once for every file: attached to the base
		 * it can be copied. */
		cover = site_copy(site, "null", err);
		if (cover < 0)
			return -1;
	}
	return attach(cover, target, err);
}

/* Of a directory of a file system that has to be writable elsewhere: it is
 * mounted once more on itself. */
static int
mount_frozen(const struct site *site, const struct entry *entry,
	     struct err *err)
{
	cleanup_fd int target = open_inside(site, entry->target, O_PATH);
	cleanup_fd int tree = -1;

	if (target < 0 && errno == ENOENT &&
	    (entry->flags & ENTRY_OPTIONAL) != 0)
		return 0;
	if (target < 0)
		return err_errno(err, "what is to be read-only");
	tree = open_tree(target, "",
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0)
		return err_errno(err, "copy the mount");
	if (fs_change(tree, MOUNT_ATTR_RDONLY, 0, err) < 0)
		return -1;
	return attach(tree, target, err);
}

int
site_place(struct site *site, const struct entry *entry, struct err *err)
{
	const int tree = site->trees->entries[entry - site->plan->entries];

	switch (entry->kind) {
	case ENTRY_DIR:
		return make_dir(site, entry, err);
	case ENTRY_FILE:
		return make_in_place(site, entry, make_file, err);
	case ENTRY_LINK:
		return make_in_place(site, entry, make_link, err);
	case ENTRY_DEVICE:
		return make_in_place(site, entry, make_device, err);
	case ENTRY_BIND:
		return tree < 0 ? 0 : mount_tree(site, entry, tree, err);
	case ENTRY_SCRATCH:
		return mount_scratch(site, entry, err);
	case ENTRY_PROC:
		return mount_proc(site, entry, err);
	case ENTRY_PTS:
		return mount_pts(site, entry, err);
	case ENTRY_HIDE:
		return mount_hide(site, entry, err);
	case ENTRY_FREEZE:
		return mount_frozen(site, entry, err);
	case ENTRY_USERNS:
		return mount_tree(site, entry, tree, err);
	}
	return err_set(err, ERR_UNSAFE, "unknown entry %d", (int)entry->kind);
}

/* Directories that were to be filled first become read-only now. */
static int
make_readonly(const struct site *site, const struct entry *entry,
	      struct err *err)
{
	cleanup_fd int fd = open_inside(site, entry->target, O_PATH);

	if (fd < 0)
		return err_errno(err, "open");
	return fs_change(fd, MOUNT_ATTR_RDONLY, 0, err);
}

/* root_entry_is_open() */
static int
follow_links(int tree, struct err *err)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_NOSYMFOLLOW };

	return fs_set_attr(tree, AT_RECURSIVE, &attr, err);
}

/* What root will rely on later is at its place, and nothing has come over it:
 * a tree may have links anywhere. */
static int
require_magic(const struct site *site, const struct entry *entry,
	      __fsword_t magic, struct err *err)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	cleanup_fd int fd = (int)syscall(SYS_openat2, site->root, entry->target,
					 &how, sizeof(how));
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_errno(err, "look at what was mounted");
	if (fs.f_type != magic)
		return err_set(err, ERR_UNSAFE, "something else came over it");
	return 0;
}

int
site_finish(const struct site *site, const struct entry *entry, struct err *err)
{
	const int tree = site->trees->entries[entry - site->plan->entries];

	if (entry->kind == ENTRY_PTS)
		return require_magic(site, entry, DEVPTS_SUPER_MAGIC, err);
	if (entry->kind == ENTRY_PROC)
		return require_magic(site, entry, PROC_SUPER_MAGIC, err);
	if (entry->kind == ENTRY_USERNS)
		return require_magic(site, entry, NSFS_MAGIC, err);

	if (entry->kind == ENTRY_SCRATCH &&
	    (entry->flags & ENTRY_READONLY) != 0)
		return make_readonly(site, entry, err);
	if (tree >= 0 && root_entry_is_open(entry))
		return follow_links(tree, err);
	return 0;
}
