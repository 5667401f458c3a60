/* SPDX-License-Identifier: ISC */
#include "broker/ask.h"

#include "base/cleanup.h"
#include "jail/commands.h"
#include "jail/run.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { BUFFER_BYTES = 16384, N_PIPES = 3 };

/* Bytes between two descriptors; -1: that end is closed. */
struct stream {
	int from, to;
	char bytes[BUFFER_BYTES];
	size_t start, end;
	int errnum; /* why some of them are missing; 0: none are */
};

/* What is held while the command runs. */
struct line {
	int sock;
	int signals;
	sigset_t mask;	    /* from before, if there is SIGNALS */
	int pipes[N_PIPES]; /* of the command's 0, 1, 2 */
	int terminal;	    /* whose modes are changed; -1: none */
	struct termios modes;
};

#define LINE_NONE                                                              \
	((struct line){ .sock = -1,                                            \
			.signals = -1,                                         \
			.pipes = { -1, -1, -1 },                               \
			.terminal = -1 })

static void
show_typing(struct line *line)
{
	if (line->terminal >= 0)
		(void)tcsetattr(line->terminal, TCSANOW, &line->modes);
	line->terminal = -1;
}

static void
line_close(struct line *line)
{
	show_typing(line);
	if (line->signals >= 0)
		(void)sigprocmask(SIG_SETMASK, &line->mask, NULL);
	fd_close(&line->sock);
	fd_close(&line->signals);
	for (size_t i = 0; i < N_PIPES; i++)
		fd_close(&line->pipes[i]);
}

#define cleanup_line __attribute__((cleanup(line_close)))

static int
hide_typing(struct line *line, int terminal, struct err *err)
{
	struct termios hidden;

	if (!isatty(terminal))
		return 0;
	if (tcgetattr(terminal, &line->modes) < 0)
		return err_errno(err, "terminal");
	hidden = line->modes;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	if (tcsetattr(terminal, TCSANOW, &hidden) < 0)
		return err_errno(err, "terminal");
	line->terminal = terminal;
	return 0;
}

/* They end the command as well, which has our end of the pipes closed then;
 * but the terminal must be as it was before. */
static int
catch_signals(struct line *line, struct err *err)
{
	static const int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
				      SIGTSTP };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void)sigaddset(&set, caught[i]);
	line->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (line->signals < 0 ||
	    sigprocmask(SIG_BLOCK, &set, &line->mask) < 0) {
		fd_close(&line->signals);
		return err_errno(err, "signals");
	}
	/* A command that does not read is no reason to die. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_errno(err, "signals");
	return 0;
}

static _Noreturn void
die(struct line *line)
{
	struct signalfd_siginfo info = { .ssi_signo = SIGTERM };

	(void)!read(line->signals, &info, sizeof(info));
	line_close(line);
	_exit(128 + (int)info.ssi_signo);
}

static int
connect_broker(struct err *err)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX,
					  .sun_path = COMMANDS_SOCKET };
	cleanup_fd int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_errno(err, "socket");
	if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return err_errno(err, "nobody to ask");
	return fd_take(&sock);
}

static int
ask(struct line *line, const char *const *argv, size_t argc, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	const struct run_request request = {
		.argv = (const char **)(uintptr_t)argv,
		.argc = argc,
		.cwd = "",
		.command = true
	};
	struct wire_msg msg = { .kind = WIRE_RUN };
	cleanup_fd int sealed = run_request_seal(&request, err);

	if (sealed < 0)
		return -1;
	line->sock = connect_broker(err);
	if (line->sock < 0 ||
	    wire_send(line->sock, &msg, &sealed, 1, err) < 0 ||
	    wire_recv(line->sock, &msg, &fds, err) < 0)
		return -1;
	if (msg.kind == WIRE_REFUSE) {
		msg.text[sizeof(msg.text) - 1] = '\0';
		return err_set(err, ERR_REFUSED, "%s", msg.text);
	}
	if (msg.kind != WIRE_STARTED || fds.n != N_PIPES)
		return err_set(err, ERR_UNSAFE, "not an answer");
	for (size_t i = 0; i < N_PIPES; i++) {
		if (fcntl(fds.fd[i], F_SETFL, O_NONBLOCK) < 0)
			return err_errno(err, "pipe");
		line->pipes[i] = fd_take(&fds.fd[i]);
	}
	return 0;
}

/* --- bytes ---------------------------------------------------------------- */

static bool
is_empty(const struct stream *stream)
{
	return stream->start == stream->end;
}

