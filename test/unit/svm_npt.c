// SPDX-License-Identifier: GPL-2.0-only
/* Nested-table entries bit by bit; what tables of them do is mem_stage2's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <holdfast/range.h>
#include <hv/arch/x86/svm/npt.h>

#define EXEC  (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)
#define ALL   (HF_PERM_READ | HF_PERM_WRITE | EXEC)
#define BLOCK 0x000fffffc0000000ull /* highest address of 52 bits with a 1 GiB block */

/* APM vol. 2, 5.4 and 15.25.5: bits of an entry, written out here once more. */
#define P   0x1ull
#define RW  0x2ull
#define US  0x4ull
#define A_D 0x60ull
#define PS  0x80ull
#define NX  0x8000000000000000ull

static const struct stage2_format *const f = &npt_format;

static void leaf_bits(void **ctx)
{
	static const struct {
		u32 perm;
		u64 bits;
	} leaf[] = {
		{ HF_PERM_READ, P | US | A_D | NX },
		{ HF_PERM_READ | HF_PERM_WRITE, P | RW | US | A_D | NX },
		{ HF_PERM_READ | EXEC, P | US | A_D },
		{ ALL, P | RW | US | A_D },
	};
	unsigned int level;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(leaf); i++)
		for (level = 1; level <= 3; level++) {
			u64 want = BLOCK | leaf[i].bits | (level > 1 ? PS : 0);

			assert_int_equal(f->leaf(hpa(BLOCK), leaf[i].perm, level), want);
		}
	assert_int_equal(f->max_block, 3);
}

/* APM vol. 2, "Guest Mode Execute Trap": the user bit keeps the kernel out; it keeps user mode from
 * nothing. */
static void guest_mode_execute_trap(void **ctx)
{
	static const struct {
		u32 perm, got;
		u64 bits;
	} leaf[] = {
		{ HF_PERM_READ, HF_PERM_READ, P | US | A_D | NX },
		{ HF_PERM_WRITE, HF_PERM_READ | HF_PERM_WRITE, P | RW | US | A_D | NX },
		{ HF_PERM_USER_EXEC, HF_PERM_READ | HF_PERM_USER_EXEC, P | US | A_D },
		{ HF_PERM_KERNEL_EXEC, HF_PERM_READ | EXEC, P | A_D },
		{ HF_PERM_WRITE | HF_PERM_USER_EXEC,
		  HF_PERM_READ | HF_PERM_WRITE | HF_PERM_USER_EXEC, P | RW | US | A_D },
		{ ALL, ALL, P | RW | A_D },
	};
	const struct stage2_format *const g = &npt_gmet_format;
	unsigned int level;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(leaf); i++)
		for (level = 1; level <= 3; level++) {
			u64 want = BLOCK | leaf[i].bits | (level > 1 ? PS : 0);

			assert_int_equal(g->admissible(leaf[i].perm), leaf[i].got);
			assert_int_equal(g->leaf(hpa(BLOCK), leaf[i].got, level), want);
			assert_int_equal(g->permission(want), leaf[i].got);
		}
	/* The user bit counts where every level has it: a table's is never missing. */
	assert_true(g->table(hpa(PAGE_SIZE)) & US);
	assert_int_equal(g->admissible(0), 0);
	assert_int_equal(g->leaf(hpa(BLOCK), 0, 1), 0);
	assert_int_equal(g->permission(0), 0);
}

/* May be executed at @cpl, as the processor with GMET finds out: from the entries of all levels. */
static bool executes(const u64 *entry, unsigned int levels, u8 cpl)
{
	u64 user = US, never = 0;
	unsigned int i;

	for (i = 0; i < levels; i++) {
		user &= entry[i];
		never |= entry[i] & NX;
	}
	return !never && (cpl == 3 || !user);
}

/* Blocks of every size, with the tables that lead to them; and data is not affected. */
static void walks_with_gmet(void **ctx)
{
	const struct stage2_format *const g = &npt_gmet_format;
	unsigned int level, levels, i;
	u64 entry[5];
	u32 perm;
	u8 cpl;

	(void)ctx;
	for (perm = 1; perm <= ALL; perm++)
		for (level = 1; level <= 3; level++) {
			u32 got = g->admissible(perm);

			levels = 5 - level;
			for (i = 0; i < levels; i++)
				entry[i] = g->table(hpa(PAGE_SIZE));
			entry[levels++] = g->leaf(hpa(BLOCK), got, level);
			for (cpl = 0; cpl <= 3; cpl++)
				assert_true(executes(entry, levels, cpl) ==
					    !!(got & (cpl == 3 ? HF_PERM_USER_EXEC
							       : HF_PERM_KERNEL_EXEC)));
			for (i = 0; i < levels; i++)
				assert_true((entry[i] & P) &&
					    (i + 1 < levels ||
					     !(entry[i] & RW) == !(perm & HF_PERM_WRITE)));
		}
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
		/* nor do bits without P mean anything */
		assert_false(f->is_leaf(~P, level));
		assert_false(f->is_table(~P, level));
	}
	assert_int_equal(f->permission(0), 0);
	assert_int_equal(f->permission(~P), 0);
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
		/* Nothing is ever added but reading, and the other kind of execution. */
		assert_int_equal(got & HF_PERM_WRITE, perm & HF_PERM_WRITE);
		assert_int_equal(got & EXEC, perm & EXEC ? EXEC : 0);
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

/* A table withholds nothing: leaves decide. */
static void tables(void **ctx)
{
	u64 entry = f->table(hpa(0x000ffffffffff000ull));
	unsigned int level;

	(void)ctx;
	assert_int_equal(entry & (P | RW | US | PS | NX), P | RW | US);
	for (level = 2; level <= 5; level++) {
		assert_true(f->is_table(entry, level));
		assert_false(f->is_leaf(entry, level));
		assert_int_equal(f->address(entry, level).raw, 0x000ffffffffff000ull);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaf_bits), cmocka_unit_test(guest_mode_execute_trap),
		cmocka_unit_test(absent),    cmocka_unit_test(round_trip),
		cmocka_unit_test(tables),    cmocka_unit_test(walks_with_gmet),
	};

	return cmocka_run_group_tests_name("svm_npt", tests, NULL, NULL);
}
