// SPDX-License-Identifier: GPL-2.0-only
/* What the processor takes for a register, by the tables of APM vol. 2, chapter 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/msrs.h>
#include <hv/arch/x86/common/sysreg.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include "fake_cpu.h"

/* Bits by the manual's numbers, on purpose not by the names of x86.h. */
#define B(n) (1ull << (n))

#define LONG_CR0  (B(0) | B(4) | B(5) | B(16) | B(31)) /* PE ET NE WP PG */
#define LONG_CR4  B(5)
#define LONG_EFER (B(0) | B(8) | B(10) | B(11))

static void cpu(struct cpuid std, struct cpuid ext, struct cpuid amd, u32 more)
{
	fake_cpu_reset();
	fake_cpu_set_leaf(1, std);
	fake_cpu_set_leaf(7, ext);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, amd);
	fake_cpu_set_leaf(0x80000021, (struct cpuid){ .eax = more });
}

static const struct cpuid all = { ~0u, ~0u, ~0u, ~0u };
static const struct cpuid none = { 0, 0, 0, 0 };

static int setup(void **ctx)
{
	(void)ctx;
	cpu(all, all, all, ~0u);
	sysreg_init(0);
	return 0;
}

static void cr0(void **ctx)
{
	static const struct {
		u64 value, cr4, efer;
		bool valid;
	} table[] = {
		{ LONG_CR0, LONG_CR4, LONG_EFER, true },
		{ LONG_CR0 | B(3), LONG_CR4, LONG_EFER, true },
		{ LONG_CR0 | B(6), LONG_CR4, LONG_EFER, true }, /* reserved, ignored */
		{ LONG_CR0 | B(32), LONG_CR4, LONG_EFER, false },
		{ LONG_CR0 | B(63), LONG_CR4, LONG_EFER, false },
		{ LONG_CR0 | B(30), LONG_CR4, LONG_EFER, true },	 /* CD */
		{ LONG_CR0 | B(29), LONG_CR4, LONG_EFER, false },	 /* NW alone */
		{ LONG_CR0 | B(29) | B(30), LONG_CR4, LONG_EFER, true }, /* both */
		{ LONG_CR0 & ~B(0), LONG_CR4, LONG_EFER, false },	 /* PG without PE */
		{ LONG_CR0 & ~B(0), 0, 0, false },
		{ LONG_CR0 & ~B(31), LONG_CR4, LONG_EFER, false }, /* out of long mode */
		{ LONG_CR0 & ~B(31), LONG_CR4, 0, true },
		{ 0, 0, 0, true },
		{ B(0), 0, 0, true },
		{ LONG_CR0 & ~B(16), LONG_CR4, LONG_EFER, true },
		{ LONG_CR0 & ~B(16), LONG_CR4 | B(23), LONG_EFER, false }, /* CET needs WP */
		{ LONG_CR0, LONG_CR4 | B(23), LONG_EFER, true },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (sysreg_valid_cr0(table[i].value, table[i].cr4, table[i].efer) !=
		    table[i].valid)
			fail_msg("cr0[%zu]", i);
}

/* A bit of CR4 exists if CPUID says so, that bit alone, and no other does. */
static void cr4_bits(void **ctx)
{
	static const struct {
		unsigned int bit;
		struct cpuid std, ext;
	} feature[] = {
		{ 11, .ext = { .ecx = 1u << 2 } },  /* UMIP */
		{ 12, .ext = { .ecx = 1u << 16 } }, /* LA57 */
		{ 16, .ext = { .ebx = 1u << 0 } },  /* FSGSBASE */
		{ 17, .std = { .ecx = 1u << 17 } }, /* PCIDE */
		{ 18, .std = { .ecx = 1u << 26 } }, /* OSXSAVE */
		{ 20, .ext = { .ebx = 1u << 7 } },  /* SMEP */
		{ 21, .ext = { .ebx = 1u << 20 } }, /* SMAP */
		{ 22, .ext = { .ecx = 1u << 3 } },  /* PKE */
		{ 23, .ext = { .ecx = 1u << 7 } },  /* CET */
	};
	unsigned int bit;
	u64 optional = 0;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(feature); i++) {
		optional |= B(feature[i].bit);
		cpu(feature[i].std, feature[i].ext, none, 0);
		sysreg_init(0);
		for (bit = 0; bit < 64; bit++)
			assert_int_equal(sysreg_valid_cr4(B(bit), 0, B(16), 0),
					 bit <= 10 || bit == feature[i].bit);
	}
	setup(NULL);
	for (bit = 0; bit < 64; bit++)
		assert_int_equal(sysreg_valid_cr4(B(bit), 0, B(16), 0),
				 bit <= 10 || (optional & B(bit)));
}

