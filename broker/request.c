/* SPDX-License-Identifier: ISC */
/*
 * In this order: who asks, as the kernel says; become that account; only then
 * read what it has sent; decide; run the program, with nothing of who asked
 * but the arguments, and pipes that were made here.
 *
 * The request's own environment, working directory and descriptors are not
 * used; a descriptor that came along is looked at only if it is a sealed
 * memory file.
 */
#include "broker/request.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/rules.h"
#include "jail/jail.h"
#include "jail/run.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

enum {
	N_STDIO = 3,
	ASK_SECONDS = 10, /* to say what one wants, when connected */
	/* For all that, and to close what came along: a socket can take as
	 * long for that as the account wants. */
	HEAR_SECONDS = 15,
	RUN_MS = 600000, /* a person may have to think of a password */
	GOODBYE_MS = 2000,
	EXIT_CANNOT_RUN = 126,
};

/* Pipes for the program's 0, 1 and 2; -1: closed. */
struct stdio {
	int theirs[N_STDIO]; /* the program's ends */
	int ours[N_STDIO];   /* for who asks */
};

static void
stdio_close(struct stdio *stdio)
{
	for (size_t i = 0; i < N_STDIO; i++) {
		fd_close(&stdio->theirs[i]);
		fd_close(&stdio->ours[i]);
	}
}

#define cleanup_stdio __attribute__((cleanup(stdio_close)))
#define STDIO_NONE                                                             \
	((struct stdio){ .theirs = { -1, -1, -1 }, .ours = { -1, -1, -1 } })

/* COMMAND is what was asked for, and may be what the account wrote. */
static void
begin_event(const struct request *request, struct log_event *event,
	    const char *name, const char *command)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	log_begin(event, name);
	log_add(event, "user", request->plan->account);
	log_add_number(event, "uid", request->plan->uid);
	log_add(event, "jail", request->plan->jail);
	log_add(event, "service", command);
	if (getsockopt(request->sock, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
		log_add_number(event, "from-pid", who.pid);
}

static _Noreturn void
refuse(const struct request *request, const char *command,
       const struct err *err)
{
	struct wire_msg msg = { .kind = WIRE_REFUSE };
	struct log_event event;

	begin_event(request, &event, "refuse", command);
	log_add_cause(&event, "command", err);
	log_send(request->log, LOG_WARNING, "jail-broker", &event);
	/* Only what the rules say is for the one who asks. */
	(void)snprintf(msg.text, sizeof(msg.text), "%s",
		       err->kind == ERR_REFUSED ? err->text : "refused");
	wire_tell(request->sock, &msg);
	_exit(1);
}

/*
 * The account, in this jail.  Its processes outside have no need to ask; one
 * that got here through /proc has no reason that is a good one.  The number
 * is of a process that has connected; if it is gone, so is the question.
 */
static int
check_peer(const struct request *request, struct err *err)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	struct stat st;
	char path[32];

	if (getsockopt(request->sock, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return err_errno(err, "SO_PEERCRED");
	if (who.uid != request->plan->uid)
		return err_set(err, ERR_UNSAFE, "uid %u is not of this jail",
			       who.uid);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", who.pid);
	if (stat(path, &st) < 0)
		return err_errno(err, "who asks");
	if (st.st_dev != request->inside->st_dev ||
	    st.st_ino != request->inside->st_ino)
		return err_set(err, ERR_UNSAFE,
			       "process %d is not in this jail", who.pid);
	return 0;
}

static int
set_patience(int sock, struct err *err)
{
	const struct timeval limit = { .tv_sec = ASK_SECONDS };

	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) <
	    0)
		return err_errno(err, "SO_RCVTIMEO");
	return 0;
}

static int
hear(const struct request *request, struct run_request *asked, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;

	if (wire_recv(request->sock, &msg, &fds, err) < 0)
		return -1;
	if (msg.kind != WIRE_RUN || fds.n != 1)
		return err_set(err, ERR_UNSAFE, "not a request");
	return run_request_open(fds.fd[0], asked, err);
}

