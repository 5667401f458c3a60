/* SPDX-License-Identifier: ISC */
/* What processes tell one another: the control socket, plans, requests; and
 * what is told to the log. */
#include "fuzz.h"

#include "base/log.h"
#include "base/seal.h"
#include "jail/plan.h"
#include "jail/run.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_SENT_MAX = 8 };

static size_t
open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
write_seed(const char *path, const void *bytes, size_t size)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	(void)close(fd);
}

/* What was sealed in FD, which is closed. */
static void
write_sealed(const char *path, int fd)
{
	struct arena arena = { NULL };
	struct err err;
	size_t size;
	const char *const bytes = seal_read(fd, &arena, &size, &err);

	MUST(bytes != NULL);
	write_seed(path, bytes, size);
	arena_free(&arena);
	(void)close(fd);
}

void
seed_wire(const char *path)
{
	struct {
		char n_fds;
		struct wire_msg msg;
	} __attribute__((packed)) seed = { .n_fds = 2 };

	seed.msg.magic = WIRE_MAGIC;
	seed.msg.kind = WIRE_JOIN;
	write_seed(path, &seed, sizeof(seed));
}

void
seed_plan(const char *path)
{
	gid_t groups[] = { 20001, 30000 };
	const char *env[] = { "EDITOR=vi" }, *keep[] = { "TERM", "LC_*" };
	struct entry entries[] = {
		{ ENTRY_BIND, ENTRY_READONLY, 0, "/usr", "/usr" },
		{ ENTRY_DIR, 0, 0755, "/etc", "" },
		{ ENTRY_FILE, 0, 0644, "/etc/hosts", "127.0.0.1 x\n" },
		{ ENTRY_DEVICE, 0, 0666, "/dev/null", "1:3" },
		{ ENTRY_PTS, 0, 0, "/dev/pts", "" },
	};
	const struct plan plan = {
		.account = "alice",
		.uid = 20001,
		.gid = 20001,
		.groups = groups,
		.n_groups = 2,
		.jail = "shell",
		.seccomp = "none",
		.name = "alice",
		.home = "/home/alice",
		.shell = "/bin/sh",
		.hostname = "alice",
		.entries = entries,
		.n_entries = sizeof(entries) / sizeof(entries[0]),
		.scratch_bytes = 1 << 20,
		.scratch_files = 1000,
		.terminals = 4,
		.limits[RLIMIT_CORE] = { .set = true },
		.env = env,
		.n_env = 1,
		.env_keep = keep,
		.n_env_keep = 2,
		.umask = 022,
		.sessions = 4,
		.linger_seconds = 10,
	};
	struct err err;
	const int fd = plan_seal(&plan, &err);

	MUST(fd >= 0);
	write_sealed(path, fd);
}

void
seed_request(const char *path)
{
	const char *argv[] = { "-sh", "-c", "true", NULL };
	const char *env[] = { "TERM=dumb" };
	const struct run_request request = {
		.argv = argv,
		.argc = 3,
		.env = env,
		.n_env = 1,
		.cwd = "/",
		.umask = 022,
	};
	struct err err;
	const int fd = run_request_seal(&request, &err);

	MUST(fd >= 0);
	write_sealed(path, fd);
}

/* The first byte says how many descriptors come along. */
static void
send_raw(int sock, const uint8_t *bytes, size_t size)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int[FDS_SENT_MAX]))];
	} control = { .bytes = { 0 } };
	struct iovec data = { (void *)(uintptr_t)(bytes + 1), size - 1 };
	struct msghdr msg = { .msg_iov = &data, .msg_iovlen = 1 };
	const size_t n = bytes[0] % (FDS_SENT_MAX + 1);

	if (n > 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		for (size_t i = 0; i < n; i++)
			memcpy(CMSG_DATA(&control.head) + i * sizeof(int),
			       &sock, sizeof(int));
	}
	(void)sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A message is what it must be, or refused; no descriptor stays. */
void
fuzz_wire(const uint8_t *bytes, size_t size)
{
	const size_t before = open_descriptors();
	const bool stops =
		size == 1 + sizeof(WIRE_STOP_WORD) &&
		memcmp(bytes + 1, WIRE_STOP_WORD, sizeof(WIRE_STOP_WORD)) == 0;
	struct wire_fds fds = WIRE_FDS_NONE;
	struct err err = { .kind = ERR_NONE };
	struct wire_msg msg;
	int ends[2];

	if (size < 1)
		return;
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	send_raw(ends[0], bytes, size);
	(void)shutdown(ends[0], SHUT_WR);
	if (wire_recv(ends[1], &msg, &fds, &err) == 0) {
		MUST(stops || size - 1 == sizeof(msg));
		MUST(stops ? msg.kind == WIRE_STOP : msg.magic == WIRE_MAGIC);
		MUST(fds.n <= WIRE_FDS_MAX);
		MUST(memchr(msg.text, '\0', sizeof(msg.text)) != NULL);
		for (size_t i = 0; i < fds.n; i++)
			MUST(fcntl(fds.fd[i], F_GETFD) == FD_CLOEXEC);
	} else {
		MUST(err.kind != ERR_NONE);
	}
	wire_fds_close(&fds);
	(void)close(ends[0]);
	(void)close(ends[1]);
	MUST(open_descriptors() == before);
}