static void cr4(void **ctx)
{
	static const struct {
		u64 value, old, cr0, cr3;
		bool valid;
	} table[] = {
		{ LONG_CR4, LONG_CR4, LONG_CR0, 0, true },
		{ LONG_CR4 | B(7) | B(20), LONG_CR4, LONG_CR0, 0xfff, true },
		{ 0, LONG_CR4, LONG_CR0, 0, false },		    /* PAE in long mode */
		{ LONG_CR4, 0, LONG_CR0, 0, false },		    /* nor set with paging on */
		{ 0, LONG_CR4, LONG_CR0 & ~B(31), 0, true },	    /* paging off */
		{ LONG_CR4 | B(12), LONG_CR4, LONG_CR0, 0, false }, /* LA57 */
		{ LONG_CR4, LONG_CR4 | B(12), LONG_CR0, 0, false }, /* the other way */
		{ LONG_CR4 | B(12), LONG_CR4, LONG_CR0 & ~B(31), 0, true },
		{ LONG_CR4 | B(12), LONG_CR4 | B(12), LONG_CR0, 0, true }, /* unchanged */
		{ LONG_CR4 | B(17), LONG_CR4, LONG_CR0, 0x1000, true },
		{ LONG_CR4 | B(17), LONG_CR4, LONG_CR0, 0x1001, false }, /* PCID is not 0 */
		{ LONG_CR4 | B(17), LONG_CR4, LONG_CR0, 0x1800, false },
		{ LONG_CR4 | B(17), LONG_CR4 | B(17), LONG_CR0, 0x1001, true }, /* set before */
		{ LONG_CR4, LONG_CR4 | B(17), LONG_CR0, 0x1001, true },
		{ LONG_CR4 | B(23), LONG_CR4, LONG_CR0, 0, true },
		{ LONG_CR4 | B(23), LONG_CR4, LONG_CR0 & ~B(16), 0,
		  false },					    /* CET without WP */
		{ LONG_CR4 | B(13), LONG_CR4, LONG_CR0, 0, false }, /* VMXE: not AMD's */
		{ LONG_CR4 | B(32), LONG_CR4, LONG_CR0, 0, false },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (sysreg_valid_cr4(table[i].value, table[i].old, table[i].cr0,
				     table[i].cr3) != table[i].valid)
			fail_msg("cr4[%zu]", i);
}

static void efer_bits(void **ctx)
{
	static const struct {
		unsigned int bit;
		struct cpuid amd;
		u32 more;
	} feature[] = {
		{ 14, { .edx = 1u << 25 }, 0 }, /* FFXSR */
		{ 15, { .ecx = 1u << 17 }, 0 }, /* TCE */
		{ 21, { 0 }, 1u << 8 },		/* automatic IBRS */
	};
	const u64 always = B(0) | B(8) | B(10) | B(11) | B(12);
	unsigned int bit;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(feature); i++) {
		cpu(none, none, feature[i].amd, feature[i].more);
		sysreg_init(0);
		for (bit = 0; bit < 64; bit++)
			assert_int_equal(sysreg_valid_efer(B(bit), 0, 0),
					 (always & B(bit)) || bit == feature[i].bit);
	}
	/* A leaf beyond the last says nothing, whatever it holds. */
	cpu(none, none, none, ~0u);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000020 });
	sysreg_init(0);
	assert_false(sysreg_valid_efer(B(21), 0, 0));
}

