/* SPDX-License-Identifier: ISC */
#include "jail/quota.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

enum {
	/* A limit in bytes is kept in blocks of the file system, rounded up:
	 * xfs(5), mkfs.xfs(8), the largest there are. */
	BLOCK_MAX = 64 * 1024,
	/* Used up, if it is less than this or than a thousandth of the limit
	 * that is left: who gets no more often takes back what it had begun. */
	LEFT_BYTES = 64 * 1024,
	LEFT_SHIFT = 10,
};

/* quotactl_fd(2) has no wrapper in the C library; Linux 5.14. */
static int
quota_call(int fd, unsigned int command, uid_t project, void *addr)
{
	return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA),
			    project, addr);
}

void
quota_value(const struct plan *plan, char value[QUOTA_VALUE_MAX])
{
	(void)snprintf(value, QUOTA_VALUE_MAX, "%u", plan->uid);
}

/* --- the trees ------------------------------------------------------------ */

static bool
is_writable_bind(const struct entry *entry)
{
	return entry->kind == ENTRY_BIND &&
	       (entry->flags & ENTRY_READONLY) == 0;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool
quota_misses(const struct entry *entry)
{
	return is_writable_bind(entry) && ((entry->flags & ENTRY_OWNED) == 0 ||
					   !is_directory(entry->text));
}

/* DIR (O_PATH) is PATH; a file is none of the trees. */
static int
visit_tree(int dir, const char *path, const struct quota_visitor *visitor,
	   struct err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_errno(err, "%s", path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	return visitor->visit(visitor->arg, &(struct quota_tree){ fd, path },
			      err);
}

/* The directory of all the account's changes, to any root: root's, and made
 * with PLAN's own (jail/upper.h). */
static char *
path_of_changes(const struct plan *plan)
{
	char *const path = strdup(plan->upper);

	if (path != NULL)
		*strrchr(path, '/') = '\0';
	return path;
}

/* Without PLAN's own among the trees it need not be there yet; it will count as
 * what it is made in. */
static int
visit_changes(const struct plan *plan, const struct root_trees *trees,
	      const struct quota_visitor *visitor, struct err *err)
{
	cleanup_free char *path = path_of_changes(plan);
	cleanup_fd int dir = -1;

	if (path == NULL)
		return err_errno(err, "memory");
	dir = path_open_trusted(path, err);
	if (dir < 0 && trees->upper < 0 && err->errnum == ENOENT) {
		*strrchr(path, '/') = '\0';
		dir = path_open_trusted(path, err);
	}
	return dir < 0 ? -1 : visit_tree(dir, path, visitor, err);
}

int
quota_each(const struct plan *plan, const struct root_trees *trees,
	   const struct quota_visitor *visitor, struct err *err)
{
	for (size_t i = 0; i < plan->n_entries; i++) {
		const struct entry *const entry = &plan->entries[i];

		if (is_writable_bind(entry) &&
		    (entry->flags & ENTRY_OWNED) != 0 &&
		    trees->entries[i] >= 0 &&
		    visit_tree(trees->entries[i], entry->text, visitor, err) <
			    0)
			return -1;
	}
	return plan->upper != NULL ? visit_changes(plan, trees, visitor, err)
				   : 0;
}

/* --- limits --------------------------------------------------------------- */

int
quota_require_limits(const struct quota_tree *tree, struct err *err)
{
	struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };

	if (quota_call(tree->dir, Q_XGETQSTATV, 0, &state) < 0)
		return err_errno(err,
				 "%s: its file system has no quotas of "
				 "projects, as ext4 and xfs have",
				 tree->path);
	if ((state.qs_flags & FS_QUOTA_PDQ_ENFD) == 0)
		return err_set(err, ERR_REFUSED,
			       "%s: its file system does not hold quotas of "
			       "projects: mount it with prjquota, an ext4 "
			       "after tune2fs -O project,quota",
			       tree->path);
	return 0;
}

int
quota_read(const struct plan *plan, const struct quota_tree *tree,
	   struct quota_use *use, struct err *err)
{
	struct if_dqblk block = { .dqb_valid = 0 };

	*use = (struct quota_use){ .bytes = 0 };
	if (quota_call(tree->dir, Q_GETQUOTA, plan->uid, &block) < 0)
		return err_errno(err, "%s: quota of project %u", tree->path,
				 plan->uid);
	use->bytes = block.dqb_curspace;
	use->files = block.dqb_curinodes;
	use->max_bytes = block.dqb_bhardlimit * QIF_DQBLKSIZE;
	use->max_files = block.dqb_ihardlimit;
	return 0;
}

/* Whether WANTED bytes became MAX. */
static bool
is_held(uint64_t wanted, uint64_t max)
{
	return wanted == 0 ? max == 0 : max > 0 && max <= wanted + BLOCK_MAX;
}

int
quota_set(const struct plan *plan, const struct quota_tree *tree,
	  struct err *err)
{
	const struct plan_quota *const quota = &plan->quota;
	struct if_dqblk block = {
		.dqb_bhardlimit = quota->bytes / QIF_DQBLKSIZE,
		.dqb_ihardlimit = quota->files,
		.dqb_valid = QIF_LIMITS,
	};
	struct quota_use use;

	if (quota_call(tree->dir, Q_SETQUOTA, plan->uid, &block) < 0)
		return err_errno(err, "%s: set the quota of project %u",
				 tree->path, plan->uid);
	if (quota_read(plan, tree, &use, err) < 0)
		return -1;
	if (!is_held(quota->bytes, use.max_bytes) ||
	    use.max_files != quota->files)
		return err_set(err, ERR_REFUSED,
			       "%s: the quota of project %u is %" PRIu64
			       " bytes and %" PRIu64 " files, whatever is set",
			       tree->path, plan->uid, use.max_bytes,
			       use.max_files);
	return 0;
}

/* --- marks ---------------------------------------------------------------- */

static bool
has_attribute(const struct plan *plan, int dir)
{
	char wanted[QUOTA_VALUE_MAX], value[QUOTA_VALUE_MAX];
	const ssize_t n =
		fgetxattr(dir, QUOTA_ATTRIBUTE, value, sizeof(value) - 1);

	quota_value(plan, wanted);
	value[n > 0 ? n : 0] = '\0';
	return strcmp(value, wanted) == 0;
}

int
quota_require_marked(const struct plan *plan, const struct quota_tree *tree,
		     struct err *err)
{
	struct fsxattr attr = { .fsx_xflags = 0 };

	if (ioctl(tree->dir, FS_IOC_FSGETXATTR, &attr) < 0)
		return err_errno(err, "%s: its project", tree->path);
	if (attr.fsx_projid == plan->uid &&
	    (attr.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0 &&
	    has_attribute(plan, tree->dir))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "%s: what is in it is not counted yet: run jailconf "
		       "quota %s",
		       tree->path, plan->account);
}

static int
foresee_tree(void *arg, const struct quota_tree *tree, struct err *err)
{
	(void)arg;
	return quota_require_limits(tree, err);
}

static int
check_tree(void *arg, const struct quota_tree *tree, struct err *err)
{
	const struct plan *const plan = arg;

	if (quota_require_limits(tree, err) < 0)
		return -1;
	return quota_require_marked(plan, tree, err);
}

static int
hold_tree(void *arg, const struct quota_tree *tree, struct err *err)
{
	const struct plan *const plan = arg;

	if (check_tree(arg, tree, err) < 0)
		return -1;
	return quota_set(plan, tree, err);
}

static int
each_with(const struct plan *plan, const struct root_trees *trees,
	  int (*visit)(void *arg, const struct quota_tree *tree,
		       struct err *err),
	  struct err *err)
{
	/* Given back as it came. */
	const struct quota_visitor visitor = { visit, (void *)(uintptr_t)plan };

	if (!plan_has_quota(plan) ||
	    quota_each(plan, trees, &visitor, err) == 0)
		return 0;
	return err_context(err, "jail %s: disk is not limited", plan->jail);
}

int
quota_foresee(const struct plan *plan, const struct root_trees *trees,
	      struct err *err)
{
	return each_with(plan, trees, foresee_tree, err);
}

int
quota_check(const struct plan *plan, const struct root_trees *trees,
	    struct err *err)
{
	return each_with(plan, trees, check_tree, err);
}

int
quota_hold(const struct plan *plan, const struct root_trees *trees,
	   struct err *err)
{
	return each_with(plan, trees, hold_tree, err);
}

/* --- what is used up ------------------------------------------------------ */

/* Whether LEFT of TOTAL is next to nothing, TOTAL being that of the project
 * and not of the whole file system. */
static bool
is_used_up(uint64_t limit, uint64_t total, uint64_t left, uint64_t least)
{
	return limit != 0 && total <= limit + BLOCK_MAX &&
	       (left < least || left < limit >> LEFT_SHIFT);
}

void
quota_look(const struct plan *plan, const char *path, struct quota_full *full)
{
	const struct plan_quota *const quota = &plan->quota;
	struct statfs fs;
	uint64_t size;

	if (statfs(path, &fs) < 0)
		return;
	size = (uint64_t)fs.f_bsize;
	full->bytes |= is_used_up(quota->bytes, fs.f_blocks * size,
				  fs.f_bavail * size, LEFT_BYTES);
	full->files |= is_used_up(quota->files, fs.f_files, fs.f_ffree, 1);
}

void
quota_look_outside(const struct plan *plan, struct quota_full *full)
{
	*full = (struct quota_full){ .bytes = false };
	if (!plan_has_quota(plan))
		return;
	for (size_t i = 0; i < plan->n_entries; i++)
		if (is_writable_bind(&plan->entries[i]) &&
		    (plan->entries[i].flags & ENTRY_OWNED) != 0)
			quota_look(plan, plan->entries[i].text, full);
	if (plan->upper != NULL)
		quota_look(plan, plan->upper, full);
}

void
quota_look_inside(const struct plan *plan, struct quota_full *full)
{
	*full = (struct quota_full){ .bytes = false };
	if (!plan_has_quota(plan))
		return;
	for (size_t i = 0; i < plan->n_entries; i++)
		if (is_writable_bind(&plan->entries[i]) &&
		    (plan->entries[i].flags & ENTRY_OWNED) != 0)
			quota_look(plan, plan->entries[i].target, full);
	if (plan->upper != NULL)
		quota_look(plan, "/", full);
}
