/* SPDX-License-Identifier: ISC */
#include "keeper/session.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "jail/run.h"
#include "jail/userns.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* Of the process between, when it has stepped back. */
enum { STEP_SOCK, STEP_SIGNALS, STEP_MEMORY, STEP_PIDS, STEP_ABOVE, STEP_END };

enum {
	N_STDIO = 3,
	FD_REQUEST = N_STDIO, /* in the session's process */
	FD_LOG,
	FD_SOCK,
	/* Exit statuses of a shell that could not run: POSIX, 2.8.2. */
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
};

/* What was asked for, and what came with it: the request, and descriptors. */
struct asked {
	struct wire_msg msg;
	struct wire_fds fds;
};

/* The session's terminal; -1 if it has none. */
struct pty {
	int master, slave;
};

static void
begin_event(const struct session *session, struct log_event *event,
	    const char *name)
{
	const struct plan *const plan = &session->jail->plan;

	log_begin(event, name);
	log_add(event, "user", plan->account);
	log_add_number(event, "uid", plan->uid);
	log_add(event, "jail", plan->jail);
	log_add(event, "service", "jailsh");
	if (session->unsaid > 0)
		log_add_number(event, "unsaid", session->unsaid);
}

/* LOG may be another descriptor than the session's by now. */
static void
log_refusal(const struct session *session, int log, const char *step,
	    const struct err *err)
{
	struct log_event event;

	begin_event(session, &event, "refuse");
	log_add_cause(&event, step, err);
	log_send(log, LOG_ERR, "jail-keeper", &event);
}

static bool
find_peer(const struct session *session, struct ucred *peer)
{
	socklen_t len = sizeof(*peer);

	return getsockopt(session->sock, SOL_SOCKET, SO_PEERCRED, peer, &len) ==
	       0;
}

/* Who asked may have come without PAM: then this is all that tells of it. */
static void
log_start(const struct session *session, pid_t pid)
{
	struct log_event event;
	struct ucred peer;

	begin_event(session, &event, "session");
	if (find_peer(session, &peer)) {
		log_add_number(&event, "from-uid", peer.uid);
		log_add_number(&event, "from-pid", peer.pid);
	}
	log_add_number(&event, "pid", pid);
	log_send(session->log, LOG_INFO, "jail-keeper", &event);
}

/* The host's syslog has the cause, the user the fact; and root, who
 * asks by jailconf(8), the cause at once. */
static _Noreturn void
refuse(const struct session *session, const struct err *err)
{
	struct wire_msg msg = { .kind = WIRE_REFUSE };
	struct ucred peer;
	const bool root = find_peer(session, &peer) && peer.uid == 0;

	(void)snprintf(msg.text, sizeof(msg.text), "%s",
		       root ? err->text : "login refused");
	log_refusal(session, session->log, "session", err);
	wire_tell(session->sock, &msg);
	_exit(1);
}

/*
 * A socket stays in the network that it was made in, and finds names there,
 * those of abstract sockets as well: so one that may be connected anew is a way
 * around the jail's own network.
 */
static int
check_socket(int fd, struct err *err)
{
	int domain = -1, type = -1;
	socklen_t domain_len = sizeof(domain), type_len = sizeof(type);
	struct sockaddr_un peer;
	socklen_t peer_len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0)
		return err_errno(err, "descriptor");
	if (domain == AF_UNIX &&
	    (type == SOCK_STREAM || type == SOCK_SEQPACKET) &&
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) == 0)
		return 0;
	return err_set(err, ERR_UNSAFE,
		       "a socket of the host's network may not enter a jail "
		       "with its own (domain %d, type %d)",
		       domain, type);
}

/*
 * What may come in as standard input, output or error: something to read
 * from or write to.  A directory would be a way out of the jail, a terminal
 * a way to type into somebody's shell, a block device is nobody's output.
 */
