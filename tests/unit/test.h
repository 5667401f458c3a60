/* SPDX-License-Identifier: ISC */
/*
 * test - what the unit tests have in common
 *
 * cmocka.h does not include what it needs; this is the list, once.
 */
#ifndef TEST_H
#define TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* For tests that write to /etc and the like: not on a real system. */
static inline void
require_world(void)
{
	if (access("/this-is-a-test-world", F_OK) < 0) {
		(void)fputs("SKIP: to be run by tests/unit/world\n", stderr);
		exit(77);
	}
}

/* Replaces the file PATH by SIZE bytes, mode 0644. */
static inline void
write_bytes(const char *path, const char *bytes, size_t size)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

static inline void
write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

/* Gives PATH to UID, or skips the test where there is only one uid. */
static inline void
give_to(const char *path, uid_t uid)
{
	if (lchown(path, uid, (gid_t)-1) < 0)
		skip();
}

#endif
