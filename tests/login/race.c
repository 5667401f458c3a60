/* SPDX-License-Identifier: ISC */
/*
 * race - what 61-races.t does inside a jail, and as its account outside
 *
 *	race proof		says who and where it is, in one line
 *	race swap PATH TO	exchanges PATH and a link to TO, for ever
 *	race snoop		looks at every process that appears in /proc, as
 *				fast as it can, until it is told to end
 *
 * "snoop" prints a line for each thing that leads out of the jail, or that a
 * process lets be seen that is not yet what it is to become:
 *	PROOF WHAT PID DETAIL
 * and, last, how many processes it has seen while they were closed to it, and
 * how many when they were what they should be:
 *	closed N open N
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MOUNTS_MAX = 256,
	PIDS_MAX = 1 << 16,
	AHEAD = 12, /* pids are given in order: the next ones */
	IDLE = 64,  /* rounds in which nobody came */
	TEXT_MAX = 1 << 16,
};

static const char mark[] = "mark-of-the-host";

static volatile sig_atomic_t ended;

static void
end(int sig)
{
	(void)sig;
	ended = 1;
}

/* --- what belongs to this jail -------------------------------------------- */

static uint64_t mounts[MOUNTS_MAX];
static size_t n_mounts;

static ssize_t
read_at(int dir, const char *name, char *text, size_t size)
{
	const int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, got = 0;

	if (fd < 0)
		return -1;
	while ((size_t)got < size - 1 &&
	       (n = read(fd, text + got, size - 1 - (size_t)got)) > 0)
		got += n;
	(void)close(fd);
	text[got] = '\0';
	return n < 0 && got == 0 ? -1 : got;
}

static bool
is_ours(uint64_t mount)
{
	for (size_t i = 0; i < n_mounts; i++)
		if (mounts[i] == mount)
			return true;
	return false;
}

/* The next line's mount, or 0. */
static uint64_t
next_mount(char **text)
{
	char *const line = *text;

	if (line == NULL || *line == '\0')
		return 0;
	*text = strchr(line, '\n');
	*text += *text != NULL;
	return strtoull(line, NULL, 10);
}

static void
read_mounts(void)
{
	static char text[TEXT_MAX];
	char *rest = text;
	uint64_t mount;

	if (read_at(AT_FDCWD, "/proc/self/mountinfo", text, sizeof(text)) <= 0)
		exit(2);
	while (n_mounts < MOUNTS_MAX && (mount = next_mount(&rest)) != 0)
		mounts[n_mounts++] = mount;
}

static uint64_t
mount_of(int fd)
{
	struct statx st;

	memset(&st, 0, sizeof(st));
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return 0;
	return st.stx_mnt_id;
}

/* Whether FD is of a mount that is not in our namespace. */
static bool
is_foreign(int fd)
{
	return !is_ours(mount_of(fd));
}

/* --- proof -----------------------------------------------------------------
 */

static int
count_leaks(void)
{
	static const char *const secrets[] = { "/home/other/secret",
					       "/tmp/secret", "shown/secret",
					       "own/secret" };
	char text[100];
	int n = 0;

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (read_at(AT_FDCWD, secrets[i], text, sizeof(text)) > 0)
			n += strstr(text, "of the host") != NULL;
	return n;
}

/* What came along but standard input, output and error. */
static int
count_descriptors(void)
{
	DIR *const stream = opendir("/proc/self/fd");
	const struct dirent *entry;
	int n = 0;

	while (stream != NULL && (entry = readdir(stream)) != NULL)
		n += atoi(entry->d_name) > STDERR_FILENO;
	return stream != NULL ? n - 1 : -1; /* that one is ours */
}

