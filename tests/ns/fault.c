/* SPDX-License-Identifier: ISC */
/*
 * fault [-p PROGRAM]... [-c CALL -w WHEN -e ERRNO | -k] REPORT COMMAND [ARG...]
 *
 * Runs COMMAND and makes one system call of all that its processes make
 * fail: the WHENth with the number CALL, with ERRNO, and without being done.
 * Only calls of processes that execute a file called PROGRAM count; with
 * PROGRAM:NAME, only while their name begins with NAME.  Without
 * -c, none fails.  -k: the process is killed instead, and the call not done.
 *
 * The file REPORT then has a line for each call that counted: the program,
 * the process's name, the call's number and two of its arguments, and
 * "failed" for the one that did; with -c, only for calls with that number.  A
 * last line says "left" if a process was still there three seconds after
 * COMMAND had ended.  Ends as COMMAND ended; 125: something is wrong with this
 * program.
 *
 * seccomp_unotify(2) lets one process decide for all the others, by the one
 * rule for every architecture, and unlike ptrace(2) it does not change what
 * they may do.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	EXIT_BROKEN = 125,
	LISTENER = 3, /* in the child: the first that is free */
	PROGRAMS_MAX = 8,
	LEFT_AFTER_MS = 3000,
	POLL_MS = 50,
};

struct fault {
	const char *programs[PROGRAMS_MAX];
	size_t n_programs;
	int call; /* -1: list all */
	unsigned long when;
	int errnum;
	bool kills;
	FILE *report;
	unsigned long seen;
	int listener;
};

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	exit(EXIT_BROKEN);
}

static void
install(const struct fault *fault)
{
	struct sock_filter all[] = {
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	struct sock_filter one[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)fault->call, 0,
			 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = fault->call < 0 ? sizeof(all) / sizeof(all[0])
				       : sizeof(one) / sizeof(one[0]),
		.filter = fault->call < 0 ? all : one,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_NEW_LISTENER |
			    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		    &program) != LISTENER)
		_exit(EXIT_BROKEN);
}

/* And not what the child had at that number before. */
static bool
is_listener(int fd)
{
	uint64_t nobody = 0;

	return fd >= 0 &&
	       ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &nobody) < 0 &&
	       errno == ENOENT;
}

/* Starts COMMAND, which waits until we have the listener. */
static pid_t
start(struct fault *fault, char **command)
{
	int go[2], pidfd;
	pid_t pid;
	char byte;

	if (pipe2(go, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		/* A place for the listener that we know. */
		if (dup2(go[0], 4) < 0 || close(LISTENER) < 0 ||
		    close_range(5, ~0U, 0) < 0)
			_exit(EXIT_BROKEN);
		install(fault);
		(void)!read(4, &byte, 1);
		(void)close(4);
		(void)execvp(command[0], command);
		_exit(EXIT_BROKEN);
	}
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		die("pidfd_open");
	while (!is_listener(fault->listener =
				    pidfd_getfd(pidfd, LISTENER, 0))) {
		if (fault->listener >= 0)
			(void)close(fault->listener);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			die("start");
		(void)usleep(100);
	}
	(void)close(pidfd);
	(void)close(go[0]);
	(void)close(go[1]);
	return pid;
}

static void
read_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	FILE *stream;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	name[0] = '\0';
	stream = fopen(path, "re");
	if (stream == NULL)
		return;
	if (fgets(name, (int)size, stream) == NULL)
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	(void)fclose(stream);
}

/* Whether EXE, a file's name, is that of PROGRAM, "FILE" or "FILE:NAME", and
 * COMM begins with the latter. */
static bool
is_program(const char *program, const char *exe, const char *comm)
{
	const size_t len = strcspn(program, ":");

	if (strncmp(exe, program, len) != 0 || exe[len] != '\0')
		return false;
	return program[len] == '\0' ||
	       strncmp(comm, program + len + 1, strlen(program + len + 1)) == 0;
}

/* Whether the process executes one of the programs; which. */
static const char *
program_of(const struct fault *fault, pid_t pid, const char *comm)
{
	char path[64], exe[PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0)
		return NULL;
	exe[n] = '\0';
	for (size_t i = 0; i < fault->n_programs; i++) {
		const char *const slash = strrchr(exe, '/');

		if (slash != NULL &&
		    is_program(fault->programs[i], slash + 1, comm))
			return fault->programs[i];
	}
	return NULL;
}

static void
answer(struct fault *fault)
{
	struct seccomp_notif asked;
	struct seccomp_notif_resp answer = {
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE
	};
	const char *program;
	char name[32];

	memset(&asked, 0, sizeof(asked));
	if (ioctl(fault->listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return; /* it was killed meanwhile */
	answer.id = asked.id;
	read_name((pid_t)asked.pid, name, sizeof(name));
	program = program_of(fault, (pid_t)asked.pid, name);
	if (program != NULL) {
		const bool fails = ++fault->seen == fault->when;

		(void)fprintf(fault->report, "%s %s %d %llx %llx%s\n", program,
			      name, asked.data.nr,
			      (unsigned long long)asked.data.args[0],
			      (unsigned long long)asked.data.args[1],
			      fails ? " failed" : "");
		if (fails)
			(void)fflush(fault->report);
		if (fails) {
			answer.flags = 0;
			answer.error = -fault->errnum;
		}
		/* It waits for our answer, so its number is its own. */
		if (fails && fault->kills)
			(void)kill((pid_t)asked.pid, SIGKILL);
	}
	(void)ioctl(fault->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static long
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Decides until nobody is left to decide for.  Returns COMMAND's status. */
static int
supervise(struct fault *fault, pid_t pid)
{
	struct pollfd fd = { .fd = fault->listener, .events = POLLIN };
	int status = 0;
	long ended_ms = -1;

	for (;;) {
		const int n = poll(&fd, 1, POLL_MS);

		if (ended_ms < 0 && waitpid(pid, &status, WNOHANG) == pid)
			ended_ms = now_ms();
		if (n > 0 && (fd.revents & POLLIN) != 0)
			answer(fault);
		else if (n > 0 && (fd.revents & POLLHUP) != 0)
			break;
		if (ended_ms >= 0 && now_ms() > ended_ms + LEFT_AFTER_MS) {
			(void)fprintf(fault->report, "left\n");
			break;
		}
	}
	if (ended_ms < 0 && waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return status;
}

int
main(int argc, char **argv)
{
	struct fault fault = { .call = -1, .listener = -1 };
	int letter, status;

	while ((letter = getopt(argc, argv, "+p:c:w:e:k")) >= 0) {
		if (letter == 'p' && fault.n_programs < PROGRAMS_MAX)
			fault.programs[fault.n_programs++] = optarg;
		else if (letter == 'c')
			fault.call = (int)strtol(optarg, NULL, 10);
		else if (letter == 'w')
			fault.when = strtoul(optarg, NULL, 10);
		else if (letter == 'e')
			fault.errnum = (int)strtol(optarg, NULL, 10);
		else if (letter == 'k')
			fault.kills = true;
		else
			return EXIT_BROKEN;
	}
	if (argc - optind < 2)
		return EXIT_BROKEN;
	fault.report = fopen(argv[optind], "we");
	if (fault.report == NULL)
		die(argv[optind]);
	status = supervise(&fault, start(&fault, argv + optind + 1));
	if (fclose(fault.report) != 0)
		die(argv[optind]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
