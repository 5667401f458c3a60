/* SPDX-License-Identifier: ISC */
/*
 * The outer end of a session: between the terminal (or the pipes) of who
 * asked and the pty of the jail.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "jail/run.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum {
	N_STDIO = 3,
	BUFFER_BYTES = 8192,
	/* fg(1) does not tell a job that it is in the foreground again unless
	 * it was stopped: we look. */
	FOREGROUND_POLL_MS = 200,
	/* The kernel hands a pty's bytes on in its own time. */
	DRAIN_MS = 100,
};

/* Bytes on their way from one descriptor to another. */
struct buffer {
	char bytes[BUFFER_BYTES];
	size_t start, end;
};

struct relay {
	int sock;
	int signals;
	int master;   /* of the session's pty; -1: none */
	int input;    /* terminal to read from; -1: none, or at its end */
	int output;   /* terminal to write to; -1: none */
	int terminal; /* the outer one, for its modes and size; -1: none */
	bool raw;     /* its modes are changed */
	bool opost;   /* it turns newlines into carriage returns, not the
		       * session's: what comes through a pipe needs it */
	struct termios modes;
	bool borrowed; /* those were of our shell at its prompt */
	struct buffer to_jail, from_jail;
	int status;
	bool ended;
	struct wire_msg last; /* that said so */
};

static const int passed_on[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				 SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH };

/* A terminal's number in /proc/PID/stat: proc(5), tty_nr. */
static unsigned int
tty_number(int terminal)
{
	struct stat st;

	if (fstat(terminal, &st) < 0)
		return 0;
	return (minor(st.st_rdev) & 0xff) | (major(st.st_rdev) << 8) |
	       ((minor(st.st_rdev) & ~0xffU) << 12);
}

/*
 * Whether our parent's job is in the foreground of the terminal.  su -c gives
 * us a session of our own, in which no terminal controls us; su itself is
 * still a job of the caller's shell.  What cannot be known, as where /proc
 * hides su from us, is "no": what is typed may be for somebody else.
 */
static bool
parent_in_foreground(int terminal)
{
	char path[32], text[512], *after;
	cleanup_fd int fd = -1;
	int group, session, tty, foreground;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	after = strrchr(text,
			')'); /* the name before may have anything in it */
	/* The kernel has written them.  NOLINTNEXTLINE(cert-err34-c) */
	if (after == NULL || sscanf(after, ") %*c %*d %d %d %d %d", &group,
				    &session, &tty, &foreground) != 4)
		return false;
	return (unsigned int)tty != tty_number(terminal) || group == foreground;
}

/* A job in the background may neither read from the terminal nor change it. */
static bool
in_foreground(const struct relay *relay)
{
	const pid_t group = tcgetpgrp(relay->terminal);

	if (group < 0)
		return parent_in_foreground(relay->terminal);
	return group == getpgrp();
}

/* What the session's terminal is to begin with.  Of two terminals in a row
 * one turns newlines into carriage returns. */
static struct termios
inner_modes(const struct relay *relay)
{
	struct termios modes = relay->modes;

	if (relay->opost)
		modes.c_oflag &= ~(tcflag_t)OPOST;
	return modes;
}

/* The bytes that are typed are the session's terminal's to interpret. */
static void
make_raw(struct relay *relay)
{
	struct termios raw, modes;

	if (relay->raw || relay->input < 0 || !in_foreground(relay) ||
	    tcgetattr(relay->terminal, &relay->modes) < 0)
		return;
	modes = inner_modes(relay);
	if (relay->borrowed && tcsetattr(relay->master, TCSANOW, &modes) == 0)
		relay->borrowed = false;
	raw = relay->modes;
	cfmakeraw(&raw);
	if (relay->opost)
		raw.c_oflag = relay->modes.c_oflag;
	relay->raw = tcsetattr(relay->terminal, TCSADRAIN, &raw) == 0;
}

static void
make_cooked(struct relay *relay)
{
	if (relay->raw && in_foreground(relay))
		(void)tcsetattr(relay->terminal, TCSADRAIN, &relay->modes);
	relay->raw = false;
}

