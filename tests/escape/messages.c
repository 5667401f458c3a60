/* SPDX-License-Identifier: ISC */
#include "messages.h"

#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	RUN_MAGIC = 0x72756e32, /* jail/run.c */
	PATIENCE_MS = 5000,
	CROWD_PAUSE_MS = 10,
	CROWD_PAUSES = 100,
	FDS_MAX = 253, /* SCM_MAX_FD, unix(7) */
};

int
peer_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		not_here("%s is too long", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (sock < 0 || connect(sock, (const struct sockaddr *)&address,
				sizeof(address)) < 0)
		return -1;
	return sock;
}

int
peer_crowd(const char *path, int *socks, int max)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = 0;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (int pauses = 0; n < max && pauses < CROWD_PAUSES;) {
		socks[n] = socket(AF_UNIX,
				  SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
				  0);
		if (socks[n] < 0)
			break;
		if (connect(socks[n], (const struct sockaddr *)&address,
			    sizeof(address)) == 0) {
			n++;
			continue;
		}
		(void)close(socks[n]); /* the queue is full: unix(7), EAGAIN */
		(void)poll(NULL, 0, CROWD_PAUSE_MS);
		pauses++;
	}
	return n;
}

struct wire_msg
message_of(uint32_t kind)
{
	return (struct wire_msg){ .magic = WIRE_MAGIC, .kind = kind };
}

bool
say(int sock, const void *bytes, size_t size, const int *fds, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)bytes, size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n);
	}
	return sendmsg(sock, &hdr, MSG_NOSIGNAL) >= 0;
}

/* Those that came; more than there is room for stay open, unnamed. */
static void
take_descriptors(struct msghdr *hdr, struct answer *answer)
{
	const struct cmsghdr *const header = CMSG_FIRSTHDR(hdr);

	if (header == NULL || header->cmsg_type != SCM_RIGHTS)
		return;
	answer->n_fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	if (answer->n_fds > ANSWER_FDS)
		answer->n_fds = ANSWER_FDS;
	memcpy(answer->fd, CMSG_DATA(header), answer->n_fds * sizeof(int));
}

void
hear(int sock, struct answer *answer)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;
	struct wire_msg msg = { .kind = 0 };
	struct iovec iov = { &msg, sizeof(msg) };
	struct msghdr hdr = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct pollfd waiting = { .fd = sock, .events = POLLIN };

	*answer = (struct answer){ .kind = 0 };
	if (poll(&waiting, 1, PATIENCE_MS) != 1 ||
	    recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC) <= 0)
		return;
	take_descriptors(&hdr, answer);
	answer->kind = msg.kind;
	answer->value = msg.value;
	memcpy(answer->text, msg.text, sizeof(answer->text) - 1);
}

/* --- a request ------------------------------------------------------------ */

static void
put_number(int fd, uint64_t number)
{
	if (write(fd, &number, sizeof(number)) < 0)
		not_here("memory file: %s", strerror(errno));
}

static void
put_text(int fd, const char *text)
{
	put_number(fd, 1);
	if (write(fd, text, strlen(text) + 1) < 0)
		not_here("memory file: %s", strerror(errno));
}

static void
put_texts(int fd, const char *const *texts, uint64_t count)
{
	uint64_t n = 0;

	while (texts != NULL && texts[n] != NULL)
		n++;
	put_number(fd, count != 0 ? count : n);
	for (uint64_t i = 0; i < n; i++)
		put_text(fd, texts[i]);
}

int
request_of(const struct asked *asked)
{
	const int fd = memfd_create("request", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t size;

	if (fd < 0)
		not_here("memory file: %s", strerror(errno));
	put_number(fd, RUN_MAGIC);
	put_texts(fd, asked->words, asked->count);
	put_texts(fd, asked->env, 0);
	put_text(fd, asked->cwd != NULL ? asked->cwd : "");
	put_number(fd, 1); /* a command */
	put_number(fd, 0); /* the umask */
	size = lseek(fd, 0, SEEK_CUR);
	if (ftruncate(fd, size - (off_t)asked->cut) < 0)
		not_here("memory file: %s", strerror(errno));
	if (!asked->writable)
		(void)fcntl(fd, F_ADD_SEALS,
			    F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW |
				    F_SEAL_SHRINK);
	return fd;
}

void
read_output(int fd, char *text)
{
	size_t size = strlen(text);
	struct pollfd waiting = { .fd = fd, .events = POLLIN };

	while (size + 1 < OUTPUT_MAX && poll(&waiting, 1, PATIENCE_MS) == 1) {
		const ssize_t n = read(fd, text + size, OUTPUT_MAX - 1 - size);

		if (n <= 0)
			break;
		size += (size_t)n;
		text[size] = '\0';
	}
}