static void efer(void **ctx)
{
	(void)ctx;
	assert_true(sysreg_valid_efer(LONG_EFER, LONG_EFER, LONG_CR0));
	assert_true(sysreg_valid_efer(LONG_EFER & ~B(11), LONG_EFER, LONG_CR0));
	/* LME stays while paging is on, in either direction. */
	assert_false(sysreg_valid_efer(LONG_EFER & ~B(8), LONG_EFER, LONG_CR0));
	assert_false(sysreg_valid_efer(LONG_EFER, LONG_EFER & ~B(8), LONG_CR0));
	assert_true(sysreg_valid_efer(LONG_EFER & ~B(8), LONG_EFER, LONG_CR0 & ~B(31)));
	assert_false(sysreg_valid_efer(LONG_EFER | B(1), LONG_EFER, LONG_CR0));
	assert_false(sysreg_valid_efer(LONG_EFER | B(63), LONG_EFER, LONG_CR0));
}

static void canonical(void **ctx)
{
	static const struct {
		u64 va;
		bool four, five;
	} table[] = {
		{ 0, true, true },
		{ 0x00007fffffffffff, true, true },
		{ 0x0000800000000000, false, true },
		{ 0xffff7fffffffffff, false, true },
		{ 0xffff800000000000, true, true },
		{ ~0ull, true, true },
		{ 0x00ffffffffffffff, false, true },
		{ 0x0100000000000000, false, false },
		{ 0xfeffffffffffffff, false, false },
		{ 0xff00000000000000, false, true },
		{ 0x8000000000000000, false, false },
	};
	static const u32 addresses[] = { REG_LSTAR, REG_CSTAR, REG_SYSENTER_ESP,
					 REG_SYSENTER_EIP };
	size_t i, k;
	int five;

	(void)ctx;
	for (five = 0; five <= 1; five++) {
		cpu(all, all, all, ~0u);
		fake_cpu_set_cr4(five ? B(12) : 0);
		sysreg_init(0);
		for (i = 0; i < ARRAY_SIZE(table); i++) {
			bool want = five ? table[i].five : table[i].four;

			assert_int_equal(sysreg_canonical(table[i].va), want);
			for (k = 0; k < ARRAY_SIZE(addresses); k++)
				assert_int_equal(sysreg_valid_msr(addresses[k], table[i].va),
						 want);
		}
	}
}

static void msr_values(void **ctx)
{
	(void)ctx;
	assert_true(sysreg_valid_msr(REG_SFMASK, 0xffffffff));
	assert_false(sysreg_valid_msr(REG_SFMASK, B(32)));
	assert_false(sysreg_valid_msr(REG_SFMASK, B(63)));
	assert_true(sysreg_valid_msr(REG_STAR, ~0ull));
	assert_true(sysreg_valid_msr(REG_SYSENTER_CS, ~0ull));
}

static void names(void **ctx)
{
	static const u32 msr[REG_RECORDED] = {
		[REG_EFER] = 0xc0000080,    [REG_STAR] = 0xc0000081,
		[REG_LSTAR] = 0xc0000082,   [REG_CSTAR] = 0xc0000083,
		[REG_SFMASK] = 0xc0000084,  [REG_SYSENTER_CS] = 0x174,
		[REG_SYSENTER_ESP] = 0x175, [REG_SYSENTER_EIP] = 0x176,
	};
	u32 reg;

	(void)ctx;
	for (reg = 0; reg < REG_RECORDED; reg++) {
		assert_int_equal(sysreg_msr(reg), msr[reg]);
		if (msr[reg])
			assert_int_equal(msrs_register(msr[reg]), reg);
	}
}

