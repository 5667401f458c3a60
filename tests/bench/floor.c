/* SPDX-License-Identifier: ISC */
/*
 * floor start COMMAND... - the least that a jail like probe's needs
 * floor keep COMMAND... - the same, so that others could come in: kept by a
 *	program that has nothing of who started it
 * floor join PID COMMAND... - the least to run something in one
 *
 * To measure against: the same namespaces, mounts, ids and sets of
 * capabilities, by the same system calls, and nothing else.  Nothing is
 * checked, nobody can come later, and no failure is told.  Not for use.
 */
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALICE = 61001, CAPS = 41 };

/* It works or it is no measurement. */
static int
must(int ret)
{
	if (ret < 0) {
		perror("floor");
		_exit(1);
	}
	return ret;
}

static int
copy(const char *path, uint64_t attr)
{
	struct mount_attr set = { .attr_set = attr };
	const int fd = must(
		open_tree(AT_FDCWD, path,
			  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));

	must(mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &set,
			   sizeof(set)));
	return fd;
}

static int
make(const char *type, const char *const *options, unsigned int attr)
{
	const int fs = must(fsopen(type, FSOPEN_CLOEXEC));
	int fd;

	for (; options[0] != NULL; options += 2)
		must(fsconfig(fs, FSCONFIG_SET_STRING, options[0], options[1],
			      0));
	must(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	fd = must(fsmount(fs, FSMOUNT_CLOEXEC, attr));
	(void)close(fs);
	return fd;
}

static void
put(int fd, int at, const char *path)
{
	must(move_mount(fd, "", at, path, MOVE_MOUNT_F_EMPTY_PATH));
	(void)close(fd);
}

static void
write_file(int at, const char *path, const char *text)
{
	const int fd = must(openat(at, path, O_WRONLY | O_CREAT, 0644));

	must((int)write(fd, text, strlen(text)));
	(void)close(fd);
}

static void
fill(int base)
{
	static const struct {
		const char *path;
		mode_t mode;
	} dirs[] = {
		{ "root", 0755 },
		{ "root/usr", 0755 },
		{ "root/etc", 0755 },
		{ "root/tmp", 0755 },
		{ "root/var", 0755 },
		{ "root/var/tmp", 0755 },
		{ "root/run", 0755 },
		{ "root/dev", 0755 },
		{ "root/proc", 0755 },
		{ "root/home", 0755 },
		{ "root/home/alice", 0755 },
		{ "tmp", 01777 },
		{ "var-tmp", 01777 },
		{ "run", 0755 },
		{ "run/jail", 0755 },
		{ "run/user", 0755 },
		{ "run/user/61001", 0700 },
		{ "dev", 0755 },
		{ "dev/pts", 0755 },
		{ "dev/shm", 0755 },
		{ "shm", 01777 },
	};
	static const char *const links[][2] = {
		{ "usr/bin", "root/bin" },  { "usr/sbin", "root/sbin" },
		{ "usr/lib", "root/lib" },  { "usr/lib64", "root/lib64" },
		{ "pts/ptmx", "dev/ptmx" }, { "/bin/sh", "run/jail/shell" },
	};
	static const struct {
		const char *path;
		unsigned int major, minor;
	} devices[] = { { "dev/null", 1, 3 },
			{ "dev/zero", 1, 5 },
			{ "dev/tty", 5, 0 } };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		must(mkdirat(base, dirs[i].path, dirs[i].mode));
	must(fchownat(base, "run/user/61001", ALICE, ALICE, 0));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		must(symlinkat(links[i][0], base, links[i][1]));
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		must(mknodat(base, devices[i].path, S_IFCHR | 0666,
			     makedev(devices[i].major, devices[i].minor)));
	write_file(base, "root/etc/passwd",
		   "root:x:0:0::/root:/bin/sh\n"
		   "alice:x:61001:61001::/home/alice:/bin/sh\n");
	write_file(base, "root/etc/group", "root:x:0:\nalice:x:61001:\n");
}

static int
copy_of(int base, const char *name)
{
	return must(open_tree(base, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static void
change(int at, const char *path, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	must(mount_setattr(at, path, 0, &attr, sizeof(attr)));
}

static void
build(int usr, int home)
{
	static const char *const tmpfs[] = { "size", "16777216", "nr_inodes",
					     "2000", "mode",	 "0755",
					     NULL };
	static const char *const proc[] = { "hidepid", "invisible", NULL };
	static const char *const pts[] = { "ptmxmode", "0666", "mode",
					   "0620",     "gid",  "5",
					   "max",      "16",   NULL };
	struct mount_attr private = { .propagation = MS_PRIVATE };
	const unsigned int safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	int base, root;

	must(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private,
			   sizeof(private)));
	(void)umask(0);
	base = make("tmpfs", tmpfs, safe);
	must(move_mount(base, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH));
	fill(base);
	root = copy_of(base, "root");
	must(move_mount(root, "", base, "root", MOVE_MOUNT_F_EMPTY_PATH));
	put(usr, root, "usr");
	put(home, root, "home/alice");
	put(copy_of(base, "tmp"), root, "tmp");
	put(copy_of(base, "var-tmp"), root, "var/tmp");
	put(copy_of(base, "run"), root, "run");
	put(copy_of(base, "dev"), root, "dev");
	change(root, "dev", MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY,
	       MOUNT_ATTR_NODEV);
	put(make("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), root,
	    "dev/pts");
	put(copy_of(base, "shm"), root, "dev/shm");
	put(make("proc", proc, safe | MOUNT_ATTR_NOEXEC), root, "proc");
	must(fchdir(root));
	must((int)syscall(SYS_pivot_root, ".", "."));
	must(umount2(".", MNT_DETACH));
	must(chdir("/"));
	change(AT_FDCWD, "/", MOUNT_ATTR_RDONLY, 0);
}

static void
drop(void)
{
	const gid_t group = ALICE;

	must(setgroups(1, &group));
	must(setresgid(ALICE, ALICE, ALICE));
	for (int cap = 0; cap < CAPS; cap++)
		must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0));
	must(setresuid(ALICE, ALICE, ALICE));
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* Runs COMMAND as the account and returns how it ended. */
static int
run(char **command)
{
	const pid_t pid = must(fork());
	int status;

	if (pid == 0) {
		drop();
		(void)execv(command[0], command);
		must(-1);
	}
	must(waitpid(pid, &status, 0));
	return WEXITSTATUS(status);
}

/* As fork(2), into a jail. */
static pid_t
fork_into_jail(void)
{
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	const int usr = copy("/usr", safe | MOUNT_ATTR_RDONLY);
	const int home = copy("/mnt/home", safe);
	struct clone_args args = { .flags = CLONE_NEWNS | CLONE_NEWPID |
					    CLONE_NEWIPC | CLONE_NEWUTS |
					    CLONE_NEWCGROUP,
				   .exit_signal = SIGCHLD };
	const pid_t pid = must((int)syscall(SYS_clone3, &args, sizeof(args)));

	if (pid == 0) {
		build(usr, home);
		must(sethostname("jail", 4));
	}
	return pid;
}

static int
start(char **command)
{
	const pid_t pid = fork_into_jail();
	int status;

	if (pid == 0)
		_exit(run(command));
	must(waitpid(pid, &status, 0));
	return WEXITSTATUS(status);
}

/* Standard input is a socket to who wants a jail. */
static int
be_keeper(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	if (must(fork()) > 0)
		return 0;
	must(pipe(ready));
	pid = fork_into_jail();
	if (pid == 0) {
		drop();
		must((int)write(ready[1], "", 1));
		(void)close_range(0, ~0U, 0);
		for (;;)
			(void)pause();
	}
	must((int)read(ready[0], &byte, 1));
	must((int)write(0, &pid, sizeof(pid)));
	(void)!read(0, &byte, 1); /* until he has gone */
	(void)kill(pid, SIGKILL);
	must(waitpid(pid, NULL, 0));
	return 0;
}

static int
join(pid_t pid, char **command)
{
	const int init = must(pidfd_open(pid, 0));

	must(setns(init, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
				 CLONE_NEWUTS | CLONE_NEWCGROUP |
				 CLONE_NEWNET));
	return run(command);
}

static int
keep(char **command)
{
	char *const argv[] = { (char[]){ "floor" }, (char[]){ "keeper" },
			       NULL };
	posix_spawn_file_actions_t files;
	pid_t keeper, init;
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_adddup2(&files, pair[1], 0);
	if (posix_spawn(&keeper, "/proc/self/exe", &files, NULL, argv, NULL) !=
	    0)
		must(-1);
	(void)close(pair[1]);
	must(waitpid(keeper, NULL, 0));
	must((int)read(pair[0], &init, sizeof(init)));
	return join(init, command);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "keeper") == 0)
		return be_keeper();
	if (argc > 2 && strcmp(argv[1], "start") == 0)
		return start(argv + 2);
	if (argc > 2 && strcmp(argv[1], "keep") == 0)
		return keep(argv + 2);
	if (argc > 3 && strcmp(argv[1], "join") == 0)
		return join((pid_t)strtol(argv[2], NULL, 10), argv + 3);
	return 2;
}
