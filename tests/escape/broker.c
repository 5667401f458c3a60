/* SPDX-License-Identifier: ISC */
/*
 * What jail-broker(8) runs outside, for whom, and what else it could be made
 * to do.  An attempt that would change something of the account's is made
 * where the host's side has planted what it asks for, and nowhere else.
 */
#include "escape.h"
#include "messages.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET "/run/jail/broker"

enum {
	CALLERS = 300,
	CALLERS_MAX = 64, /* that are let in; 8 and a queue, in ours */
	WORDS_MAX = 6,
	MANY_WORDS = 100000,
	MANY_DESCRIPTORS = 200,
};

/* Each attempt is a process of its own: who was reached once, must be again. */
static int
call_broker(void)
{
	static bool reached;
	const int sock = peer_connect(SOCKET);

	if (sock < 0 && reached)
		leaked("the broker has gone: %s", strerror(errno));
	if (sock < 0 && errno == ENOENT)
		not_here("there is no broker");
	if (sock < 0)
		refused(SOCKET);
	reached = true;
	return sock;
}

/* Sends a request as it should be, but for what ASKED says; what is heard.
 * Returns the connection. */
static int
ask(const struct asked *asked, struct answer *answer)
{
	const struct wire_msg msg = message_of(WIRE_RUN);
	const int sock = call_broker(), request = request_of(asked);

	(void)say(sock, &msg, sizeof(msg), &request, 1);
	(void)close(request);
	hear(sock, answer);
	return sock;
}

/* After an attempt that it should have survived. */
static void
require_broker(void)
{
	const char *const words[] = { "nothing", NULL };
	const struct asked asked = { .words = words };
	struct answer answer;

	(void)close(ask(&asked, &answer));
	if (answer.kind == 0)
		leaked("nobody answers any more");
}

/* What the program that was started says, to no input. */
static void
read_program(int sock, const struct answer *answer, char *text)
{
	const struct wire_msg end = message_of(WIRE_INPUT_END);

	text[0] = '\0';
	if (answer->n_fds >= 3) {
		(void)close(answer->fd[0]);
		(void)say(sock, &end, sizeof(end), NULL, 0);
		read_output(answer->fd[1], text);
		read_output(answer->fd[2], text);
	}
	(void)close(sock);
	for (size_t i = 1; i < answer->n_fds; i++)
		(void)close(answer->fd[i]);
}

/* Whether WORDS are run; and never to give us a secret. */
static bool
is_run(const char *const *words)
{
	static char text[OUTPUT_MAX];
	const struct asked asked = { .words = words };
	struct answer answer;
	const int sock = ask(&asked, &answer);

	read_program(sock, &answer, text);
	if (answer.kind != WIRE_STARTED)
		return false;
	if (has_secret(text, strlen(text)))
		escaped("%s %s gave a secret", words[0],
			words[1] != NULL ? words[1] : "");
	return true;
}

/* Each row must be refused; "%s" in a word is VALUE. */
static void
refuse_all(const char *const rows[][WORDS_MAX], const char *value)
{
	const char *run = NULL;
	int n = 0;

	for (; rows[n][0] != NULL; n++) {
		char filled[WORDS_MAX][256];
		const char *words[WORDS_MAX] = { NULL };

		for (size_t i = 0; i < WORDS_MAX && rows[n][i] != NULL; i++) {
			const char *const mark = strstr(rows[n][i], "%s");
			const int before = mark == NULL
						   ? (int)strlen(rows[n][i])
						   : (int)(mark - rows[n][i]);

			(void)snprintf(filled[i], sizeof(filled[i]), "%.*s%s%s",
				       before, rows[n][i],
				       mark == NULL ? "" : value,
				       mark == NULL ? "" : mark + 2);
			words[i] = filled[i];
		}
		if (is_run(words))
			run = rows[n][1] != NULL ? rows[n][1] : rows[n][0];
	}
	if (run != NULL)
		leaked("it ran with %s", run);
	contained("%d requests are refused", n);
}

