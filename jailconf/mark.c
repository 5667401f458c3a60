/* SPDX-License-Identifier: ISC */
#include "jailconf/mark.h"

#include "base/cleanup.h"
#include "jail/registry.h"
#include "jailconf/rehearse.h"
#include "jailconf/running.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

enum {
	/* Each level takes two descriptors, and 1024 are allowed. */
	DEPTH_MAX = 400,
	/* file_setattr(2), Linux 6.17: the same numbers everywhere but on
	 * alpha.  The C library does not name them yet. */
	SYS_FILE_GETATTR = 468,
	SYS_FILE_SETATTR = 469,
};

/* struct file_attr of that call. */
struct attributes {
	uint64_t xflags;
	uint32_t extsize, nextents, project, cowextsize;
};

/* A walk through a tree. */
struct walk {
	const struct plan *plan;
	struct mark_count *count;
	const char *path; /* of the tree; for messages */
};

/* What is looked at: NAME in the directory DIR, opened (O_PATH) as FD. */
struct found {
	int dir, fd;
	const char *name;
	struct stat st;
};

static int walk_directory(const struct walk *walk, int dir, unsigned int depth,
			  struct err *err);

static int
check_project(const struct walk *walk, const char *name, uint32_t project,
	      struct err *err)
{
	if (project == 0 || project == walk->plan->uid)
		return 0;
	return err_set(
		err, ERR_REFUSED,
		"%s: \"%s\" in it is of project %u already, which is not "
		"that of uid %u: take it out of that, with chattr -p 0",
		walk->path, name, project, walk->plan->uid);
}

/* FD is open for reading. */
static int
mark_open(const struct walk *walk, int fd, const char *name, struct err *err)
{
	struct fsxattr attr = { .fsx_xflags = 0 };
	struct stat st;
	uint32_t inherit;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s: look at \"%s\"", walk->path, name);
	if (check_project(walk, name, attr.fsx_projid, err) < 0)
		return -1;
	inherit = S_ISDIR(st.st_mode) ? FS_XFLAG_PROJINHERIT : 0;
	if (attr.fsx_projid == walk->plan->uid &&
	    (attr.fsx_xflags & inherit) == inherit) {
		walk->count->already++;
		return 0;
	}
	if ((attr.fsx_xflags & FS_XFLAG_IMMUTABLE) != 0)
		return err_set(err, ERR_REFUSED,
			       "%s: \"%s\" in it is immutable: take that away "
			       "for the time, with chattr -i",
			       walk->path, name);
	attr.fsx_projid = walk->plan->uid;
	attr.fsx_xflags |= inherit;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0)
		return err_errno(err, "%s: mark \"%s\"", walk->path, name);
	walk->count->marked++;
	return 0;
}

/*
 * An overlay's word that something is deleted (Documentation/filesystems/
 * overlayfs.rst, whiteouts) could not change places with a file that is marked.
 * One that is made anew is marked, and there is nothing to it but its name.
 */
static bool
remake_whiteout(const struct found *found)
{
	static const char name[] = ".jail-quota";

	if (!S_ISCHR(found->st.st_mode) || found->st.st_rdev != 0 ||
	    mknodat(found->dir, name, S_IFCHR, 0) < 0)
		return false;
	if (renameat(found->dir, name, found->dir, found->name) == 0)
		return true;
	(void)unlinkat(found->dir, name, 0);
	return false;
}

static void
count_special(const struct walk *walk, const struct found *found)
{
	if (remake_whiteout(found))
		walk->count->marked++;
	else
		walk->count->special++;
}

/* The way to what was found, and to nothing else. */
enum { WAY_MAX = 32 };

static void
tell_way(const struct found *found, char way[WAY_MAX])
{
	(void)snprintf(way, WAY_MAX, "/proc/self/fd/%d", found->fd);
}

/* What cannot be opened is marked from Linux 6.17 on.  Before, there is nobody
 * to say so to; it takes an inode and no more. */
static int
mark_special(const struct walk *walk, const struct found *found,
	     struct err *err)
{
	struct attributes attr = { .project = 0 };
	char way[WAY_MAX];

	tell_way(found, way);
	if (syscall(SYS_FILE_GETATTR, AT_FDCWD, way, &attr, sizeof(attr), 0) <
	    0) {
		count_special(walk, found);
		return 0;
	}
	if (check_project(walk, found->name, attr.project, err) < 0)
		return -1;
	if (attr.project == walk->plan->uid) {
		walk->count->already++;
		return 0;
	}
	attr.project = walk->plan->uid;
	if (syscall(SYS_FILE_SETATTR, AT_FDCWD, way, &attr, sizeof(attr), 0) <
	    0)
		count_special(walk, found);
	else
		walk->count->marked++;
	return 0;
}

/* Whether it is one whose owner is in the tree. */
static bool
is_own(const struct plan *plan, uid_t uid)
{
	return uid == plan->uid || (plan->root_inside && uid >= plan->sub_uid &&
				    uid - plan->sub_uid < PLAN_SUB_IDS);
}

