/* SPDX-License-Identifier: ISC */
#include "base/arena.h"
#include "test.h"

#include <errno.h>
#include <stdalign.h>

static void
what_it_gives_is_zeroed_aligned_and_apart(void **state)
{
	struct arena arena = { .chunks = NULL };
	unsigned char *last = NULL;
	struct err err;

	(void)state;
	for (size_t size = 1; size < 9000; size += 97) {
		unsigned char *const p = arena_alloc(&arena, size, &err);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xee, size);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	arena_free(&arena);
	assert_null(arena.chunks);
}

static void
copies_live_as_long_as_the_arena(void **state)
{
	struct arena arena = { .chunks = NULL };
	char text[] = "hello";
	struct err err;
	char *copy, *printed;

	(void)state;
	copy = arena_copy(&arena, text, &err);
	printed = arena_printf(&arena, &err, "%s-%d", text, 7);
	text[0] = 'j';
	for (int i = 0; i < 1000; i++)
		assert_non_null(arena_alloc(&arena, 100, &err));
	assert_string_equal(copy, "hello");
	assert_string_equal(printed, "hello-7");
	arena_free(&arena);
}

static void
an_arena_that_was_freed_is_empty_and_ready(void **state)
{
	struct arena arena = { .chunks = NULL };
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_string_equal(arena_copy(&arena, "x", &err), "x");
		arena_free(&arena);
		arena_free(&arena);
	}
}

static void
too_much_is_an_error(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15,
					SIZE_MAX / 2 + 1, SIZE_MAX / 2 };
	struct arena arena = { .chunks = NULL };

	(void)state;
	for (size_t i = 0; i < N_ROWS(sizes); i++) {
		struct err err = { .kind = ERR_NONE };

		assert_null(arena_alloc(&arena, sizes[i], &err));
		assert_int_equal(err.kind, ERR_SYSTEM);
		assert_int_equal(err.errnum, ENOMEM);
		assert_string_equal(err.text, "memory: Cannot allocate memory");
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_gives_is_zeroed_aligned_and_apart),
		cmocka_unit_test(copies_live_as_long_as_the_arena),
		cmocka_unit_test(an_arena_that_was_freed_is_empty_and_ready),
		cmocka_unit_test(too_much_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
