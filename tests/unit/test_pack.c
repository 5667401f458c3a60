/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/seal.h"
#include "jail/pack.h"
#include "test.h"

/* Seals PACK and starts to read it. */
static struct unpack
turn_around(struct pack *pack, struct arena *arena)
{
	struct unpack unpack = { .failed = true };
	struct err err = { .text = "" };
	cleanup_fd int fd = pack_seal(pack, "test", &err);

	if (fd < 0 || unpack_open(fd, arena, &unpack, &err) < 0)
		fail_msg("%s", err.text);
	assert_null(pack->bytes);
	return unpack;
}

static void
what_was_packed_comes_out_in_order(void **state)
{
	static const char *const list[] = { "one", "", "three" };
	struct arena arena = { .chunks = NULL };
	struct pack pack = PACK_EMPTY;
	struct unpack unpack;
	const char **texts;
	char long_text[5000];
	size_t n;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	pack_number(&pack, 0);
	pack_number(&pack, UINT64_MAX);
	pack_text(&pack, "hello");
	pack_text(&pack, NULL);
	pack_text(&pack, "");
	pack_text(&pack, long_text);
	pack_texts(&pack, list, N_ROWS(list));
	pack_texts(&pack, NULL, 0);
	unpack = turn_around(&pack, &arena);
	assert_int_equal(unpack_number(&unpack), 0);
	assert_false(unpack_done(&unpack));
	assert_true(unpack_number(&unpack) == UINT64_MAX);
	assert_string_equal(unpack_text(&unpack), "hello");
	assert_null(unpack_text_or_null(&unpack));
	assert_string_equal(unpack_text_or_null(&unpack), "");
	assert_string_equal(unpack_text(&unpack), long_text);
	texts = unpack_texts(&unpack, &n);
	assert_int_equal(n, N_ROWS(list));
	for (size_t i = 0; i < n; i++)
		assert_string_equal(texts[i], list[i]);
	assert_null(texts[n]);
	(void)unpack_texts(&unpack, &n);
	assert_int_equal(n, 0);
	assert_true(unpack_done(&unpack));
	arena_free(&arena);
}

static void
after_the_end_there_is_nothing_and_it_is_told(void **state)
{
	struct arena arena = { .chunks = NULL };
	struct pack pack = PACK_EMPTY;
	struct unpack unpack;
	size_t n = 9;

	(void)state;
	pack_number(&pack, 1);
	unpack = turn_around(&pack, &arena);
	(void)unpack_number(&unpack);
	assert_int_equal(unpack_number(&unpack), 0);
	assert_false(unpack_done(&unpack));
	assert_string_equal(unpack_text(&unpack), "");
	assert_null(unpack_text_or_null(&unpack));
	assert_null(unpack_array(&unpack, 8, &n));
	assert_int_equal(n, 0);
	assert_false(unpack_done(&unpack));
	arena_free(&arena);
}

static void
what_is_left_over_is_told(void **state)
{
	struct arena arena = { .chunks = NULL };
	struct pack pack = PACK_EMPTY;
	struct unpack unpack;

	(void)state;
	pack_number(&pack, 1);
	pack_text(&pack, "x");
	unpack = turn_around(&pack, &arena);
	(void)unpack_number(&unpack);
	assert_false(unpack_done(&unpack));
	arena_free(&arena);
}

static void
a_number_has_its_most(void **state)
{
	static const struct {
		uint64_t number, max, got;
	} cases[] = {
		{ 0, 0, 0 },	      { 5, 5, 5 },
		{ 6, 5, 0 },	      { UINT64_MAX, UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		struct arena arena = { .chunks = NULL };
		struct pack pack = PACK_EMPTY;
		struct unpack unpack;

		pack_number(&pack, cases[i].number);
		unpack = turn_around(&pack, &arena);
		assert_true(unpack_number_to(&unpack, cases[i].max) ==
			    cases[i].got);
		assert_int_equal(unpack_done(&unpack),
				 cases[i].number <= cases[i].max);
		arena_free(&arena);
	}
}

static void
a_count_that_cannot_be_is_refused_before_memory_is_taken(void **state)
{
	static const uint64_t counts[] = { 3, 1000, UINT64_MAX / 8, UINT64_MAX,
					   UINT64_MAX - 1 };

	(void)state;
	for (size_t i = 0; i < N_ROWS(counts); i++) {
		struct arena arena = { .chunks = NULL };
		struct pack pack = PACK_EMPTY;
		struct unpack unpack;
		size_t n = 9;

		pack_number(&pack, counts[i]);
		pack_number(&pack, 0);
		unpack = turn_around(&pack, &arena);
		assert_null(unpack_array(&unpack, 100, &n));
		assert_int_equal(n, 0);
		assert_false(unpack_done(&unpack));
		arena_free(&arena);
	}
}

static void
a_text_without_an_end_is_refused(void **state)
{
	static const char bytes[] = { 1, 0, 0, 0, 0, 0, 0, 0, 'h', 'i' };
	struct arena arena = { .chunks = NULL };
	struct unpack unpack;
	struct err err;

	(void)state;
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		cleanup_fd int fd = seal_bytes("x", bytes, size, &err);

		assert_int_equal(unpack_open(fd, &arena, &unpack, &err), 0);
		assert_string_equal(unpack_text(&unpack), "");
		assert_false(unpack_done(&unpack));
	}
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_comes_out_in_order),
		cmocka_unit_test(after_the_end_there_is_nothing_and_it_is_told),
		cmocka_unit_test(what_is_left_over_is_told),
		cmocka_unit_test(a_number_has_its_most),
		cmocka_unit_test(
			a_count_that_cannot_be_is_refused_before_memory_is_taken),
		cmocka_unit_test(a_text_without_an_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
