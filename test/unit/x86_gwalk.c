// SPDX-License-Identifier: GPL-2.0-only
/* The walk of the guest's tables, in the fake machine's memory with its real owner. */
#include <string.h>
#include <hv/arch/x86/common/gwalk.h>
#include <hv/owner.h>
#include "unit.h"

#define TABLES	 (8 * FAKE_MIB) /* RAM; one page a table, the root first */
#define DATA	 (16 * FAKE_MIB)
#define DEVICE	 (200 * FAKE_MIB)		/* in no entry of the memory map */
#define NOWHERE	 (FAKE_LIMIT + (64 * FAKE_MIB)) /* beyond what second-level tables reach */
#define HIGHEST	 0x000ffffffffff000ull
#define VA	 0xffff9234567b8000ull /* every index another, none 0 */
#define ENTRY_P	 0x1ull
#define ENTRY_PS 0x80ull
#define IGNORED \
	0xfff0000000000f7eull /* of an entry: NX, keys, accessed, available; no PS, no P */

static struct hf_boot *boot;
static struct owner_locked l;

static int setup(void **ctx)
{
	(void)ctx;
	boot = unit_memory(&fake_format);
	memset(fake.ram + TABLES, 0, 16 * PAGE_SIZE);
	return 0;
}

static int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

static u64 *slot(unsigned int levels, unsigned int level, u64 va)
{
	u64 table = TABLES + (levels - level) * PAGE_SIZE;

	return (u64 *)(fake.ram + table) + (va >> (12 + 9 * (level - 1)) & 511);
}

/* Tables that lead to an entry of @level, which is @leaf. */
static struct gwalk build(unsigned int levels, unsigned int level, u64 va, u64 leaf)
{
	unsigned int i;

	for (i = levels; i > level; i--)
		*slot(levels, i, va) = (TABLES + (levels - i + 1) * PAGE_SIZE) | ENTRY_P |
				       IGNORED;
	*slot(levels, level, va) = leaf;
	/* what CR3 holds besides: PCID */
	return (struct gwalk){ TABLES | 0xfff, levels, NULL };
}

static void expect(const struct gwalk *walk, u64 va, u64 to)
{
	struct gpa at = gpa(0x1234);

	assert_int_equal(gwalk_translate(walk, gva(va), &at), 0);
	assert_int_equal(at.raw, to);
}

static void expect_none(const struct gwalk *walk, u64 va)
{
	struct gpa at = gpa(0x1234);
	u64 value = 0x5555;

	assert_int_equal(gwalk_translate(walk, gva(va), &at), -HF_EFAULT);
	assert_int_equal(at.raw, 0x1234);
	assert_int_equal(gwalk_read(walk, gva(va), &value, sizeof(value)), -HF_EFAULT);
	assert_int_equal(gwalk_fetch(walk, gva(va), &value, sizeof(value)), 0);
	assert_int_equal(value, 0x5555);
}

static void sizes(void **ctx)
{
	unsigned int levels, level;

	(void)ctx;
	for (levels = 4; levels <= 5; levels++)
		for (level = 1; level <= 3; level++) {
			u64 span = 1ull << (12 + 9 * (level - 1));
			/* Bit 12 of a large page is its PAT, the rest below its size reserved. */
			u64 pat = level > 1 ? 0x1000 : 0;
			/* At level 1 the same bit is the PAT: no meaning for the walk. */
			u64 leaf = HIGHEST / span * span | ENTRY_P | ENTRY_PS | IGNORED | pat;
			struct gwalk walk = build(levels, level, VA, leaf);

			expect(&walk, VA, HIGHEST / span * span | (VA & (span - 1)));
			expect(&walk, VA + 0x123, HIGHEST / span * span | (VA + 0x123) % span);
			memset(fake.ram + TABLES, 0, 16 * PAGE_SIZE);
		}
}

/* A level 4 of five, where only the index differs. */
static void upper_index(void **ctx)
{
	struct gwalk walk = build(5, 1, VA, DATA | ENTRY_P);

	(void)ctx;
	expect(&walk, VA, DATA);
	expect_none(&walk, VA ^ 1ull << 48);
	expect_none(&walk, VA ^ 1ull << 56);
	memset(fake.ram + TABLES, 0, 16 * PAGE_SIZE);
	walk = build(4, 1, VA, DATA | ENTRY_P);
	/* Above what is translated: an exit comes with canonical addresses only. */
	expect(&walk, VA ^ 1ull << 48, DATA);
	expect_none(&walk, VA ^ 1ull << 47);
}