/* A file of somebody else's with names elsewhere would be in a project there,
 * too, where he cannot rename it then. */
static int
mark_file(const struct walk *walk, const struct found *found, struct err *err)
{
	cleanup_fd int fd = -1;
	char way[WAY_MAX];

	if (found->st.st_nlink > 1 && !is_own(walk->plan, found->st.st_uid))
		return err_set(err, ERR_REFUSED,
			       "%s: \"%s\" in it belongs to uid %u and has "
			       "other names: remove it",
			       walk->path, found->name, found->st.st_uid);
	/* Not to wait for one who has a lease on it: fcntl(2). */
	tell_way(found, way);
	fd = open(way, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s: open \"%s\"", walk->path,
				 found->name);
	return mark_open(walk, fd, found->name, err);
}

static int
mark_directory(const struct walk *walk, const struct found *found,
	       unsigned int depth, struct err *err)
{
	cleanup_fd int fd =
		openat(found->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s: open \"%s\"", walk->path,
				 found->name);
	if (depth >= DEPTH_MAX)
		return err_set(err, ERR_REFUSED,
			       "%s: \"%s\" in it is more than %d directories "
			       "deep",
			       walk->path, found->name, (int)DEPTH_MAX);
	if (mark_open(walk, fd, found->name, err) < 0)
		return -1;
	return walk_directory(walk, fd_take(&fd), depth + 1, err);
}

static int
mark_name(const struct walk *walk, int dir, const char *name,
	  unsigned int depth, struct err *err)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV,
	};
	struct found found = { .dir = dir, .name = name };
	cleanup_fd int fd =
		(int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd < 0 && errno == ENOENT)
		return 0; /* it was removed meanwhile */
	/* What is below would be seen again, and counted by nobody. */
	if (fd < 0 && errno == EXDEV)
		return err_set(err, ERR_REFUSED,
			       "%s: something is mounted at \"%s\" in it: "
			       "unmount that for the time",
			       walk->path, name);
	found.fd = fd;
	if (fd < 0 || fstat(fd, &found.st) < 0)
		return err_errno(err, "%s: open \"%s\"", walk->path, name);
	if (S_ISDIR(found.st.st_mode))
		return mark_directory(walk, &found, depth, err);
	if (S_ISREG(found.st.st_mode))
		return mark_file(walk, &found, err);
	return mark_special(walk, &found, err);
}

/* Takes DIR over. */
static int
walk_directory(const struct walk *walk, int dir, unsigned int depth,
	       struct err *err)
{
	DIR *const stream = fdopendir(dir);
	const struct dirent *entry;
	int ret = 0;

	if (stream == NULL) {
		(void)close(dir);
		return err_errno(err, "%s: read a directory", walk->path);
	}
	for (;;) {
		errno = 0;
		entry = readdir(stream);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		ret = mark_name(walk, dirfd(stream), entry->d_name, depth, err);
		if (ret < 0)
			break;
	}
	if (ret == 0 && errno != 0)
		ret = err_errno(err, "%s: read a directory", walk->path);
	(void)closedir(stream);
	return ret;
}

static int
require_nobody(const struct plan *plan, const char *path, struct err *err)
{
	struct outsiders outsiders;

	if (running_any(plan->uid))
		return err_set(err, ERR_REFUSED,
			       "%s: what is in it is to be counted, and a jail "
			       "of %s runs: end it first, with jailconf stop "
			       "%s",
			       path, plan->account, plan->account);
	if (account_processes(plan->uid, &outsiders, err) < 0)
		return -1;
	if (outsiders.n > 0)
		return err_set(err, ERR_REFUSED,
			       "%s: what is in it is to be counted, and "
			       "processes of %s run: %zu (%s, pid %d); end "
			       "them first",
			       path, plan->account, outsiders.n, outsiders.name,
			       (int)outsiders.example);
	return 0;
}

int
mark_tree(const struct plan *plan, const struct quota_tree *tree,
	  struct mark_count *count, struct err *err)
{
	const struct walk walk = { plan, count, tree->path };
	cleanup_fd int lock = registry_lock(plan->uid, err);
	char value[QUOTA_VALUE_MAX];
	int dir;

	if (lock < 0 || require_nobody(plan, tree->path, err) < 0 ||
	    mark_open(&walk, tree->dir, ".", err) < 0)
		return -1;
	dir = openat(tree->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, "%s", tree->path);
	if (walk_directory(&walk, dir, 0, err) < 0 ||
	    require_nobody(plan, tree->path, err) < 0)
		return -1;
	/* Last: until here nobody gets in. */
	quota_value(plan, value);
	if (fsetxattr(tree->dir, QUOTA_ATTRIBUTE, value, strlen(value), 0) < 0)
		return err_errno(err, "%s: say that it is marked", tree->path);
	return 0;
}
