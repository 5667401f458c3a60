/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/path.h"
#include "jail/root.h"
#include "jail/site.h"
#include "jail/upper.h"
#include "jail/userns.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

enum { TREE_FLAGS = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH };

/* A detached copy of the mount at FD and of all below it, with ATTR. */
static int
copy_tree(int fd, uint64_t attr, struct err *err)
{
	struct mount_attr set = { .attr_set = attr, .propagation = MS_PRIVATE };
	cleanup_fd int tree = open_tree(fd, "", TREE_FLAGS | AT_RECURSIVE);

	if (tree < 0)
		return err_errno(err, "copy the mount");
	if (fs_set_attr(tree, AT_RECURSIVE, &set, err) < 0)
		return -1;
	return fd_take(&tree);
}

bool
root_entry_is_open(const struct entry *entry)
{
	return entry->kind == ENTRY_BIND &&
	       ((entry->flags & (ENTRY_OWNED | ENTRY_SERVICE)) != 0 ||
		(entry->flags & ENTRY_READONLY) == 0);
}

static uint64_t
bind_attr(const struct entry *entry)
{
	uint64_t attr = MOUNT_ATTR_NOSUID;

	if ((entry->flags & ENTRY_DEVICES) == 0)
		attr |= MOUNT_ATTR_NODEV;
	if ((entry->flags & ENTRY_READONLY) != 0)
		attr |= MOUNT_ATTR_RDONLY;
	if ((entry->flags & ENTRY_NOEXEC) != 0)
		attr |= MOUNT_ATTR_NOEXEC;
	if (root_entry_is_open(entry))
		attr |= MOUNT_ATTR_NOSYMFOLLOW;
	return attr;
}

/*
 * The directory that the entry before came from: most are in /etc, and the
 * way there is checked once.
 */
struct parent {
	char *path;
	int fd;
};

static int
open_parent(struct parent *parent, const char *path, struct err *err)
{
	const size_t len = (size_t)(strrchr(path, '/') - path);
	cleanup_free char *wanted = strndup(path, len > 0 ? len : 1);

	if (wanted == NULL)
		return err_errno(err, "%s", path);
	if (parent->path != NULL && strcmp(parent->path, wanted) == 0)
		return 0;
	fd_close(&parent->fd);
	parent->fd = path_open_trusted(wanted, err);
	if (parent->fd < 0)
		return -1;
	free(parent->path);
	parent->path = wanted;
	wanted = NULL;
	return 0;
}

/* Opens the source of a bind: as path_open_owned(), a step at a time. */
static int
open_source(struct parent *parent, const struct plan *plan,
	    const struct entry *entry, struct err *err)
{
	const bool owned = (entry->flags & ENTRY_OWNED) != 0;
	const char *const path = entry->text;
	cleanup_fd int fd = -1;
	struct stat st;

	if (open_parent(parent, path, err) < 0)
		return -1;
	fd = openat(parent->fd, strrchr(path, '/') + 1,
		    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if ((entry->flags & ENTRY_SERVICE) != 0
		    ? path_check_service(&st, path, err) < 0
		    : path_check_object(&st, path, owned ? plan->uid : 0, err) <
			      0)
		return -1;
	return fd_take(&fd);
}

/* To be mounted, the only way for what is inside to come to it. */
static int
copy_userns(const struct root_trees *trees, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY |
					       MOUNT_ATTR_NOSUID |
					       MOUNT_ATTR_NOEXEC };
	cleanup_fd int tree = open_tree(trees->userns, "", TREE_FLAGS);

	if (tree < 0)
		return err_errno(err, "copy the user namespace's file");
	if (fs_set_attr(tree, 0, &attr, err) < 0)
		return -1;
	return fd_take(&tree);
}

