// SPDX-License-Identifier: GPL-2.0-only
/* EPT entries bit by bit, with memory types of MTRRs; what tables of them do is mem_stage2's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <holdfast/range.h>
#include <hv/arch/x86/vmx/ept.h>
#include <hv/arch/x86/vmx/mtrr.h>
#include "fake_cpu.h"

#define EXEC  (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)
#define ALL   (HF_PERM_READ | HF_PERM_WRITE | EXEC)
#define BLOCK 0x000fffffc0000000ull /* highest address of 52 bits with a 1 GiB block */
#define MIB   (1ull << 20)
#define GIB   (1ull << 30)

/* SDM vol. 3, 29.3.2: bits of an entry, written out here once more. */
#define R  0x1ull
#define W  0x2ull
#define X  0x4ull
#define XU 0x400ull /* with mode-based execute control */
#define WB 0x30ull
#define AD 0x300ull
#define PS 0x80ull

#define UC 0u
#define WT 4u

static const struct stage2_format *const f = &ept_format;

/* Range n: type, base, mask without the valid bit. */
static void range(u32 n, u64 type, u64 base, u64 mask)
{
	fake_cpu_set_msr(0x200 + 2 * n, base | type);
	fake_cpu_set_msr(0x201 + 2 * n, mask ? mask | 0x800 : 0);
}

/* 46 bits of addresses, four ranges, none of them valid; what is in none is write-back. */
static int setup(void **ctx)
{
	u32 i;

	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_msr(0xfe, 0x504);
	fake_cpu_set_msr(0x2ff, 0x806);
	for (i = 0; i < 4; i++)
		range(i, 0, 0, 0);
	assert_int_equal(mtrr_init(), 0);
	ept_init(true, true);
	return 0;
}

static void leaf_bits(void **ctx)
{
	static const struct {
		u32 perm;
		u64 bits;
	} leaf[] = {
		{ HF_PERM_READ, R | WB },
		{ HF_PERM_READ | HF_PERM_WRITE, R | W | WB },
		{ HF_PERM_READ | EXEC, R | X | WB },
		{ ALL, R | W | X | WB },
	};
	unsigned int level;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(leaf); i++)
		for (level = 1; level <= 3; level++) {
			u64 want = BLOCK | AD | leaf[i].bits | (level > 1 ? PS : 0);

			assert_int_equal(f->leaf(hpa(BLOCK), leaf[i].perm, level), want);
		}
	assert_int_equal(f->max_block, 3);
	/* Four levels, write-back; accessed and dirty flags. */
	assert_int_equal(ept_pointer(hpa(0x12345000)), 0x1234505e);
	ept_init(true, false);
	assert_int_equal(ept_pointer(hpa(0x12345000)), 0x1234501e);
}

/* SDM vol. 3, 29.3.3: a bit for each kind of execution, and neither says anything of the other. */
static void execution_by_mode(void **ctx)
{
	static const struct {
		u32 perm;
		u64 bits;
	} leaf[] = {
		{ HF_PERM_READ, R | WB },
		{ HF_PERM_READ | HF_PERM_KERNEL_EXEC, R | X | WB },
		{ HF_PERM_READ | HF_PERM_WRITE | HF_PERM_USER_EXEC, R | W | XU | WB },
		{ ALL, R | W | X | XU | WB },
	};
	const struct stage2_format *const m = &ept_modes_format;
	unsigned int level;
	u32 perm;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(leaf); i++)
		for (level = 1; level <= 3; level++) {
			u64 want = BLOCK | AD | leaf[i].bits | (level > 1 ? PS : 0);

			assert_int_equal(m->leaf(hpa(BLOCK), leaf[i].perm, level), want);
			assert_int_equal(m->permission(want), leaf[i].perm);
		}
	for (perm = 1; perm <= ALL; perm++) {
		assert_int_equal(m->admissible(perm), perm | HF_PERM_READ);
		assert_int_equal(m->permission(m->leaf(hpa(BLOCK), perm, 1)),
				 perm | HF_PERM_READ);
	}
	assert_int_equal(m->admissible(0), 0);
	assert_int_equal(m->leaf(hpa(BLOCK), 0, 1), 0);
	/* Also what only user mode runs is code, for processors that code in large pages stops. */
	ept_init(false, true);
	assert_false(m->fits(hpa(BLOCK), HF_PERM_READ | HF_PERM_USER_EXEC, 2));
	assert_true(m->fits(hpa(BLOCK), HF_PERM_READ | HF_PERM_WRITE, 2));
}

