/* SPDX-License-Identifier: ISC */
#include "jailconf/running.h"

#include "base/cleanup.h"
#include "base/seal.h"
#include "jail/cgroup.h"
#include "jail/lease.h"
#include "jail/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int
ask(int sock, struct wire_msg *answer, struct wire_fds *fds, struct err *err)
{
	struct wire_msg question = { .kind = WIRE_STATUS };

	if (wire_send(sock, &question, NULL, 0, err) < 0 ||
	    wire_recv(sock, answer, fds, err) < 0)
		return -1;
	if (answer->kind == WIRE_REFUSE)
		return err_set(err, ERR_REFUSED, "%s", answer->text);
	if (answer->kind != WIRE_STATUS || fds->n < 1)
		return err_set(err, ERR_UNSAFE, "not an answer to STATUS");
	return 0;
}

int
running_ask(uid_t uid, struct running_jail *jail, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	cleanup_fd int sock = keeper_connect(uid, err);
	struct wire_msg answer;

	if (sock < 0 || ask(sock, &answer, &fds, err) < 0 ||
	    plan_open(fds.fd[0], &jail->plan, err) < 0)
		return -1;
	jail->uid = uid;
	jail->sessions = answer.sessions;
	jail->init = answer.init_pid;
	jail->since = answer.started;
	jail->bytes =
		seal_read(fds.fd[0], &jail->plan.arena, &jail->n_bytes, err);
	if (jail->bytes == NULL) {
		plan_free(&jail->plan);
		return -1;
	}
	return 0;
}

static int
is_uid(const struct dirent *entry)
{
	const size_t len = strlen(entry->d_name);

	return len > 0 && strspn(entry->d_name, "0123456789") == len;
}

/* scandir(3) sorts names; numbers of more digits are larger. */
static int
compare_uids(const struct dirent **a, const struct dirent **b)
{
	const size_t la = strlen((*a)->d_name), lb = strlen((*b)->d_name);

	return la != lb ? (la < lb ? -1 : 1)
			: strcmp((*a)->d_name, (*b)->d_name);
}

ssize_t
running_list(uid_t **uids, struct err *err)
{
	struct dirent **entries = NULL;
	const int n = scandir(RUN_DIR, &entries, is_uid, compare_uids);

	*uids = NULL;
	if (n < 0 && errno == ENOENT)
		return 0; /* no jail was ever started since the boot */
	if (n < 0)
		return err_errno(err, RUN_DIR);
	*uids = calloc((size_t)n + 1, sizeof(**uids));
	for (int i = 0; i < n; i++) {
		if (*uids != NULL)
			(*uids)[i] =
				(uid_t)strtoul(entries[i]->d_name, NULL, 10);
		free(entries[i]);
	}
	free(entries);
	return *uids != NULL ? n : err_errno(err, "memory");
}

bool
running_sweep(uid_t uid)
{
	cleanup_fd int run =
		open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int dir = -1, sock = -1;
	struct stat locked, named;
	struct err err = { 0 };
	char name[16];

	(void)snprintf(name, sizeof(name), "%u", uid);
	dir = run < 0 ? -1
		      : openat(run, name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* The lock of whoever starts a jail; and it may have gone, and come
	 * again, before we had it. */
	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0 ||
	    fstat(dir, &locked) < 0 ||
	    fstatat(run, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    locked.st_ino != named.st_ino)
		return false;
	sock = keeper_connect(uid, &err);
	if (sock >= 0 || err.kind != ERR_GONE)
		return false;
	cgroup_sweep(uid);
	(void)unlinkat(dir, "ctl", 0);
	return unlinkat(run, name, AT_REMOVEDIR) == 0;
}

/* Waits until the keeper has hung up. */
static int
wait_for_end(int sock, struct err *err)
{
	for (;;) {
		cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
		struct wire_msg msg;

		if (wire_recv(sock, &msg, &fds, err) == 0) {
			if (msg.kind == WIRE_REFUSE)
				return err_set(err, ERR_REFUSED, "%s",
					       msg.text);
			continue;
		}
		if (err->kind == ERR_SYSTEM && err->errnum == EAGAIN)
			return err_set(err, ERR_SYSTEM, "it does not end");
		return err->kind == ERR_GONE ? 0 : -1;
	}
}

int
running_stop(uid_t uid, struct err *err)
{
	cleanup_fd int sock = keeper_connect(uid, err);
	struct wire_msg stop = { .kind = WIRE_STOP };

	/* The keeper hangs up when all of the jail is gone. */
	if (sock < 0 || wire_send(sock, &stop, NULL, 0, err) < 0)
		return -1;
	return wait_for_end(sock, err);
}