static int
open_entry(struct parent *parent, const struct plan *plan,
	   const struct entry *entry, int *tree, struct err *err)
{
	cleanup_fd int fd = open_source(parent, plan, entry, err);

	if (fd < 0 && err->kind == ERR_SYSTEM && err->errnum == ENOENT &&
	    (entry->flags & ENTRY_OPTIONAL) != 0)
		return 0;
	if (fd < 0)
		return -1;
	*tree = copy_tree(fd, bind_attr(entry), err);
	if (*tree < 0)
		return err_context(err, "%s", entry->text);
	return 0;
}

static int
open_entries(const struct plan *plan, struct root_trees *trees, struct err *err)
{
	struct parent parent = { .fd = -1 };
	int ret = 0;

	for (size_t i = 0; i < plan->n_entries && ret == 0; i++) {
		int *const tree = &trees->entries[i];

		if (plan->entries[i].kind == ENTRY_BIND)
			ret = open_entry(&parent, plan, &plan->entries[i], tree,
					 err);
		else if (plan->entries[i].kind == ENTRY_USERNS &&
			 (*tree = copy_userns(trees, err)) < 0)
			ret = -1;
	}
	fd_close(&parent.fd);
	free(parent.path);
	return ret;
}

/* What hides a file is the host's null device, and nothing that
 * somebody has put in its place. */
static int
open_null(struct root_trees *trees, struct err *err)
{
	cleanup_fd int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "/dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return err_set(err, ERR_UNSAFE,
			       "/dev/null is not the null device");
	trees->null = copy_tree(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY, err);
	return trees->null < 0 ? -1 : 0;
}

/* What is root's on disk is the account's here, and so root's inside. */
static int
map_ids(int tree, int userns, struct err *err)
{
	struct mount_attr map = { .attr_set = MOUNT_ATTR_IDMAP,
				  .userns_fd = (unsigned int)userns };

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &map, sizeof(map)) < 0)
		return err_errno(err, "map the owners of files "
				      "(mount_setattr(2), MOUNT_ATTR_IDMAP)");
	return 0;
}

static int
open_upper(const struct plan *plan, struct root_trees *trees, struct err *err)
{
	cleanup_fd int fd = upper_open(plan, err);

	if (fd < 0)
		return -1;
	trees->upper = copy_tree(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	return trees->upper < 0 ? -1 : 0;
}

static int
open_layers(const struct plan *plan, struct root_trees *trees, struct err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (plan->tree == NULL)
		return 0;
	fd = path_open_trusted(plan->tree, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? -1 : err_errno(err, "%s", plan->tree);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_UNSAFE, "%s: not a directory",
			       plan->tree);
	trees->tree = copy_tree(fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	if (trees->tree < 0 || (trees->userns >= 0 &&
				map_ids(trees->tree, trees->userns, err) < 0))
		return err_context(err, "%s", plan->tree);
	if (plan->upper == NULL)
		return 0;
	if (open_upper(plan, trees, err) < 0)
		return err_context(err, "%s", plan->upper);
	return 0;
}

int
root_trees_open(const struct plan *plan, struct root_trees *trees,
		struct err *err)
{
	const size_t n = plan->n_entries;

	*trees = ROOT_TREES_NONE;
	trees->entries = arena_alloc(&trees->arena,
				     (n + 1) * sizeof(*trees->entries), err);
	if (trees->entries == NULL)
		return -1;
	trees->n_entries = n;
	for (size_t i = 0; i < n; i++)
		trees->entries[i] = -1;
	if ((plan->root_inside &&
	     (trees->userns = userns_make(plan, err)) < 0) ||
	    open_entries(plan, trees, err) < 0 || open_null(trees, err) < 0 ||
	    open_layers(plan, trees, err) < 0) {
		root_trees_close(trees);
		return -1;
	}
	return 0;
}

void
root_trees_close(struct root_trees *trees)
{
	for (size_t i = 0; i < trees->n_entries; i++)
		fd_close(&trees->entries[i]);
	fd_close(&trees->tree);
	fd_close(&trees->upper);
	fd_close(&trees->null);
	fd_close(&trees->userns);
	arena_free(&trees->arena);
	*trees = ROOT_TREES_NONE;
}
