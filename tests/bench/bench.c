/* SPDX-License-Identifier: ISC */
/*
 * bench - what a jail costs, beside what it must cost
 *
 *	bench start		starts a jail, runs /bin/true inside, lets go
 *	bench floor-start	makes the same world with nothing but the system
 *				calls that it takes: no keeper, no checks
 *	bench floor-keep	the same in a jail that others could join, and
 *				that outlives who started it: a program of its
 *				own keeps it
 *	bench join		enters the running jail, runs /bin/true inside
 *	bench floor-join PID	the same with setns(2) and nothing else; PID is
 *				that of the jail's PID 1
 *	bench hold		starts a jail, prints its PID 1, keeps it until
 *				standard input ends
 *
 * -F FILE before the verb: /bin/true runs under the filter that is in there, as
 * tests/ns/filter makes it; "join" has that of the jail.
 * As root in a world of tests/ns/world; tests/bench/run compares them.
 */
#include "base/cleanup.h"
#include "jail/lease.h"
#include "jail/registry.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>

enum {
	UID = 61001,
	TERMINALS = 16,
	SCRATCH_BYTES = 64 << 20,
	CGROUP_PATH_MAX = 64,
};

static struct entry entries[] = {
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/usr", "/usr" },
	{ ENTRY_LINK, 0, 0, "/bin", "usr/bin" },
	{ ENTRY_LINK, 0, 0, "/lib", "usr/lib" },
	{ ENTRY_LINK, 0, 0, "/lib64", "usr/lib64" },
	{ ENTRY_FILE, 0, 0644, "/etc/passwd",
	  "alice:x:61001:61001::/:/bin/sh\n" },
	{ ENTRY_FILE, 0, 0644, "/etc/group", "alice:x:61001:\n" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/etc/alternatives",
	  "/etc/alternatives" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/etc/ld.so.cache",
	  "/etc/ld.so.cache" },
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/etc/profile", "/etc/profile" },
	{ ENTRY_SCRATCH, 0, 01777, "/tmp", "" },
	{ ENTRY_SCRATCH, 0, 01777, "/var/tmp", "" },
	{ ENTRY_SCRATCH, 0, 0755, "/run", "" },
	{ ENTRY_SCRATCH, ENTRY_DEVICES | ENTRY_READONLY | ENTRY_NOEXEC, 0755,
	  "/dev", "" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/null", "1:3" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/zero", "1:5" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/tty", "5:0" },
	{ ENTRY_SCRATCH, 0, 01777, "/dev/shm", "" },
	{ ENTRY_PTS, 0, 0, "/dev/pts", "" },
	{ ENTRY_PROC, 0, 0, "/proc", "" },
	{ ENTRY_BIND, ENTRY_OWNED, 0, "/home/alice", "/mnt/alice" },
};

enum { N_ENTRIES = sizeof(entries) / sizeof(entries[0]) };

static gid_t groups[] = { UID };
static struct sock_filter filter[BPF_MAXINSNS];
static size_t n_filter;

static struct plan
make_plan(void)
{
	return (struct plan){
		.account = "alice",
		.uid = UID,
		.gid = UID,
		.groups = groups,
		.n_groups = 1,
		.jail = "bench",
		.name = "alice",
		.home = "/home/alice",
		.shell = "/bin/sh",
		.hostname = "bench",
		.entries = entries,
		.n_entries = N_ENTRIES,
		.scratch_bytes = SCRATCH_BYTES,
		.scratch_files = 10000,
		.terminals = TERMINALS,
		.network = PLAN_NETWORK_HOST,
		.seccomp = n_filter > 0 ? "login" : "none",
		.filter = filter,
		.n_filter = n_filter,
		.umask = 022,
		.sessions = 64,
	};
}

static _Noreturn void
die(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what,
		      err != NULL ? err->text : strerrordesc_np(errno));
	exit(1);
}

static _Noreturn void
run_true(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	die("/bin/true", NULL);
}

static int
wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status == 0 ? 0 : 1;
}

static void
read_filter(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, filter, sizeof(filter));

	if (n <= 0)
		die(path, NULL);
	n_filter = (size_t)n / sizeof(filter[0]);
}

/* --- ours ---------------------------------------------------------------- */

static int
run_inside(const struct jail *jail)
{
	struct jail_inside inside;
	struct err err;
	pid_t pid;

	if (jail_enter(jail, &inside, &err) < 0)
		die("enter", &err);
	pid = fork();
	if (pid == 0) {
		if (jail_become(&inside, &err) < 0)
			die("become", &err);
		run_true();
	}
	return wait_for(pid);
}

static int
start(void)
{
	const struct plan plan = make_plan();
	struct lease lease = LEASE_NONE;
	struct err err;

	if (lease_private(&plan, &lease, &err) < 0)
		die("start", &err);
	return run_inside(&lease.jail);
}