/* --- other words ---------------------------------------------------------- */

static void
ask_for_other_table(const char *unused)
{
	static const char *const rows[][WORDS_MAX] = {
		{ "crontab", "-u", "%s", "-l" },
		{ "crontab", "-l", "-u", "%s" },
		{ "crontab", "-lu", "%s" },
		{ "crontab", "-lu%s" },
		{ "crontab", "-l", "--user=%s" },
		{ NULL },
	};

	(void)unused;
	refuse_all(rows, require_hint("other"));
}

/* A file of the host's becomes the table, to be read then. */
static void
ask_for_file(const char *unused)
{
	const char *const words[] = { "crontab", require_hint("table"), NULL };
	const char *const look[] = { "crontab", "-l", NULL };

	(void)unused;
	if (!is_run(words))
		contained("a path is refused");
	(void)is_run(look);
	leaked("it took a path of the host's");
}

static void
ask_for_other_password(const char *unused)
{
	static const char *const rows[][WORDS_MAX] = {
		{ "passwd", "%s" },
		{ "passwd", "-S", "%s" },
		{ "passwd", "-d", "%s" },
		{ "passwd", "-S", "-a" },
		{ "passwd", "-R", "/" },
		{ "passwd", "--root=/" },
		{ NULL },
	};

	(void)unused;
	refuse_all(rows, require_hint("other"));
}

static void
ask_for_shell(const char *unused)
{
	static const char *const rows[][WORDS_MAX] = {
		{ "sh", "-c", "cat %s" },
		{ "/bin/sh", "-c", "cat %s" },
		{ "../../bin/cat", "%s" },
		{ "cat", "%s" },
		{ "/usr/bin/crontab", "-l" },
		{ "", "-c", "cat %s" },
		{ NULL },
	};

	(void)unused;
	refuse_all(rows, require_hint("secret"));
}

static void
ask_for_mail_settings(const char *unused)
{
	static const char *const rows[][WORDS_MAX] = {
		{ "sendmail", "-be", "${readfile{%s}}" },
		{ "sendmail", "-C", "%s", "-bV" },
		{ "sendmail", "-C%s", "-bV" },
		{ "sendmail", "-bem", "%s" },
		{ "sendmail", "-bf", "%s" },
		{ "sendmail", "-bp" },
		{ "sendmail", "-X", "%s" },
		{ "sendmail", "-OQueueDirectory=%s" },
		{ "sendmail", "-D", "X=%s" },
		{ NULL },
	};

	(void)unused;
	refuse_all(rows, require_hint("secret"));
}

static void
ask_for_mail_to_file(const char *unused)
{
	static const char *const rows[][WORDS_MAX] = {
		{ "sendmail", "|cat %s" },
		{ "sendmail", "%s" },
		{ "sendmail", ":include:%s" },
		{ "sendmail", "\"|cat %s\"@localhost" },
		{ "sendmail", "--", "|cat %s" },
		{ "sendmail", "-f", "|cat %s" },
		{ "sendmail", "-F${readfile{%s}}" },
		{ NULL },
	};

	(void)unused;
	refuse_all(rows, require_hint("secret"));
}

/* Words that are two for whoever splits them again. */
static void
ask_with_newlines(const char *unused)
{
	static const char *const rows[][WORDS_MAX] = {
		{ "crontab\n-l" },
		{ "crontab", "-l\n-u\n%s" },
		{ "crontab", "-\n" },
		{ "sendmail", "a@b\n-be" },
		{ "sendmail", "-f", "a@b\r\nBcc: c@d" },
		{ "sendmail", "-F", "a\nBcc: c@d" },
		{ "passwd\t%s" },
		{ NULL },
	};

	(void)unused;
	refuse_all(rows, require_hint("other"));
}

