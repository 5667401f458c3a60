/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/seal.h"
#include "test.h"

#include <sys/mman.h>

static void
what_was_sealed_is_read(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 4096, 70000, SEAL_MAX_BYTES };
	char *const bytes = malloc(SEAL_MAX_BYTES);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < SEAL_MAX_BYTES; i++)
		bytes[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < N_ROWS(sizes); i++) {
		struct arena arena = { .chunks = NULL };
		struct err err;
		cleanup_fd int fd = seal_bytes("x", bytes, sizes[i], &err);
		size_t size = 99;
		char *got;

		assert_true(fd >= 0);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		for (int again = 0; again < 2; again++) {
			got = seal_read(fd, &arena, &size, &err);
			assert_non_null(got);
			assert_int_equal(size, sizes[i]);
			assert_memory_equal(got, bytes, size);
			assert_int_equal(got[size], '\0');
		}
		arena_free(&arena);
	}
	free(bytes);
}

static void
what_was_sealed_cannot_be_changed(void **state)
{
	struct err err;
	cleanup_fd int fd = seal_bytes("x", "hello", 5, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "j", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 3), -1);
	assert_int_equal(ftruncate(fd, 9), -1);
	assert_ptr_equal(
		mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
		MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

/* What seal_read() says of FD. */
static void
assert_refused(int fd, enum err_kind kind, const char *why)
{
	struct arena arena = { .chunks = NULL };
	struct err err = { .kind = ERR_NONE };
	size_t size;

	assert_null(seal_read(fd, &arena, &size, &err));
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, why);
	arena_free(&arena);
}

static void
every_seal_is_needed(void **state)
{
	static const int seals[] = {
		0,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL,
		F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_SEAL,
		F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL,
		F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL,
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(seals); i++) {
		cleanup_fd int fd =
			memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

		assert_int_equal(write(fd, "x", 1), 1);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		assert_refused(fd, ERR_UNSAFE, "not a sealed memfd");
	}
}

static void
what_is_no_memfd_is_refused(void **state)
{
	cleanup_fd int directory = open("/", O_RDONLY | O_CLOEXEC);
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	cleanup_fd int path = open("/", O_PATH | O_CLOEXEC);
	int pipes[2];

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_refused(directory, ERR_UNSAFE, "not a sealed memfd");
	assert_refused(null, ERR_UNSAFE, "not a sealed memfd");
	assert_refused(path, ERR_UNSAFE, "not a sealed memfd");
	assert_refused(pipes[0], ERR_UNSAFE, "not a sealed memfd");
	assert_refused(-1, ERR_UNSAFE, "not a sealed memfd");
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

static void
more_than_the_most_is_refused(void **state)
{
	cleanup_fd int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(fd, SEAL_MAX_BYTES + 1), 0);
	assert_int_equal(
		fcntl(fd, F_ADD_SEALS,
		      F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
		0);
	assert_refused(fd, ERR_UNSAFE, "sealed memfd: 4194305 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_is_read),
		cmocka_unit_test(what_was_sealed_cannot_be_changed),
		cmocka_unit_test(every_seal_is_needed),
		cmocka_unit_test(what_is_no_memfd_is_refused),
		cmocka_unit_test(more_than_the_most_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