static void not_present(void **ctx)
{
	unsigned int levels, level;

	(void)ctx;
	for (levels = 4; levels <= 5; levels++)
		for (level = 1; level <= levels; level++) {
			struct gwalk walk = build(levels, 1, VA, DATA | ENTRY_P);

			expect(&walk, VA, DATA);
			*slot(levels, level, VA) &= ~ENTRY_P;
			expect_none(&walk, VA);
			memset(fake.ram + TABLES, 0, 16 * PAGE_SIZE);
		}
}

/* PS where it is reserved is no page; memory below it is not ours to guess. */
static void reserved_ps(void **ctx)
{
	unsigned int levels;

	(void)ctx;
	for (levels = 4; levels <= 5; levels++) {
		struct gwalk walk = build(levels, 4, VA, DATA | ENTRY_P | ENTRY_PS);

		memset(fake.ram + DATA, 0, PAGE_SIZE);
		expect_none(&walk, VA);
		memset(fake.ram + TABLES, 0, 16 * PAGE_SIZE);
	}
}

/* Where nothing may be read: the fake machine aborts if it is touched outside its RAM. */
static u64 forbidden(unsigned int which)
{
	const u64 at[] = {
		boot->chunk_gpa[0], boot->chunk_gpa[1], DEVICE, FAKE_RAM_END, NOWHERE, HIGHEST
	};

	return which < ARRAY_SIZE(at) ? at[which] & HIGHEST : 0;
}

/* The root, each table and the page itself in turn. */
static void out_of_bounds(void **ctx)
{
	unsigned int levels, level, which;

	(void)ctx;
	assert_int_equal(owner_page(gpa(boot->chunk_gpa[0])).state, PAGE_HYPERVISOR);
	for (which = 0; forbidden(which); which++)
		for (levels = 4; levels <= 5; levels++)
			for (level = 1; level <= levels; level++) {
				struct gwalk walk = build(levels, 1, VA, DATA | ENTRY_P);
				struct gpa at;
				u64 value = 0x5555;

				*slot(levels, level, VA) = forbidden(which) | ENTRY_P;
				if (level > 1) {
					expect_none(&walk, VA);
				} else {
					assert_int_equal(gwalk_translate(&walk, gva(VA), &at),
							 0);
					assert_int_equal(gwalk_read(&walk, gva(VA), &value, 8),
							 -HF_EFAULT);
					assert_int_equal(value, 0x5555);
				}
				walk.cr3 = forbidden(which);
				expect_none(&walk, VA);
				memset(fake.ram + TABLES, 0, 16 * PAGE_SIZE);
			}
	assert_true(which >= 5);
}

/* Ours are hidden even where they lie in RAM and hold a perfect table. */
static void claimed(void **ctx)
{
	struct hf_range table = { .gpa = TABLES + PAGE_SIZE, .npages = 1 };
	struct gwalk walk = build(4, 1, VA, DATA | ENTRY_P);

	(void)ctx;
	expect(&walk, VA, DATA);
	assert_int_equal(owner_claim(l, &table, 1), 0);
	expect_none(&walk, VA);
}

/* Every entry is the table's own: as deep as the tables are, and no deeper. */
static void self_reference(void **ctx)
{
	unsigned int levels, i;

	(void)ctx;
	for (levels = 4; levels <= 5; levels++) {
		struct gwalk walk = { TABLES, levels, NULL };

		for (i = 0; i < 512; i++)
			((u64 *)(fake.ram + TABLES))[i] = TABLES | ENTRY_P;
		expect(&walk, VA + 0x18, TABLES + 0x18);
		/* with PS, level 3 ends it; above it means nothing */
		for (i = 0; i < 512; i++)
			((u64 *)(fake.ram + TABLES))[i] = TABLES | ENTRY_P | ENTRY_PS;
		expect(&walk, VA, VA & ((1ull << 30) - 1));
	}
}

