/* SPDX-License-Identifier: ISC */
#include "keeper/init.h"

#include "base/cleanup.h"
#include "jail/jail.h"
#include "keeper/commands.h"

#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Where this program begins: ld(1) defines it. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

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
	if (plan_owns_network(plan) && start_loopback(err) < 0)
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

/* The kernel's number for the ABI whose calls we make: <linux/audit.h>. */
static uint32_t
own_abi(void)
{
	const ElfW(Ehdr) *const elf = &__ehdr_start;
	uint32_t abi = elf->e_machine;

	if (elf->e_ident[EI_CLASS] == ELFCLASS64)
		abi |= __AUDIT_ARCH_64BIT;
	if (elf->e_ident[EI_DATA] == ELFDATA2LSB)
		abi |= __AUDIT_ARCH_LE;
	return abi;
}

/* With the calls that are left to make, the last of jail_become_init() and
 * those from report to reap_for_ever(); to the others the answer is that of the
 * probe.  Where own_abi() is wrong, that holds for all, and the jail ends. */
static int
become_init(struct err *err)
{
#define ALLOW(call, left) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, left, 0)
	struct sock_filter calls[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_abi(), 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_capget, 9),
		ALLOW(SYS_capset, 8),
		ALLOW(SYS_rt_sigtimedwait, 7),
		ALLOW(SYS_wait4, 6),
		ALLOW(SYS_rt_sigreturn, 5),
		ALLOW(SYS_restart_syscall, 4),
		ALLOW(SYS_write, 3),
		ALLOW(SYS_close, 2),
		ALLOW(SYS_exit_group, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | JAIL_FILTER_ANSWER),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
#undef ALLOW
	const struct sock_fprog filter = {
		.len = sizeof(calls) / sizeof(calls[0]),
		.filter = calls,
	};

	return jail_become_init(&filter, err);
}

/* Nothing is left to be taken over: no id, no capability, no descriptor but
 * the one that says so, no call but few. */
static int
give_up(int report, struct err *err)
{
	if ((report > 0 && close_range(0, (unsigned int)report - 1, 0) < 0) ||
	    close_range((unsigned int)report + 1, ~0U, 0) < 0)
		return err_errno(err, "close_range");
	return become_init(err);
}

static _Noreturn void
reap_for_ever(void)
{
	const size_t size = _NSIG / 8; /* of the kernel's set */
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	for (;;) {
		/* Not sigwaitinfo(3), which may be another call. */
		if (syscall(SYS_rt_sigtimedwait, &child, NULL, NULL, size) <
			    0 &&
		    errno != EINTR)
			_exit(1);
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
		     give_up(report, &said.err) == 0;
	/* A keeper that died before we asked for the signal cannot be told,
	 * and then we must go, too. */
	if (write(report, &said, sizeof(said)) != (ssize_t)sizeof(said) ||
	    !said.ready)
		_exit(1);
	(void)close(report);
	reap_for_ever();
}