static int
say_proof(void)
{
	char mnt[64] = "", pid[64] = "";
	struct stat st;

	if (readlink("/proc/self/ns/mnt", mnt, sizeof(mnt) - 1) < 0 ||
	    readlink("/proc/self/ns/pid", pid, sizeof(pid) - 1) < 0 ||
	    stat("/", &st) < 0)
		return 1;
	printf("proof %u %u %s %s %u:%u:%llu leaks=%d fds=%d end\n", getuid(),
	       getgid(), mnt, pid, major(st.st_dev), minor(st.st_dev),
	       (unsigned long long)st.st_ino, count_leaks(),
	       count_descriptors());
	return 0;
}

/* --- swap ------------------------------------------------------------------
 */

/* Some are done by one call, in others nothing is there for a moment. */
static void
swap_once(const char *path, const char *other, const char *away, const char *to,
	  unsigned int turn)
{
	switch (turn % 4) {
	case 0:
	case 1:
		(void)renameat2(AT_FDCWD, path, AT_FDCWD, other,
				RENAME_EXCHANGE);
		break;
	case 2:
		if (rename(path, away) == 0 && symlink(to, path) == 0)
			(void)unlink(path);
		(void)rename(away, path);
		break;
	default:
		if (rename(path, away) == 0 && mkfifo(path, 0600) == 0)
			(void)unlink(path);
		(void)rename(away, path);
	}
}

static int
swap(const char *path, const char *to)
{
	char other[512], away[512];
	struct stat st;
	unsigned int kinds;

	(void)snprintf(other, sizeof(other), "%s.other", path);
	(void)snprintf(away, sizeof(away), "%s.away", path);
	(void)unlink(other);
	if (lstat(path, &st) < 0 || symlink(to, other) < 0)
		return 1;
	kinds = S_ISDIR(st.st_mode) ? 4 : 3;
	for (unsigned int turn = 0; !ended; turn++) {
		swap_once(path, other, away, to, turn % kinds);
		(void)usleep((turn * 7919) % 800);
	}
	return 0;
}

/* --- snoop -----------------------------------------------------------------
 */

enum state { UNSEEN, CLOSED, DONE };

static unsigned char state_of[PIDS_MAX];
static unsigned int n_closed, n_open;

static void
proof(const char *what, pid_t pid, const char *detail)
{
	char comm[64] = "", exe[256] = "", path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	(void)read_at(AT_FDCWD, path, comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	printf("PROOF %s %d %s (%s, %s)\n", what, pid, detail, comm, exe);
	(void)fflush(stdout);
}

/* What the program is, when somebody may know it: one that is not in the jail
 * is the keeper's or sshd's, which has more to hide than the account has. */
static bool
is_final(int dir)
{
	const int exe = openat(dir, "exe", O_PATH | O_CLOEXEC);
	const bool final = exe >= 0 && !is_foreign(exe);

	if (exe >= 0)
		(void)close(exe);
	return final;
}

/* 0: not known. */
static uint64_t
network_of(int sock)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	(void)getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size);
	return cookie;
}

/* Of the jail's network, and neither bound nor connected: a program has such
 * a one for a moment, to ask a name service that is not there. */
static bool
leads_nowhere(int sock)
{
	const int own = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const uint64_t network = own < 0 ? 0 : network_of(own);
	struct sockaddr_storage name;
	socklen_t size = sizeof(name), peer = sizeof(name);

	if (own >= 0)
		(void)close(own);
	return network != 0 && network_of(sock) == network &&
	       getsockname(sock, (struct sockaddr *)&name, &size) == 0 &&
	       size == sizeof(sa_family_t) &&
	       getpeername(sock, (struct sockaddr *)&name, &peer) < 0 &&
	       errno == ENOTCONN;
}

/* Whether socket INODE, which was descriptor NAME, is harmless or gone. */
static bool
is_harmless(int pidfd, const char *name, ino_t inode)
{
	const int sock = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(name), 0);
	struct stat st;
	bool harmless;

	if (sock < 0)
		return errno == EBADF || errno == ESRCH;
	harmless = fstat(sock, &st) == 0 &&
		   (!S_ISSOCK(st.st_mode) || st.st_ino != inode ||
		    leads_nowhere(sock));
	(void)close(sock);
	return harmless;
}