/* By the manual's numbers: what rules there are for an MSR, if it is not free. */
static void msr_lists(void **ctx)
{
	static const struct {
		u32 msr, reg;
	} ruled[] = {
		{ 0x1b, REG_APIC_BASE },
		{ 0x1d9, REG_DEBUGCTL },
		{ 0x200, REG_MTRR },
		{ 0x20f, REG_MTRR },
		{ 0x250, REG_MTRR },
		{ 0x258, REG_MTRR },
		{ 0x259, REG_MTRR },
		{ 0x268, REG_MTRR },
		{ 0x26f, REG_MTRR },
		{ 0x277, REG_PAT },
		{ 0x2ff, REG_MTRR_DEF_TYPE },
		{ 0x6a2, REG_S_CET },
		{ 0xc0010010, REG_SYSCFG },
		{ 0xc0010015, REG_HWCR },
		{ 0xc0010016, REG_IORR },
		{ 0xc0010019, REG_IORR },
		{ 0xc001001a, REG_TOP_MEM },
		{ 0xc001001d, REG_TOP_MEM },
		{ 0xc001001f, REG_NB_CFG },
		{ 0xc0010020, REG_PATCH_LOADER },
		{ 0xc0010058, REG_MMIO_CFG_BASE },
		{ 0xc0010111, REG_SMM },
		{ 0xc0010112, REG_SMM },
		{ 0xc0010113, REG_SMM },
		{ 0xc0010114, REG_VM_CR },
		{ 0xc0010117, REG_VM_HSAVE_PA },
		{ 0xc0011020, REG_LS_CFG },
		{ 0xc0011029, REG_CORE_CFG },
	};
	/* Nothing names them: P-states and voltages, SMI traps, debug extensions, FRED, SVM and
	 * SEV, memory that an outer host writes; Intel's keys of memory, and where it puts its
	 * advice on cores (a physical address). */
	static const u32 others[] = {
		0,	    0x1cc,	0x1d4,	    0x210,	0x251,	    0x26a + 0x10,
		0x6a4,	    0xda0,	0xc000010f, 0xc0000104, 0xc0000105, 0xc0010061,
		0xc0010064, 0xc001006b, 0xc0010050, 0xc0010118, 0xc001011b, 0xc001011e,
		0xc0010130, 0xc0010132, 0xc001103a, 0x4b564d00, 0x4b564d01, 0x4b564d02,
		0x4b564d03, 0x4b564d04, 0x40000000, 0x40000001, ~0u,	    0x982,
		0x17d0,
	};
	static const u32 free[] = {
		0x10,	    0x3b,	0x48,	    0x49,	0xe7,	    0xe8,
		0x400,	    0x47f,	0x6a0,	    0x6e0,	0x800,	    0x830,
		0x8ff,	    0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0002000,
		0xc0002fff, 0xc001011f, 0xc0010200, 0xc00102b3, 0xc0011030, 0xc001103d,
		0x10f,	    0x140,	0x1c4,	    0x1c5,	0x777,	    0xd10,
		0xd8f,	    0xd93,
	};
	const struct msr_range *ranges;
	u32 count, i, msr;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(ruled); i++) {
		assert_int_equal(msrs_register(ruled[i].msr), ruled[i].reg);
		assert_false(msrs_free(ruled[i].msr));
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(msrs_register(others[i]), REG_COUNT);
		assert_false(msrs_free(others[i]));
	}
	for (i = 0; i < ARRAY_SIZE(free); i++)
		assert_true(msrs_free(free[i]));
	ranges = msrs_free_ranges(&count);
	for (i = 0; i < count; i++) {
		assert_true(ranges[i].first <= ranges[i].last);
		assert_true(!i || ranges[i].first > ranges[i - 1].last);
		assert_true(i + 1 == count || ranges[i].last + 1 == ranges[i + 1].first ||
			    !msrs_free(ranges[i].last + 1));
		for (msr = ranges[i].first; msr <= ranges[i].last; msr++) {
			assert_true(msrs_free(msr));
			assert_int_equal(msrs_register(msr), REG_COUNT);
		}
	}
	assert_false(msrs_free(ranges[0].first - 1));
}

static bool is_of_intel(u32 reg)
{
	return reg >= REG_FEATURE_CTL;
}