/* --- the program ---------------------------------------------------------- */

static int
make_pipes(struct stdio *stdio, struct err *err)
{
	for (size_t i = 0; i < N_STDIO; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_errno(err, "pipe");
		stdio->theirs[i] = i == 0 ? ends[0] : ends[1];
		stdio->ours[i] = i == 0 ? ends[1] : ends[0];
	}
	return 0;
}

/*
 * HOME is nowhere: a mail program might have its configuration there, which
 * says what to run.
 */
static _Noreturn void
run(const struct request *request, const struct command *command,
    const struct run_request *asked, const struct stdio *stdio)
{
	char user[64], logname[64];
	char *const env[] = { (char[]){ "PATH=/usr/sbin:/usr/bin:/sbin:/bin" },
			      (char[]){ "HOME=/nonexistent" },
			      (char[]){ "SHELL=/bin/sh" },
			      user,
			      logname,
			      NULL };
	char *const *const argv = (char *const *)(uintptr_t)asked->argv;
	sigset_t none;

	(void)snprintf(user, sizeof(user), "USER=%s", request->plan->account);
	(void)snprintf(logname, sizeof(logname), "LOGNAME=%s",
		       request->plan->account);
	(void)sigemptyset(&none);
	/* All of the pipes' ends are above 2, which main() has seen to. */
	if (setsid() < 0 || dup2(stdio->theirs[0], 0) < 0 ||
	    dup2(stdio->theirs[1], 1) < 0 || dup2(stdio->theirs[2], 2) < 0 ||
	    close_range(N_STDIO, ~0U, 0) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		_exit(EXIT_CANNOT_RUN);
	(void)execve(command->path, argv, env);
	_exit(EXIT_CANNOT_RUN);
}

/* Whether the program is still there; *status is how it ended. */
static bool
is_running(pid_t child, int *status)
{
	return waitpid(child, status, WNOHANG) == 0;
}

/* To the program and what it has started, or to what is about to be it. */
static void
tell(pid_t child, int sig)
{
	if (kill(-child, sig) < 0)
		(void)kill(child, sig);
}

/* Before it has done its work it has the account's real uid, whatever else it
 * has, and so can be told to stop; after that it stops by itself. */
static void
stop(int signals, pid_t child, int *status)
{
	const int64_t until_ms = now_ms() + GOODBYE_MS;
	struct pollfd fd = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo info;
	int64_t left_ms = GOODBYE_MS;

	tell(child, SIGHUP);
	tell(child, SIGTERM);
	while (left_ms > 0 && is_running(child, status)) {
		(void)poll(&fd, 1, (int)left_ms);
		(void)!read(signals, &info, sizeof(info));
		left_ms = until_ms - now_ms();
	}
	if (left_ms > 0)
		return;
	tell(child, SIGKILL);
	(void)waitpid(child, status, 0);
}

/*
 * Whether who asked is still there.  *INPUT is the program's, held open here
 * as well: if he goes in the middle of a table or of a letter, the program
 * must not take that for all of it.
 */
static bool
hear_more(int sock, int *input)
{
	/* What comes along, which should not, is closed by our end: that
	 * waits for nobody, and close(2) may. */
	struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;
	struct err err;

	if (wire_recv(sock, &msg, &fds, &err) < 0 ||
	    msg.kind != WIRE_INPUT_END || fds.n > 0 || *input < 0)
		return false;
	fd_close(input);
	return true;
}

/*
 * Waits until the program has ended, or who asked has gone, or the jail, or for
 * too long.  Who asked may have given his end to somebody outside.
 */
static int
attend(const struct request *request, int signals, int *input, pid_t child)
{
	const int64_t until_ms = now_ms() + RUN_MS;
	struct pollfd fds[] = { { .fd = request->sock, .events = POLLIN },
				{ .fd = request->keeper, .events = POLLIN },
				{ .fd = signals, .events = POLLIN } };
	int status = 0;

	while (is_running(child, &status)) {
		struct signalfd_siginfo info;
		const int64_t left_ms = until_ms - now_ms();
		const int n = poll(fds, 3, left_ms > 0 ? (int)left_ms : 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || fds[1].revents != 0 ||
		    (fds[0].revents != 0 && !hear_more(request->sock, input))) {
			stop(signals, child, &status);
			break;
		}
		(void)!read(signals, &info, sizeof(info));
	}
	return status;
}

/* Whoever asks may have waited for that. */
static int
check_jail(const struct request *request, struct err *err)
{
	struct pollfd fd = { .fd = request->keeper, .events = POLLIN };
	const int n = poll(&fd, 1, 0);

	if (n < 0)
		return err_errno(err, "poll");
	return n == 0 ? 0 : err_set(err, ERR_REFUSED, "the jail has ended");
}

static int
open_signals(struct err *err)
{
	sigset_t child;
	cleanup_fd int fd = -1;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return err_errno(err, "sigprocmask");
	fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(err, "signalfd") : fd_take(&fd);
}

/* Who asked has his answer, and hangs up when he has read it. */
static void
let_go(const struct request *request)
{
	struct pollfd fds[] = { { .fd = request->sock, .events = POLLIN },
				{ .fd = request->keeper, .events = POLLIN } };

	(void)alarm(HEAR_SECONDS); /* what still comes may be slow to close */
	if (poll(fds, 2, GOODBYE_MS) > 0 && fds[1].revents == 0)
		wire_wait_for_end(request->sock);
}

static void
serve(const struct request *request, const struct command *command,
      const struct run_request *asked, struct err *err)
{
	cleanup_stdio struct stdio stdio = STDIO_NONE;
	struct wire_msg msg = { .kind = WIRE_STARTED };
	cleanup_fd int signals = open_signals(err);
	cleanup_fd int input = -1;
	struct log_event event;
	pid_t child;

	if (signals < 0 || make_pipes(&stdio, err) < 0 ||
	    check_jail(request, err) < 0)
		refuse(request, command->name, err);
	begin_event(request, &event, "command", command->name);
	log_send(request->log, LOG_INFO, "jail-broker", &event);
	child = fork();
	if (child < 0) {
		(void)err_errno(err, "fork");
		refuse(request, command->name, err);
	}
	if (child == 0)
		run(request, command, asked, &stdio);
	/* If nobody hears this, attend() finds out. */
	(void)!wire_send(request->sock, &msg, stdio.ours, N_STDIO, err);
	input = fd_take(&stdio.ours[0]);
	stdio_close(&stdio);
	msg = (struct wire_msg){ .kind = WIRE_EXITED };
	msg.value = attend(request, signals, &input, child);
	wire_tell(request->sock, &msg);
	let_go(request);
}

void
request_main(const struct request *request)
{
	const struct command *command;
	struct run_request asked;
	struct err err;

	(void)prctl(PR_SET_NAME, "jail-command", 0, 0, 0);
	(void)alarm(HEAR_SECONDS);
	if (check_peer(request, &err) < 0 ||
	    wire_take_loginuid(request->sock, &err) < 0)
		refuse(request, "", &err);
	if (set_patience(request->sock, &err) < 0 ||
	    jail_become_outside(request->plan, &err) < 0 ||
	    hear(request, &asked, &err) < 0)
		refuse(request, "", &err);
	/* err_set() never returns 0: hear() has set it.
	 * NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
	command = rules_decide(request->plan, asked.argv, asked.argc, &err);
	if (command == NULL)
		refuse(request, asked.argc > 0 ? asked.argv[0] : "", &err);
	(void)alarm(0);
	serve(request, command, &asked, &err);
	_exit(0);
}
