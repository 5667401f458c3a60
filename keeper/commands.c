/* SPDX-License-Identifier: ISC */
#include "keeper/commands.h"

#include "base/cleanup.h"
#include "jail/commands.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
	FD_PLAN = 3, /* in the broker */
	FD_LISTENER,
	FD_KEEPER,
	N_FDS = 3,
	BACKLOG = 16, /* who comes when all are busy; more must try again */
};

int
commands_open(const struct plan *plan, struct commands *commands,
	      struct err *err)
{
	int pair[2];

	if (plan->n_commands == 0)
		return 0;
	commands->listener = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (commands->listener < 0)
		return err_errno(err, "socket");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	commands->ours = pair[0];
	commands->theirs = pair[1];
	return 0;
}

void
commands_exec(const struct commands *commands, int plan)
{
	const int fds[N_FDS] = { plan, commands->listener, commands->theirs };
	char *const argv[] = { (char[]){ "jail-broker" }, NULL };
	char *const env[] = { NULL };
	int lifted[N_FDS];

	for (int i = 0; i < N_FDS; i++) {
		lifted[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
		if (lifted[i] < 0)
			_exit(1);
	}
	/* dup2(2), because these three are for the broker. */
	for (int i = 0; i < N_FDS; i++)
		if (dup2(lifted[i], FD_PLAN + i) < 0)
			_exit(1);
	if (close_range(FD_KEEPER + 1, ~0U, 0) < 0)
		_exit(1);
	(void)execve(BROKER, argv, env);
	_exit(1);
}

/* The directory is root's, and no process of the account's runs yet. */
int
commands_listen(int listener, const struct plan *plan, struct err *err)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX,
					  .sun_path = COMMANDS_SOCKET };

	if (listener < 0)
		return 0;
	if (bind(listener, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_errno(err, "bind %s", COMMANDS_SOCKET);
	if (fchmodat(AT_FDCWD, COMMANDS_SOCKET, 0600, 0) < 0 ||
	    fchownat(AT_FDCWD, COMMANDS_SOCKET, plan->uid, plan->gid,
		     AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "%s", COMMANDS_SOCKET);
	if (listen(listener, BACKLOG) < 0)
		return err_errno(err, "listen");
	return 0;
}

int
commands_start(struct commands *commands, pid_t init, struct err *err)
{
	if (commands->listener < 0)
		return 0;
	fd_close(&commands->theirs);
	fd_close(&commands->listener);
	if (send(commands->ours, &init, sizeof(init), MSG_NOSIGNAL) < 0)
		return err_errno(err, "tell the broker");
	return 0;
}

void
commands_close(struct commands *commands)
{
	fd_close(&commands->listener);
	fd_close(&commands->theirs);
	fd_close(&commands->ours);
}