static void
copy_window(const struct relay *relay)
{
	struct winsize window;

	if (relay->master >= 0 &&
	    ioctl(relay->terminal, TIOCGWINSZ, &window) == 0)
		(void)ioctl(relay->master, TIOCSWINSZ, &window);
}

static void
send_signal(struct relay *relay, int sig)
{
	struct wire_msg msg = { .kind = WIRE_SIGNAL, .value = sig };

	wire_tell(relay->sock, &msg);
}

/* --- start --------------------------------------------------------------- */

static void
find_terminals(struct relay *relay, struct wire_msg *msg)
{
	for (int fd = 0; fd < N_STDIO; fd++)
		if (isatty(fd))
			msg->terminals |= 1U << fd;
	for (int fd = N_STDIO; fd-- > 0;)
		if ((msg->terminals & 1U << fd) != 0)
			relay->terminal = fd;
	if (relay->terminal < 0)
		return;
	if ((msg->terminals & 1U << 0) != 0)
		relay->input = 0;
	/* What the session prints, or echoes, goes to the terminal, too. */
	relay->output = (msg->terminals & 1U << 1) != 0	  ? 1
			: (msg->terminals & 1U << 2) != 0 ? 2
							  : 0;
}

static int
ask(struct relay *relay, const struct run_request *request, struct err *err)
{
	cleanup_fd int sealed = run_request_seal(request, err);
	struct wire_msg msg = { .kind = WIRE_RUN };
	int fds[1 + N_STDIO];
	size_t n = 0;

	if (sealed < 0)
		return -1;
	find_terminals(relay, &msg);
	fds[n++] = sealed;
	for (int fd = 0; fd < N_STDIO; fd++)
		if ((msg.terminals & 1U << fd) == 0)
			fds[n++] = fd;
	if (relay->terminal >= 0) {
		if (tcgetattr(relay->terminal, &relay->modes) < 0 ||
		    ioctl(relay->terminal, TIOCGWINSZ, &msg.window) < 0)
			return err_errno(err, "the terminal");
		relay->borrowed = !in_foreground(relay);
		relay->opost = relay->input < 0 ||
			       (msg.terminals & 1U << STDOUT_FILENO) == 0;
		msg.modes = inner_modes(relay);
	}
	return wire_send(relay->sock, &msg, fds, n, err);
}

/* To the terminal only: whoever reads a command's output does not look for
 * this. */
static void
tell(const struct relay *relay, const struct wire_msg *msg)
{
	if (relay->terminal >= 0 && msg->text[0] != '\0')
		(void)dprintf(relay->terminal, "jail: %s\n", msg->text);
}

