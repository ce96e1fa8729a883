// SPDX-License-Identifier: GPL-2.0-only
/* Device trees, made here token by token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/arm64/fdt.h>

#define MAGIC 0xd00dfeedu

static u8 blob[1024];
static u32 length;

static void put(u32 word)
{
	for (int i = 3; i >= 0; i--)
		blob[length++] = (u8)(word >> (8 * i));
}

static void put_text(const char *text)
{
	memcpy(blob + length, text, strlen(text) + 1);
	length += (u32)strlen(text) + 1;
	while (length % 4)
		blob[length++] = 0;
}

static void begin(const char *name)
{
	put(1);
	put_text(name);
}

static void property(u32 name, const void *value, u32 size)
{
	put(3);
	put(size);
	put(name);
	memcpy(blob + length, value, size);
	length += size;
	while (length % 4)
		blob[length++] = 0;
}

/* Offsets of names in the block of strings, which is at the end. */
#define NAME_REG	0
#define NAME_COMPATIBLE 4
static const char strings[] = "reg\0compatible";

static void set(u32 at, u32 word)
{
	u32 end = length;

	length = at;
	put(word);
	length = end;
}

/* Header, one reservation, /memory@40000000 with two cells each, a NOP, /chosen. */
static void make(void)
{
	static const u8 reg[] = { 0, 0, 0, 1, 0x40, 0, 0, 0, 0, 0, 0, 2, 0x80, 0, 0, 0 };
	static const char compatible[] = "arm,psci-1.0\0arm,psci";
	u32 start;

	memset(blob, 0, sizeof(blob));
	length = 40;
	put(0);
	put(0x1000);
	put(0);
	put(0x2000);
	for (int i = 0; i < 4; i++)
		put(0);
	start = length;
	begin("");
	put(4);
	begin("memory@40000000");
	property(NAME_REG, reg, sizeof(reg));
	put(2);
	begin("psci");
	property(NAME_COMPATIBLE, compatible, sizeof(compatible));
	put(2);
	put(2);
	put(9);
	set(0, MAGIC);
	set(8, start);
	set(12, length);
	set(16, 40);
	set(24, 16);
	set(36, length - start);
	memcpy(blob + length, strings, sizeof(strings));
	length += sizeof(strings);
	set(4, length);
}

static void walk(void **ctx)
{
	struct fdt fdt;
	u64 start, size;

	(void)ctx;
	make();
	assert_true(fdt_open(&fdt, blob));
	assert_true(fdt_reserved(&fdt, 0, &start, &size));
	assert_int_equal(start, 0x1000);
	assert_int_equal(size, 0x2000);
	assert_false(fdt_reserved(&fdt, 1, &start, &size));
	assert_int_equal(fdt_next(&fdt), FDT_NODE);
	assert_int_equal(fdt_next(&fdt), FDT_NODE);
	assert_true(fdt_named(&fdt, "memory"));
	assert_false(fdt_named(&fdt, "mem"));
	assert_false(fdt_named(&fdt, "memory@4000"));
	assert_int_equal(fdt_next(&fdt), FDT_PROPERTY);
	assert_true(fdt_named(&fdt, "reg"));
	assert_true(fdt_within(&fdt, 1, "memory"));
	assert_false(fdt_within(&fdt, 2, "memory"));
	assert_int_equal(fdt.depth, 2);
	assert_int_equal(fdt_number(fdt.value, 2), 0x140000000ull);
	fdt_set_number(fdt.value + 8, 2, 0x27f000000ull);
	assert_int_equal(fdt_number(fdt.value + 8, 2), 0x27f000000ull);
	assert_int_equal(fdt_number(fdt.value, 2), 0x140000000ull);
	assert_int_equal(fdt_next(&fdt), FDT_NODE_END);
	assert_int_equal(fdt_next(&fdt), FDT_NODE);
	assert_int_equal(fdt_next(&fdt), FDT_PROPERTY);
	assert_true(fdt_lists(&fdt, "arm,psci"));
	assert_true(fdt_lists(&fdt, "arm,psci-1.0"));
	assert_false(fdt_lists(&fdt, "arm,psc"));
	assert_false(fdt_lists(&fdt, "psci"));
	assert_int_equal(fdt_next(&fdt), FDT_NODE_END);
	assert_int_equal(fdt_next(&fdt), FDT_NODE_END);
	assert_int_equal(fdt_next(&fdt), FDT_END);
}

/* Whatever the words say, the walk ends, and reads nothing outside (the sanitizer sees that). */
static void garbage(void **ctx)
{
	(void)ctx;
	srand(1);
	for (int round = 0; round < 200000; round++) {
		u8 *copy;
		struct fdt fdt;
		u64 start, size;
		u32 i, steps = 0;

		make();
		for (int flips = rand() % 3 + 1; flips; flips--)
			blob[4 + (u32)rand() % (length - 4)] = (u8)rand();
		/* The size is the firmware's word: memory is there. */
		set(4, length);
		copy = malloc(length);
		memcpy(copy, blob, length);
		if (fdt_open(&fdt, copy)) {
			for (i = 0; fdt_reserved(&fdt, i, &start, &size); i++)
				assert_in_range(i, 0, length / 16);
			while (fdt_next(&fdt) != FDT_END)
				assert_in_range(steps++, 0, length);
		}
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk),
		cmocka_unit_test(garbage),
	};

	return cmocka_run_group_tests_name("arm_fdt", tests, NULL, NULL);
}
