// SPDX-License-Identifier: GPL-2.0-only
/* Stage 2 entries bit by bit; what tables of them do is mem_stage2's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <holdfast/range.h>
#include <hv/arch/arm64/s2.h>

#define EXEC  (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC)
#define DATA  (HF_PERM_READ | HF_PERM_WRITE)
#define BLOCK 0x0000ffffc0000000ull /* highest address of 48 bits with a 1 GiB block */

/* ARM D8.3: bits of an entry, written out here once more. */
#define BASE  0x77dull /* valid block, MemAttr 1111, readable, inner shareable, AF */
#define PAGE  0x2ull
#define WRITE 0x80ull
#define XN(n) ((u64)(n) << 53)

void s2_forget_everywhere(void)
{
}

static void leaf_bits(void **ctx)
{
	static const struct {
		u32 perm;
		u64 split, plain;
	} leaf[] = {
		{ HF_PERM_READ, XN(2), XN(2) },
		{ DATA, WRITE | XN(2), WRITE | XN(2) },
		{ HF_PERM_READ | HF_PERM_KERNEL_EXEC, XN(3), 0 },
		{ HF_PERM_READ | HF_PERM_USER_EXEC, XN(1), 0 },
		{ HF_PERM_READ | EXEC, 0, 0 },
		{ DATA | HF_PERM_USER_EXEC, WRITE | XN(1), WRITE },
		{ DATA | EXEC, WRITE, WRITE },
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(leaf); i++)
		for (unsigned int level = 1; level <= 3; level++) {
			u64 base = BLOCK | BASE | (level == 1 ? PAGE : 0);

			assert_int_equal(s2_format.leaf(hpa(BLOCK), leaf[i].perm, level),
					 base | leaf[i].split);
			assert_int_equal(s2_plain_format.leaf(hpa(BLOCK), leaf[i].perm, level),
					 base | leaf[i].plain);
		}
}

/* What is not there leaves nothing of itself, nor do bits without "valid" mean anything. */
static void absent(void **ctx)
{
	(void)ctx;
	for (unsigned int level = 1; level <= 3; level++) {
		assert_int_equal(s2_format.leaf(hpa(BLOCK), 0, level), 0);
		assert_false(s2_format.is_leaf(~1ull, level));
		assert_false(s2_format.is_table(~1ull, level));
	}
	assert_int_equal(s2_format.permission(0), 0);
	assert_int_equal(s2_format.permission(~1ull), 0);
}

/* Every permission: what comes out of an entry is what admissible said would. */
static void round_trip(const struct stage2_format *f, bool split)
{
	for (u32 perm = 0; perm <= HF_PERM_ALL; perm++) {
		u32 got = f->admissible(perm), exec = perm & EXEC;

		assert_int_equal(f->admissible(got), got);
		assert_int_equal(got & HF_PERM_WRITE, perm & HF_PERM_WRITE);
		assert_int_equal(got & HF_PERM_READ, perm ? HF_PERM_READ : 0);
		assert_int_equal(got & EXEC, split || !exec ? exec : EXEC);
		for (unsigned int level = 1; level <= 3; level++) {
			u64 entry = f->leaf(hpa(BLOCK), perm, level);

			assert_int_equal(f->permission(entry), got);
			assert_true(f->is_leaf(entry, level) == (got != 0));
			assert_false(f->is_table(entry, level));
			if (got)
				assert_int_equal(f->address(entry, level).raw, BLOCK);
		}
	}
}

static void round_trips(void **ctx)
{
	(void)ctx;
	round_trip(&s2_format, true);
	round_trip(&s2_plain_format, false);
}

/* A page has the bits of a table: the level tells them apart. */
static void tables(void **ctx)
{
	u64 entry = s2_format.table(hpa(0x0000fffffffff000ull));

	(void)ctx;
	assert_int_equal(entry, 0x0000fffffffff003ull);
	for (unsigned int level = 2; level <= 4; level++) {
		assert_true(s2_format.is_table(entry, level));
		assert_false(s2_format.is_leaf(entry, level));
		assert_int_equal(s2_format.address(entry, level).raw, 0x0000fffffffff000ull);
	}
	assert_false(s2_format.is_table(entry, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaf_bits),
		cmocka_unit_test(absent),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests_name("arm_s2", tests, NULL, NULL);
}