static void
fill(struct stream *stream)
{
	const ssize_t n =
		read(stream->from, stream->bytes, sizeof(stream->bytes));

	stream->start = 0;
	stream->end = n > 0 ? (size_t)n : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		stream->errnum = errno;
	if (n <= 0)
		stream->from = -1;
}

/* Who does not read to the end has his reasons. */
static void
drain(struct stream *stream)
{
	const ssize_t n = write(stream->to, stream->bytes + stream->start,
				stream->end - stream->start);

	if (n > 0)
		stream->start += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		*stream =
			(struct stream){ .from = -1,
					 .to = -1,
					 .errnum = errno == EPIPE ? 0 : errno };
}

/* All that is there already: nobody writes any more. */
static void
copy_rest(struct stream *stream)
{
	while (stream->from >= 0 || !is_empty(stream)) {
		if (is_empty(stream))
			fill(stream);
		if (is_empty(stream))
			return;
		drain(stream);
	}
}

/* What to wait for, for STREAM. */
static struct pollfd
wanted(const struct stream *stream)
{
	if (is_empty(stream))
		return (struct pollfd){ .fd = stream->from, .events = POLLIN };
	return (struct pollfd){ .fd = stream->to, .events = POLLOUT };
}

static void
move(struct stream *stream, short revents)
{
	if (revents == 0)
		return;
	if (is_empty(stream))
		fill(stream);
	else
		drain(stream);
}

/* The exit status of the command, or -1. */
static int
hear_end(int sock, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;

	if (wire_recv(sock, &msg, &fds, err) < 0)
		return -1;
	if (msg.kind != WIRE_EXITED)
		return err_set(err, ERR_UNSAFE, "not an answer");
	return WIFEXITED(msg.value) ? WEXITSTATUS(msg.value)
				    : 128 + WTERMSIG(msg.value);
}

static int
require_all(const struct stream *stream, const char *what, struct err *err)
{
	errno = stream->errnum;
	return errno == 0 ? 0 : err_errno(err, "%s", what);
}

/*
 * The command must notice that nothing comes any more; but a part of a table
 * or of a letter must not look like all of it.  The broker ends it when we
 * hang up.
 */
static int
end_input(struct line *line, const struct stream *stream, struct err *err)
{
	struct wire_msg msg = { .kind = WIRE_INPUT_END };

	if (line->pipes[0] < 0)
		return 0;
	if (require_all(stream, "standard input", err) < 0 ||
	    wire_send(line->sock, &msg, NULL, 0, err) < 0)
		return -1;
	fd_close(&line->pipes[0]);
	return 0;
}

/* It must notice that nobody reads, too. */
static int
end_streams(struct line *line, const struct stream *streams, struct err *err)
{
	for (size_t i = 1; i < N_PIPES; i++)
		if (streams[i].from < 0 && is_empty(&streams[i]))
			fd_close(&line->pipes[i]);
	if (streams[0].from >= 0 || !is_empty(&streams[0]))
		return 0;
	return end_input(line, &streams[0], err);
}

static int
stay(struct line *line, struct stream *streams, struct err *err)
{
	enum { SOCK = N_PIPES, SIGNALS, N_POLLS };
	int status;

	for (;;) {
		struct pollfd fds[N_POLLS];

		for (size_t i = 0; i < N_PIPES; i++)
			fds[i] = wanted(&streams[i]);
		if (end_streams(line, streams, err) < 0)
			return -1;
		fds[SOCK] = (struct pollfd){ line->sock, POLLIN, 0 };
		fds[SIGNALS] = (struct pollfd){ line->signals, POLLIN, 0 };
		if (poll(fds, N_POLLS, -1) < 0)
			continue;
		if (fds[SIGNALS].revents != 0)
			die(line);
		for (size_t i = 0; i < N_PIPES; i++)
			move(&streams[i], fds[i].revents);
		if (fds[SOCK].revents != 0)
			break;
	}
	status = hear_end(line->sock, err);
	copy_rest(&streams[1]);
	copy_rest(&streams[2]);
	return require_all(&streams[1], "standard output", err) < 0 ? -1
								    : status;
}

int
talk_run(const char *const *argv, size_t argc, const struct talk *talk,
	 struct err *err)
{
	cleanup_line struct line line = LINE_NONE;
	struct stream streams[N_PIPES] = { { .from = talk->input },
					   { .to = talk->output },
					   { .to = STDERR_FILENO } };

	if (catch_signals(&line, err) < 0 || ask(&line, argv, argc, err) < 0 ||
	    (talk->secret && hide_typing(&line, talk->input, err) < 0))
		return -1;
	streams[0].to = line.pipes[0];
	streams[1].from = line.pipes[1];
	streams[2].from = line.pipes[2];
	return stay(&line, streams, err);
}
