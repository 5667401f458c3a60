/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "jail/wire.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

static int
make_pair(void **state)
{
	static int pair[2];

	*state = pair;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int
close_pair(void **state)
{
	int *const pair = *state;

	fd_close(&pair[0]);
	fd_close(&pair[1]);
	return 0;
}

static size_t
count_descriptors(void)
{
	DIR *const stream = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(stream);
	while (readdir(stream) != NULL)
		n++;
	(void)closedir(stream);
	return n;
}

static void
what_is_sent_arrives(void **state)
{
	const int *const pair = *state;
	struct wire_msg msg = { .kind = WIRE_GRANT,
				.value = -5,
				.root_dev = 7,
				.root_ino = UINT64_MAX,
				.text = "hello" };
	struct wire_msg got;
	struct err err = { .text = "" };

	for (size_t n = 0; n <= WIRE_FDS_MAX; n++) {
		cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
		const int sent[WIRE_FDS_MAX] = { 0, 1, 2, 0 };

		assert_int_equal(wire_send(pair[0], &msg, sent, n, &err), 0);
		assert_int_equal(wire_recv(pair[1], &got, &fds, &err), 0);
		assert_memory_equal(&got, &msg, sizeof(msg));
		assert_int_equal(got.magic, WIRE_MAGIC);
		assert_int_equal(fds.n, n);
		for (size_t i = 0; i < WIRE_FDS_ROOM; i++) {
			assert_int_equal(fds.fd[i] >= 0, i < n);
			if (i < n)
				assert_int_equal(fcntl(fds.fd[i], F_GETFD),
						 FD_CLOEXEC);
		}
	}
}

static void
the_word_to_stop_is_the_same_in_all_versions(void **state)
{
	char word[] = "pam_jail: stop";
	const int *const pair = *state;
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg = { .kind = WIRE_STOP }, got;
	char text[64] = "";
	struct err err = { .text = "" };

	assert_int_equal(wire_send(pair[0], &msg, NULL, 0, &err), 0);
	assert_int_equal(recv(pair[1], text, sizeof(text), 0), sizeof(word));
	assert_string_equal(text, word);
	assert_int_equal(send(pair[0], word, sizeof(word), 0), sizeof(word));
	assert_int_equal(wire_peek(pair[1], &got, &err), 0);
	assert_int_equal(got.kind, WIRE_STOP);
	assert_int_equal(wire_recv(pair[1], &got, &fds, &err), 0);
	assert_int_equal(got.kind, WIRE_STOP);
	assert_string_equal(got.text, "");
	/* One byte less, or another one. */
	assert_true(send(pair[0], word, sizeof(word) - 1, 0) > 0);
	assert_int_equal(wire_recv(pair[1], &got, &fds, &err), -1);
	word[0] = 'P';
	assert_true(send(pair[0], word, sizeof(word), 0) > 0);
	assert_int_equal(wire_recv(pair[1], &got, &fds, &err), -1);
}

static void
no_more_descriptors_are_sent_than_there_is_room(void **state)
{
	const int *const pair = *state;
	const int fds[WIRE_FDS_MAX + 1] = { 0, 0, 0, 0, 0 };
	struct wire_msg msg = { .kind = WIRE_RUN };
	struct err err = { .text = "" };

	assert_int_equal(wire_send(pair[0], &msg, fds, N_ROWS(fds), &err), -1);
	assert_string_equal(err.text, "too many descriptors");
}

/* Sends SIZE bytes and N descriptors as somebody might who is not us. */
static void
send_raw(int sock, void *bytes, size_t size, size_t n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 64)];
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = bytes, .iov_len = size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 0) {
		hdr.msg_control = control.bytes;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * n);
	}
	/* All zero: descriptor 0, N times. */
	assert_int_equal(sendmsg(sock, &hdr, 0), size);
}

