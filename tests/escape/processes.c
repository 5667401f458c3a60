/* SPDX-License-Identifier: ISC */
/* Processes of the host's and of other users, and what proc(5) has. */
#include "escape.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIDS_MAX = 400 };

/* Calls TRY with each process of /proc, until one returns true. */
static bool
each_process(bool (*try)(int proc, const char *pid))
{
	DIR *const dir = opendir("/proc");
	int seen = 0;

	if (dir == NULL)
		refused("/proc");
	for (const struct dirent *e;
	     seen < PIDS_MAX && (e = readdir(dir)) != NULL;) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		seen++;
		if (try(dirfd(dir), e->d_name))
			return true;
	}
	return false;
}

static bool
link_leads_out(int proc, const char *pid, const char *name)
{
	char path[512];
	const int len = snprintf(path, sizeof(path), "%s/%s%s", pid, name,
				 require_hint("secret"));

	return len < (int)sizeof(path) && secret_at(proc, path);
}

static bool
root_leads_out(int proc, const char *pid)
{
	return link_leads_out(proc, pid, "root");
}

static bool
cwd_leads_out(int proc, const char *pid)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/cwd/../../../../../../../..%s",
		       pid, require_hint("secret"));
	return secret_at(proc, path) || link_leads_out(proc, pid, "cwd");
}

static bool
descriptors_lead_out(int proc, const char *pid)
{
	char path[512];

	for (int fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "%s/fd/%d", pid, fd);
		if (secret_at(proc, path))
			return true;
		(void)snprintf(path, sizeof(path), "fd/%d", fd);
		if (link_leads_out(proc, pid, path))
			return true;
	}
	return false;
}

static void
follow_roots(const char *unused)
{
	(void)unused;
	if (each_process(root_leads_out))
		escaped("through /proc/PID/root");
	contained("no process has another root");
}

static void
follow_cwds(const char *unused)
{
	(void)unused;
	if (each_process(cwd_leads_out))
		escaped("through /proc/PID/cwd");
	contained("no process is elsewhere");
}

static void
follow_descriptors(const char *unused)
{
	(void)unused;
	if (each_process(descriptors_lead_out))
		escaped("through /proc/PID/fd");
	contained("no descriptor of a process leads outside");
}

static bool
names_victim(int proc, const char *pid)
{
	char path[64], text[4096];
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/cmdline", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n > 0 && has_secret(text, (size_t)n);
}

static void
see_victims(const char *unused)
{
	(void)unused;
	if (each_process(names_victim))
		leaked("a process of the host's, with its arguments");
	contained("none is seen");
}

static bool
has_secret_environment(int proc, const char *pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/environ", pid);
	return strtol(pid, NULL, 10) != getpid() && secret_at(proc, path);
}

static void
read_environments(const char *unused)
{
	(void)unused;
	if (each_process(has_secret_environment))
		escaped("read the environment of a process outside");
	contained("none can be read");
}

/* Processes of the jail's that are not the account's. */
static bool
shows_environment(int proc, const char *pid)
{
	char path[64], byte;
	struct stat st;
	bool shown;
	int fd;

	if (fstatat(proc, pid, &st, 0) < 0 || st.st_uid == getuid())
		return false;
	(void)snprintf(path, sizeof(path), "%s/environ", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	shown = fd >= 0 && read(fd, &byte, 1) == 1;
	close(fd);
	return shown;
}

static void
read_other_environments(const char *unused)
{
	(void)unused;
	if (each_process(shows_environment))
		leaked("the environment of another user's process");
	contained("none can be read");
}

static bool
is_other_user(int proc, const char *pid)
{
	struct stat st;

	return fstatat(proc, pid, &st, 0) == 0 && st.st_uid != getuid();
}

static void
see_other_users(const char *unused)
{
	(void)unused;
	if (each_process(is_other_user))
		leaked("another user's process is seen");
	contained("none is seen");
}

/* --- a process of the host's, by its number ------------------------------ */

/*
 * "PID ADDRESS SIZE", of a process with the same uid or of one of root's.
 * In a pid namespace of the jail's its number is nobody's, or somebody
 * else's.
 */
struct victim {
	pid_t pid;
	unsigned long address;
	size_t size;
};

static struct victim
require_victim(const char *key)
{
	struct victim victim = { 0 };

	if (sscanf(require_hint(key), "%d:%lu:%zu", &victim.pid,
		   &victim.address, &victim.size) != 3)
		not_here("%s is not PID:ADDRESS:SIZE", key);
	if (!shares("pid"))
		contained("another pid namespace");
	return victim;
}

static void
signal_victim(const char *key)
{
	const struct victim victim = require_victim(key);

	if (kill(victim.pid, 0) < 0)
		refused("kill");
	escaped("may signal process %d of the host", victim.pid);
}

static void
signal_victim_by_pidfd(const char *key)
{
	const struct victim victim = require_victim(key);
	const long fd = syscall(SYS_pidfd_open, victim.pid, 0);

	if (fd < 0)
		refused("pidfd_open");
	if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) < 0)
		refused("pidfd_send_signal");
	escaped("may signal process %d of the host", victim.pid);
}