static int
join(void)
{
	struct lease lease = LEASE_NONE;
	struct err err;

	if (lease_join(UID, "bench", &lease, &err) < 0)
		die("join", &err);
	return run_inside(&lease.jail);
}

static int
hold(void)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg = { .kind = WIRE_STATUS };
	const struct plan plan = make_plan();
	struct lease lease = LEASE_NONE;
	struct err err;
	char byte;
	int sock;

	if (lease_take(&plan, &lease, &err) < 0 ||
	    (sock = registry_connect(UID, "bench", &err)) < 0 ||
	    wire_send(sock, &msg, NULL, 0, &err) < 0 ||
	    wire_recv(sock, &msg, &fds, &err) < 0)
		die("hold", &err);
	(void)close(sock);
	(void)printf("%d\n", msg.init_pid);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 0;
}

/* --- the floor ----------------------------------------------------------- */

static void
must(int ret, const char *what)
{
	if (ret < 0)
		die(what, NULL);
}

static void
drop(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = { { .effective = 0 } };

	for (int cap = 0; cap <= CAP_CHECKPOINT_RESTORE; cap++)
		must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "bounding set");
	must(setgroups(1, groups), "setgroups");
	must(setresgid(UID, UID, UID), "setresgid");
	must(setresuid(UID, UID, UID), "setresuid");
	must((int)syscall(SYS_capset, &header, none), "capset");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static void
take_filter(void)
{
	const struct sock_fprog program = {
		.len = (unsigned short)n_filter,
		.filter = filter,
	};

	if (n_filter > 0)
		must((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
				  &program),
		     "seccomp");
}

/* Below the new root, which is the working directory. */
static const char *
here(const struct entry *entry)
{
	return entry->target + 1;
}

static void
make_parents(const char *path)
{
	char copy[64];

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(copy, 0755);
		*p = '/';
	}
}

static void
make_file(const struct entry *entry)
{
	const int fd = open(here(entry), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	must(fd, entry->target);
	(void)!write(fd, entry->text, strlen(entry->text));
	(void)close(fd);
}

static void
bind_entry(const struct entry *entry)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID |
					       MOUNT_ATTR_NODEV };
	const int tree =
		open_tree(AT_FDCWD, entry->text,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct stat st;

	must(tree, entry->text);
	if ((entry->flags & ENTRY_READONLY) != 0)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	must(mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
			   sizeof(attr)),
	     entry->text);
	must(fstat(tree, &st), entry->text);
	if (S_ISDIR(st.st_mode))
		(void)mkdir(here(entry), 0755);
	else
		must(mknod(here(entry), S_IFREG | 0644, 0), entry->target);
	must(move_mount(tree, "", AT_FDCWD, here(entry),
			MOVE_MOUNT_F_EMPTY_PATH),
	     entry->target);
	(void)close(tree);
}

static void
mount_fs(const struct entry *entry, const char *type, unsigned long flags,
	 const char *options)
{
	(void)mkdir(here(entry), 0755);
	must(mount(type, here(entry), type, MS_NOSUID | flags, options),
	     entry->target);
}

static void
apply(const struct entry *entry)
{
	unsigned int major, minor;

	make_parents(here(entry));
	switch (entry->kind) {
	case ENTRY_DIR:
		must(mkdir(here(entry), entry->mode), entry->target);
		break;
	case ENTRY_FILE:
		make_file(entry);
		break;
	case ENTRY_LINK:
		must(symlink(entry->text, here(entry)), entry->target);
		break;
	case ENTRY_DEVICE:
		if (sscanf(entry->text, "%u:%u", &major, &minor) == 2)
			must(mknod(here(entry), S_IFCHR | entry->mode,
				   makedev(major, minor)),
			     entry->target);
		break;
	case ENTRY_BIND:
		bind_entry(entry);
		break;
	case ENTRY_SCRATCH:
		mount_fs(entry, "tmpfs", 0, "mode=1777");
		break;
	case ENTRY_PROC:
		mount_fs(entry, "proc", MS_NODEV | MS_NOEXEC, "hidepid=2");
		break;
	case ENTRY_PTS:
		mount_fs(entry, "devpts", MS_NOEXEC,
			 "newinstance,ptmxmode=0666,mode=0620,gid=5,max=16");
		break;
	case ENTRY_HIDE:
	case ENTRY_FREEZE:
	case ENTRY_USERNS:
		break;
	}
}

static void
floor_root(void)
{
	must(unshare(CLONE_NEWCGROUP), "unshare");
	must(sethostname("bench", 5), "sethostname");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
	must(mount("floor", "/mnt", "tmpfs", MS_NOSUID, "mode=0755,size=64m"),
	     "/mnt");
	must(chdir("/mnt"), "/mnt");
	for (size_t i = 0; i < N_ENTRIES; i++)
		apply(&entries[i]);
	must(mount(NULL, "dev", NULL,
		   MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC,
		   NULL),
	     "/dev");
	must(mount(NULL, ".", NULL,
		   MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
		   NULL),
	     "/");
	must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "detach");
	must(chdir("/"), "chdir");
}

