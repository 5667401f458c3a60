/* SPDX-License-Identifier: ISC */
#include "jail/upper.h"

#include "base/cleanup.h"
#include "base/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int
open_directory(int dir, const char *name, struct stat *st, struct err *err)
{
	cleanup_fd int fd = openat(
		dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, st) < 0)
		return err_errno(err, "%s", name);
	return fd_take(&fd);
}

/* Whoever only looks makes nothing, and ends at what is not there yet: that is
 * an ERR_GONE. */
enum use { MAKE, LOOK };

static int
not_yet(const char *name, struct err *err)
{
	return err_set(err, ERR_GONE, "%s is not there yet", name);
}

/* Opens the directory NAME of root's in DIR, and makes it first if need be. */
static int
open_or_make(int dir, const char *name, mode_t mode, enum use use,
	     struct err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (use == MAKE && mkdirat(dir, name, mode) < 0 && errno != EEXIST)
		return err_errno(err, "make %s", name);
	fd = open_directory(dir, name, &st, err);
	if (fd < 0 && use == LOOK && err->errnum == ENOENT)
		return not_yet(name, err);
	if (fd < 0 || path_check_object(&st, name, 0, err) < 0)
		return -1;
	return fd_take(&fd);
}

/* The directory around both layers. */
static int
open_changes(const struct plan *plan, enum use use, struct err *err)
{
	const mode_t mode = plan->root_inside ? 0700 : 0755;
	cleanup_free char *path = strdup(plan->upper);
	cleanup_fd int state = -1, account = -1;
	const char *name, *above;
	char *slash;

	if (path == NULL)
		return err_errno(err, "memory");
	slash = strrchr(path, '/');
	*slash = '\0';
	name = slash + 1;
	slash = strrchr(path, '/');
	*slash = '\0';
	above = slash + 1;
	state = path_open_trusted(path[0] != '\0' ? path : "/", err);
	if (state < 0)
		return -1;
	account = open_or_make(state, above, 0755, use, err);
	return account < 0 ? -1 : open_or_make(account, name, mode, use, err);
}

enum { IDS_MAX = 256 };

/* Whose all of it is.  With the name: an account that is made later may get the
 * same numbers. */
static void
tell_ids(const struct plan *plan, char ids[IDS_MAX])
{
	if (!plan->root_inside)
		(void)snprintf(ids, IDS_MAX, "account %.128s uid %u\n",
			       plan->account, plan->uid);
	else
		(void)snprintf(ids, IDS_MAX,
			       "account %.128s uid %u %u gid %u %u count %d\n",
			       plan->account, plan->uid, plan->sub_uid,
			       plan->gid, plan->sub_gid, (int)PLAN_SUB_IDS);
}

/* Who could come to it would find set-uid programs of the account's there. */
static int
require_closed(int dir, struct err *err)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return err_errno(err, "look at it");
	if ((st.st_mode & 077) != 0)
		return err_set(err, ERR_UNSAFE,
			       "others may enter it (mode %04o): it was made "
			       "without root_inside; move it away",
			       st.st_mode & 07777);
	return 0;
}

static int
write_ids(int dir, const char *ids, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int fd = openat(dir, "ids.new", flags, 0600);
	const ssize_t len = (ssize_t)strlen(ids);

	if (fd < 0 || write(fd, ids, (size_t)len) != len)
		return err_errno(err, "write ids");
	if (renameat(dir, "ids.new", dir, "ids") < 0)
		return err_errno(err, "rename ids");
	return 0;
}

/* Complete or not there: a name is given when all is done. */
static int
make_layer(const struct plan *plan, int dir, const char *ids, struct err *err)
{
	if (write_ids(dir, ids, err) < 0)
		return -1;
	if (mkdirat(dir, "upper.new", 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make upper");
	if (plan->root_inside && fchownat(dir, "upper.new", plan->uid,
					  plan->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "chown upper");
	if (renameat(dir, "upper.new", dir, "upper") < 0)
		return err_errno(err, "rename upper");
	return 0;
}

static int
require_ids(int dir, const char *ids, struct err *err)
{
	cleanup_fd int fd =
		openat(dir, "ids", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char text[IDS_MAX] = "";

	if (fd < 0 && errno != ENOENT)
		return err_errno(err, "ids");
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		return err_errno(err, "read ids");
	if (strcmp(text, ids) == 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return err_set(err, ERR_UNSAFE,
		       "what is in it belongs to other ids (%s), not to %.*s: "
		       "give the account those again, or move it away",
		       text[0] != '\0' ? text : "not told",
		       (int)strcspn(ids, "\n"), ids);
}

/* The layer is root's, or where root inside is the account, the account's; what
 * it is worth without the word on its ids is not known. */
static int
open_layer(const struct plan *plan, int dir, enum use use, struct err *err)
{
	const uid_t uid = plan->root_inside ? plan->uid : 0;
	const gid_t gid = plan->root_inside ? plan->gid : 0;
	cleanup_fd int layer = -1;
	char ids[IDS_MAX];
	struct stat st;

	tell_ids(plan, ids);
	if (plan->root_inside && require_closed(dir, err) < 0)
		return -1;
	if (fstatat(dir, "upper", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return err_errno(err, "upper");
		if (use == LOOK)
			return not_yet("upper", err);
		if (make_layer(plan, dir, ids, err) < 0)
			return -1;
	}
	if (require_ids(dir, ids, err) < 0)
		return -1;
	layer = open_directory(dir, "upper", &st, err);
	if (layer < 0)
		return -1;
	if (!plan->root_inside && path_check_object(&st, "upper", 0, err) < 0)
		return -1;
	if (st.st_uid != uid || st.st_gid != gid)
		return err_set(err, ERR_UNSAFE,
			       "upper belongs to uid %u, gid %u: move it away",
			       st.st_uid, st.st_gid);
	return fd_take(&layer);
}

static int
open_all(const struct plan *plan, enum use use, struct err *err)
{
	cleanup_fd int dir = open_changes(plan, use, err);
	cleanup_fd int layer = dir < 0 ? -1 : open_layer(plan, dir, use, err);
	cleanup_fd int work = -1;

	if (layer < 0)
		return -1;
	work = open_or_make(dir, "work", 0755, use, err);
	return work < 0 ? -1 : fd_take(&dir);
}

int
upper_open(const struct plan *plan, struct err *err)
{
	return open_all(plan, MAKE, err);
}

int
upper_check(const struct plan *plan, struct err *err)
{
	cleanup_fd int dir = open_all(plan, LOOK, err);

	return dir >= 0 || err->kind == ERR_GONE ? 0 : -1;
}
