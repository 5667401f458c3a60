/* SPDX-License-Identifier: ISC */
/* Who this is, what more it could become, and what came along to it. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void
compare_ids(const char *unused)
{
	const uid_t uid = (uid_t)require_number("uid");
	uid_t r, e, s;
	gid_t gr, ge, gs;

	(void)unused;
	if (getresuid(&r, &e, &s) < 0 || getresgid(&gr, &ge, &gs) < 0)
		refused("getresuid");
	if (r != uid || e != uid || s != uid)
		leaked("uids %u %u %u", r, e, s);
	if (gr != (gid_t)require_number("gid") || ge != gr || gs != gr)
		leaked("gids %u %u %u", gr, ge, gs);
	contained("uid %u, gid %u", r, gr);
}

/* The hint has the host's list, numbers with commas, in order. */
static void
compare_groups(const char *unused)
{
	gid_t groups[64];
	char list[640] = "";
	const int n = getgroups(64, groups);

	(void)unused;
	for (int i = 0; i < n; i++) {
		const size_t len = strlen(list);

		(void)snprintf(list + len, sizeof(list) - len, "%s%u",
			       i > 0 ? "," : "", groups[i]);
	}
	if (strcmp(list, require_hint("groups")) != 0)
		leaked("groups %s", list);
	contained("groups %s", list);
}

static void
become_root(const char *how)
{
	if (geteuid() == 0)
		not_here("is root already");
	if (strcmp(how, "setuid") == 0)
		(void)!setuid(0);
	else if (strcmp(how, "setresuid") == 0)
		(void)!setresuid(0, 0, 0);
	else if (strcmp(how, "seteuid") == 0)
		(void)!seteuid(0);
	else
		(void)setfsuid(0);
	if (geteuid() == 0 || setfsuid((uid_t)-1) == 0)
		escaped("%s(0)", how);
	refused(how);
}

static void
join_group(const char *unused)
{
	const gid_t groups[] = { 0, 42 };

	(void)unused;
	if (geteuid() == 0)
		not_here("is root already");
	if (setgroups(2, groups) == 0)
		escaped("groups 0 and 42");
	if (setresgid(0, 0, 0) == 0)
		escaped("gid 0");
	refused("setgroups");
}

static void
read_capabilities(const char *field)
{
	char text[4096], *at;

	if (read_text("/proc/self/status", text, sizeof(text)) == NULL)
		refused("/proc/self/status");
	at = strstr(text, field);
	if (at == NULL)
		not_here("no %s", field);
	at += strlen(field) + 1;
	if (strtoull(at, NULL, 16) != 0)
		leaked("%s %.16s", field, at);
	contained("%s is empty", field);
}

static void
raise_capabilities(const char *unused)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2];

	(void)unused;
	memset(caps, 0xff, sizeof(caps));
	if (syscall(SYS_capset, &head, caps) < 0)
		refused("capset");
	if (root_of_here() > 0)
		leaked("has all capabilities of a namespace of its own");
	escaped("has all capabilities");
}

static void
ask_no_new_privs(const char *unused)
{
	(void)unused;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		leaked("not set");
	contained("set");
}

/* Runs a copy of this program that has more rights by its mode, and reads
 * "EUID EGID CAPABILITIES". */
static void
run_privileged(const char *key)
{
	const char *const program = require_hint(key);
	char text[128] = "";
	unsigned int uid = 1, gid = 1;
	unsigned long long caps = 0;
	int ends[2];

	if (getuid() == 0)
		not_here("is root already");
	if (access(program, X_OK) < 0)
		not_here("no %s here", program);
	if (pipe2(ends, O_CLOEXEC) < 0)
		not_here("pipe");
	if (fork() == 0) {
		(void)dup2(ends[1], 1);
		(void)execl(program, program, "--whoami", (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	if (read(ends[0], text, sizeof(text) - 1) <= 0)
		contained("%s does not start", program);
	if (sscanf(text, "%u %u %llx", &uid, &gid, &caps) == 3 &&
	    (uid == 0 || gid == 42 || caps != 0))
		escaped("%s gave uid %u, gid %u, capabilities %llx", program,
			uid, gid, caps);
	contained("%s gave nothing", program);
}

/* A set-uid file that another account of the host's could run: of root's, or
 * of the account's own, which would make that one the account, outside. */
static void
plant_program(const char *unused)
{
	const char *const name = "planted-program";
	int fd;

	(void)unused;
	(void)unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0)
		refused(name);
	if (fchown(fd, 0, 0) == 0 && fchmod(fd, 04755) == 0)
		leaked("made a set-uid file of root's");
	if (fchmod(fd, 04755) == 0)
		leaked("made a set-uid file of its own");
	refused("chmod");
}

/* --- what came along ----------------------------------------------------- */

static void
look_for_value(const char *unused)
{
	const char *const nonce = require_hint("nonce");

	(void)unused;
	for (char **e = environ; *e != NULL; e++)
		if (strstr(*e, nonce) != NULL)
			leaked("%.100s", *e);
	contained("nothing of the caller's");
}

static void
look_for_loader(const char *prefix)
{
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, prefix, strlen(prefix)) == 0)
			leaked("%.100s", *e);
	contained("no %s", prefix);
}

