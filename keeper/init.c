/* SPDX-License-Identifier: ISC */
#include "keeper/init.h"

#include "base/cleanup.h"
#include "jail/jail.h"
#include "keeper/commands.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A network namespace is born with a loopback that is down. */
static int
start_loopback(struct err *err)
{
	cleanup_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &lo) < 0)
		return err_errno(err, "start the loopback interface");
	return 0;
}

static int
build(const struct plan *plan, struct root_trees *trees, int commands,
      struct init_report *report, struct err *err)
{
	struct stat root;

	/* The keeper has put us into the jail's cgroup: that is its root. */
	if (unshare(CLONE_NEWCGROUP) < 0)
		return err_errno(err, "unshare the cgroup namespace");
	if (plan->network == PLAN_NETWORK_NONE && start_loopback(err) < 0)
		return -1;
	if (sethostname(plan->hostname, strlen(plan->hostname)) < 0)
		return err_errno(err, "set the host name");
	if (root_build(plan, trees, &root, err) < 0)
		return -1;
	if (commands_listen(commands, plan, err) < 0)
		return -1;
	report->root_dev = root.st_dev;
	report->root_ino = root.st_ino;
	return 0;
}

/* What the jail's processes use up is not to be its PID 1's end, and with it
 * the end of them all.  In a container root may not say so: then it is as it
 * was. */
static int
be_spared(struct err *err)
{
	static const char path[] = "/proc/self/oom_score_adj";
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 ||
	    (write(fd, "-1000", strlen("-1000")) < 0 && errno != EACCES))
		return err_errno(err, "%s", path);
	return 0;
}

static int
be_alone(struct err *err)
{
	sigset_t all;

	/* Blocked, not handled: what the jail sends to its PID 1 is lost. */
	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return err_errno(err, "block signals");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	return 0;
}

/* Nothing is left to be taken over: no id, no capability, no descriptor but
 * the one that says so. */
static int
give_up(const struct plan *plan, int report, struct err *err)
{
	if ((report > 0 && close_range(0, (unsigned int)report - 1, 0) < 0) ||
	    close_range((unsigned int)report + 1, ~0U, 0) < 0)
		return err_errno(err, "close_range");
	if (jail_become_nobody(plan, err) < 0)
		return -1;
	/* After the change of uid, which clears it: prctl(2). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_PDEATHSIG");
	return 0;
}

static _Noreturn void
reap_for_ever(void)
{
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	for (;;) {
		if (sigwaitinfo(&child, NULL) < 0 && errno != EINTR)
			_exit(1); /* the filter may be the administrator's */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}

void
init_main(const struct plan *plan, struct root_trees *trees, int commands,
	  int report)
{
	struct init_report said = { .ready = false };

	(void)prctl(PR_SET_NAME, "jail-init", 0, 0, 0);
	said.ready = be_alone(&said.err) == 0 && be_spared(&said.err) == 0 &&
		     build(plan, trees, commands, &said, &said.err) == 0 &&
		     give_up(plan, report, &said.err) == 0;
	/* A keeper that died before we asked for the signal cannot be told,
	 * and then we must go, too. */
	if (send(report, &said, sizeof(said), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(said) ||
	    !said.ready)
		_exit(1);
	(void)close(report);
	reap_for_ever();
}
