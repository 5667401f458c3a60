/* SPDX-License-Identifier: ISC */
/*
 * What jail-keeper(8) lets the account have, and what it could be made to do.
 *
 * Inside, its socket is not there.  A process of the account's outside has it,
 * as jailsh(8) must: so these are run there as well, and then each asks for
 * more than a session inside.
 */
#include "escape.h"
#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	CALLERS = 400,
	CALLERS_MAX = 200, /* 16, and a queue of 128, in ours */
	DESCRIPTORS_MAX = 253,
};

static const char *
keeper_path(void)
{
	static char path[108];
	const char *const told = hint("keeper");

	(void)snprintf(path, sizeof(path), "%s", told != NULL ? told : "");
	if (told == NULL)
		(void)snprintf(path, sizeof(path), "/run/jail/%ld/shell",
			       require_number("uid"));
	return path;
}

/* Each attempt is a process of its own: who was reached once, must be again. */
static int
call_keeper(void)
{
	static bool reached;
	const int sock = peer_connect(keeper_path());

	if (sock < 0 && reached)
		leaked("the keeper has gone: %s", strerror(errno));
	if (sock < 0)
		refused(keeper_path());
	reached = true;
	return sock;
}

/* What is heard to a message of KIND. */
static void
tell(uint32_t kind, const int *fds, size_t n, struct answer *answer)
{
	const struct wire_msg msg = message_of(kind);
	const int sock = call_keeper();

	(void)say(sock, &msg, sizeof(msg), fds, n);
	hear(sock, answer);
	(void)close(sock);
}

/* In the word that keepers of all versions understand. */
static void
tell_stop(void)
{
	const int sock = call_keeper();
	struct answer answer;

	(void)say(sock, WIRE_STOP_WORD, sizeof(WIRE_STOP_WORD), NULL, 0);
	hear(sock, &answer);
	(void)close(sock);
}

/* Asks for a session of ASKED; its 0 is INPUT, its output a pipe.  Returns the
 * pipe's end, or -1 if there is none; *sock stays open. */
static int
begin_session(const struct asked *asked, int input, int *sock)
{
	const struct wire_msg msg = message_of(WIRE_RUN);
	struct answer answer;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		not_here("pipe: %s", strerror(errno));
	*sock = call_keeper();
	(void)say(*sock, &msg, sizeof(msg),
		  (int[]){ request_of(asked), input, ends[1], ends[1] }, 4);
	(void)close(ends[1]);
	hear(*sock, &answer);
	return answer.kind == WIRE_STARTED ? ends[0] : -1;
}

/* The same, for a shell and COMMAND, and what it prints; NULL: refused. */
static const char *
session_says(const char *command, const char *const *env, const char *cwd,
	     int input)
{
	static char text[OUTPUT_MAX];
	const char *const words[] = { "/bin/sh", "-c", command, NULL };
	const struct asked asked = { .words = words, .env = env, .cwd = cwd };
	int sock, output;

	text[0] = '\0';
	output = begin_session(&asked, input, &sock);
	if (output < 0)
		return NULL;
	read_output(output, text);
	if (has_secret(text, strlen(text)))
		escaped("a session read a secret of the host's");
	return text;
}

static int
open_null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* After an attempt that it should have survived. */
static void
require_keeper(void)
{
	const char *const text =
		session_says("echo in", NULL, NULL, open_null());

	if (text == NULL || strcmp(text, "in\n") != 0)
		leaked("there are no sessions any more");
}

/* --- what is root's ------------------------------------------------------- */

static void
join(const char *unused)
{
	struct answer answer;

	(void)unused;
	tell(WIRE_JOIN, NULL, 0, &answer);
	if (answer.kind == WIRE_GRANT || answer.n_fds > 0)
		leaked("was granted %zu descriptors", answer.n_fds);
	contained("refused: %s", answer.text);
}

