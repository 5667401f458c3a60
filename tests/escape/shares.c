/* SPDX-License-Identifier: ISC */
/* More than one's share.  Nothing takes more than the bounds below. */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES_MAX = 1200, /* a jail of ours has 1024 by default */
	TERMINALS_MAX = 200,  /* 64 */
	FILES_MAX = 4000000,
	OWN_FILES = 1024, /* of the jail itself, besides what was given */
	MIB = 1 << 20,
};

static void
fork_many(const char *unused)
{
	pid_t children[PROCESSES_MAX];
	int n = 0;

	(void)unused;
	for (; n < PROCESSES_MAX; n++) {
		children[n] = fork();
		while (children[n] == 0)
			(void)pause();
		if (children[n] < 0)
			break;
	}
	for (int i = 0; i < n; i++)
		(void)kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		continue;
	if (n < PROCESSES_MAX)
		contained("%d processes", n);
	leaked("more than %d processes", n);
}

/* The most that a file system of the jail's own may hold, in MiB.  It is
 * asked for more than it has: the kernel refuses that before it takes any. */
static void
fill(const char *path)
{
	const long most = require_number("tmp_mib");
	struct statfs fs;
	long size_mib;
	int fd;

	if (statfs(path, &fs) < 0)
		refused(path);
	if (fs.f_type != TMPFS_MAGIC)
		leaked("%s is on the host's disk", path);
	if (fs.f_blocks == 0)
		leaked("%s has no bound", path);
	size_mib = (long)fs.f_blocks * (long)fs.f_bsize / MIB;
	if (size_mib > most)
		leaked("%s holds %ld MiB", path, size_mib);
	fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		refused("open");
	if (posix_fallocate(fd, 0, (size_mib + 1L) * MIB) == 0)
		leaked("%s held more than its %ld MiB", path, size_mib);
	contained("%s holds %ld MiB", path, size_mib);
}

static void
count_files(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		refused(path);
	if (fs.f_type != TMPFS_MAGIC)
		leaked("%s is on the host's disk", path);
	if (fs.f_files == 0 || fs.f_files > FILES_MAX ||
	    (long)fs.f_files > require_number("tmp_files") + OWN_FILES)
		leaked("%s holds %lu files", path, (unsigned long)fs.f_files);
	contained("%s holds %lu files", path, (unsigned long)fs.f_files);
}

static void
open_terminals(const char *unused)
{
	(void)unused;
	for (int n = 0; n < TERMINALS_MAX; n++)
		if (open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) < 0)
			contained("%d terminals: %s", n, strerror(errno));
	leaked("more than %d terminals", TERMINALS_MAX);
}

static void
look_at_limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		refused("getrlimit");
	if (limit.rlim_max > most)
		leaked("%lu", (unsigned long)limit.rlim_max);
	contained("%lu", (unsigned long)limit.rlim_max);
}

static void
dump_core(const char *unused)
{
	(void)unused;
	look_at_limit(RLIMIT_CORE, 0);
}

static void
open_files(const char *unused)
{
	(void)unused;
	look_at_limit(RLIMIT_NOFILE, 1 << 20);
}

static void
count_processes(const char *unused)
{
	(void)unused;
	look_at_limit(RLIMIT_NPROC, (rlim_t)require_number("nproc"));
}

static void
raise_limit(const char *unused)
{
	struct rlimit limit;

	(void)unused;
	if (getrlimit(RLIMIT_NPROC, &limit) < 0)
		refused("getrlimit");
	if (limit.rlim_max == RLIM_INFINITY)
		leaked("there is no limit");
	limit.rlim_max++;
	if (setrlimit(RLIMIT_NPROC, &limit) < 0)
		refused("setrlimit");
	leaked("raised a limit");
}

static void
lock_memory(const char *unused)
{
	const size_t size = 64U * MIB;
	void *const memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)unused;
	if (memory == MAP_FAILED || mlock(memory, size) < 0)
		refused("mlock");
	leaked("locked 64 MiB in memory");
}

/* As large as can be, of memory that the host has for all filters. */
static void
filter_socket(const char *unused)
{
	enum { MOST = 4096 };
	static struct sock_filter calls[MOST];
	const struct sock_fprog program = { .len = MOST, .filter = calls };
	const int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)unused;
	for (int i = 0; i < MOST; i++)
		calls[i] = (struct sock_filter)BPF_STMT(
			i == MOST - 1 ? BPF_RET | BPF_K
				      : BPF_ALU | BPF_DIV | BPF_K,
			3);
	if (sock < 0)
		refused("socket");
	if (setsockopt(sock, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0)
		refused("SO_ATTACH_FILTER");
	leaked("%d instructions, for each socket", MOST);
}

const struct attempt share_attempts[] = {
	{ "res.pids", "S14", fork_many, NULL },
	{ "res.fill-tmp", "S13", fill, "/tmp" },
	{ "res.fill-var-tmp", "S13", fill, "/var/tmp" },
	{ "res.fill-shm", "S13", fill, "/dev/shm" },
	{ "res.inodes", "S13", count_files, "/tmp" },
	{ "res.inodes-shm", "S13", count_files, "/dev/shm" },
	{ "res.terminals", "S14", open_terminals, NULL },
	{ "res.core", "S14", dump_core, NULL },
	{ "res.files", "S14", open_files, NULL },
	{ "res.processes", "S14", count_processes, NULL },
	{ "res.raise-limit", "S14", raise_limit, NULL },
	{ "res.lock-memory", "S14", lock_memory, NULL },
	{ "res.socket-filter", "S14", filter_socket, NULL },
	{ .name = NULL },
};
