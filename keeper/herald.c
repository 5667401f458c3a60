/* SPDX-License-Identifier: ISC */
#include "keeper/herald.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

enum {
	LIFE_SECONDS = 5,
	PASS_ON_MS = 2 * 1000,
	/* More hear nothing, and are killed when the others are. */
	PROCESSES_MAX = 256,
	PTS_MAJOR = 136, /* Documentation/admin-guide/devices.txt */
};

/* What is in the cgroup. */
struct members {
	struct {
		pid_t pid;
		int pidfd;
		int terminal; /* number of its pty; -1: none */
		bool there;
	} item[PROCESSES_MAX];
	size_t n;
};

static FILE *
open_at(int dir, const char *file)
{
	cleanup_fd int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	FILE *const stream = fd < 0 ? NULL : fdopen(fd, "r");

	if (stream != NULL)
		(void)fd_take(&fd);
	return stream;
}

/* The number of PID's pty, or -1.  The name in that line is the account's to
 * choose. */
static int
terminal_of(pid_t pid)
{
	char path[32], line[512], *rest;
	cleanup_fd int fd = -1;
	unsigned int device = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	line[n > 0 ? n : 0] = '\0';
	rest = strrchr(line, ')');
	if (rest == NULL ||
	    /* The kernel's words.  NOLINTNEXTLINE(cert-err34-c) */
	    sscanf(rest, ") %*c %*d %*d %*d %u", &device) != 1 ||
	    (device >> 8 & 0xfff) != PTS_MAJOR)
		return -1;
	return (int)((device & 0xff) | (device >> 12 & 0xfff00));
}

/* The next number of a cgroup.procs: 0 at its end, or for a process that we do
 * not see. */
static pid_t
next_process(FILE *procs)
{
	char line[24];

	if (procs == NULL || fgets(line, sizeof(line), procs) == NULL)
		return 0;
	return (pid_t)strtol(line, NULL, 10);
}

static void
find_members(int dir, struct members *members)
{
	FILE *const procs = open_at(dir, "cgroup.procs");
	pid_t pid;

	while (members->n < PROCESSES_MAX && (pid = next_process(procs)) > 0) {
		const int pidfd = pidfd_open(pid, 0);

		if (pidfd < 0)
			continue;
		members->item[members->n].pid = pid;
		members->item[members->n].pidfd = pidfd;
		members->item[members->n].terminal = terminal_of(pid);
		members->item[members->n++].there = false;
	}
	if (procs != NULL)
		(void)fclose(procs);
}

/* A number may have been given to another process between reading and opening
 * it.  One that is there again is the one that was opened, or that has ended
 * and hears nothing. */
static void
confirm_members(int dir, struct members *members)
{
	FILE *const procs = open_at(dir, "cgroup.procs");
	pid_t pid;

	while ((pid = next_process(procs)) > 0)
		for (size_t i = 0; i < members->n; i++)
			members->item[i].there |= members->item[i].pid == pid;
	if (procs != NULL)
		(void)fclose(procs);
}

/* Its terminal: it may have been told to stop, and then nobody waits. */
static void
write_to(int terminal, const char *text)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/dev/pts/%d", terminal);
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)dprintf(fd, "\r\njail: %s\r\n", text);
	(void)close(fd);
}

/* As the account, and inside: what it has made of its terminals is its own
 * affair. */
static _Noreturn void
tell(const struct jail *jail, int dir, const struct members *members,
     const char *text)
{
	struct jail_inside inside;
	struct jail own = *jail;
	struct err err;

	(void)alarm(LIFE_SECONDS);
	/* As one of them, which is what a jail with ports asks for. */
	own.procs = openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (own.procs < 0 || jail_enter(&own, &inside, &err) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) < 0 ||
	    jail_become(&inside, &err) < 0)
		_exit(EXIT_FAILURE);
	for (size_t i = 0; i < members->n; i++) {
		const int terminal = members->item[i].terminal;
		bool again = terminal < 0 || !members->item[i].there;

		for (size_t k = 0; k < i && !again; k++)
			again = members->item[k].there &&
				members->item[k].terminal == terminal;
		if (!again)
			write_to(terminal, text);
	}
	_exit(EXIT_SUCCESS);
}

/* Those with a terminal, or those without; how many. */
static size_t
hang_up(const struct members *members, bool with_terminal)
{
	size_t n = 0;

	for (size_t i = 0; i < members->n; i++) {
		if (!members->item[i].there ||
		    (members->item[i].terminal >= 0) != with_terminal)
			continue;
		(void)pidfd_send_signal(members->item[i].pidfd, SIGHUP, NULL,
					0);
		(void)pidfd_send_signal(members->item[i].pidfd, SIGCONT, NULL,
					0);
		n++;
	}
	return n;
}

void
herald_main(const struct jail *jail, int dir, const char *text)
{
	struct members members = { .n = 0 };
	pid_t teller;

	(void)alarm(2 * LIFE_SECONDS);
	find_members(dir, &members);
	confirm_members(dir, &members);
	teller = fork();
	if (teller == 0)
		tell(jail, dir, &members, text);
	/* It is told before it ends. */
	if (teller > 0)
		(void)waitpid(teller, NULL, 0);
	/* What passes a terminal's words on, as sshd's child does, has none
	 * itself, and would end with those that it has not read yet. */
	if (hang_up(&members, true) > 0)
		(void)poll(NULL, 0, PASS_ON_MS);
	(void)hang_up(&members, false);
	_exit(EXIT_SUCCESS);
}