static void
ask_status(const char *unused)
{
	struct answer answer;

	(void)unused;
	tell(WIRE_STATUS, NULL, 0, &answer);
	if (answer.kind == WIRE_STATUS || answer.n_fds > 0)
		leaked("was given the plan");
	contained("refused: %s", answer.text);
}

static void
ask_session(const char *unused)
{
	struct answer answer;

	(void)unused;
	tell(WIRE_SESSION, NULL, 0, &answer);
	if (answer.kind == WIRE_SESSION)
		leaked("was told of the session %s", answer.text);
	contained("refused: %s", answer.text);
}

static void
stop(const char *unused)
{
	struct answer answer;

	(void)unused;
	tell(WIRE_STOP, NULL, 0, &answer);
	tell_stop();
	if (answer.kind != WIRE_REFUSE)
		leaked("nobody refused to stop the jail");
	contained("refused: %s", answer.text);
}

/* The keeper ends who has entered when the connection ends.  Whose process
 * that is looks afterwards. */
static void
end_process_of_root(const char *key)
{
	const int pid = atoi(require_hint(key));
	const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	const struct wire_msg label = message_of(WIRE_LABEL);
	const struct wire_msg entered = message_of(WIRE_ENTERED);
	const int sock = call_keeper();
	struct answer answer;

	if (pidfd < 0)
		refused("pidfd_open");
	(void)say(sock, &label, sizeof(label), NULL, 0);
	(void)say(sock, &entered, sizeof(entered), &pidfd, 1);
	hear(sock, &answer);
	contained("nothing is said of process %d", pid);
}

/* --- what may come in ----------------------------------------------------- */

static void
bring_directory(const char *how)
{
	const int flags = strcmp(how, "path") == 0 ? O_PATH : O_RDONLY;
	const int root = open("/", flags | O_CLOEXEC);
	char command[256];

	(void)snprintf(command, sizeof(command), "cat /proc/self/fd/0%s",
		       require_hint("secret"));
	if (session_says(command, NULL, NULL, root) != NULL)
		leaked("a directory came in");
	contained("a directory is refused");
}

static void
bring_terminal(const char *unused)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	const int unlocked = 0;
	const char *text;

	(void)unused;
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		not_here("no terminal: %s", strerror(errno));
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	text = session_says("test -t 0 && echo tty", NULL, NULL, slave);
	if (text != NULL)
		leaked("a terminal of the host's came in: %s", text);
	contained("a terminal is refused");
}

/* A mask of terminals that are none, and fewer descriptors than it needs. */
static void
lie_about_descriptors(const char *unused)
{
	static const uint32_t masks[] = { 0, 1, 6, 0xfffffff8, 0xffffffff };
	const char *const words[] = { "sh", "-c", "ls /proc/self/fd", NULL };
	const struct asked asked = { .words = words };
	const int request = request_of(&asked);

	(void)unused;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		for (size_t n = 0; n < 2; n++) {
			struct wire_msg msg = message_of(WIRE_RUN);
			const int caller = call_keeper();
			struct answer answer;

			msg.terminals = masks[i];
			msg.window.ws_row = 0xffff;
			memset(&msg.modes, 0xff, sizeof(msg.modes));
			(void)say(caller, &msg, sizeof(msg), &request, n);
			hear(caller, &answer);
			(void)close(caller);
			if (answer.kind == WIRE_STARTED && masks[i] == 0)
				leaked("a session without descriptors");
		}
	require_keeper();
	contained("it counts by itself");
}

static void
bring_environment(const char *unused)
{
	static const char *const env[] = { "LD_PRELOAD=/brought",
					   "LD_LIBRARY_PATH=/brought",
					   "BASH_ENV=/brought",
					   "ENV=/brought",
					   "PATH=/brought",
					   "HOME=/brought",
					   "IFS=/brought",
					   "GLIBC_TUNABLES=brought",
					   "TERM",
					   "=brought",
					   "LC_ALL\n=brought",
					   NULL };
	const char *const text =
		session_says("/usr/bin/env", env, NULL, open_null());

	(void)unused;
	if (text != NULL && strstr(text, "brought") != NULL)
		leaked("%.100s", strstr(text, "brought") - 8);
	contained("nothing came in");
}