static int
check_stdio(const struct plan *plan, int fd, struct err *err)
{
	const int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "descriptor");
	if ((flags & O_PATH) != 0 || S_ISDIR(st.st_mode) ||
	    S_ISBLK(st.st_mode) || isatty(fd))
		return err_set(err, ERR_UNSAFE,
			       "a descriptor that may not enter a jail "
			       "(mode %06o)",
			       st.st_mode);
	if (S_ISSOCK(st.st_mode) && plan_owns_network(plan))
		return check_socket(fd, err);
	return 0;
}

/* Finds the descriptors for 0, 1 and 2 in the order they came. */
static int
take_stdio(const struct plan *plan, const struct asked *asked,
	   const struct pty *pty, int *stdio, struct err *err)
{
	size_t next = 1; /* the first one is the request */

	for (size_t i = 0; i < N_STDIO; i++) {
		if ((asked->msg.terminals & 1U << i) != 0) {
			stdio[i] = pty->slave;
			continue;
		}
		if (next >= asked->fds.n)
			return err_set(err, ERR_UNSAFE,
				       "descriptor %zu is missing", i);
		stdio[i] = asked->fds.fd[next++];
		if (check_stdio(plan, stdio[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Opens the jail's ptmx, and believes only that it is one of a devpts: a tree
 * could have a link there. */
static int
open_master(struct err *err)
{
	const struct open_how how = {
		.flags = O_RDWR | O_NOCTTY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	cleanup_fd int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/dev/pts/ptmx",
					 &how, sizeof(how));
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return err_errno(err, "open a pty of the jail");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, ERR_UNSAFE,
			       "the jail's /dev/pts is not a devpts");
	return fd_take(&fd);
}

/* Opens a pty of the jail: we are inside already. */
static int
open_pty(const struct plan *plan, const struct wire_msg *msg, struct pty *pty,
	 struct err *err)
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	const int unlocked = 0;

	if (msg->terminals == 0)
		return 0;
	pty->master = open_master(err);
	if (pty->master < 0)
		return -1;
	if (ioctl(pty->master, TIOCSPTLCK, &unlocked) < 0)
		return err_errno(err, "unlock the pty");
	pty->slave = ioctl(pty->master, TIOCGPTPEER, flags);
	if (pty->slave < 0)
		return err_errno(err, "open the pty's other end");
	if (fchown(pty->slave, plan->uid, plan_tty_group(plan)) < 0)
		return err_errno(err, "chown the pty");
	if (tcsetattr(pty->slave, TCSANOW, &msg->modes) < 0 ||
	    ioctl(pty->slave, TIOCSWINSZ, &msg->window) < 0)
		return err_errno(err, "set up the pty");
	return 0;
}

/* In the session's process: terminal and standard descriptors. */
static int
set_stdio(const struct pty *pty, const int *stdio, struct err *err)
{
	int lifted[N_STDIO];

	if (setsid() < 0)
		return err_errno(err, "setsid");
	if (pty->slave >= 0 && ioctl(pty->slave, TIOCSCTTY, 0) < 0)
		return err_errno(err, "take the terminal");
	for (int i = 0; i < N_STDIO; i++) {
		/* err_set() never returns 0: take_stdio() has set them.
		 * NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
		lifted[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10);
		if (lifted[i] < 0)
			return err_errno(err, "dup");
	}
	for (int i = 0; i < N_STDIO; i++)
		if (dup2(lifted[i], i) < 0)
			return err_errno(err, "dup2");
	return 0;
}

/* Signals as a login finds them: none blocked, none ignored.  The system call,
 * because the C library keeps two signals for itself. */
static int
reset_signals(struct err *err)
{
	const uint64_t by_default[4] = { 0 }; /* SIG_DFL, no flags, no mask */
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (syscall(SYS_rt_sigaction, sig, by_default, NULL, NSIG / 8) <
			    0 &&
		    sig != SIGKILL && sig != SIGSTOP)
			return err_errno(err, "reset signal %d", sig);
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_errno(err, "unblock signals");
	return 0;
}

/* Closes everything but standard input, output and error, the request, the log
 * and the connection to who asked: the account must find nothing of ours when
 * the process is its own. */
static int
keep_last(int request, int sock, int *log, struct err *err)
{
	const int lifted = fcntl(request, F_DUPFD_CLOEXEC, 10);
	const int lifted_sock = fcntl(sock, F_DUPFD_CLOEXEC, 10);
	const int lifted_log = *log < 0 ? -1 : fcntl(*log, F_DUPFD_CLOEXEC, 10);

	if (lifted < 0 || dup3(lifted, FD_REQUEST, O_CLOEXEC) < 0 ||
	    lifted_sock < 0 || dup3(lifted_sock, FD_SOCK, O_CLOEXEC) < 0)
		return err_errno(err, "dup");
	if (lifted_log < 0 || dup3(lifted_log, FD_LOG, O_CLOEXEC) < 0)
		(void)close(FD_LOG); /* there is no log: log_open() */
	*log = lifted_log < 0 ? -1 : FD_LOG;
	if (close_range(FD_SOCK + 1, ~0U, 0) < 0)
		return err_errno(err, "close_range");
	return 0;
}

/* Whether who asked is still there.  As long as the session's process was
 * root's, the one that attends to it could not tell it that he is not. */
static int
find_whether_wanted(bool *wanted, struct err *err)
{
	struct pollfd fd = { .fd = FD_SOCK, .events = POLLRDHUP };
	const int n = poll(&fd, 1, 0);

	*wanted = n == 0;
	return n < 0 ? err_errno(err, "poll") : 0;
}

/*
 * The session's process.  Only when it is the account does it look at what
 * the account has sent.
 */
static _Noreturn void
run(const struct session *session, int fd_request, const struct pty *pty,
    const int *stdio)
{
	const struct jail_inside inside = { .plan = &session->jail->plan };
	struct run_request request;
	int log = session->log;
	bool wanted = false;
	struct err err;

	if (set_stdio(pty, stdio, &err) < 0 ||
	    keep_last(fd_request, session->sock, &log, &err) < 0 ||
	    jail_become(&inside, &err) < 0 || reset_signals(&err) < 0 ||
	    (inside.plan->root_inside && userns_enter(&err) < 0) ||
	    find_whether_wanted(&wanted, &err) < 0) {
		log_refusal(session, log, "become", &err);
		(void)dprintf(STDERR_FILENO, "login refused\n");
		_exit(EXIT_CANNOT_RUN);
	}
	if (!wanted)
		_exit(EXIT_CANNOT_RUN);
	if (run_request_open(FD_REQUEST, &request, &err) == 0)
		run_exec(&request, &session->jail->plan, &err);
	(void)dprintf(STDERR_FILENO, "jailsh: %s\n", err.text);
	_exit(err.kind == ERR_SYSTEM && err.errnum == ENOENT ? EXIT_NOT_FOUND
							     : EXIT_CANNOT_RUN);
}

/* Tells of every change of the session's process.  Returns false when it has
 * ended. */
static bool
report_child(int sock, pid_t child, struct hits *hits, const struct plan *plan)
{
	struct wire_msg msg = { .kind = WIRE_STOPPED };
	int status;

	while (waitpid(child, &status, WNOHANG | WUNTRACED) == child) {
		const bool stopped = WIFSTOPPED(status);

		if (!stopped) {
			hits_look_inside(hits, plan);
			hits_words(hits, plan, msg.text, sizeof(msg.text));
		}
		msg.kind = stopped ? WIRE_STOPPED : WIRE_EXITED;
		msg.value = stopped ? WSTOPSIG(status) : status;
		wire_tell(sock, &msg);
		if (!stopped)
			return false;
	}
	return true;
}

/* Passes a signal on.  Returns false when nobody is there any more. */
static bool
pass_signal(int sock, pid_t child)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;
	struct err err;

	if (wire_recv(sock, &msg, &fds, &err) < 0 || msg.kind != WIRE_SIGNAL ||
	    msg.value < 1 || msg.value >= NSIG) {
		(void)kill(-child, SIGHUP);
		(void)kill(-child, SIGCONT);
		return false;
	}
	(void)kill(-child, msg.value);
	return true;
}

static void
attend(pid_t child, struct hits *hits, const struct plan *plan)
{
	struct pollfd fds[] = { { .fd = STEP_SOCK, .events = POLLIN },
				{ .fd = STEP_SIGNALS, .events = POLLIN } };
	bool going = true;

	while (going) {
		struct signalfd_siginfo info;

		if (poll(fds, 2, -1) < 0) {
			if (errno != EINTR)
				break;
			continue;
		}
		if (fds[1].revents != 0) {
			(void)!read(STEP_SIGNALS, &info, sizeof(info));
			going = report_child(STEP_SOCK, child, hits, plan);
		}
		if (going && fds[0].revents != 0)
			going = pass_signal(STEP_SOCK, child);
	}
}

/* The descriptor *FD becomes NUMBER, unless there is none. */
static int
place(int *fd, int number)
{
	if (*fd < 0) {
		(void)close(number);
		return 0;
	}
	*fd = dup2(*fd, number);
	return *fd;
}

/* What stays between both has no more rights than the account. */
static int
step_back(const struct session *session, struct hits *hits)
{
	const struct jail_inside inside = { .plan = &session->jail->plan };
	int sock = session->sock, signals;
	sigset_t child;
	struct err err;

	*hits = *session->hits;
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	signals = signalfd(-1, &child, SFD_CLOEXEC);
	if (signals < 0 || place(&sock, STEP_SOCK) < 0 ||
	    place(&signals, STEP_SIGNALS) < 0 ||
	    place(&hits->events.memory, STEP_MEMORY) < 0 ||
	    place(&hits->events.pids, STEP_PIDS) < 0 ||
	    place(&hits->events.above, STEP_ABOVE) < 0 ||
	    close_range(STEP_END, ~0U, 0) < 0)
		return -1;
	return jail_become(&inside, &err);
}

/* The session cannot be attended to: then there is none. */
static _Noreturn void
abandon(int sock, pid_t child)
{
	struct wire_msg msg = { .kind = WIRE_EXITED,
				.value = W_EXITCODE(EXIT_CANNOT_RUN, 0) };

	(void)kill(child, SIGKILL);
	wire_tell(sock, &msg);
	_exit(1);
}

/* The keeper has only looked at what is asked for: to close a descriptor of the
 * account's may take as long as the account wants, fuse(4). */
static int
hear(const struct session *session, struct asked *asked, struct err *err)
{
	if (wire_recv(session->sock, &asked->msg, &asked->fds, err) < 0)
		return -1;
	if (asked->msg.kind != WIRE_RUN || asked->fds.n < 1)
		return err_set(err, ERR_UNSAFE, "no request came along");
	return 0;
}

void
session_main(const struct session *session)
{
	const struct plan *const plan = &session->jail->plan;
	struct pty pty = { .master = -1, .slave = -1 };
	struct wire_msg started = { .kind = WIRE_STARTED };
	struct asked asked = { .fds = WIRE_FDS_NONE };
	struct jail_inside inside;
	int stdio[N_STDIO];
	struct hits hits;
	struct err err;
	pid_t child;

	(void)prctl(PR_SET_NAME, "jail-session", 0, 0, 0);
	/* Who hangs up on the session wants to hear how it ended. */
	(void)signal(SIGHUP, SIG_IGN);
	if (wire_take_loginuid(session->sock, &err) < 0 ||
	    hear(session, &asked, &err) < 0 ||
	    jail_enter(session->jail, &inside, &err) < 0 ||
	    open_pty(plan, &asked.msg, &pty, &err) < 0 ||
	    take_stdio(plan, &asked, &pty, stdio, &err) < 0)
		refuse(session, &err);
	child = fork();
	if (child < 0) {
		(void)err_errno(&err, "fork");
		refuse(session, &err);
	}
	if (child == 0)
		run(session, asked.fds.fd[0], &pty, stdio);
	log_start(session, child);
	(void)snprintf(started.text, sizeof(started.text), "%s", session->note);
	if (wire_send(session->sock, &started, &pty.master,
		      pty.master >= 0 ? 1 : 0, &err) < 0)
		(void)kill(child, SIGHUP);
	if (step_back(session, &hits) < 0)
		abandon(STEP_SOCK, child);
	attend(child, &hits, plan);
	wire_wait_for_end(STEP_SOCK);
	_exit(0);
}