/* What is not there leaves nothing of itself. */
static void absent(void **ctx)
{
	unsigned int level;

	(void)ctx;
	for (level = 1; level <= 3; level++) {
		assert_int_equal(f->leaf(hpa(BLOCK), 0, level), 0);
		assert_false(f->is_leaf(0, level));
		assert_false(f->is_table(0, level));
		/* nor do other bits without any of the three */
		assert_false(f->is_leaf(~7ull, level));
		assert_false(f->is_table(~7ull, level));
	}
	assert_int_equal(f->permission(0), 0);
	assert_int_equal(f->permission(~7ull), 0);
}

/* Every permission: what comes out of an entry is what admissible said would. */
static void round_trip(void **ctx)
{
	unsigned int level;
	u32 perm;

	(void)ctx;
	for (perm = 0; perm <= ALL; perm++) {
		u32 got = f->admissible(perm);

		assert_int_equal(f->admissible(got), got);
		assert_int_equal(got & perm, perm);
		assert_int_equal(got & HF_PERM_WRITE, perm & HF_PERM_WRITE);
		assert_int_equal(got & EXEC, perm & EXEC ? EXEC : 0);
		/* An entry that can be written and not read is a misconfiguration. */
		assert_int_equal(got & HF_PERM_READ, perm ? HF_PERM_READ : 0);
		for (level = 1; level <= 3; level++) {
			u64 entry = f->leaf(hpa(BLOCK), got, level);

			assert_int_equal(f->permission(entry), got);
			assert_true(f->is_leaf(entry, level) == (got != 0));
			assert_false(f->is_table(entry, level));
			if (got)
				assert_int_equal(f->address(entry, level).raw, BLOCK);
		}
	}
}

/* A table withholds nothing: leaves decide. Its reserved bits are clear (SDM vol. 3, 29.3.3.1). */
static void tables(void **ctx)
{
	u64 entry = f->table(hpa(0x000ffffffffff000ull));
	unsigned int level;

	(void)ctx;
	assert_int_equal(entry, 0x000ffffffffff507ull);
	for (level = 2; level <= 4; level++) {
		assert_true(f->is_table(entry, level));
		assert_false(f->is_leaf(entry, level));
		assert_int_equal(f->address(entry, level).raw, 0x000ffffffffff000ull);
	}
}

/* Processors that code in large pages can stop. */
static void small_code(void **ctx)
{
	unsigned int level;

	(void)ctx;
	ept_init(false, true);
	for (level = 1; level <= 3; level++) {
		assert_int_equal(f->fits(hpa(BLOCK), ALL, level), level == 1);
		assert_int_equal(f->fits(hpa(BLOCK), HF_PERM_READ | EXEC, level), level == 1);
		assert_true(f->fits(hpa(BLOCK), HF_PERM_READ | HF_PERM_WRITE, level));
	}
}

static u32 type_of(u64 at, u64 size)
{
	u32 type;

	return mtrr_uniform(hpa(at), size, &type) ? type : 99;
}