static int
hear_start(struct relay *relay, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;

	if (wire_recv(relay->sock, &msg, &fds, err) < 0)
		return -1;
	if (msg.kind == WIRE_REFUSE)
		return err_set(err, ERR_REFUSED, "%s", msg.text);
	if (msg.kind != WIRE_STARTED)
		return err_set(err, ERR_UNSAFE, "not an answer to RUN");
	tell(relay, &msg);
	relay->master = fd_take(&fds.fd[0]);
	if (relay->master >= 0 &&
	    fcntl(relay->master, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_errno(err, "the session's terminal");
	return 0;
}

static int
take_signals(struct relay *relay, struct err *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		(void)sigaddset(&set, passed_on[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_errno(err, "block signals");
	(void)signal(SIGPIPE, SIG_IGN);
	relay->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return relay->signals < 0 ? err_errno(err, "signalfd") : 0;
}

/* --- events -------------------------------------------------------------- */

/* Stops us as the session was stopped, for the shell that we are a job of;
 * returns when it is continued. */
static void
stop_and_go(struct relay *relay)
{
	make_cooked(relay);
	(void)kill(getpid(), SIGSTOP);
	make_raw(relay);
	copy_window(relay);
	send_signal(relay, SIGCONT);
}

static void
hear(struct relay *relay)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;
	struct err err;

	if (wire_recv(relay->sock, &msg, &fds, &err) < 0) {
		/* The jail was ended under the session. */
		relay->status = W_EXITCODE(0, SIGKILL);
		relay->ended = true;
	} else if (msg.kind == WIRE_EXITED) {
		relay->status = msg.value;
		relay->ended = true;
		relay->last = msg;
	} else if (msg.kind == WIRE_STOPPED) {
		stop_and_go(relay);
	}
}

/* Our shell has its own modes while we are stopped, if we were. */
static bool
is_still_raw(const struct relay *relay)
{
	struct termios now;

	return relay->raw && tcgetattr(relay->terminal, &now) == 0 &&
	       (now.c_lflag & (ECHO | ICANON | ISIG)) == 0;
}

/* 0: there is none. */
static int
next_signal(const struct relay *relay)
{
	struct signalfd_siginfo info;

	if (read(relay->signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

static void
take_signal(struct relay *relay)
{
	const int sig = next_signal(relay);

	switch (sig) {
	case 0:
		break;
	case SIGWINCH:
		copy_window(relay);
		break;
	case SIGTSTP:
		/* Nobody inside is a job of our shell's: it would be lost. */
		send_signal(relay, SIGSTOP);
		break;
	case SIGCONT:
		relay->raw = is_still_raw(relay);
		make_raw(relay);
		copy_window(relay);
		break;
	default:
		send_signal(relay, sig);
	}
}

static void
fill(struct buffer *buffer, int *fd)
{
	const ssize_t n = read(*fd, buffer->bytes, sizeof(buffer->bytes));

	if (n > 0) {
		buffer->start = 0;
		buffer->end = (size_t)n;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		*fd = -1; /* the end; it is closed by its owner */
	}
}

static void
flush(struct buffer *buffer, int fd)
{
	const ssize_t n = write(fd, buffer->bytes + buffer->start,
				buffer->end - buffer->start);

	if (n > 0)
		buffer->start += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		buffer->start = buffer->end; /* nobody takes it */
}

static bool
is_empty(const struct buffer *buffer)
{
	return buffer->start == buffer->end;
}

enum { ON_SOCK, ON_SIGNALS, ON_INPUT, ON_OUTPUT, ON_MASTER, N_EVENTS };

static void
await(const struct relay *relay, int master, struct pollfd *fds)
{
	const bool readable = relay->input >= 0 && in_foreground(relay);
	const bool quiet = relay->input >= 0 && !readable;

	fds[ON_SOCK] = (struct pollfd){ relay->sock, POLLIN, 0 };
	fds[ON_SIGNALS] = (struct pollfd){ relay->signals, POLLIN, 0 };
	fds[ON_INPUT] = (struct pollfd){ readable && is_empty(&relay->to_jail)
						 ? relay->input
						 : -1,
					 POLLIN, 0 };
	fds[ON_OUTPUT] = (struct pollfd){
		is_empty(&relay->from_jail) ? -1 : relay->output, POLLOUT, 0
	};
	fds[ON_MASTER] = (struct pollfd){ master, 0, 0 };
	if (is_empty(&relay->from_jail))
		fds[ON_MASTER].events |= POLLIN;
	if (!is_empty(&relay->to_jail))
		fds[ON_MASTER].events |= POLLOUT;
	if (fds[ON_MASTER].events == 0)
		fds[ON_MASTER].fd = -1; /* else a hangup would be told */
	if (poll(fds, N_EVENTS, quiet ? FOREGROUND_POLL_MS : -1) < 0)
		for (int i = 0; i < N_EVENTS; i++)
			fds[i].revents = 0;
}

/* The outer terminal is gone: so is whoever typed. */
static void
hang_up(struct relay *relay)
{
	if (relay->input < 0)
		send_signal(relay, SIGHUP);
}

static void
pump(struct relay *relay)
{
	int master = relay->master;

	while (!relay->ended) {
		struct pollfd fds[N_EVENTS];

		make_raw(relay);
		await(relay, master, fds);
		if ((fds[ON_MASTER].revents & POLLOUT) != 0)
			flush(&relay->to_jail, master);
		else if (fds[ON_MASTER].revents != 0 &&
			 is_empty(&relay->from_jail))
			fill(&relay->from_jail, &master);
		if (fds[ON_OUTPUT].revents != 0)
			flush(&relay->from_jail, relay->output);
		if (fds[ON_INPUT].revents != 0) {
			fill(&relay->to_jail, &relay->input);
			hang_up(relay);
		}
		if (fds[ON_SIGNALS].revents != 0)
			take_signal(relay);
		if (fds[ON_SOCK].revents != 0)
			hear(relay);
	}
}

/* Takes a signal; whether it was one to end by. */
static bool
take_interrupt(const struct relay *relay)
{
	const int sig = next_signal(relay);

	return sig == SIGHUP || sig == SIGINT || sig == SIGQUIT ||
	       sig == SIGTERM;
}

/* One step of what is left to print.  Returns whether there may be more. */
static bool
drain_step(struct relay *relay, int *master, bool *closed, int timeout_ms)
{
	const bool empty = is_empty(&relay->from_jail);
	struct pollfd fds[] = {
		{ .fd = relay->signals, .events = POLLIN },
		/* A hangup is told in any case, and while there is something
		 * to write that is all we want to know of it. */
		{ .fd = empty || !*closed ? *master : -1,
		  .events = empty ? POLLIN : 0 },
		{ .fd = empty ? -1 : relay->output, .events = POLLOUT },
	};

	if (poll(fds, 3, empty ? timeout_ms : -1) <= 0 ||
	    (fds[0].revents != 0 && take_interrupt(relay)))
		return false;
	/* Somebody may open it again. */
	if (fds[1].fd >= 0)
		*closed = (fds[1].revents & POLLHUP) != 0;
	if (empty && fds[1].revents != 0)
		fill(&relay->from_jail, master);
	if (fds[2].revents != 0)
		flush(&relay->from_jail, relay->output);
	return *master >= 0 || !is_empty(&relay->from_jail);
}

/*
 * What the session printed last: all of it when nobody has the terminal open
 * any more, for then it has an end.  Somebody who stays in the background and
 * goes on printing is waited for DRAIN_MS, not for ever.  Who reads it from us
 * may be as slow as he likes: his terminal's end is ours, and kill(1).
 */
static void
drain(struct relay *relay)
{
	const int64_t until_ms = now_ms() + DRAIN_MS;
	int master = relay->master;
	bool closed = false;
	int64_t left_ms = DRAIN_MS;

	if (master < 0)
		return;
	while ((closed || left_ms > 0 || !is_empty(&relay->from_jail)) &&
	       drain_step(relay, &master, &closed,
			  left_ms > 0 ? (int)left_ms : 0))
		left_ms = until_ms - now_ms();
}

int
run_check_stdio(struct err *err)
{
	for (int fd = 0; fd < N_STDIO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return err_errno(err, "descriptor %d", fd);
	return 0;
}

static int
relay_session(struct relay *relay, const struct run_request *request,
	      struct err *err)
{
	/* Before the session can end or stop. */
	if (take_signals(relay, err) < 0 || ask(relay, request, err) < 0 ||
	    hear_start(relay, err) < 0)
		return -1;
	pump(relay);
	drain(relay);
	make_cooked(relay);
	tell(relay, &relay->last);
	return 0;
}

int
run_session(int sock, const struct run_request *request, int *status,
	    struct err *err)
{
	struct relay relay = { .sock = sock,
			       .signals = -1,
			       .master = -1,
			       .input = -1,
			       .output = -1,
			       .terminal = -1 };
	const int ret = relay_session(&relay, request, err);

	*status = relay.status;
	fd_close(&relay.signals);
	fd_close(&relay.master);
	return ret;
}

void
run_end_like(int status)
{
	const struct rlimit no_core = { .rlim_cur = 0 };
	sigset_t none;

	if (WIFSIGNALED(status)) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		(void)signal(WTERMSIG(status), SIG_DFL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)kill(getpid(), WTERMSIG(status));
		_exit(128 + WTERMSIG(status));
	}
	_exit(WEXITSTATUS(status));
}