static void
trace_victim(const char *key)
{
	const struct victim victim = require_victim(key);

	if (ptrace(PTRACE_SEIZE, victim.pid, NULL, NULL) < 0)
		refused("ptrace");
	(void)ptrace(PTRACE_DETACH, victim.pid, NULL, NULL);
	escaped("traced process %d of the host", victim.pid);
}

static void
read_victim(const char *key)
{
	const struct victim victim = require_victim(key);
	char text[256] = "";
	const struct iovec to = { text, sizeof(text) - 1 };
	const struct iovec from = { (void *)victim.address, victim.size };

	if (process_vm_readv(victim.pid, &to, 1, &from, 1, 0) < 0)
		refused("process_vm_readv");
	if (has_secret(text, sizeof(text)))
		escaped("read the memory of process %d", victim.pid);
	contained("read something else");
}

static void
open_victim_memory(const char *key)
{
	const struct victim victim = require_victim(key);
	char path[64], text[256] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", victim.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		refused(path);
	if (pread(fd, text, sizeof(text) - 1, (off_t)victim.address) > 0 &&
	    has_secret(text, sizeof(text)))
		escaped("read %s", path);
	refused("pread");
}

static void
take_victim_descriptor(const char *key)
{
	const struct victim victim = require_victim(key);
	const long pidfd = syscall(SYS_pidfd_open, victim.pid, 0);
	long fd;

	if (pidfd < 0)
		refused("pidfd_open");
	fd = syscall(SYS_pidfd_getfd, pidfd, 3, 0);
	if (fd < 0)
		refused("pidfd_getfd");
	if (secret_in((int)fd))
		escaped("took a descriptor of process %d", victim.pid);
	leaked("took a descriptor");
}

static void
slow_victim(const char *key)
{
	const struct victim victim = require_victim(key);
	const int now = getpriority(PRIO_PROCESS, (id_t)victim.pid);

	if (setpriority(PRIO_PROCESS, (id_t)victim.pid, now + 1) < 0)
		refused("setpriority");
	escaped("changed the priority of process %d", victim.pid);
}

static void
limit_victim(const char *key)
{
	const struct victim victim = require_victim(key);
	struct rlimit limit;

	if (prlimit(victim.pid, RLIMIT_NOFILE, NULL, &limit) < 0)
		refused("prlimit");
	leaked("may change the limits of process %d", victim.pid);
}

/* Who started this looks afterwards whether its own process was slowed. */
static void
slow_user(const char *unused)
{
	const int now = getpriority(PRIO_PROCESS, 0);

	(void)unused;
	if (geteuid() == 0)
		not_here("it would be everybody's");
	if (setpriority(PRIO_USER, getuid(), now + 1) < 0)
		refused("setpriority");
	contained("as far as this namespace goes");
}

static void
trace_init(const char *unused)
{
	(void)unused;
	if (ptrace(PTRACE_SEIZE, 1, NULL, NULL) < 0)
		refused("ptrace");
	(void)ptrace(PTRACE_DETACH, 1, NULL, NULL);
	leaked("traced process 1");
}

static void
signal_init(const char *unused)
{
	(void)unused;
	if (kill(1, 0) < 0)
		refused("kill");
	leaked("may signal process 1");
}

/* --- files of proc ------------------------------------------------------- */

static void
read_kernel(const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	if (text[0] == '\0')
		contained("%s is empty", path);
	leaked("read %s", path);
}

/* Addresses are zeros for who may not see them. */
static void
read_addresses(const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	for (const char *at = text; *at != '\0' && *at != ' '; at++)
		if (*at != '0' && *at != '-')
			leaked("%s has addresses", path);
	contained("%s has zeros", path);
}

/* Opened is enough: nothing is written to these. */
static void
open_to_write(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		refused(path);
	escaped("%s can be written to", path);
}

static void
write_setting(const char *path)
{
	if (!write_back(path))
		refused(path);
	escaped("wrote %s", path);
}