static void
look_at_path(const char *unused)
{
	const char *const path = getenv("PATH");

	(void)unused;
	if (path == NULL)
		contained("no PATH");
	if (path[0] == ':' || path[0] == '.' || strstr(path, "::") != NULL ||
	    strstr(path, ":.") != NULL || path[strlen(path) - 1] == ':')
		leaked("the working directory is in %s", path);
	contained("%s", path);
}

/* Whatever was handed down to this program, and by it to this process. */
static void
look_at_signals(const char *unused)
{
	struct sigaction action;
	sigset_t blocked;

	(void)unused;
	(void)sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int i = 1; i < 32; i++) {
		if (sigismember(&blocked, i) == 1)
			leaked("signal %d is blocked", i);
		if (sigaction(i, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			leaked("signal %d is ignored", i);
	}
	contained("none is blocked or ignored");
}

static void
look_at_timers(const char *unused)
{
	static const enum __itimer_which which[] = { ITIMER_REAL,
						     ITIMER_VIRTUAL,
						     ITIMER_PROF };
	struct itimerval timer;

	(void)unused;
	for (size_t i = 0; i < 3; i++)
		if (getitimer(which[i], &timer) == 0 &&
		    (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0))
			leaked("a timer runs");
	contained("none runs");
}

static void
look_at_umask(const char *unused)
{
	const mode_t mask = umask(0);

	(void)unused;
	/* Where each account has a group of its own, that may write. */
	if ((mask & 002) == 0)
		leaked("%03o", mask);
	contained("%03o", mask);
}

static void
look_at_personality(const char *unused)
{
	const int now = personality(0xffffffff);

	(void)unused;
	if (now != 0)
		leaked("%x", (unsigned int)now);
	contained("0");
}

static void
look_at_priority(const char *unused)
{
	(void)unused;
	if (getpriority(PRIO_PROCESS, 0) < 0)
		leaked("nice %d", getpriority(PRIO_PROCESS, 0));
	if (sched_getscheduler(0) != SCHED_OTHER)
		leaked("policy %d", sched_getscheduler(0));
	contained("normal");
}

static void
look_at_stdio(const char *unused)
{
	(void)unused;
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			leaked("descriptor %d is closed", fd);
	contained("0, 1 and 2 are open");
}

static void
look_at_dumpable(const char *unused)
{
	(void)unused;
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 1)
		leaked("capabilities are kept");
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) & 1)
		contained("root means nothing");
	contained("none");
}

const struct attempt right_attempts[] = {
	{ "cred.ids", "S4", compare_ids, NULL },
	{ "cred.groups", "S4", compare_groups, NULL },
	{ "cred.setuid", "S4", become_root, "setuid" },
	{ "cred.setresuid", "S4", become_root, "setresuid" },
	{ "cred.seteuid", "S4", become_root, "seteuid" },
	{ "cred.setfsuid", "S4", become_root, "setfsuid" },
	{ "cred.setgroups", "S4", join_group, NULL },
	{ "cred.permitted", "S4", read_capabilities, "CapPrm:" },
	{ "cred.effective", "S4", read_capabilities, "CapEff:" },
	{ "cred.inheritable", "S4", read_capabilities, "CapInh:" },
	{ "cred.ambient", "S4", read_capabilities, "CapAmb:" },
	{ "cred.bounding", "S4", read_capabilities, "CapBnd:" },
	{ "cred.capset", "S4", raise_capabilities, NULL },
	{ "cred.keepcaps", "S4", look_at_dumpable, NULL },
	{ "cred.no-new-privs", "S5", ask_no_new_privs, NULL },
	{ "suid.honoured", "S5", run_privileged, "suid" },
	{ "suid.sgid", "S5", run_privileged, "sgid" },
	{ "suid.file-caps", "S5", run_privileged, "filecaps" },
	{ "suid.planted", "S17", plant_program, NULL },
	{ "env.caller", "S6", look_for_value, NULL },
	{ "env.loader", "S6", look_for_loader, "LD_" },
	{ "env.tunables", "S6", look_for_loader, "GLIBC_TUNABLES=" },
	{ "env.shell", "S6", look_for_loader, "BASH_ENV=" },
	{ "env.sudo", "S6", look_for_loader, "SUDO_" },
	{ "env.path", "S6", look_at_path, NULL },
	{ "state.signals", "S6", look_at_signals, NULL },
	{ "state.timers", "S6", look_at_timers, NULL },
	{ "state.umask", "S6", look_at_umask, NULL },
	{ "state.personality", "S6", look_at_personality, NULL },
	{ "state.priority", "S6", look_at_priority, NULL },
	{ "state.stdio", "S6", look_at_stdio, NULL },
	{ .name = NULL },
};