/* Who started this looks afterwards for a line of its own in the log. */
static void
ask_with_log_line(const char *unused)
{
	char word[128];
	const char *const words[] = { word, NULL };

	(void)unused;
	(void)snprintf(word, sizeof(word), "x\n<38>sshd[1]: forged-%s\n",
		       require_hint("nonce"));
	if (is_run(words))
		leaked("it ran something");
	contained("refused");
}

/* --- other messages ------------------------------------------------------- */

/* What is heard to SIZE bytes of BYTES and N descriptors must not be that
 * something was started. */
static void
must_refuse(const void *bytes, size_t size, const int *fds, size_t n)
{
	const int sock = call_broker();
	struct answer answer;

	(void)say(sock, bytes, size, fds, n);
	hear(sock, &answer);
	(void)close(sock);
	if (answer.kind == WIRE_STARTED)
		leaked("%zu bytes and %zu descriptors were a request", size, n);
}

static const char *const harmless[] = { "crontab", "-l", NULL };

static void
send_parts(const char *unused)
{
	const struct asked asked = { .words = harmless };
	const struct wire_msg msg = message_of(WIRE_RUN);
	const int request = request_of(&asked);
	char twice[2 * sizeof(msg)];

	(void)unused;
	memcpy(twice, &msg, sizeof(msg));
	memcpy(twice + sizeof(msg), &msg, sizeof(msg));
	must_refuse(&msg, 0, &request, 1);
	must_refuse(&msg, 1, &request, 1);
	must_refuse(&msg, 8, &request, 1);
	must_refuse(&msg, sizeof(msg) - 1, &request, 1);
	must_refuse(twice, sizeof(twice), &request, 1);
	must_refuse(&msg, sizeof(msg), NULL, 0);
	require_broker();
	contained("parts are no message");
}

/* Kinds that are for the keeper, a magic of others'. */
static void
send_others(const char *unused)
{
	const struct asked asked = { .words = harmless };
	const int request = request_of(&asked);

	(void)unused;
	for (uint32_t kind = 0; kind < 20; kind++) {
		const struct wire_msg msg = message_of(kind);

		if (kind != WIRE_RUN)
			must_refuse(&msg, sizeof(msg), &request, 1);
	}
	for (int bit = 0; bit < 32; bit += 5) {
		struct wire_msg msg = message_of(WIRE_RUN);

		msg.magic ^= 1U << bit;
		must_refuse(&msg, sizeof(msg), &request, 1);
	}
	require_broker();
	contained("nothing else is a request");
}

static void
send_lies(const char *unused)
{
	static const char *many[MANY_WORDS + 1];
	const struct asked lies[] = {
		{ .words = harmless, .count = 1ULL << 60 },
		{ .words = harmless, .count = UINT64_MAX },
		{ .words = harmless, .count = 3 },
		{ .words = harmless, .count = 1 },
		{ .words = harmless, .cut = 1 },
		{ .words = harmless, .cut = 40 },
		{ .words = many },
	};
	struct answer answer;

	(void)unused;
	for (size_t i = 0; i < MANY_WORDS; i++)
		many[i] = i == 0 ? "crontab" : "-l";
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		(void)close(ask(&lies[i], &answer));
		if (answer.kind == WIRE_STARTED)
			leaked("lie %zu was a request", i + 1);
	}
	require_broker();
	contained("%zu requests are refused", sizeof(lies) / sizeof(lies[0]));
}

/* One that could still be changed when it has been looked at. */
static void
send_unsealed(const char *unused)
{
	const struct asked asked = { .words = harmless, .writable = true };
	struct answer answer;

	(void)unused;
	(void)ask(&asked, &answer);
	if (answer.kind == WIRE_STARTED)
		leaked("a request that can be changed is believed");
	contained("refused");
}