/* What a walk ended with holds as long as the entry does, for that page and root alone. */
static void kept(void **ctx)
{
	struct hf_range table = { .gpa = TABLES + 3 * PAGE_SIZE, .npages = 1 };
	struct gwalk walk = build(4, 1, VA, DATA | ENTRY_P);
	struct gwalk_end last = { 0 };
	u64 *above = slot(4, 2, VA), way = *above;

	(void)ctx;
	walk.last = &last;
	expect(&walk, VA + 0x123, DATA + 0x123);
	*above = 0; /* no kernel does this to an entry that is in use */
	expect(&walk, VA + 0x456, DATA + 0x456);
	walk.cr3 ^= 0xfff;
	expect(&walk, VA, DATA);
	walk.cr3 += 32 * PAGE_SIZE;
	expect_none(&walk, VA);
	walk.cr3 -= 32 * PAGE_SIZE;
	expect_none(&walk, VA);
	*above = way;
	expect_none(&walk, VA + PAGE_SIZE);
	expect_none(&walk, VA - 1);
	expect(&walk, VA, DATA);
	/* Another page, then none, then one that is as it was. */
	*slot(4, 1, VA) = (DATA + PAGE_SIZE) | ENTRY_P;
	expect(&walk, VA, DATA + PAGE_SIZE);
	*slot(4, 1, VA) = 0;
	expect_none(&walk, VA);
	*slot(4, 1, VA) = DATA | ENTRY_P;
	expect(&walk, VA, DATA);
	/* Nor is a table read that is the guest's no longer. */
	assert_int_equal(owner_claim(l, &table, 1), 0);
	expect_none(&walk, VA);
	assert_int_equal(last.span, 0);
}

/* All of a large page, and no byte more. */
static void kept_large(void **ctx)
{
	u64 span = 1ull << 21, start = VA & ~(span - 1);
	struct gwalk walk = build(5, 2, VA, DATA | ENTRY_P | ENTRY_PS);
	struct gwalk_end last = { 0 };

	(void)ctx;
	walk.last = &last;
	expect(&walk, VA, DATA + (VA - start));
	*slot(5, 3, VA) = 0;
	expect(&walk, start, DATA);
	expect(&walk, start + span - 1, DATA + span - 1);
	expect_none(&walk, start + span);
	expect_none(&walk, start);
}

static void across_pages(void **ctx)
{
	struct gwalk walk = build(4, 1, VA, DATA | ENTRY_P);
	u8 out[3 * PAGE_SIZE];
	size_t size, before;

	(void)ctx;
	/* neighbours in the guest's view, apart and in reverse order in memory */
	*slot(4, 1, VA + PAGE_SIZE) = (DATA - 5 * PAGE_SIZE) | ENTRY_P;
	for (size = 0; size < PAGE_SIZE; size++) {
		fake.ram[DATA + size] = size % 251;
		fake.ram[DATA - 5 * PAGE_SIZE + size] = (size + PAGE_SIZE) % 251;
	}
	for (before = 0; before <= 16; before++)
		for (size = 0; size <= 16; size++) {
			size_t from = PAGE_SIZE - before, i;

			memset(out, 0xff, sizeof(out));
			assert_int_equal(gwalk_read(&walk, gva(VA + from), out, size), 0);
			for (i = 0; i < size; i++)
				assert_int_equal(out[i], (from + i) % 251);
			assert_int_equal(out[size], 0xff);
		}
	/* both whole, and no byte of the third, which is not there */
	assert_int_equal(gwalk_fetch(&walk, gva(VA), out, sizeof(out)), 2 * PAGE_SIZE);
	assert_int_equal(out[2 * PAGE_SIZE - 1], (2 * PAGE_SIZE - 1) % 251);
	assert_int_equal(gwalk_read(&walk, gva(VA), out, sizeof(out)), -HF_EFAULT);
	assert_int_equal(gwalk_fetch(&walk, gva(VA + 2 * PAGE_SIZE - 3), out, 15), 3);
	/* or not ours to show */
	*slot(4, 1, VA + PAGE_SIZE) = boot->chunk_gpa[0] | ENTRY_P;
	assert_int_equal(gwalk_fetch(&walk, gva(VA + PAGE_SIZE - 3), out, 15), 3);
	assert_int_equal(gwalk_read(&walk, gva(VA + PAGE_SIZE - 3), out, 15), -HF_EFAULT);
}

/* The last byte of the address space: what follows is at 0, where nothing is mapped. */
static void wrap(void **ctx)
{
	struct gwalk walk = build(4, 1, ~0ull, DATA | ENTRY_P);
	u8 out[15];

	(void)ctx;
	assert_int_equal(gwalk_fetch(&walk, gva(~0ull), out, sizeof(out)), 1);
	assert_int_equal(gwalk_read(&walk, gva(~0ull - 1), out, 2), 0);
	assert_int_equal(gwalk_read(&walk, gva(~0ull - 1), out, 3), -HF_EFAULT);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(sizes),	      test(upper_index),   test(not_present),
		test(reserved_ps),    test(out_of_bounds), test(claimed),
		test(self_reference), test(across_pages),  test(wrap),
		test(kept),	      test(kept_large),
	};

	return cmocka_run_group_tests_name("x86_gwalk", tests, NULL, NULL);
}