static void
bring_directory_name(const char *unused)
{
	static const char *const names[] = {
		"../../../../../../..", "/proc/1/root",	   "/proc/1/cwd",
		"/proc/self/fd/3",	"/proc/self/fd/4", "/proc/self/fd/5",
	};
	char command[256];

	(void)unused;
	(void)snprintf(command, sizeof(command), "cat .%s",
		       require_hint("secret"));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)session_says(command, NULL, names[i], open_null());
	require_keeper();
	contained("no name leads out");
}

/* What the session's process has, and the one that started it had. */
static void
look_at_session(const char *unused)
{
	const char *const text = session_says(
		"cd /proc/self/fd; for fd in *; do test $fd -gt 2 && test -e"
		" $fd && echo $fd; done; :",
		NULL, NULL, open_null());

	(void)unused;
	if (text == NULL)
		not_here("no session");
	if (text[0] != '\0')
		leaked("descriptor %.20s came along", text);
	contained("0, 1 and 2");
}

/* --- other messages ------------------------------------------------------- */

static void
send_one(const void *bytes, size_t size, const int *fds, size_t n)
{
	const int sock = call_keeper();
	struct answer answer;

	(void)say(sock, bytes, size, fds, n);
	(void)shutdown(sock, SHUT_WR);
	hear(sock, &answer);
	(void)close(sock);
	if (answer.kind == WIRE_STARTED || answer.kind == WIRE_GRANT)
		leaked("%zu bytes and %zu descriptors were a request", size, n);
}

static void
send_parts(const char *unused)
{
	const char *const words[] = { "sh", "-c", "exit", NULL };
	const struct asked asked = { .words = words };
	struct wire_msg msg = message_of(WIRE_RUN);
	char twice[2 * sizeof(msg)];
	int fds[DESCRIPTORS_MAX];

	(void)unused;
	for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
		fds[i] = i == 0 ? request_of(&asked) : open_null();
	memset(twice, 0x6a, sizeof(twice));
	send_one(&msg, 0, fds, 4);
	send_one(&msg, 1, fds, 4);
	send_one(&msg, sizeof(msg) - 1, fds, 4);
	send_one(twice, sizeof(twice), fds, 4);
	send_one(&msg, sizeof(msg), fds, DESCRIPTORS_MAX);
	for (size_t i = 0; i < sizeof(msg.magic) + sizeof(msg.kind); i++) {
		msg = message_of(WIRE_RUN);
		((unsigned char *)&msg)[i] ^= 0xff;
		send_one(&msg, sizeof(msg), fds, 4);
	}
	require_keeper();
	contained("parts are no message");
}

/* The plan is a memory file, too: one of the account's is no plan, and no
 * request.  Many a byte of a good request is another one. */
static void
send_lies(const char *unused)
{
	const char *const words[] = { "sh", "-c", "exit", NULL };
	const struct asked asked = { .words = words };
	const int good = request_of(&asked);
	const struct wire_msg msg = message_of(WIRE_RUN);
	unsigned char bytes[512];
	const ssize_t size = pread(good, bytes, sizeof(bytes), 0);

	(void)unused;
	for (ssize_t i = 0; i < size; i += 7) {
		const struct asked copy = { .words = words, .writable = true };
		const int bad = request_of(&copy), sock = call_keeper();
		const unsigned char byte = bytes[i] ^ 0xff;
		struct answer answer;

		(void)!pwrite(bad, &byte, 1, i);
		(void)fcntl(bad, F_ADD_SEALS, 15);
		(void)say(sock, &msg, sizeof(msg),
			  (int[]){ bad, open_null(), open_null(), open_null() },
			  4);
		hear(sock, &answer);
		(void)close(sock);
		(void)close(bad);
	}
	require_keeper();
	contained("damaged requests end their sessions");
}