/* What is read may be slow, of somebody else's, or never end. */
static void
send_no_memory(const char *unused)
{
	const struct asked asked = { .words = harmless };
	const struct wire_msg msg = message_of(WIRE_RUN);
	const int copy = request_of(&asked);
	char bytes[4096];
	const ssize_t size = pread(copy, bytes, sizeof(bytes), 0);
	const int file = open("request", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int ends[2], pair[2];

	(void)unused;
	if (size < 0 || file < 0 || write(file, bytes, (size_t)size) < 0 ||
	    pipe2(ends, O_CLOEXEC) < 0 ||
	    write(ends[1], bytes, (size_t)size) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		not_here("%s", strerror(errno));
	(void)unlink("request");
	for (const int *fd = (int[]){ file, ends[0], pair[0], start_dir,
				      open("/dev/zero", O_RDONLY), -1 };
	     *fd >= 0; fd++)
		must_refuse(&msg, sizeof(msg), fd, 1);
	require_broker();
	contained("only sealed memory is read");
}

static void
send_many_descriptors(const char *unused)
{
	const struct asked asked = { .words = harmless };
	const struct wire_msg msg = message_of(WIRE_RUN);
	int fds[MANY_DESCRIPTORS];

	(void)unused;
	fds[0] = request_of(&asked);
	for (size_t i = 1; i < MANY_DESCRIPTORS; i++)
		fds[i] = fds[0];
	must_refuse(&msg, sizeof(msg), fds, 2);
	must_refuse(&msg, sizeof(msg), fds, MANY_DESCRIPTORS);
	must_refuse(&msg, 0, fds, MANY_DESCRIPTORS);
	require_broker();
	contained("one is enough");
}

/* To be root for whoever believes what comes along. */
static void
send_credentials(const char *unused)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = { .bytes = { 0 } };
	struct wire_msg msg = message_of(WIRE_RUN);
	struct iovec iov = { &msg, sizeof(msg) };
	const struct msghdr hdr = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control.bytes,
				    .msg_controllen = sizeof(control.bytes) };
	const struct ucred root = { .pid = 1 };

	(void)unused;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_CREDENTIALS;
	control.header.cmsg_len = CMSG_LEN(sizeof(root));
	memcpy(CMSG_DATA(&control.header), &root, sizeof(root));
	if (sendmsg(call_broker(), &hdr, MSG_NOSIGNAL) < 0)
		refused("SCM_CREDENTIALS");
	leaked("said to be process 1 and root");
}

/* --- what it gives -------------------------------------------------------- */

static void
look_at_what_is_given(const char *unused)
{
	const struct asked asked = { .words = harmless };
	struct answer answer;
	struct stat st;

	(void)unused;
	(void)ask(&asked, &answer);
	if (answer.kind != WIRE_STARTED)
		not_here("no crontab in this jail");
	for (size_t i = 0; i < answer.n_fds; i++) {
		if (is_host_root(answer.fd[i]) || secret_in(answer.fd[i]))
			escaped("descriptor %zu leads outside", i);
		if (fstat(answer.fd[i], &st) < 0 || !S_ISFIFO(st.st_mode))
			leaked("descriptor %zu is no pipe", i);
	}
	if (answer.n_fds != 3)
		leaked("%zu descriptors", answer.n_fds);
	contained("three pipes");
}

/* Half a table, and nobody who said that it is all. */
static void
leave_half_a_table(const char *unused)
{
	const char *const words[] = { "crontab", "-", NULL };
	const struct asked asked = { .words = words };
	const struct asked again = { .words = harmless };
	static char text[OUTPUT_MAX];
	const char half[] = "0 0 1 1 * half-a-table\n";
	struct answer answer;
	int sock;

	(void)unused;
	(void)require_hint("throwaway");
	sock = ask(&asked, &answer);
	if (answer.kind != WIRE_STARTED || answer.n_fds < 3)
		not_here("no crontab in this jail");
	if (write(answer.fd[0], half, strlen(half)) < 0)
		refused("write");
	(void)close(answer.fd[0]);
	(void)close(sock);
	read_output(answer.fd[1], text); /* until it has gone */
	sock = ask(&again, &answer);
	read_program(sock, &answer, text);
	if (strstr(text, "half-a-table") != NULL)
		leaked("half a table was taken for all of it");
	contained("half a table is none");
}

