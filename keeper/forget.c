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

/*
 * What systemd(1) as PID 1 raises for itself alone: of these there is no more
 * than it gives to its services, by the defaults of systemd-system.conf(5).
 */
static const struct {
	__rlimit_resource_t resource;
	struct rlimit most;
} of_services[] = {
	{ RLIMIT_NOFILE, { .rlim_cur = 1024, .rlim_max = 524288 } },
	{ RLIMIT_MEMLOCK, { .rlim_cur = 8 << 20, .rlim_max = 8 << 20 } },
	{ RLIMIT_CORE, { .rlim_cur = 0, .rlim_max = RLIM_INFINITY } },
};

static void
bound(__rlimit_resource_t resource, struct rlimit *limit)
{
	for (size_t i = 0; i < sizeof(of_services) / sizeof(of_services[0]);
	     i++) {
		const struct rlimit *const most = &of_services[i].most;

		if (of_services[i].resource != resource)
			continue;
		if (limit->rlim_max > most->rlim_max)
			limit->rlim_max = most->rlim_max;
		if (limit->rlim_cur > most->rlim_cur)
			limit->rlim_cur = most->rlim_cur;
	}
}

/* The limits of the host's PID 1, instead of those of the login that happened
 * to come first. */
static int
reset_limits(struct err *err)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		const __rlimit_resource_t resource = (__rlimit_resource_t)i;
		struct rlimit host;

		if (prlimit(1, resource, NULL, &host) < 0)
			return err_errno(err, "get limits");
		bound(resource, &host);
		if (jail_limit(resource, &host) < 0)
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
 * they are is said by wire_take_loginuid().  Kernels without audit have no such
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
