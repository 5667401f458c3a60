/* SPDX-License-Identifier: ISC */
#include "keeper/forget.h"

#include "base/cleanup.h"
#include "jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	TIMER_SLACK_NS = 50000, /* of init(1): PR_SET_TIMERSLACK(2const) */
	GET_MDWE = 66,		/* PR_GET_MDWE(2const), since Linux 6.3 */
};

/* What everybody gets of descriptors, whatever PID 1 has: pam_limits(8). */
static void
bound_descriptors(struct rlimit *host)
{
	const rlim_t soft = 1024, hard = 524288;

	if (host->rlim_max > hard)
		host->rlim_max = hard;
	if (host->rlim_cur > soft)
		host->rlim_cur = soft;
}

/* The limits of the host's PID 1, instead of those of the login that happened
 * to come first. */
static int
reset_limits(struct err *err)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit host;

		if (prlimit(1, (__rlimit_resource_t)i, NULL, &host) < 0)
			return err_errno(err, "get limits");
		if (i == RLIMIT_NOFILE)
			bound_descriptors(&host);
		if (i == RLIMIT_CORE)
			host.rlim_cur = 0; /* systemd(1) raises its own */
		if (jail_limit((__rlimit_resource_t)i, &host) < 0)
			return err_errno(err, "set limits");
	}
	return 0;
}

static int
write_file(const char *path, const char *text, struct err *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

/*
 * The keeper belongs to no login, so its sessions do not inherit one: whose
 * they are is said by take_loginuid().  Kernels without audit have no such
 * file; where it may not be changed, it stays (auditctl(8),
 * --loginuid-immutable).
 */
static int
reset_loginuid(struct err *err)
{
	if (write_file("/proc/self/loginuid", "4294967295", err) == 0 ||
	    err->errnum == ENOENT || err->errnum == EPERM)
		return 0;
	return -1;
}

/* Timers and memory as everybody has them: fork(2) and execve(2) keep what
 * the caller chose. */
static int
reset_tuning(struct err *err)
{
	if (prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0) < 0 ||
	    prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "timer slack");
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0) < 0 &&
	    errno != ENOSYS)
		return err_errno(err, "memory policy");
	if (write_file("/proc/self/coredump_filter", "0x33", err) < 0 &&
	    err->errnum != ENOENT)
		return -1;
	/* There is no way back from this one, and every session would have
	 * it: who called must come without. */
	if (prctl(GET_MDWE, 0, 0, 0, 0) > 0)
		return err_set(err, ERR_REFUSED,
			       "who starts the jail has PR_SET_MDWE");
	return 0;
}

/* Who called may have run with less than everybody gets, or with a session
 * keyring that holds keys. */
static int
reset_scheduling(struct err *err)
{
	const struct sched_param ordinary = { .sched_priority = 0 };
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all)); /* the kernel takes what there is */
	if (sched_setscheduler(0, SCHED_OTHER, &ordinary) < 0 ||
	    sched_setaffinity(0, sizeof(all), &all) < 0 ||
	    setpriority(PRIO_PROCESS, 0, 0) < 0 ||
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) < 0)
		return err_errno(err, "scheduling");
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		return err_errno(err, "session keyring");
	return 0;
}

/* A kernel that is too old for a jail is found here first. */
static int
drop_descriptors(unsigned int first_fd, struct err *err)
{
	if (close_range(first_fd, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return err_set(err, ERR_SYSTEM,
			       "CLOSE_RANGE_CLOEXEC is missing: "
			       "Linux 5.15 or newer is needed");
	return err_errno(err, "close_range");
}

/* Some of it came from whoever called su(1). */
int
forget_caller(unsigned int first_fd, struct err *err)
{
	if (drop_descriptors(first_fd, err) < 0)
		return -1;
	(void)umask(0);
	if (chdir("/") < 0)
		return err_errno(err, "chdir /");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0)
		return err_errno(err, "become root");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	if (personality(PER_LINUX) < 0)
		return err_errno(err, "personality");
	if (reset_loginuid(err) < 0 || reset_scheduling(err) < 0 ||
	    reset_tuning(err) < 0 ||
	    write_file("/proc/self/oom_score_adj", "0", err) < 0)
		return -1;
	return reset_limits(err);
}