/* Callers who say nothing: how many are let in, and who is heard then. */
static void
call_often(const char *unused)
{
	int socks[CALLERS], n;

	(void)unused;
	(void)close(call_broker());
	n = peer_crowd(SOCKET, socks, CALLERS);
	for (int i = 0; i < n; i++)
		(void)close(socks[i]);
	require_broker();
	if (n > CALLERS_MAX)
		leaked("%d callers at a time", n);
	contained("%d callers at a time", n);
}

static void
replace_socket(const char *unused)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
					     .sun_path = SOCKET };
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)unused;
	(void)close(call_broker());
	if (rename(SOCKET, SOCKET ".away") == 0) {
		(void)rename(SOCKET ".away", SOCKET);
		leaked("the broker's socket can be moved");
	}
	if (sock >= 0 &&
	    bind(sock, (const struct sockaddr *)&address, sizeof(address)) == 0)
		leaked("somebody else can be the broker");
	refused(SOCKET);
}

/* What serves requests must not be seen, and so not traced, from inside. */
static void
look_for_processes(const char *unused)
{
	DIR *const dir = opendir("/proc");
	char path[300], name[64];

	(void)unused;
	(void)close(call_broker());
	for (const struct dirent *e;
	     dir != NULL && (e = readdir(dir)) != NULL;) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		if (read_text(path, name, sizeof(name)) != NULL &&
		    (strncmp(name, "jail-broker", 11) == 0 ||
		     strncmp(name, "jail-command", 12) == 0))
			leaked("process %s is %s", e->d_name, name);
	}
	contained("none is seen");
}

/* From outside, as the account: through a process that is inside. */
static void
ask_from_outside(const char *key)
{
	char path[64];
	const struct asked asked = { .words = harmless };
	const struct wire_msg msg = message_of(WIRE_RUN);
	const int request = request_of(&asked);
	struct answer answer;
	int sock;

	(void)snprintf(path, sizeof(path), "/proc/%ld/root" SOCKET,
		       require_number(key));
	sock = peer_connect(path);
	if (sock < 0)
		refused(path);
	(void)say(sock, &msg, sizeof(msg), &request, 1);
	hear(sock, &answer);
	if (answer.kind == WIRE_STARTED)
		leaked("who is outside is served");
	contained("who is outside is refused");
}

const struct attempt broker_attempts[] = {
	{ "broker.other-crontab", "S27", ask_for_other_table, NULL },
	{ "broker.file-crontab", "S27", ask_for_file, NULL },
	{ "broker.other-passwd", "S27", ask_for_other_password, NULL },
	{ "broker.shell", "S27", ask_for_shell, NULL },
	{ "broker.mail-settings", "S27", ask_for_mail_settings, NULL },
	{ "broker.mail-to-file", "S27", ask_for_mail_to_file, NULL },
	{ "broker.newline", "S27", ask_with_newlines, NULL },
	{ "broker.log-line", "S22", ask_with_log_line, NULL },
	{ "broker.parts", "S27", send_parts, NULL },
	{ "broker.other-kinds", "S27", send_others, NULL },
	{ "broker.lies", "S27", send_lies, NULL },
	{ "broker.unsealed", "S27", send_unsealed, NULL },
	{ "broker.no-memory", "S27", send_no_memory, NULL },
	{ "broker.many-descriptors", "S27", send_many_descriptors, NULL },
	{ "broker.credentials", "S27", send_credentials, NULL },
	{ "broker.given", "S27", look_at_what_is_given, NULL },
	{ "broker.half-table", "S27", leave_half_a_table, NULL },
	{ "broker.flood", "S27", call_often, NULL },
	{ "broker.replace", "S27", replace_socket, NULL },
	{ "broker.processes", "S7", look_for_processes, NULL },
	{ "broker.outside", "S27", ask_from_outside, "inside_pid" },
	{ .name = NULL },
};
