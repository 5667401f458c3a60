/* SPDX-License-Identifier: ISC */
/* What only the host's root may do to the kernel, and calls that are closed
 * because few need them and many were attacked through them. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

/*
 * After a call with arguments that nothing can be done with: EPERM, or that
 * there is no such call, is a refusal; any other error is about the
 * arguments, so the right is there.
 */
static _Noreturn void
judge_error(const char *what)
{
	if (errno == EPERM || errno == EACCES || errno == ENOSYS)
		refused(what);
	leaked("%s is allowed: %s", what, strerror(errno));
}

static void
reboot_machine(const char *unused)
{
	(void)unused;
	(void)syscall(SYS_reboot, 0, 0, 0, NULL); /* no magic number */
	judge_error("reboot");
}

static void
load_kernel(const char *unused)
{
	(void)unused;
	(void)syscall(SYS_kexec_load, 0, 100000UL, NULL, 0);
	judge_error("kexec_load");
}

static void
load_module(const char *unused)
{
	(void)unused;
	(void)syscall(SYS_finit_module, -1, "", 0);
	judge_error("finit_module");
}

static void
load_module_image(const char *unused)
{
	(void)unused;
	(void)syscall(SYS_init_module, NULL, 0UL, "");
	judge_error("init_module");
}

static void
unload_module(const char *unused)
{
	(void)unused;
	(void)syscall(SYS_delete_module, "no_such_module", O_NONBLOCK);
	judge_error("delete_module");
}

static void
swap_on(const char *unused)
{
	(void)unused;
	(void)swapon("/no-such-file", 0);
	judge_error("swapon");
}

static void
swap_off(const char *unused)
{
	(void)unused;
	(void)swapoff("/no-such-file");
	judge_error("swapoff");
}

static void
account(const char *unused)
{
	(void)unused;
	(void)acct("/no-such-file");
	judge_error("acct");
}

static void
set_clock(const char *unused)
{
	struct timex time = { .modes = ADJ_TICK, .tick = 1 }; /* too short */

	(void)unused;
	(void)adjtimex(&time);
	judge_error("adjtimex");
}

static void
set_host_name(const char *unused)
{
	char name[256];

	(void)unused;
	if (gethostname(name, sizeof(name)) < 0)
		refused("gethostname");
	if (sethostname(name, strlen(name)) < 0)
		refused("sethostname");
	leaked("set the host's name");
}

static void
read_log(const char *unused)
{
	char text[4096];

	(void)unused;
	if (klogctl(3 /* SYSLOG_ACTION_READ_ALL */, text, sizeof(text)) < 0)
		refused("syslog");
	leaked("read the kernel's log");
}

static void
use_ports(const char *unused)
{
	(void)unused;
	if (iopl(3) < 0)
		refused("iopl");
	leaked("may use I/O ports");
}

static void
be_first(const char *unused)
{
	(void)unused;
	if (setpriority(PRIO_PROCESS, 0, -10) < 0)
		refused("setpriority");
	leaked("nice -10");
}

static void
be_realtime(const char *unused)
{
	const struct sched_param param = { .sched_priority = 1 };

	(void)unused;
	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		refused("sched_setscheduler");
	leaked("a real-time process");
}

static void
make_bpf_map(const char *unused)
{
	union bpf_attr attr;

	(void)unused;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	if (syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0)
		refused("bpf");
	leaked("made a bpf map");
}

static void
open_perf(pid_t pid, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	if (syscall(SYS_perf_event_open, &attr, pid, cpu, -1, 0) < 0)
		refused("perf_event_open");
	leaked("opened a performance event");
}

static void
measure_self(const char *unused)
{
	(void)unused;
	open_perf(0, -1);
}

static void
measure_all(const char *unused)
{
	(void)unused;
	open_perf(-1, 0);
}

static void
make_ring(const char *unused)
{
	struct io_uring_params params = { 0 };

	(void)unused;
	if (syscall(SYS_io_uring_setup, 2, &params) < 0)
		refused("io_uring_setup");
	leaked("made a ring");
}

static void
handle_faults(const char *unused)
{
	(void)unused;
	if (syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* user mode only */) < 0)
		refused("userfaultfd");
	leaked("may handle page faults");
}

/* A key that was put on the host into the ring that ARG names. */
static void
read_key(long ring)
{
	char text[256] = "";
	const long key = syscall(SYS_keyctl, KEYCTL_SEARCH, ring, "user",
				 require_hint("key"), 0);

	if (key < 0)
		refused("search");
	if (syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text) - 1) < 0)
		refused("read");
	if (has_secret(text, sizeof(text)))
		escaped("read a key of the host's");
	contained("another key");
}

static void
read_user_key(const char *unused)
{
	(void)unused;
	read_key(KEY_SPEC_USER_KEYRING);
}

static void
read_session_key(const char *unused)
{
	(void)unused;
	read_key(KEY_SPEC_SESSION_KEYRING);
}

static void
make_key(const char *unused)
{
	const long key = syscall(SYS_add_key, "user", "escape-try", "x", 1UL,
				 KEY_SPEC_PROCESS_KEYRING);
	(void)unused;
	if (key < 0)
		refused("add_key");
	leaked("made a key");
}

