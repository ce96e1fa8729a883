// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <hv/print.h>
#include "unit.h"

/* Ours and libc's must agree on text, length and termination for every buffer size. */
#define agree(...)                                                                \
	do {                                                                      \
		char ours_[64], libc_[64];                                        \
		size_t size_;                                                     \
		for (size_ = 0; size_ <= sizeof(ours_); size_++) {                \
			memset(ours_, '#', sizeof(ours_));                        \
			memset(libc_, '#', sizeof(libc_));                        \
			assert_int_equal(print_string(ours_, size_, __VA_ARGS__), \
					 snprintf(libc_, size_, __VA_ARGS__));    \
			assert_memory_equal(ours_, libc_, sizeof(ours_));         \
		}                                                                 \
	} while (0)

static void conversions(void **ctx)
{
	(void)ctx;
	agree("plain text");
	agree("%s|%8s|%2s|%s", "abc", "abc", "abc", "");
	agree("%c%c|%3c", 'a', 'b', 'c');
	agree("%d|%5d|%05d|%d", 42, 42, 42, 0);
	agree("%d|%6d|%06d|%1d", -42, -42, -42, -42);
	agree("%d|%d", INT_MAX, INT_MIN);
	agree("%ld|%lld", LONG_MIN, LLONG_MIN);
	agree("%ld|%lld", LONG_MAX, LLONG_MAX);
	agree("%u|%u|%10u|%010u", 0u, UINT_MAX, 7u, 7u);
	agree("%lu|%llu", ULONG_MAX, ULLONG_MAX);
	agree("%x|%x|%8x|%08x", 0u, UINT_MAX, 0xbeefu, 0xbeefu);
	agree("%lx|%llx|%016llx", ULONG_MAX, ULLONG_MAX, 0x123456789abcdefull);
	agree("100%% of %s", "it");
}

static void random_numbers(void **ctx)
{
	int i;

	(void)ctx;
	unit_seed("numbers");
	for (i = 0; i < 2000; i++) {
		u64 n = unit_random() >> unit_below(64);

		agree("%llu %lld %020llx", (unsigned long long)n, (long long)n,
		      (unsigned long long)n);
		agree("%u %d %12x", (u32)n, (int)n, (u32)n);
	}
}

/* What is no conversion shows, and takes no argument. */
static void mistakes(void **ctx)
{
	char to[32];
	const char *wrong = "%y %d";
	const char *cut = "x%";
	const char *cut_long = "x%08l";

	(void)ctx;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	print_string(to, sizeof(to), wrong, 5);
	assert_string_equal(to, "y 5");
	print_string(to, sizeof(to), cut);
	assert_string_equal(to, "x");
	print_string(to, sizeof(to), cut_long);
	assert_string_equal(to, "x");
#pragma GCC diagnostic pop
}

static void __printf(1, 2) unlocked(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_unlocked(format, args);
	va_end(args);
}

static void console(void **ctx)
{
	(void)ctx;
	fake_reset(&fake_format);
	print_line(NULL, "cpu %u: %s", 1u, "up");
	print_line(NULL, "%016llx", 0xabcull);
	unlocked("no newline %d", -1);
	assert_string_equal(fake.console, "cpu 1: up\n0000000000000abc\nno newline -1");
	fake_release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversions),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(console),
	};

	return cmocka_run_group_tests_name("lib_print", tests, NULL, NULL);
}