/* Each register has a rule, and most are covered as a whole. */
static void rules(void **ctx)
{
	static const struct {
		u32 reg;
		u64 free; /* all that no rule names */
	} partly[] = {
		{ REG_CR0, ~(B(0) | B(16) | B(29) | B(30) | B(31)) },
		{ REG_CR4, ~(B(5) | B(11) | B(12) | B(16) | B(20) | B(21) | B(22) | B(23)) },
		{ REG_EFER, ~(B(0) | B(8) | B(11) | B(12)) },
		{ REG_HWCR, B(6) | B(18) | B(25) },
		{ REG_NB_CFG, B(46) },
		{ REG_DEBUGCTL, B(1) },
		{ REG_LS_CFG, B(10) | B(33) | B(54) },
		{ REG_CORE_CFG, B(31) | B(9) | 0x1e },
	};
	u64 covered[REG_COUNT] = { 0 };
	const struct register_rule *rule;
	u32 count, i, reg;

	(void)ctx;
	cpu(none, none, none, 0);
	sysreg_init(0);
	rule = backend_register_rules(&count);
	for (i = 0; i < count; i++) {
		reg = rule[i].reg;
		assert_true(reg < REG_RECORDED ||
			    (reg >= CPU_REGISTERS_MAX && reg < REG_COUNT));
		assert_true(reg < REG_RECORDED || rule[i].kind >= RULE_LOCKED);
		assert_true(strlen(rule[i].name) <= 47);
		assert_true(rule[i].mask != 0);
		/* No bit has two rules; what is absorbed does not hide a violation. */
		assert_int_equal(covered[reg] & rule[i].mask, 0);
		assert_true(i == 0 || rule[i - 1].reg != reg ||
			    rule[i - 1].kind != RULE_ABSORBED);
		covered[reg] |= rule[i].mask;
	}
	for (i = 0; i < ARRAY_SIZE(partly); i++) {
		assert_int_equal(covered[partly[i].reg], ~partly[i].free);
		covered[partly[i].reg] = ~0ull;
	}
	assert_int_equal(msrs_register(0x1a0), REG_COUNT);
	for (reg = 0; reg < REG_COUNT; reg++)
		if (reg < REG_RECORDED || (reg >= CPU_REGISTERS_MAX && !is_of_intel(reg)))
			assert_int_equal(covered[reg], ~0ull);
}

/* The other vendor's rows, in the place of those of AMD alone. */
static void rules_of_intel(void **ctx)
{
	const struct register_rule *rule;
	u64 covered[REG_COUNT] = { 0 };
	u32 count, i;

	(void)ctx;
	cpu((struct cpuid){ .ecx = B(5) }, none, none, 0);
	sysreg_init(0);
	rule = backend_register_rules(&count);
	for (i = 0; i < count; i++)
		covered[rule[i].reg] |= rule[i].mask;
	assert_true(covered[REG_CR4] & B(13));
	assert_false(covered[REG_EFER] & B(12));
	assert_int_equal(covered[REG_FEATURE_CTL], ~0ull);
	assert_int_equal(covered[REG_RTIT], ~0ull);
	assert_int_equal(covered[REG_MISC_ENABLE], ~(B(3) | B(16) | B(22) | B(38)));
	assert_int_equal(covered[REG_PATCH_LOADER], ~0ull);
	assert_int_equal(covered[REG_LSTAR], ~0ull);
	assert_int_equal(covered[REG_DEBUGCTL], ~B(1));
	assert_int_equal(msrs_register(0x1a0), REG_MISC_ENABLE);
	assert_int_equal(msrs_register(0x79), REG_PATCH_LOADER);
	assert_int_equal(msrs_register(0x570), REG_RTIT);
	for (i = REG_SYSCFG; i <= REG_VM_HSAVE_PA; i++)
		assert_true(i == REG_PATCH_LOADER || i == REG_DEBUGCTL || !covered[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(cr0, setup),
		cmocka_unit_test(cr4_bits),
		cmocka_unit_test_setup(cr4, setup),
		cmocka_unit_test(efer_bits),
		cmocka_unit_test_setup(efer, setup),
		cmocka_unit_test(canonical),
		cmocka_unit_test_setup(msr_values, setup),
		cmocka_unit_test(names),
		cmocka_unit_test(msr_lists),
		cmocka_unit_test(rules),
		cmocka_unit_test(rules_of_intel),
	};

	return cmocka_run_group_tests_name("x86_sysreg", tests, NULL, NULL);
}
