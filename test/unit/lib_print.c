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
	agree("%s|%s|%s", "abc", "", "def");
	agree("%u|%u|%010u|%01u", 0u, UINT_MAX, 7u, 42u);
	agree("%llu", ULLONG_MAX);
	agree("%x|%x|%08x", 0u, UINT_MAX, 0xbeefu);
	agree("%llx|%016llx", ULLONG_MAX, 0x123456789abcdefull);
}

static void random_numbers(void **ctx)
{
	int i;

	(void)ctx;
	unit_seed("numbers");
	for (i = 0; i < 2000; i++) {
		u64 n = unit_random() >> unit_below(64);

		agree("%llu %020llx", (unsigned long long)n, (unsigned long long)n);
		agree("%u %012x", (u32)n, (u32)n);
	}
}

/* What is no conversion shows, and nothing after it takes an argument. */
static void mistakes(void **ctx)
{
	static const char *const wrong[] = {
		"a%y %s", "a%", "a%08", "a%08l", "a%lx %s", "a%d"
	};
	char to[32];
	size_t i;

	(void)ctx;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		print_string(to, sizeof(to), wrong[i]);
		assert_string_equal(to, "a?");
	}
#pragma GCC diagnostic pop
}

static void __printf(1, 2) last_words(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_panic(format, args);
	va_end(args);
}

static void console(void **ctx)
{
	(void)ctx;
	fake_reset(&fake_format);
	print_line(NULL, "cpu %u: %s", 1u, "up");
	print_line(NULL, "%016llx", 0xabcull);
	last_words("bug %u", 1u);
	assert_string_equal(fake.console,
			    "cpu 1: up\n0000000000000abc\nholdfast: panic: bug 1\n");
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