static void
write_host_name(const char *path)
{
	if (!write_back(path))
		refused(path);
	leaked("wrote %s", path);
}

static void
be_spared(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "-1000", 5) < 0)
		refused(path);
	leaked("the kernel kills others first when memory is short");
}

static void
read_keys(const char *path)
{
	char text[65536];

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	if (strstr(text, require_hint("key")) != NULL)
		leaked("%s names a key of the host's", path);
	contained("no key of the host's");
}

const struct attempt process_attempts[] = {
	{ "proc.root-links", "S2", follow_roots, NULL },
	{ "proc.cwd-links", "S2", follow_cwds, NULL },
	{ "proc.fd-links", "S2", follow_descriptors, NULL },
	{ "proc.foreign", "S7", see_victims, NULL },
	{ "proc.environ-outside", "S7", read_environments, NULL },
	{ "proc.environ-other", "S19", read_other_environments, NULL },
	{ "proc.other-users", "S8", see_other_users, NULL },
	{ "proc.signal", "S7", signal_victim, "mate" },
	{ "proc.signal-root", "S7", signal_victim, "root_victim" },
	{ "proc.pidfd-signal", "S7", signal_victim_by_pidfd, "mate" },
	{ "proc.ptrace", "S7", trace_victim, "mate" },
	{ "proc.ptrace-root", "S7", trace_victim, "root_victim" },
	{ "proc.vm-read", "S7", read_victim, "mate" },
	{ "proc.vm-read-root", "S7", read_victim, "root_victim" },
	{ "proc.mem", "S7", open_victim_memory, "mate" },
	{ "proc.mem-root", "S7", open_victim_memory, "root_victim" },
	{ "proc.pidfd-getfd", "S7", take_victim_descriptor, "mate" },
	{ "proc.pidfd-getfd-root", "S7", take_victim_descriptor,
	  "root_victim" },
	/* In this order: the host's side counts. */
	{ "proc.priority-user", "S7", slow_user, NULL },
	{ "proc.priority", "S7", slow_victim, "mate" },
	{ "proc.prlimit", "S7", limit_victim, "mate" },
	{ "proc.ptrace-init", "S7", trace_init, NULL },
	{ "proc.signal-init", "S7", signal_init, NULL },
	{ "proc.kcore", "S19", read_kernel, "/proc/kcore" },
	{ "proc.kmsg", "S19", read_kernel, "/proc/kmsg" },
	{ "proc.kallsyms", "S19", read_addresses, "/proc/kallsyms" },
	{ "proc.iomem", "S19", read_addresses, "/proc/iomem" },
	{ "proc.timer-list", "S19", read_kernel, "/proc/timer_list" },
	{ "proc.vmallocinfo", "S19", read_kernel, "/proc/vmallocinfo" },
	{ "proc.slabinfo", "S19", read_kernel, "/proc/slabinfo" },
	{ "proc.keys", "S19", read_keys, "/proc/keys" },
	{ "proc.sysrq", "S9", open_to_write, "/proc/sysrq-trigger" },
	{ "proc.binfmt", "S9", open_to_write,
	  "/proc/sys/fs/binfmt_misc/register" },
	{ "proc.core-pattern", "S9", write_setting,
	  "/proc/sys/kernel/core_pattern" },
	{ "proc.sysctl-modprobe", "S9", write_setting,
	  "/proc/sys/kernel/modprobe" },
	{ "proc.sysctl-panic", "S9", write_setting, "/proc/sys/kernel/panic" },
	{ "proc.sysctl-sysrq", "S9", write_setting, "/proc/sys/kernel/sysrq" },
	{ "proc.sysctl-overcommit", "S9", write_setting,
	  "/proc/sys/vm/overcommit_memory" },
	{ "proc.sysctl-file-max", "S9", write_setting,
	  "/proc/sys/fs/file-max" },
	{ "proc.sysctl-suid-dump", "S9", write_setting,
	  "/proc/sys/fs/suid_dumpable" },
	{ "proc.sysctl-forward", "S9", write_setting,
	  "/proc/sys/net/ipv4/ip_forward" },
	{ "proc.sysctl-userns", "S9", write_setting,
	  "/proc/sys/user/max_user_namespaces" },
	{ "proc.sysctl-hostname", "S9", write_host_name,
	  "/proc/sys/kernel/hostname" },
	{ "proc.irq", "S9", write_setting, "/proc/irq/default_smp_affinity" },
	{ "proc.oom-adjust", "S14", be_spared, "/proc/self/oom_score_adj" },
	{ .name = NULL },
};