static void
send_signals(const char *unused)
{
	static const int32_t values[] = { 0, -1, -9, 1 << 30, INT32_MIN, 9 };

	(void)unused;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const char *const words[] = { "sleep", "9", NULL };
		const struct asked asked = { .words = words };
		struct wire_msg msg = message_of(WIRE_SIGNAL);
		struct answer answer;
		int sock;

		if (begin_session(&asked, open_null(), &sock) < 0)
			not_here("no session");
		msg.value = values[i];
		(void)say(sock, &msg, sizeof(msg), NULL, 0);
		hear(sock, &answer);
		(void)close(sock);
	}
	require_keeper();
	contained("a signal is for the session");
}

/* Who was turned away reads an end; the others are held. */
static void
call_often(const char *unused)
{
	int socks[CALLERS], n, held = 0;
	char byte;

	(void)unused;
	(void)close(call_keeper());
	n = peer_crowd(keeper_path(), socks, CALLERS);
	for (int i = 0; i < n; i++) {
		held += recv(socks[i], &byte, 1, MSG_DONTWAIT) < 0;
		(void)close(socks[i]);
	}
	require_keeper();
	if (held > CALLERS_MAX)
		leaked("%d callers at a time", held);
	contained("%d of %d callers are held", held, n);
}

/* --- others' -------------------------------------------------------------- */

static void
call_other(const char *key)
{
	const char *const path = require_hint(key);
	const int sock = peer_connect(path);
	const struct wire_msg msg = message_of(WIRE_JOIN);
	struct answer answer;

	if (sock < 0)
		refused(path);
	(void)say(sock, &msg, sizeof(msg), NULL, 0);
	hear(sock, &answer);
	if (answer.kind == WIRE_GRANT)
		escaped("joined the jail of %s", require_hint("other"));
	leaked("connected to %s", path);
}

/* To be the keeper for the next session. */
static void
pose(const char *unused)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char away[128];

	(void)unused;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s.2",
		       keeper_path());
	if (sock >= 0 && bind(sock, (const struct sockaddr *)&address,
			      sizeof(address)) == 0) {
		(void)unlink(address.sun_path);
		leaked("somebody else can be the keeper");
	}
	(void)snprintf(away, sizeof(away), "%s.away", keeper_path());
	if (rename(keeper_path(), away) == 0) {
		(void)rename(away, keeper_path());
		leaked("the keeper's socket can be moved");
	}
	refused(keeper_path());
}

const struct attempt keeper_attempts[] = {
	{ "keeper.join", "S28", join, NULL },
	{ "keeper.status", "S28", ask_status, NULL },
	{ "keeper.session", "S28", ask_session, NULL },
	{ "keeper.stop", "S28", stop, NULL },
	{ "keeper.entered", "S28", end_process_of_root, "root_victim" },
	{ "keeper.directory", "S28", bring_directory, "read" },
	{ "keeper.directory-path", "S28", bring_directory, "path" },
	{ "keeper.terminal", "S11", bring_terminal, NULL },
	{ "keeper.descriptors", "S28", lie_about_descriptors, NULL },
	{ "keeper.environment", "S6", bring_environment, NULL },
	{ "keeper.directory-name", "S28", bring_directory_name, NULL },
	{ "keeper.given", "S6", look_at_session, NULL },
	{ "keeper.parts", "S28", send_parts, NULL },
	{ "keeper.lies", "S28", send_lies, NULL },
	{ "keeper.signals", "S28", send_signals, NULL },
	{ "keeper.flood", "S24", call_often, NULL },
	{ "keeper.other", "S28", call_other, "other_keeper" },
	{ "keeper.pose", "S28", pose, NULL },
	{ .name = NULL },
};