static int
seal_input(const uint8_t *bytes, size_t size)
{
	struct err err;
	const int fd = seal_bytes("fuzz", bytes, size, &err);

	MUST(fd >= 0);
	return fd;
}

/* Whether both memfds have the same bytes. */
static bool
are_equal(int a, int b)
{
	struct arena arena = { NULL };
	struct err err;
	size_t size_a, size_b;
	const char *const bytes_a = seal_read(a, &arena, &size_a, &err);
	const char *const bytes_b = seal_read(b, &arena, &size_b, &err);
	bool equal;

	MUST(bytes_a != NULL && bytes_b != NULL);
	equal = size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
	arena_free(&arena);
	return equal;
}

/* What is read as a plan is written as the same bytes again. */
void
fuzz_plan(const uint8_t *bytes, size_t size)
{
	struct plan plan = { .account = NULL };
	struct err err = { .kind = ERR_NONE };
	const int fd = seal_input(bytes, size);
	int again;

	if (plan_open(fd, &plan, &err) == 0) {
		MUST(plan_check(&plan, &err) == 0);
		MUST(plan.uid != 0);
		again = plan_seal(&plan, &err);
		MUST(again >= 0);
		MUST(are_equal(fd, again));
		(void)close(again);
		plan_free(&plan);
	} else {
		MUST(err.kind != ERR_NONE);
	}
	(void)close(fd);
}

void
fuzz_request(const uint8_t *bytes, size_t size)
{
	struct run_request request = { .argv = NULL };
	struct err err = { .kind = ERR_NONE };
	const int fd = seal_input(bytes, size);
	int again;

	if (run_request_open(fd, &request, &err) == 0) {
		MUST(request.argc > 0 && request.argv[0] != NULL);
		MUST(request.argv[request.argc] == NULL);
		MUST(request.cwd != NULL);
		again = run_request_seal(&request, &err);
		MUST(again >= 0);
		MUST(are_equal(fd, again));
		(void)close(again);
		run_request_free(&request);
	} else {
		MUST(err.kind != ERR_NONE);
	}
	(void)close(fd);
}

static void
require_printable(const char *text)
{
	for (; *text != '\0'; text++)
		MUST(*text >= ' ' && *text <= '~');
}

/* Whether ESCAPED is TEXT, with \xHH for some of its bytes. */
static bool
decodes_to(const char *escaped, const char *text)
{
	for (; *escaped != '\0'; text++) {
		char digits[3] = "";

		if (*escaped != '\\') {
			if (*escaped++ != *text)
				return false;
			continue;
		}
		MUST(escaped[1] == 'x' && strlen(escaped) >= 4);
		memcpy(digits, escaped + 2, 2);
		if ((char)strtol(digits, NULL, 16) != *text)
			return false;
		escaped += 4;
	}
	return *text == '\0';
}

/* One line of printable characters, that says all that was put in; and in an
 * event no value makes a key. */
void
fuzz_log(const uint8_t *bytes, size_t size)
{
	char *const text = text_of(bytes, size);
	char *const escaped = malloc(4 * size + 1);
	char small[16];
	struct log_event event;
	const char *end;

	MUST(escaped != NULL);
	log_escape(text, escaped, 4 * size + 1);
	require_printable(escaped);
	MUST(decodes_to(escaped, text));
	log_escape(text, small, sizeof(small));
	require_printable(small);
	MUST(strncmp(small, escaped, strlen(small)) == 0);

	log_begin(&event, "open");
	log_add(&event, "user", text);
	log_add(&event, "uid", "1");
	require_printable(event.text);
	MUST(event.text[sizeof(event.text) - 1] == '\0' ||
	     strlen(event.text) < sizeof(event.text));
	end = strstr(event.text, " uid=");
	if (end != NULL && strlen(end) > strlen(" uid=1"))
		MUST(strchr(event.text, '"') != NULL &&
		     strchr(event.text, '"') < end);
	free(escaped);
	free(text);
}
