/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "common/arena.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define HAS_GAPS 1
#endif
#endif

static void arena_alloc_gives_zeroed_aligned_memory(void **state)
{
	struct arena a = {0};

	(void)state;
	for (size_t size = 0; size < 200; size++) {
		unsigned char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	arena_release(&a);
}

static void arena_alloc_of_nothing_is_distinct(void **state)
{
	struct arena a = {0};
	void *p = arena_alloc(&a, 0), *q = arena_alloc(&a, 0);

	(void)state;
	assert_non_null(p);
	assert_ptr_not_equal(p, q);
	arena_release(&a);
}

static void arena_alloc_beyond_a_chunk(void **state)
{
	struct arena a = {0};
	char *small = arena_strdup(&a, "small"), *big = arena_alloc(&a, 1 << 20);

	(void)state;
	memset(big, 'x', 1 << 20);
	assert_string_equal(small, "small");
	assert_true(arena_used(&a) >= 1 << 20);
	arena_release(&a);
	assert_int_equal(arena_used(&a), 0);
	assert_string_equal(arena_strdup(&a, "again"), "again");
	arena_release(&a);
}

static void arena_copies(void **state)
{
	struct arena a = {0};
	char text[] = "abcdef";
	char *dup = arena_strdup(&a, text), *cut = arena_strndup(&a, text, 3);

	(void)state;
	text[0] = 'X';
	assert_string_equal(dup, "abcdef");
	assert_string_equal(cut, "abc");
	assert_memory_equal(arena_memdup(&a, "\0\1\2", 3), "\0\1\2", 3);
	assert_non_null(arena_memdup(&a, NULL, 0));
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
	assert_int_equal(strlen(arena_printf(&a, "%40000d", 1)), 40000);
	arena_release(&a);
}

static void arena_grow_keeps_the_elements(void **state)
{
	struct arena a = {0};
	int *list = NULL;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		list = arena_grow(&a, list, (size_t)i, sizeof(*list));
		list[i] = i;
		arena_alloc(&a, 1); /* so that the list cannot grow in place */
	}
	for (int i = 0; i < 5000; i++)
		assert_int_equal(list[i], i);
	arena_release(&a);
}

/* Only the build with gaps can see an overrun between neighbours. */
#ifdef HAS_GAPS
static void arena_objects_have_a_gap(void **state)
{
	struct arena a = {0};
	char *p = arena_alloc(&a, 10);

	(void)state;
	arena_alloc(&a, 10);
	assert_false(__asan_address_is_poisoned(p + 9));
	assert_true(__asan_address_is_poisoned(p + 10));
	assert_true(__asan_address_is_poisoned(p + 41));
	arena_release(&a);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("arena: memory is zeroed and aligned",
		     arena_alloc_gives_zeroed_aligned_memory),
		TEST("arena: size 0 gives distinct pointers", arena_alloc_of_nothing_is_distinct),
		TEST("arena: objects larger than a chunk, release and reuse",
		     arena_alloc_beyond_a_chunk),
		TEST("arena: copies are independent", arena_copies),
		TEST("arena: a list keeps its elements as it grows", arena_grow_keeps_the_elements),
#ifdef HAS_GAPS
		TEST("arena: a poisoned gap follows every object", arena_objects_have_a_gap),
#endif
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