static void
what_is_no_message_is_refused_and_leaves_no_descriptor(void **state)
{
	static const struct {
		uint32_t magic;
		size_t size, n_fds;
		enum err_kind kind;
	} cases[] = {
		{ WIRE_MAGIC, sizeof(struct wire_msg), 0, ERR_NONE },
		{ WIRE_MAGIC, sizeof(struct wire_msg), 4, ERR_NONE },
		{ WIRE_MAGIC, sizeof(struct wire_msg), 5, ERR_UNSAFE },
		{ WIRE_MAGIC, sizeof(struct wire_msg), 64, ERR_UNSAFE },
		{ WIRE_MAGIC + 1, sizeof(struct wire_msg), 0, ERR_UNSAFE },
		{ 0, sizeof(struct wire_msg), 4, ERR_UNSAFE },
		{ WIRE_MAGIC, sizeof(struct wire_msg) - 1, 2, ERR_UNSAFE },
		{ WIRE_MAGIC, sizeof(struct wire_msg) + 1, 2, ERR_UNSAFE },
		{ WIRE_MAGIC, 4, 4, ERR_UNSAFE },
		{ WIRE_MAGIC, 1, 1, ERR_UNSAFE },
		{ WIRE_MAGIC, 0, 0, ERR_GONE },
		{ WIRE_MAGIC, 0, 4, ERR_GONE },
	};
	const int *const pair = *state;
	const size_t before = count_descriptors();

	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct wire_msg sent[2] = { { .magic = cases[i].magic } };
		struct wire_fds fds = WIRE_FDS_NONE;
		struct err err = { .kind = ERR_NONE, .text = "" };
		struct wire_msg got;
		int ret;

		send_raw(pair[0], sent, cases[i].size, cases[i].n_fds);
		ret = wire_recv(pair[1], &got, &fds, &err);
		assert_int_equal(ret, cases[i].kind == ERR_NONE ? 0 : -1);
		assert_int_equal(err.kind, cases[i].kind);
		if (err.kind == ERR_UNSAFE)
			assert_string_equal(
				err.text,
				"not a message of this version of pam_jail: "
				"if a jail runs since before an upgrade, "
				"jailconf stop ends it");
		wire_fds_close(&fds);
		assert_int_equal(count_descriptors(), before);
	}
}

static void
a_text_ends_where_there_is_room_for_it(void **state)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	const int *const pair = *state;
	struct wire_msg sent = { .magic = WIRE_MAGIC, .kind = WIRE_REFUSE };
	struct wire_msg got;
	struct err err;

	memset(sent.text, 'x', sizeof(sent.text));
	send_raw(pair[0], &sent, sizeof(sent), 0);
	assert_int_equal(wire_recv(pair[1], &got, &fds, &err), 0);
	assert_int_equal(strlen(got.text), sizeof(got.text) - 1);
}

static void
credentials_are_not_taken_for_descriptors(void **state)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	const int *const pair = *state;
	const int on = 1;
	struct wire_msg msg = { .magic = WIRE_MAGIC };
	struct wire_msg got;
	struct err err = { .text = "" };

	assert_int_equal(
		setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)),
		0);
	send_raw(pair[0], &msg, sizeof(msg), 0);
	assert_int_equal(wire_recv(pair[1], &got, &fds, &err), -1);
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_int_equal(fds.n, 0);
}

static void
when_the_other_end_is_gone_it_is_told(void **state)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	int *const pair = *state;
	struct wire_msg msg = { .kind = WIRE_JOIN };
	struct err err = { .text = "" };

	fd_close(&pair[0]);
	assert_int_equal(wire_recv(pair[1], &msg, &fds, &err), -1);
	assert_int_equal(err.kind, ERR_GONE);
	assert_string_equal(err.text, "the jail has ended");
	err = (struct err){ .text = "" };
	assert_int_equal(wire_send(pair[1], &msg, NULL, 0, &err), -1);
	assert_int_equal(err.kind, ERR_GONE);
	wire_tell(pair[1], &msg); /* and no SIGPIPE */
}

static void
a_reset_connection_is_gone_as_well(void **state)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	int *const pair = *state;
	struct wire_msg msg = { .kind = WIRE_JOIN };
	struct err err = { .text = "" };

	assert_int_equal(wire_send(pair[1], &msg, NULL, 0, &err), 0);
	fd_close(&pair[0]); /* with a message in it */
	assert_int_equal(wire_recv(pair[1], &msg, &fds, &err), -1);
	assert_int_equal(err.kind, ERR_GONE);
}

static void
a_time_that_is_up_is_told(void **state)
{
	const struct timeval limit = { .tv_usec = 1000 };
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	const int *const pair = *state;
	struct wire_msg msg;
	struct err err = { .text = "" };

	assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit,
				    sizeof(limit)),
			 0);
	assert_int_equal(wire_recv(pair[1], &msg, &fds, &err), -1);
	assert_int_equal(err.kind, ERR_SYSTEM);
	assert_int_equal(err.errnum, EAGAIN);
}

#define test_with_pair(f)                                                      \
	cmocka_unit_test_setup_teardown(f, make_pair, close_pair)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_pair(what_is_sent_arrives),
		test_with_pair(the_word_to_stop_is_the_same_in_all_versions),
		test_with_pair(no_more_descriptors_are_sent_than_there_is_room),
		test_with_pair(
			what_is_no_message_is_refused_and_leaves_no_descriptor),
		test_with_pair(a_text_ends_where_there_is_room_for_it),
		test_with_pair(credentials_are_not_taken_for_descriptors),
		test_with_pair(when_the_other_end_is_gone_it_is_told),
		test_with_pair(a_reset_connection_is_gone_as_well),
		test_with_pair(a_time_that_is_up_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