/* The jail's cgroup; "" where there is no version 2. */
static void
make_cgroup(char path[CGROUP_PATH_MAX])
{
	struct statfs fs;

	path[0] = '\0';
	if (statfs("/sys/fs/cgroup", &fs) < 0 ||
	    fs.f_type != CGROUP2_SUPER_MAGIC)
		return;
	(void)snprintf(path, CGROUP_PATH_MAX, "/sys/fs/cgroup/floor-%d",
		       (int)getpid());
	must(mkdir(path, 0755), path);
}

/* As fork(2), into a jail whose cgroup is PATH. */
static pid_t
floor_fork(const char *path)
{
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWPID |
					    CLONE_NEWIPC | CLONE_NEWUTS,
				   .exit_signal = SIGCHLD };
	pid_t pid;

	if (path[0] != '\0') {
		const int group = open(path, O_RDONLY | O_CLOEXEC);

		must(group, path);
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint32_t)group;
	}
	/* The floor's own root covers /mnt; any other directory will do. */
	entries[N_ENTRIES - 1].text = "/home";
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	must(pid, "clone3");
	if (pid == 0)
		floor_root();
	return pid;
}

static int
floor_start(void)
{
	char cgroup[CGROUP_PATH_MAX];
	pid_t pid;
	int ret;

	make_cgroup(cgroup);
	pid = floor_fork(cgroup);
	if (pid == 0) {
		drop();
		take_filter();
		run_true();
	}
	ret = wait_for(pid);
	(void)rmdir(cgroup);
	return ret;
}

static int
floor_join(pid_t number)
{
	const int init = pidfd_open(number, 0);
	pid_t pid;

	must(init, "pidfd_open");
	must(setns(init, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
				 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET),
	     "setns");
	pid = fork();
	if (pid == 0) {
		drop();
		take_filter();
		run_true();
	}
	return wait_for(pid);
}

/* Standard input is a socket to who wants the jail. */
static int
floor_keeper(void)
{
	char cgroup[CGROUP_PATH_MAX];
	int ready[2];
	char byte = 0;
	pid_t pid = fork();

	must(pid, "fork");
	if (pid > 0)
		return 0;
	must(pipe2(ready, O_CLOEXEC), "pipe");
	make_cgroup(cgroup);
	pid = floor_fork(cgroup);
	if (pid == 0) {
		drop();
		must((int)write(ready[1], &byte, 1), "ready");
		must(close_range(0, ~0U, 0), "close_range");
		for (;;)
			(void)pause();
	}
	must((int)read(ready[0], &byte, 1), "ready");
	must((int)write(STDIN_FILENO, &pid, sizeof(pid)), "grant");
	(void)!read(STDIN_FILENO, &byte, 1); /* until he has gone */
	(void)kill(pid, SIGKILL);
	(void)wait_for(pid);
	(void)rmdir(cgroup);
	return 0;
}

static int
floor_keep(void)
{
	char *const argv[] = { (char[]){ "bench" }, (char[]){ "floor-keeper" },
			       NULL };
	posix_spawn_file_actions_t files;
	pid_t keeper, init;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair),
	     "socketpair");
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_adddup2(&files, pair[1], STDIN_FILENO);
	errno = posix_spawn(&keeper, "/proc/self/exe", &files, NULL, argv,
			    NULL);
	if (errno != 0)
		die("spawn", NULL);
	(void)close(pair[1]);
	(void)wait_for(keeper);
	must((int)read(pair[0], &init, sizeof(init)), "grant");
	return floor_join(init);
}

int
main(int argc, char **argv)
{
	const char *verb;

	(void)umask(022);
	if (argc > 2 && strcmp(argv[1], "-F") == 0) {
		read_filter(argv[2]);
		argc -= 2;
		argv += 2;
	}
	verb = argc > 1 ? argv[1] : "";
	if (strcmp(verb, "start") == 0)
		return start();
	if (strcmp(verb, "join") == 0)
		return join();
	if (strcmp(verb, "hold") == 0)
		return hold();
	if (strcmp(verb, "floor-start") == 0)
		return floor_start();
	if (strcmp(verb, "floor-join") == 0 && argc == 3)
		return floor_join((pid_t)strtol(argv[2], NULL, 10));
	if (strcmp(verb, "floor-keep") == 0)
		return floor_keep();
	if (strcmp(verb, "floor-keeper") == 0)
		return floor_keeper();
	(void)fputs("usage: bench [-F FILE] start|floor-start|floor-keep|join|"
		    "floor-join PID|hold\n",
		    stderr);
	return 2;
}
