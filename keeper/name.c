/* SPDX-License-Identifier: ISC */
/*
 * The name that a jail is found by: its socket in RUN_DIR.  It is ours until
 * somebody takes it over, and only under the account's lock may it be touched.
 */
#include "keeper/keeper.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "jail/registry.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum {
	NAME_PATH_MAX =
		sizeof(RUN_DIR) + sizeof("/4294967295/") + NAME_PLAIN_MAX,
};

static const char *
path_of(const struct plan *plan, char path[NAME_PATH_MAX])
{
	(void)snprintf(path, NAME_PATH_MAX, RUN_DIR "/%u/%s", plan->uid,
		       plan->jail);
	return path;
}

/* Who started us holds the lock, so the name is ours. */
int
name_open(struct keeper *keeper, struct err *err)
{
	char path[NAME_PATH_MAX];
	struct stat st;

	if (fcntl(keeper->listener, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, "listen");
	keeper->lock = registry_open_lock(keeper->jail.plan.uid, err);
	if (keeper->lock < 0)
		return -1;
	if (lstat(path_of(&keeper->jail.plan, path), &st) < 0)
		return err_errno(err, "%s", path);
	keeper->name_ino = st.st_ino;
	return 0;
}

/* Who started us waits for so long and no longer, and then takes the name
 * away: nobody would find this jail. */
int
name_require(const struct keeper *keeper, struct err *err)
{
	char path[NAME_PATH_MAX];
	struct stat st;

	if (keeper->listener < 0)
		return 0;
	if (lstat(path_of(&keeper->jail.plan, path), &st) < 0)
		return err_errno(err, "%s", path);
	if (st.st_ino != keeper->name_ino)
		return err_set(err, ERR_GONE, "%s is another jail's by now",
			       path);
	return 0;
}

/* Takes the name away, so that the next login builds anew.  Only under the
 * lock, and only if it is ours still: who starts a jail while we end takes
 * the name over. */
void
name_remove(struct keeper *keeper)
{
	const struct plan *const plan = &keeper->jail.plan;
	char path[NAME_PATH_MAX];
	struct stat st;

	if (keeper->lock < 0)
		return;
	if (lstat(path_of(plan, path), &st) == 0 &&
	    st.st_ino == keeper->name_ino)
		registry_remove(plan->uid, plan->jail);
	fd_close(&keeper->lock);
}
