/* SPDX-License-Identifier: ISC */
#include "jail/wire.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* A keeper answers within a millisecond; one that was stopped, or a machine
 * that is overloaded, must not hang a login for ever. */
enum { ANSWER_SECONDS = 10, GOODBYE_MS = 2000 };

enum { PEERPIDFD = 77 }; /* SO_PEERPIDFD, which not all headers have */

static const char stop_word[] = WIRE_STOP_WORD;

/* cmsg(3) wants the buffer aligned as a header. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * WIRE_FDS_ROOM)];
};

int
wire_set_patience(int sock, struct err *err)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };

	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) <
		    0 ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) <
		    0)
		return err_errno(err, "set a time limit");
	return 0;
}

void
wire_fds_close(struct wire_fds *fds)
{
	for (size_t i = 0; i < fds->n; i++)
		fd_close(&fds->fd[i]);
}

int
wire_send(int sock, struct wire_msg *msg, const int *fds, size_t n_fds,
	  struct err *err)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	msg->magic = WIRE_MAGIC;
	if (msg->kind == WIRE_STOP)
		iov = (struct iovec){ .iov_base = (void *)(uintptr_t)stop_word,
				      .iov_len = sizeof(stop_word) };
	if (n_fds > WIRE_FDS_MAX)
		return err_set(err, ERR_SYSTEM, "too many descriptors");
	if (n_fds > 0) {
		struct cmsghdr *const cmsg = &control.header;

		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	do
		n = sendmsg(sock, &hdr, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return err_set(err, ERR_GONE, "the jail has ended");
	if (n < 0)
		return err_errno(err, "send to the jail's socket");
	return 0;
}

void
wire_tell(int sock, struct wire_msg *msg)
{
	struct err err;

	if (wire_send(sock, msg, NULL, 0, &err) < 0)
		return;
}

/* Takes the descriptors over first: whatever else is wrong, they are ours. */
static int
take_fds(struct msghdr *hdr, struct wire_fds *fds)
{
	struct cmsghdr *const cmsg = CMSG_FIRSTHDR(hdr);
	const bool truncated = (hdr->msg_flags & MSG_CTRUNC) != 0;

	if (cmsg == NULL)
		return truncated ? -1 : 0;
	if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return -1;
	fds->n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds->fd, CMSG_DATA(cmsg), fds->n * sizeof(int));
	return truncated || fds->n > WIRE_FDS_MAX ? -1 : 0;
}

static int
fault_of(ssize_t n, struct err *err)
{
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return err_set(err, ERR_GONE, "the jail has ended");
	if (n < 0)
		return err_errno(err, "receive from the jail's socket");
	return err_set(err, ERR_UNSAFE,
		       "not a message of this version of pam_jail: if a jail "
		       "runs since before an upgrade, jailconf stop ends it");
}

/* A message that N bytes have come of. */
static bool
is_message(ssize_t n, struct wire_msg *msg)
{
	if (n == (ssize_t)sizeof(stop_word) &&
	    memcmp(msg, stop_word, sizeof(stop_word)) == 0) {
		*msg = (struct wire_msg){ .kind = WIRE_STOP };
		return true;
	}
	if (n != (ssize_t)sizeof(*msg) || msg->magic != WIRE_MAGIC)
		return false;
	msg->text[sizeof(msg->text) - 1] = '\0';
	return true;
}

int
wire_peek(int sock, struct wire_msg *msg, struct err *err)
{
	ssize_t n;

	do
		n = recv(sock, msg, sizeof(*msg), MSG_PEEK | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	return is_message(n, msg) ? 0 : fault_of(n, err);
}

int
wire_recv(int sock, struct wire_msg *msg, struct wire_fds *fds, struct err *err)
{
	union control control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	struct msghdr hdr = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	bool whole;
	ssize_t n;

	memset(fds->fd, 0xff, sizeof(fds->fd)); /* all are -1 */
	do
		n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	/* An empty message looks like the end, and may bring descriptors. */
	whole = n >= 0 && take_fds(&hdr, fds) == 0 &&
		(hdr.msg_flags & MSG_TRUNC) == 0;
	return whole && is_message(n, msg) ? 0 : fault_of(n, err);
}

void
wire_wait_for_end(int sock)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	struct wire_msg msg;

	while (poll(&fd, 1, GOODBYE_MS) > 0 &&
	       recv(sock, &msg, sizeof(msg), MSG_DONTWAIT) > 0)
		continue;
}

/* By now its number may be somebody else's.  Before Linux 6.5 nobody tells. */
static int
require_there(int sock, struct err *err)
{
	cleanup_fd int pidfd = -1;
	socklen_t len = sizeof(pidfd);
	struct pollfd ended = { .events = POLLIN };

	if (getsockopt(sock, SOL_SOCKET, PEERPIDFD, &pidfd, &len) < 0)
		return errno == ENOPROTOOPT ? 0 : err_errno(err, "who asks");
	ended.fd = pidfd;
	if (poll(&ended, 1, 0) < 0)
		return err_errno(err, "who asks");
	return ended.revents == 0 ? 0
				  : err_set(err, ERR_GONE, "who asks is gone");
}

static int
read_loginuid(int sock, char *text, size_t size, struct err *err)
{
	char path[32];
	struct ucred peer;
	socklen_t len = sizeof(peer);
	cleanup_fd int fd = -1;
	ssize_t n;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return err_errno(err, "who asks");
	(void)snprintf(path, sizeof(path), "/proc/%d/loginuid", peer.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	if (n == 0)
		errno = ENODATA;
	if (n <= 0)
		return err_errno(err, "the login uid of who asks: %s", path);
	text[n] = '\0';
	return require_there(sock, err);
}

int
wire_take_loginuid(int sock, struct err *err)
{
	static const char path[] = "/proc/self/loginuid";
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	char text[16];

	if (fd < 0)
		return errno == ENOENT || errno == EACCES || errno == EROFS
			       ? 0
			       : err_errno(err, "%s", path);
	if (read_loginuid(sock, text, sizeof(text), err) < 0)
		return -1;
	if (write(fd, text, strlen(text)) < 0 && errno != EPERM)
		return err_errno(err, "%s", path);
	return 0;
}
