// SPDX-License-Identifier: GPL-2.0-only
/* The build gives the four functions of hv/lib/string.c the prefix hv_; libc's are the
 * reference. */
#include <string.h>
#include "unit.h"

void *hv_memcpy(void *to, const void *from, size_t size);
void *hv_memmove(void *to, const void *from, size_t size);
void *hv_memset(void *to, int byte, size_t size);
int hv_memcmp(const void *a, const void *b, size_t size);
void string_copy(char *to, const char *from, size_t size);

#define SIZE 96

static void fill(u8 *buffer)
{
	size_t i;

	for (i = 0; i < SIZE; i++)
		buffer[i] = (u8)unit_random();
}

/* Every alignment of both sides and every size up to 40, with what lies around checked. */
static void copy_all_alignments(void **ctx)
{
	u8 from[SIZE], to[SIZE], expected[SIZE];
	size_t a, b, n;

	(void)ctx;
	unit_seed("memcpy");
	for (a = 0; a < 9; a++) {
		for (b = 0; b < 9; b++) {
			for (n = 0; n <= 40; n++) {
				fill(from);
				fill(to);
				memcpy(expected, to, SIZE);
				memcpy(expected + a, from + b, n);
				assert_ptr_equal(hv_memcpy(to + a, from + b, n), to + a);
				assert_memory_equal(to, expected, SIZE);
			}
		}
	}
}

static void move_overlapping(void **ctx)
{
	u8 ours[SIZE], expected[SIZE];
	size_t a, b, n;

	(void)ctx;
	unit_seed("memmove");
	for (a = 0; a < 33; a++) {
		for (b = 0; b < 33; b++) {
			for (n = 0; n <= 40; n++) {
				fill(ours);
				memcpy(expected, ours, SIZE);
				memmove(expected + a, expected + b, n);
				assert_ptr_equal(hv_memmove(ours + a, ours + b, n), ours + a);
				assert_memory_equal(ours, expected, SIZE);
			}
		}
	}
}

static void set_all_alignments(void **ctx)
{
	u8 ours[SIZE], expected[SIZE];
	size_t a, n;

	(void)ctx;
	unit_seed("memset");
	for (a = 0; a < 9; a++) {
		for (n = 0; n <= 40; n++) {
			/* Only the low byte counts. */
			int byte = (int)unit_random();

			fill(ours);
			memcpy(expected, ours, SIZE);
			memset(expected + a, byte, n);
			assert_ptr_equal(hv_memset(ours + a, byte, n), ours + a);
			assert_memory_equal(ours, expected, SIZE);
		}
	}
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void compare(void **ctx)
{
	u8 a[SIZE], b[SIZE];
	int i;

	(void)ctx;
	unit_seed("memcmp");
	for (i = 0; i < 2000; i++) {
		size_t n = unit_below(SIZE);
		size_t at = unit_below(SIZE);

		fill(a);
		memcpy(b, a, SIZE);
		b[at] = (u8)unit_random();
		assert_int_equal(sign(hv_memcmp(a, b, n)), sign(memcmp(a, b, n)));
	}
	assert_true(hv_memcmp("\x01", "\xff", 1) < 0); /* bytes are unsigned */
}

static void copy_string(void **ctx)
{
	char to[8];

	(void)ctx;
	memset(to, 'x', sizeof(to));
	string_copy(to, "abc", sizeof(to));
	assert_memory_equal(to, "abc\0xxxx", 8);
	memset(to, 'x', sizeof(to));
	string_copy(to, "abcdefghij", 4);
	assert_memory_equal(to, "abc\0xxxx", 8);
	string_copy(to, "abc", 4);
	assert_string_equal(to, "abc");
	string_copy(to, "abc", 1);
	assert_string_equal(to, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_all_alignments), cmocka_unit_test(move_overlapping),
		cmocka_unit_test(set_all_alignments),  cmocka_unit_test(compare),
		cmocka_unit_test(copy_string),
	};

	return cmocka_run_group_tests_name("lib_string", tests, NULL, NULL);
}
