/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "jail/jail.h"
#include "jail/ports.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

enum {
	JAIL_NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
			  CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET,
};

/* setns(2) with several flags is accepted in a process with threads, and
 * then moves the others' root and working directory as well. */
static int
require_one_thread(struct err *err)
{
	struct stat st;

	if (stat("/proc/self/task", &st) < 0)
		return err_errno(err, "/proc/self/task");
	if (st.st_nlink != 3) /* ".", ".." and the one thread */
		return err_set(err, ERR_UNSAFE,
			       "the process has more than one thread");
	return 0;
}

static int
require_alive(const struct jail *jail, struct err *err)
{
	struct pollfd ended = { .fd = jail->init, .events = POLLIN };
	const int n = poll(&ended, 1, 0);

	if (n < 0)
		return err_errno(err, "poll PID 1 of the jail");
	if (n > 0)
		return err_set(err, ERR_GONE, "the jail has just ended");
	return 0;
}

static int
require_root(const struct jail *jail, struct err *err)
{
	struct stat st;

	if (stat("/", &st) < 0)
		return err_errno(err, "/");
	if (st.st_dev != jail->root_dev || st.st_ino != jail->root_ino)
		return err_set(err, ERR_UNSAFE,
			       "/ is not the root the jail was built with");
	return 0;
}

/* First of all: what is started from here on counts for the jail. */
static int
enter_cgroup(const struct jail *jail, struct err *err)
{
	static const char self[] = "0"; /* cgroups(7) */

	if (jail->procs < 0)
		return 0;
	if (write(jail->procs, self, strlen(self)) < 0)
		return err_errno(err, "enter the jail's cgroup");
	return 0;
}

int
jail_enter(const struct jail *jail, struct jail_inside *inside, struct err *err)
{
	if (require_one_thread(err) < 0 || require_alive(jail, err) < 0 ||
	    enter_cgroup(jail, err) < 0 || ports_prove(&jail->plan, err) < 0)
		return -1;
	if (setns(jail->init, JAIL_NAMESPACES) < 0)
		return err_errno(err, "enter the jail's namespaces");
	/* Who has not told of himself before it ended is not ended with it. */
	if (require_alive(jail, err) < 0)
		return -1;
	if (chdir("/") < 0)
		return err_errno(err, "chdir /");
	if (require_root(jail, err) < 0)
		return -1;
	inside->plan = &jail->plan;
	return 0;
}

void
jail_close(struct jail *jail)
{
	fd_close(&jail->init);
	fd_close(&jail->procs);
	plan_free(&jail->plan);
}
