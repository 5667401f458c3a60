/* SPDX-License-Identifier: ISC */
#include "jail/userns.h"

#include "base/cleanup.h"
#include "jail/jail.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What the process says that the namespace is born with. */
struct report {
	bool made;
	struct err err;
};

/* Whether the administrator lets processes of the jail make namespaces. */
static bool
makes_namespaces(const struct plan *plan)
{
	return strcmp(plan->seccomp, "ide") == 0 || plan->n_filter == 0 ||
	       plan->n_seccomp_allow > 0;
}

/*
 * Not only by the filter: a host that lets nobody make namespaces is not to be
 * opened by this one.  A process of the account outside, which has no filter,
 * may come in as the owner, though, and write other numbers.  Each file is that
 * of the namespace of who opens it.
 */
static int
forbid_namespaces(struct err *err)
{
	static const char *const kinds[] = { "user", "mnt",    "net", "pid",
					     "ipc",  "cgroup", "uts", "time" };
	char path[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		cleanup_fd int fd = -1;

		(void)snprintf(path, sizeof(path),
			       "/proc/sys/user/max_%s_namespaces", kinds[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			return err_errno(err, "%s", path);
	}
	return 0;
}

/*
 * A namespace belongs to whoever makes it, and so does what all of its ids
 * together may take: RLIMIT_NPROC and the like of this process hold for them
 * as well, user_namespaces(7).  The capabilities stay until then, because a
 * host may have taken new namespaces from accounts.
 */
static int
be_maker(const struct plan *plan, struct err *err)
{
	if (jail_set_limits(plan, err) < 0)
		return -1;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_SECUREBITS");
	if (setresgid(plan->gid, plan->gid, plan->gid) < 0)
		return err_errno(err, "setresgid %u", plan->gid);
	if (setresuid(plan->uid, plan->uid, plan->uid) < 0)
		return err_errno(err, "setresuid %u", plan->uid);
	/* After the change of uid, which sets it: processes of the account
	 * outside must not take us over. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	if (unshare(CLONE_NEWUSER) < 0)
		return err_errno(err, "make the jail's user namespace");
	return makes_namespaces(plan) ? 0 : forbid_namespaces(err);
}

/* Its namespace is looked at until it is killed, or nobody is there to do it.
 */
static _Noreturn void
maker_main(const struct plan *plan, int sock)
{
	struct report said = { .made = false };

	said.made = be_maker(plan, &said.err) == 0;
	if (send(sock, &said, sizeof(said), MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(said))
		(void)!recv(sock, &said, sizeof(said), 0);
	_exit(0);
}

static int
hear_maker(int sock, struct err *err)
{
	struct report said = { .made = false };
	const ssize_t n = recv(sock, &said, sizeof(said), 0);

	if (n < 0)
		return err_errno(err, "hear of the user namespace");
	if (n != (ssize_t)sizeof(said))
		return err_set(err, ERR_SYSTEM, "who made it died");
	if (said.made)
		return 0;
	said.err.text[sizeof(said.err.text) - 1] = '\0';
	*err = said.err;
	return -1;
}

static int
open_of(pid_t pid, const char *name, int flags, struct err *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "%s", path) : fd;
}

/* 0 is ID, and what follows are those from FIRST on. */
static int
write_map(pid_t pid, const char *name, uint32_t id, uint32_t first,
	  struct err *err)
{
	cleanup_fd int fd = open_of(pid, name, O_WRONLY, err);
	char map[64];
	int len;

	if (fd < 0)
		return -1;
	len = snprintf(map, sizeof(map), "0 %u 1\n1 %u %d\n", id, first,
		       (int)PLAN_SUB_IDS);
	/* At once: user_namespaces(7). */
	if (write(fd, map, (size_t)len) != len)
		return err_errno(err, "write %s", name);
	return 0;
}

static int
require_owner(int fd, uid_t uid, struct err *err)
{
	uid_t owner = (uid_t)-1;

	if (ioctl(fd, NS_GET_OWNER_UID, &owner) < 0)
		return err_errno(err, "look whose the user namespace is");
	if (owner != uid)
		return err_set(err, ERR_UNSAFE,
			       "the user namespace is uid %u's", owner);
	return 0;
}

static int
take_namespace(const struct plan *plan, pid_t maker, int sock, struct err *err)
{
	cleanup_fd int fd = -1;

	if (hear_maker(sock, err) < 0 ||
	    write_map(maker, "gid_map", plan->gid, plan->sub_gid, err) < 0 ||
	    write_map(maker, "uid_map", plan->uid, plan->sub_uid, err) < 0)
		return -1;
	fd = open_of(maker, "ns/user", O_RDONLY, err);
	if (fd < 0 || require_owner(fd, plan->uid, err) < 0)
		return -1;
	return fd_take(&fd);
}

int
userns_make(const struct plan *plan, struct err *err)
{
	cleanup_fd int ours = -1, theirs = -1, fd = -1;
	int pair[2];
	pid_t maker;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	/* Who is the account's may be stopped by it. */
	if (wire_set_patience(ours, err) < 0)
		return -1;
	maker = fork();
	if (maker < 0)
		return err_errno(err, "fork");
	if (maker == 0) {
		fd_close(&ours);
		maker_main(plan, theirs);
	}
	fd_close(&theirs);
	fd = take_namespace(plan, maker, ours, err);
	fd_close(&ours);
	(void)kill(maker, SIGKILL);
	while (waitpid(maker, NULL, 0) < 0 && errno == EINTR)
		continue;
	return fd_take(&fd);
}
