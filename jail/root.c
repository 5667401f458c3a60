/* SPDX-License-Identifier: ISC */
#include "jail/root.h"

#include "base/cleanup.h"
#include "jail/populate.h"
#include "jail/site.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* They are the jail's own, and go with it. */
static int
make_layers(const struct site *site, struct err *err)
{
	if (mkdirat(site->base, "changes", 0755) < 0 ||
	    mkdirat(site->base, "changes/upper", 0755) < 0 ||
	    mkdirat(site->base, "changes/work", 0755) < 0)
		return err_errno(err, "make the overlay's layers");
	return site->plan->root_inside
		       ? site_give_away(site, site->base, "changes/upper", err)
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
	if (site_attach(site, site->trees->tree, "lower", err) < 0)
		return -1;
	if (site->trees->upper >= 0) {
		if (site_attach(site, site->trees->upper, "changes", err) < 0)
			return -1;
	} else if (make_layers(site, err) < 0) {
		return -1;
	}
	/* The layers are told by path: relative ones need no lookup. */
	if (fchdir(site->base) < 0)
		return err_errno(err, "fchdir");
	if (fs_option(fs, "lowerdir", "lower", err) < 0 ||
	    fs_option(fs, "upperdir", "changes/upper", err) < 0 ||
	    fs_option(fs, "workdir", "changes/work", err) < 0)
		return -1;
	return fs_mount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
}

static int
make_root(struct site *site, struct err *err)
{
	struct stat st;

	site->root = site->plan->tree != NULL ? make_overlay(site, err)
					      : site_copy(site, "root", err);
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

static int
finish(const struct site *site, struct err *err)
{
	for (size_t i = 0; i < site->plan->n_entries; i++)
		if (site_finish(site, &site->plan->entries[i], err) < 0)
			return err_context(err, "%s",
					   site->plan->entries[i].target);
	if (site->plan->upper != NULL)
		return 0;
	return fs_change(site->root, MOUNT_ATTR_RDONLY, 0, err);
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
	if (site_open(&site, err) < 0 || attach_null(&site, err) < 0 ||
	    make_root(&site, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_entries; i++)
		if (site_place(&site, &plan->entries[i], err) < 0)
			return err_context(err, "%s", plan->entries[i].target);
	if (finish(&site, err) < 0 || site_limit(&site, err) < 0)
		return -1;
	return become_root(&site, root, err);
}
