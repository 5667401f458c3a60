/* SPDX-License-Identifier: ISC */
#include "jail/root.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

enum { OWN_MAX = 8 }; /* two, so far: policy/layout.c */

/*
 * While it is put together.  The jail has one tmpfs, "base", which is seen
 * only here:
 *	base/root	the root's own files (or base/changes/upper)
 *	base/N		the writable directory of entry N
 *	base/lower	the tree, if the root has one
 *	base/changes	upper and work of its overlay
 *	base/empty	to hide directories with
 */
struct site {
	const struct plan *plan;
	const struct root_trees *trees;
	int base;
	int root;
	dev_t base_dev, root_dev;
	dev_t own_devs[OWN_MAX]; /* of what has a tmpfs of its own */
	size_t n_own_devs;
};

static void
site_close(struct site *site)
{
	fd_close(&site->base);
	fd_close(&site->root);
}

#define cleanup_site __attribute__((cleanup(site_close)))

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

static int
set_option(int fs, const char *key, const char *value, struct err *err)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0)
		return err_errno(err, "mount option %s=%s", key, value);
	return 0;
}

static int
set_option_number(int fs, const char *key, uint64_t value, struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return set_option(fs, key, text, err);
}

/* Makes the file system that FS describes and returns its detached mount. */
static int
make_mount(int fs, uint64_t attr, struct err *err)
{
	cleanup_fd int mount = -1;

	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_errno(err, "create the file system");
	mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attr);
	if (mount < 0)
		return err_errno(err, "fsmount");
	return fd_take(&mount);
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
change_attr(int fd, uint64_t set, uint64_t clear, struct err *err)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_errno(err, "set the mount's flags");
	return 0;
}

/* A detached mount of the directory NAME of the base. */
static int
copy_of_base(const struct site *site, const char *name, struct err *err)
{
	cleanup_fd int fd = open_tree(site->base, name,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "copy %s", name);
	return fd_take(&fd);
}

/* The detached mount of a tmpfs with its directory's MODE. */
static int
make_tmpfs(uint64_t bytes, uint64_t files, mode_t mode, struct err *err)
{
	const uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	cleanup_fd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	char octal[16];

	if (fs < 0)
		return err_errno(err, "fsopen tmpfs");
	(void)snprintf(octal, sizeof(octal), "%04o", mode);
	if (set_option(fs, "source", "jail", err) < 0 ||
	    set_option_number(fs, "size", bytes, err) < 0 ||
	    set_option_number(fs, "nr_inodes", files, err) < 0 ||
	    set_option(fs, "mode", octal, err) < 0)
		return -1;
	return make_mount(fs, attr, err);
}