static void types(void **ctx)
{
	(void)ctx;
	range(0, UC, 3 * GIB, 0x3fffc0000000);	     /* 1 GiB: devices */
	range(1, WT, 2 * GIB, 0x3fffffe00000);	     /* 2 MiB */
	range(2, UC, 2 * GIB + MIB, 0x3fffffff0000); /* 64 KiB, within */
	range(3, 5, 5 * GIB, 0x3ffffffff000);	     /* one page: write-protect */
	assert_int_equal(mtrr_init(), 0);
	assert_int_equal(type_of(0, GIB), 6);
	assert_int_equal(type_of(3 * GIB, GIB), UC);
	assert_int_equal(type_of(3 * GIB + 5 * PAGE_SIZE, PAGE_SIZE), UC);
	assert_int_equal(type_of(4 * GIB, GIB), 6);
	assert_int_equal(type_of(2 * GIB, GIB), 99);
	assert_int_equal(type_of(2 * GIB, 2 * MIB), 99);
	assert_int_equal(type_of(2 * GIB, PAGE_SIZE), WT);
	assert_int_equal(type_of(2 * GIB + MIB, PAGE_SIZE), UC);
	assert_int_equal(type_of(2 * GIB + 2 * MIB, 2 * MIB), 6);
	assert_int_equal(type_of(5 * GIB, 2 * MIB), 99);
	assert_int_equal(type_of(5 * GIB, PAGE_SIZE), 5);
	assert_int_equal(type_of(5 * GIB + PAGE_SIZE, PAGE_SIZE), 6);
	/* They reach the entries, and blocks that lie across are none. */
	assert_int_equal(f->leaf(hpa(2 * GIB), HF_PERM_READ, 1), 2 * GIB | AD | R | WT << 3);
	assert_int_equal(f->leaf(hpa(3 * GIB), HF_PERM_READ, 3), 3 * GIB | AD | R | PS);
	assert_false(f->fits(hpa(2 * GIB), HF_PERM_READ, 2));
	assert_true(f->fits(hpa(3 * GIB), HF_PERM_READ, 3));
	/* All off: nothing is cached. */
	fake_cpu_set_msr(0x2ff, 0x006);
	assert_int_equal(mtrr_init(), 0);
	assert_int_equal(type_of(0, GIB), UC);
}

/* The first MiB in fixed parts, which are in force over the ranges. */
static void fixed_parts(void **ctx)
{
	static const u32 msrs[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
				    0x26b, 0x26c, 0x26d, 0x26e, 0x26f };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		fake_cpu_set_msr(msrs[i], 0x0606060606060606);
	fake_cpu_set_msr(0x259, 0);		     /* 0xa0000: display */
	fake_cpu_set_msr(0x268, 0x0606060606060506); /* 0xc1000 */
	fake_cpu_set_msr(0x26f, 0x0406060606060606); /* 0xff000 */
	fake_cpu_set_msr(0x2ff, 0xc06);
	assert_int_equal(mtrr_init(), 0);
	assert_int_equal(type_of(0, PAGE_SIZE), 6);
	assert_int_equal(type_of(0x9f000, PAGE_SIZE), 6);
	assert_int_equal(type_of(0xa0000, PAGE_SIZE), UC);
	assert_int_equal(type_of(0xbf000, PAGE_SIZE), UC);
	assert_int_equal(type_of(0xc0000, PAGE_SIZE), 6);
	assert_int_equal(type_of(0xc1000, PAGE_SIZE), 5);
	assert_int_equal(type_of(0xc2000, PAGE_SIZE), 6);
	assert_int_equal(type_of(0xff000, PAGE_SIZE), WT);
	assert_int_equal(type_of(0x100000, PAGE_SIZE), 6);
	assert_int_equal(type_of(0, 2 * MIB), 99);
	assert_int_equal(type_of(0, GIB), 99);
	assert_int_equal(type_of(2 * MIB, 2 * MIB), 6);
	/* Switched off they say nothing. */
	fake_cpu_set_msr(0x2ff, 0x806);
	assert_int_equal(mtrr_init(), 0);
	assert_int_equal(type_of(0, GIB), 6);
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(leaf_bits), test(absent),	   test(round_trip),  test(tables),
		test(types),	 test(small_code), test(fixed_parts), test(execution_by_mode),
	};

	return cmocka_run_group_tests_name("vmx_ept", tests, NULL, NULL);
}