/* A descriptor that a program has been given, or should not have been. */
static void
look_at_descriptor(int pidfd, int fds, pid_t pid, const char *name)
{
	char to[256] = "";
	const ssize_t n = readlinkat(fds, name, to, sizeof(to) - 1);
	const int fd = openat(fds, name, O_PATH | O_CLOEXEC);
	struct stat st;

	to[n > 0 ? n : 0] = '\0';
	if (fd < 0 || fstat(fd, &st) < 0 || !is_foreign(fd)) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	(void)close(fd);
	if (atoi(name) <= STDERR_FILENO ? !S_ISDIR(st.st_mode)
					: strncmp(to, "pipe:", 5) == 0)
		return;
	if (!S_ISSOCK(st.st_mode) || !is_harmless(pidfd, name, st.st_ino))
		proof("descriptor", pid, to);
}

static void
look_at_descriptors(int pidfd, int dir, pid_t pid)
{
	const int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *const stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (stream != NULL && (entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.')
			look_at_descriptor(pidfd, fd, pid, entry->d_name);
	if (stream != NULL)
		(void)closedir(stream);
}

static void
look_at_directory(int dir, pid_t pid, const char *name)
{
	const int fd = openat(dir, name, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	if (is_foreign(fd))
		proof(name, pid, "is not in the jail");
	(void)close(fd);
}

static void
look_at_namespaces(int dir, pid_t pid)
{
	static const char *const names[] = { "ns/mnt", "ns/pid", "ns/net",
					     "ns/ipc", "ns/uts", "ns/cgroup" };
	char path[64], own[64], its[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ssize_t n = readlinkat(dir, names[i], its, sizeof(its) - 1);

		if (n < 0)
			continue;
		its[n] = '\0';
		(void)snprintf(path, sizeof(path), "/proc/self/%s", names[i]);
		n = readlink(path, own, sizeof(own) - 1);
		own[n > 0 ? n : 0] = '\0';
		if (strcmp(own, its) != 0)
			proof(names[i], pid, its);
	}
}

static void
look_for_mark(int dir, pid_t pid, const char *name)
{
	static char text[TEXT_MAX];
	const ssize_t n = read_at(dir, name, text, sizeof(text));

	if (n > 0 && memmem(text, (size_t)n, mark, strlen(mark)) != NULL)
		proof("mark", pid, name);
}

/* What everybody may read, and tells of where a process is. */
static void
look_at_mounts(int dir, pid_t pid)
{
	static char text[TEXT_MAX];
	char *rest = text;
	uint64_t mount;

	if (read_at(dir, "mountinfo", text, sizeof(text)) <= 0)
		return;
	while ((mount = next_mount(&rest)) != 0)
		if (!is_ours(mount)) {
			proof("mountinfo", pid, "is not the jail's");
			return;
		}
}

/* By another way than a path in /proc: the answer to who may not is EPERM. */
static bool
may_read_memory(pid_t pid)
{
	char byte;
	const struct iovec here = { &byte, 1 }, there = { (void *)4096, 1 };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 ||
	       errno == EFAULT;
}

static bool
may_take_descriptor(int pidfd)
{
	const int fd = (int)syscall(SYS_pidfd_getfd, pidfd, 3, 0);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || errno == EBADF;
}

static bool
may_trace(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return false;
	(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	(void)waitpid(pid, NULL, __WALL);
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return true;
}

/* Whether its directory in /proc lets us in anywhere. */
static bool
is_open(int dir)
{
	static const char *const files[] = { "root", "cwd",	"exe", "fd",
					     "maps", "environ", "mem" };
	bool open = false;

	for (size_t i = 0; dir >= 0 && i < sizeof(files) / sizeof(files[0]);
	     i++) {
		const int how = i < 3 ? O_PATH : O_RDONLY;
		const int fd = openat(dir, files[i], how | O_CLOEXEC);

		open |= fd >= 0;
		if (fd >= 0)
			(void)close(fd);
	}
	return open;
}

static void
look_inside(int dir, pid_t pid, enum state state)
{
	if (state == UNSEEN) {
		look_at_mounts(dir, pid);
		look_for_mark(dir, pid, "cmdline");
	}
	look_at_namespaces(dir, pid);
	look_at_directory(dir, pid, "root");
	look_at_directory(dir, pid, "cwd");
}

/* By each way there is, because who closes one may forget another. */
static bool
look_by_all_ways(int pidfd, int dir, pid_t pid)
{
	const bool open = is_open(dir), memory = may_read_memory(pid);
	const bool descriptor = may_take_descriptor(pidfd);

	return open || memory || descriptor || may_trace(pid);
}

static void
look_at_open(int pidfd, int dir, pid_t pid)
{
	/* It may have become another program between both. */
	if (dir >= 0 && !is_final(dir) && faccessat(dir, "exe", F_OK, 0) == 0 &&
	    !is_final(dir))
		proof("open", pid, "and not what it is to become");
	look_at_descriptors(pidfd, dir, pid);
	look_for_mark(dir, pid, "environ");
}

/* One look at one process; a number of one that is not there is UNSEEN. */
static enum state
look(pid_t pid)
{
	unsigned char *const state = &state_of[pid % PIDS_MAX];
	const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	char path[32];
	int dir;

	if (pidfd < 0)
		return UNSEEN;
	/* hidepid of proc(5): what is closed to us has none. */
	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		look_inside(dir, pid, *state);
	if (look_by_all_ways(pidfd, dir, pid)) {
		if (dir < 0)
			dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		look_at_open(pidfd, dir, pid);
		n_open++;
		*state = DONE;
	} else {
		n_closed += *state == UNSEEN;
		*state = CLOSED;
	}
	if (dir >= 0)
		(void)close(dir);
	(void)close(pidfd);
	return *state;
}

/* Those that are closed, to be looked at again. */
static pid_t pending[PIDS_MAX];
static size_t n_pending;

static bool
look_first(pid_t pid)
{
	const enum state state = look(pid);

	if (state == CLOSED && n_pending < PIDS_MAX)
		pending[n_pending++] = pid;
	return state != UNSEEN;
}

/* The newest of this jail, of everybody's: for when we did not get to run
 * while more than AHEAD came and went. */
static pid_t
newest(void)
{
	char text[100];
	const char *const word =
		read_at(AT_FDCWD, "/proc/loadavg", text, sizeof(text)) > 0
			? strrchr(text, ' ')
			: NULL;

	return word == NULL ? 0 : (pid_t)strtol(word, NULL, 10);
}

static int
snoop(void)
{
	pid_t last = getpid();
	unsigned int idle = 0;

	for (pid_t pid = 1; pid < last; pid++)
		(void)look_first(pid);
	puts("ready");
	(void)fflush(stdout);
	while (!ended) {
		for (size_t i = n_pending; i-- > 0;)
			if (look(pending[i]) != CLOSED)
				pending[i] = pending[--n_pending];
		idle++;
		for (pid_t pid = last + 1; pid <= last + AHEAD; pid++)
			if (look_first(pid)) {
				last = pid;
				idle = 0;
			}
		if (idle % IDLE == IDLE - 1 && newest() > last)
			last = newest();
	}
	printf("closed %u open %u\n", n_closed, n_open);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *const verb = argc > 1 ? argv[1] : "";

	(void)signal(SIGTERM, end);
	(void)signal(SIGHUP, end);
	if (strcmp(verb, "proof") == 0)
		return say_proof();
	if (strcmp(verb, "swap") == 0 && argc == 4)
		return swap(argv[2], argv[3]);
	if (strcmp(verb, "snoop") != 0)
		return 2;
	read_mounts();
	return snoop();
}
