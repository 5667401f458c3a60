/* SPDX-License-Identifier: ISC */
#include "jail/lease.h"

#include "base/cleanup.h"
#include "jail/cgroup.h"
#include "jail/registry.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What jail-keeper(8) finds its descriptors at. */
enum {
	KEEPER_PLAN = 3,
	KEEPER_FIRST = 4,
	KEEPER_LISTENER = 5,
};

static int
take_grant(const struct wire_msg *msg, struct wire_fds *fds,
	   struct lease *lease, struct err *err)
{
	if (msg->kind == WIRE_REFUSE)
		return err_set(err, ERR_REFUSED, "%s", msg->text);
	if (msg->kind != WIRE_GRANT || fds->n < 2)
		return err_set(err, ERR_UNSAFE, "not an answer to JOIN");
	if (plan_open(fds->fd[1], &lease->jail.plan, err) < 0)
		return -1;
	lease->jail.init = fd_take(&fds->fd[0]);
	lease->jail.procs = fd_take(&fds->fd[2]);
	(void)snprintf(lease->note, sizeof(lease->note), "%.255s", msg->text);
	lease->jail.root_dev = (dev_t)msg->root_dev;
	lease->jail.root_ino = (ino_t)msg->root_ino;
	return 0;
}

static int
wait_for_grant(int *sock, struct lease *lease, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;

	if (wire_recv(*sock, &msg, &fds, err) < 0) {
		if (err->kind == ERR_SYSTEM && err->errnum == EAGAIN)
			return err_set(err, ERR_SYSTEM,
				       "the jail's keeper does not answer");
		return -1;
	}
	if (take_grant(&msg, &fds, lease, err) < 0)
		return -1;
	lease->sock = fd_take(sock);
	return 0;
}

static int
ask_to_join(int sock, struct err *err)
{
	struct wire_msg msg = { .kind = WIRE_JOIN };

	return wire_send(sock, &msg, NULL, 0, err);
}

int
lease_join(uid_t uid, const char *jail, struct lease *lease, struct err *err)
{
	cleanup_fd int sock = registry_connect(uid, jail, err);

	if (sock < 0 || ask_to_join(sock, err) < 0)
		return -1;
	return wait_for_grant(&sock, lease, err);
}

/* Away from the numbers that posix_spawn(3) is to move it to. */
static int
lift(int fd, struct err *err)
{
	const int lifted = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	return lifted < 0 ? err_errno(err, "dup") : lifted;
}

struct spawn {
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
};

/* A keeper has nothing of the host process that started it: a session of
 * its own, no signal blocked or ignored, three descriptors. */
static int
prepare_spawn(struct spawn *spawn, int plan, int first, int listener)
{
	const short flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
			    POSIX_SPAWN_SETSIGMASK;
	posix_spawn_file_actions_t *const files = &spawn->files;
	sigset_t all, none;
	int bad = 0;

	/* Not sigfillset(3): it leaves out two signals that the C library has
	 * for itself, and those posix_spawn(3) would make ignored. */
	memset(&all, 0xff, sizeof(all));
	(void)sigemptyset(&none);
	bad |= posix_spawnattr_setflags(&spawn->attr, flags);
	bad |= posix_spawnattr_setsigdefault(&spawn->attr, &all);
	bad |= posix_spawnattr_setsigmask(&spawn->attr, &none);
	for (int fd = 0; fd < KEEPER_PLAN; fd++)
		bad |= posix_spawn_file_actions_addopen(files, fd, "/dev/null",
							O_RDWR, 0);
	bad |= posix_spawn_file_actions_adddup2(files, plan, KEEPER_PLAN);
	bad |= posix_spawn_file_actions_adddup2(files, first, KEEPER_FIRST);
	if (listener >= 0)
		bad |= posix_spawn_file_actions_adddup2(files, listener,
							KEEPER_LISTENER);
	bad |= posix_spawn_file_actions_addclosefrom_np(
		files, listener >= 0 ? KEEPER_LISTENER + 1 : KEEPER_LISTENER);
	return bad != 0 ? -1 : 0;
}

/* Runs the keeper, which goes to the background by itself. */
static int
spawn_keeper(const struct plan *plan, int fds[3], struct err *err)
{
	char name[] = "jail-keeper";
	char *const account = strdup(plan->account);
	char *const argv[] = { name, account, NULL };
	char *const envp[] = { NULL };
	struct spawn spawn;
	int errnum = ENOMEM, status = 0;
	pid_t pid = -1;

	(void)posix_spawn_file_actions_init(&spawn.files);
	(void)posix_spawnattr_init(&spawn.attr);
	if (account != NULL &&
	    prepare_spawn(&spawn, fds[0], fds[1], fds[2]) == 0)
		errnum = posix_spawn(&pid, KEEPER, &spawn.files, &spawn.attr,
				     argv, envp);
	(void)posix_spawn_file_actions_destroy(&spawn.files);
	(void)posix_spawnattr_destroy(&spawn.attr);
	free(account);
	if (errnum != 0) {
		errno = errnum;
		return err_errno(err, "run " KEEPER);
	}
	/* A host that reaps all its children may have been faster. */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

/* Starts a keeper and waits for its word.  LISTENER is -1 for a jail that
 * nobody else is to find. */
static int
start(const struct plan *plan, int listener, struct lease *lease,
      struct err *err)
{
	cleanup_fd int ours = -1, theirs = -1, plan_fd = plan_seal(plan, err);
	cleanup_fd int plan_up = -1, theirs_up = -1, listener_up = -1;
	int pair[2];

	if (plan_fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	plan_up = lift(plan_fd, err);
	theirs_up = plan_up < 0 ? -1 : lift(theirs, err);
	if (theirs_up < 0)
		return -1;
	if (listener >= 0 && (listener_up = lift(listener, err)) < 0)
		return -1;
	if (wire_set_patience(ours, err) < 0 || ask_to_join(ours, err) < 0)
		return -1;
	if (spawn_keeper(plan, (int[3]){ plan_up, theirs_up, listener_up },
			 err) < 0)
		return -1;
	fd_close(&theirs);
	fd_close(&theirs_up);
	if (wait_for_grant(&ours, lease, err) < 0) {
		if (err->kind == ERR_GONE)
			return err_set(err, ERR_SYSTEM,
				       "the jail's keeper died at once");
		return -1;
	}
	return 0;
}

static int
start_locked(const struct plan *plan, struct lease *lease, struct err *err)
{
	cleanup_fd int listener = registry_listen(plan->uid, plan->jail, err);

	cgroup_sweep(plan);
	if (listener >= 0 && start(plan, listener, lease, err) == 0)
		return 0;
	registry_remove(plan->uid, plan->jail);
	return -1;
}

int
lease_take(const struct plan *plan, struct lease *lease, struct err *err)
{
	cleanup_fd int lock = -1;

	if (lease_join(plan->uid, plan->jail, lease, err) == 0)
		return 0;
	if (err->kind != ERR_GONE)
		return -1;
	lock = registry_lock(plan->uid, err);
	if (lock < 0)
		return -1;
	/* Who had the lock before us may have started it. */
	if (lease_join(plan->uid, plan->jail, lease, err) == 0)
		return 0;
	if (err->kind != ERR_GONE ||
	    registry_require_none(plan->uid, plan->jail, err) < 0)
		return -1;
	return start_locked(plan, lease, err);
}

int
lease_private(const struct plan *plan, struct lease *lease, struct err *err)
{
	return start(plan, -1, lease, err);
}

void
lease_close(struct lease *lease)
{
	fd_close(&lease->sock);
	jail_close(&lease->jail);
}