static int
make_base(struct site *site, struct err *err)
{
	struct stat st;

	site->base = make_tmpfs(site->plan->scratch_bytes,
				site->plan->scratch_files, 0755, err);
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

/* Attaches the detached tree FD to the base as NAME. */
static int
attach_to_base(const struct site *site, int fd, const char *name,
	       struct err *err)
{
	if (mkdirat(site->base, name, 0755) < 0)
		return err_errno(err, "make %s", name);
	if (move_mount(fd, "", site->base, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "mount %s", name);
	return 0;
}

/* What is made is the account's, or root's inside. */
static int
give_away(const struct site *site, int dir, const char *name, struct err *err)
{
	if (fchownat(dir, name, site->plan->uid, site->plan->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "chown %s", name);
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

/* They are the jail's own, and go with it. */
static int
make_layers(const struct site *site, struct err *err)
{
	if (mkdirat(site->base, "changes", 0755) < 0 ||
	    mkdirat(site->base, "changes/upper", 0755) < 0 ||
	    mkdirat(site->base, "changes/work", 0755) < 0)
		return err_errno(err, "make the overlay's layers");
	return site->plan->root_inside
		       ? give_away(site, site->base, "changes/upper", err)
		       : 0;
}

/*
 * The root over a tree is an overlay, so that mount points and files of ours
 * can be added to a tree that stays as it is.
 */
static int
make_overlay(const struct site *site, struct err *err)
{
	cleanup_fd int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs < 0)
		return err_errno(err, "fsopen overlay");
	if (attach_to_base(site, site->trees->tree, "lower", err) < 0)
		return -1;
	if (site->trees->upper >= 0) {
		if (attach_to_base(site, site->trees->upper, "changes", err) <
		    0)
			return -1;
	} else if (make_layers(site, err) < 0) {
		return -1;
	}
	/* The layers are told by path: relative ones need no lookup. */
	if (fchdir(site->base) < 0)
		return err_errno(err, "fchdir");
	if (set_option(fs, "lowerdir", "lower", err) < 0 ||
	    set_option(fs, "upperdir", "changes/upper", err) < 0 ||
	    set_option(fs, "workdir", "changes/work", err) < 0)
		return -1;
	return make_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
}

static int
make_root(struct site *site, struct err *err)
{
	struct stat st;

	site->root = site->plan->tree != NULL ? make_overlay(site, err)
					      : copy_of_base(site, "root", err);
	if (site->root < 0)
		return -1;
	if (move_mount(site->root, "", site->base, "root",
		       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "mount the root");
	if (fstat(site->root, &st) < 0)
		return err_errno(err, "the root");
	site->root_dev = st.st_dev;
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
	if (site->plan->root_inside && give_away(site, dir, slash + 1, err) < 0)
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
	/* err_set() never returns 0: there is a place.
	 * NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
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
	/* As in make_room().
	 * NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
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
	struct place place = { .dir = -1 };
	int ret;

	if (open_place(site, entry->target, &place, err) < 0)
		return -1;
	ret = make(entry, &place, err);
	if (ret == 0 && (entry->flags & ENTRY_OWNED) != 0)
		ret = give_away(site, place.dir, place.name, err);
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
	return copy_of_base(site, name, err);
}

/* Directories may be made in it, as in what all share. */
static int
make_own(struct site *site, uint64_t bytes, uint64_t files, mode_t mode,
	 struct err *err)
{
	cleanup_fd int tree = make_tmpfs(bytes, files, mode, err);
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
	if ((set | clear) != 0 && change_attr(tree, set, clear, err) < 0)
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
	if (set_option(fs, "hidepid", "invisible", err) < 0)
		return -1;
	tree = make_mount(
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
	if (set_option(fs, "ptmxmode", "0666", err) < 0 ||
	    set_option(fs, "mode", "0620", err) < 0 ||
	    set_option_number(fs, "gid", plan_tty_group(site->plan), err) < 0 ||
	    set_option_number(fs, "max", site->plan->terminals, err) < 0)
		return -1;
	tree = make_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
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
		cover = copy_of_base(site, "empty", err);
		if (cover < 0 ||
		    change_attr(cover, MOUNT_ATTR_RDONLY, 0, err) < 0)
			return -1;
	} else {
		/* The null device, once for every file: attached to the base
		 * it can be copied. */
		cover = copy_of_base(site, "null", err);
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
	if (change_attr(tree, MOUNT_ATTR_RDONLY, 0, err) < 0)
		return -1;
	return attach(tree, target, err);
}

static int
apply(struct site *site, const struct entry *entry, struct err *err)
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
	return change_attr(fd, MOUNT_ATTR_RDONLY, 0, err);
}

/* root_entry_is_open() */
static int
follow_links(int tree, struct err *err)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_NOSYMFOLLOW };

	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
			  sizeof(attr)) < 0)
		return err_errno(err, "set the mount's flags");
	return 0;
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

static int
finish_entry(const struct site *site, const struct entry *entry,
	     struct err *err)
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

static int
finish(const struct site *site, struct err *err)
{
	for (size_t i = 0; i < site->plan->n_entries; i++)
		if (finish_entry(site, &site->plan->entries[i], err) < 0)
			return err_context(err, "%s",
					   site->plan->entries[i].target);
	if (site->plan->upper != NULL)
		return 0;
	return change_attr(site->root, MOUNT_ATTR_RDONLY, 0, err);
}

static int
attach_null(const struct site *site, struct err *err)
{
	const int flags = O_CREAT | O_EXCL | O_CLOEXEC;
	cleanup_fd int fd = openat(site->base, "null", flags, 0444);

	if (fd < 0)
		return err_errno(err, "make null");
	if (move_mount(site->trees->null, "", site->base, "null",
		       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, "mount null");
	return 0;
}

/* With both arguments "." the old root ends up on top of the new one, to be
 * detached from there: pivot_root(2), NOTES. */
static int
become_root(const struct site *site, struct stat *root, struct err *err)
{
	struct stat up, built;

	if (fchdir(site->root) < 0)
		return err_errno(err, "fchdir to the root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_errno(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_errno(err, "detach the host");
	if (chdir("/") < 0)
		return err_errno(err, "chdir /");
	if (fstat(site->root, &built) < 0 || stat("/", root) < 0 ||
	    stat("/..", &up) < 0)
		return err_errno(err, "look at the root");
	if (root->st_dev != built.st_dev || root->st_ino != built.st_ino ||
	    up.st_dev != built.st_dev || up.st_ino != built.st_ino)
		return err_set(err, ERR_UNSAFE, "/ is not the root we built");
	return 0;
}

int
root_build(const struct plan *plan, const struct root_trees *trees,
	   struct stat *root, struct err *err)
{
	struct mount_attr private = { .propagation = MS_PRIVATE };
	cleanup_site struct site site = {
		.plan = plan, .trees = trees, .base = -1, .root = -1
	};

	/* systemd(1) makes every mount shared, and a new namespace keeps
	 * that: ours would appear on the host. */
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private,
			  sizeof(private)) < 0)
		return err_errno(err, "make the mounts private");
	if (make_base(&site, err) < 0 || attach_null(&site, err) < 0 ||
	    make_root(&site, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_entries; i++)
		if (apply(&site, &plan->entries[i], err) < 0)
			return err_context(err, "%s", plan->entries[i].target);
	if (finish(&site, err) < 0)
		return -1;
	return become_root(&site, root, err);
}