/* --- sysfs and cgroups --------------------------------------------------- */

static void
open_to_write(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		refused(path);
	leaked("%s can be written to", path);
}

static void
open_directory(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char entries[4096];

	if (fd < 0)
		refused(path);
	if (syscall(SYS_getdents64, fd, entries, sizeof(entries)) < 60)
		contained("%s is empty", path);
	leaked("%s is there", path);
}

static void
make_cgroup(const char *path)
{
	if (mkdir(path, 0755) < 0)
		refused(path);
	(void)rmdir(path);
	leaked("made the cgroup %s", path);
}

static void
name_cgroup(const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	for (char *line = strtok(text, "\n"); line != NULL;
	     line = strtok(NULL, "\n")) {
		const char *const name = strrchr(line, ':');

		if (name != NULL && strcmp(name, ":/") != 0)
			leaked("%.100s", line);
	}
	contained("the root of its own");
}

/* --- the filter of system calls ------------------------------------------ */

static void
ask_filter(const char *unused)
{
	(void)unused;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2)
		contained("there is one");
	leaked("there is none");
}

/* By the numbers of other ABIs: a filter must know them, or none of them. */
static void
call_32_bit(const char *unused)
{
	long result = -ENOSYS;

	(void)unused;
#if defined(__x86_64__)
	/* unshare(CLONE_NEWUSER), 310 in i386's table */
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(310L), "b"(0x10000000L)
			 : "memory");
#endif
	errno = (int)-result;
	if (result < 0)
		refused("int 0x80");
	leaked("made a user namespace by a 32-bit call");
}

static void
call_x32(const char *unused)
{
	(void)unused;
	if (syscall(0x40000000L | SYS_unshare, 0x10000000L) < 0)
		refused("x32");
	leaked("made a user namespace by an x32 call");
}

static void
call_unknown(const char *unused)
{
	(void)unused;
	if (syscall(1000) < 0 && errno == ENOSYS)
		contained("there is no call 1000");
	leaked("call 1000 is not refused");
}

const struct attempt kernel_attempts[] = {
	{ "kern.reboot", "S9", reboot_machine, NULL },
	{ "kern.kexec", "S9", load_kernel, NULL },
	{ "kern.module-file", "S9", load_module, NULL },
	{ "kern.module", "S9", load_module_image, NULL },
	{ "kern.module-unload", "S9", unload_module, NULL },
	{ "kern.swapon", "S9", swap_on, NULL },
	{ "kern.swapoff", "S9", swap_off, NULL },
	{ "kern.acct", "S9", account, NULL },
	{ "kern.clock", "S9", set_clock, NULL },
	{ "kern.hostname", "S9", set_host_name, NULL },
	{ "kern.syslog", "S19", read_log, NULL },
	{ "kern.iopl", "S9", use_ports, NULL },
	{ "kern.nice", "S14", be_first, NULL },
	{ "kern.realtime", "S14", be_realtime, NULL },
	{ "kern.bpf", "S10", make_bpf_map, NULL },
	{ "kern.perf", "S10", measure_self, NULL },
	{ "kern.perf-system", "S10", measure_all, NULL },
	{ "kern.io-uring", "S10", make_ring, NULL },
	{ "kern.userfaultfd", "S10", handle_faults, NULL },
	{ "kern.keyring-user", "S10", read_user_key, NULL },
	{ "kern.keyring-session", "S10", read_session_key, NULL },
	{ "kern.add-key", "S10", make_key, NULL },
	{ "sys.uevent-helper", "S9", open_to_write,
	  "/sys/kernel/uevent_helper" },
	{ "sys.power", "S9", open_to_write, "/sys/power/state" },
	{ "sys.profiling", "S9", open_to_write, "/sys/kernel/profiling" },
	{ "sys.huge-pages", "S9", open_to_write,
	  "/sys/kernel/mm/transparent_hugepage/enabled" },
	{ "sys.debug", "S9", open_directory, "/sys/kernel/debug" },
	{ "sys.tracing", "S9", open_directory, "/sys/kernel/tracing" },
	{ "sys.security", "S9", open_directory, "/sys/kernel/security" },
	{ "sys.bpf", "S9", open_directory, "/sys/fs/bpf" },
	{ "sys.cgroup-make", "S9", make_cgroup, "/sys/fs/cgroup/escape-try" },
	{ "sys.cgroup-move", "S9", open_to_write,
	  "/sys/fs/cgroup/cgroup.procs" },
	{ "sys.cgroup-limit", "S14", open_to_write,
	  "/sys/fs/cgroup/cgroup.subtree_control" },
	{ "info.cgroup-path", "S19", name_cgroup, "/proc/self/cgroup" },
	{ "seccomp.filter", "S10", ask_filter, NULL },
	{ "seccomp.int80", "S10", call_32_bit, NULL },
	{ "seccomp.x32", "S10", call_x32, NULL },
	{ "seccomp.unknown", "S10", call_unknown, NULL },
	{ .name = NULL },
};
