// SPDX-License-Identifier: GPL-2.0-only
/* Which machines are fit: each lack on its own, with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <holdfast/hypercall.h>
#include <hv/arch/x86/svm/vcpu.h>
#include <hv/backend.h>
#include "fake_cpu.h"

static struct hf_boot boot;

/* A processor with everything; what a case takes away, it takes from this one. */
static void fit(void)
{
	fake_cpu_reset();
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, (struct cpuid){ .ecx = 1u << 2, .edx = 1u << 26 });
	fake_cpu_set_leaf(0x80000008, (struct cpuid){ .eax = 0x3030 });
	/* NPT, NRIPS, flush by ASID, decode assists */
	fake_cpu_set_leaf(0x8000000a, (struct cpuid){ .edx = 0xc9 });
	fake_cpu_set_leaf(0x8000001f, (struct cpuid){ .eax = 1 });
	fake_cpu_set_msr(0xc0010114, 0);
	fake_cpu_set_msr(0xc0000080, 0xd01); /* SCE, LME, LMA, NXE */
	fake_cpu_set_msr(0xc0010010, 0);
	memset(&boot, 0xee, sizeof(boot));
	boot.serial_port = 0x3f8;
	boot.flags = 0;
	platform = (struct platform){ 0 };
}

static int setup(void **ctx)
{
	(void)ctx;
	fit();
	return 0;
}

static void refused(int error, u32 reason)
{
	assert_int_equal(backend_probe(&boot), error);
	assert_int_equal(boot.reason, reason);
	assert_int_equal(backend_features(), 0);
	assert_int_equal(fake_cpu_msr_writes(), 0);
}

static void accepted(u32 features)
{
	assert_int_equal(backend_probe(&boot), 0);
	assert_int_equal(boot.reason, HF_REASON_NONE);
	assert_int_equal(backend_features(), features);
	assert_int_equal(fake_cpu_msr_writes(), 0);
}

#define ALL (HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP | HF_FEATURE_FLUSH_ASID)

static void features(void **ctx)
{
	static const struct {
		u32 edx, features;
	} with[] = {
		{ 0xc9, ALL },
		{ 0x01, 0 },
		{ 0x09, HF_FEATURE_NEXT_RIP },
		{ 0x41, HF_FEATURE_FLUSH_ASID },
		{ 0x81, HF_FEATURE_DECODE_ASSIST },
		{ 0x20001, HF_FEATURE_EXEC_SPLIT },
		{ 0xffffffff, ALL | HF_FEATURE_EXEC_SPLIT },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(with); i++) {
		fake_cpu_set_leaf(0x8000000a, (struct cpuid){ .edx = with[i].edx });
		accepted(with[i].features);
		/* GMET, where it is wanted */
		boot.flags = HF_BOOT_EXEC_OFF;
		accepted(with[i].features & ~HF_FEATURE_EXEC_SPLIT);
		boot.flags = 0;
	}
}

/* What the kernel has switched on, and what the loader says. */
static void umip(void **ctx)
{
	(void)ctx;
	accepted(ALL);
	assert_true(platform.umip);
	fit();
	fake_cpu_set_cr4(CR4_UMIP);
	boot.flags = HF_BOOT_UMIP_OFF;
	accepted(ALL | HF_FEATURE_UMIP);
	assert_false(platform.umip);
	fake_cpu_set_cr4(0);
}

/* Neither the MSRs of SVM nor its leaf exist then: to read them would fault, here too. */
static void no_svm(void **ctx)
{
	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, (struct cpuid){ .ecx = ~(1u << 2), .edx = ~0u });
	refused(-HF_ENODEV, HF_REASON_NO_VIRT);
}

/* The answer to a leaf beyond the last is any. */
static void leaf_too_low(void **ctx)
{
	static const u32 max[] = { 0, 0x80000001, 0x80000008, 0x80000009 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(max); i++) {
		fit();
		fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = max[i] });
		refused(-HF_ENODEV, HF_REASON_NO_VIRT);
	}
	fit();
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x8000000a });
	accepted(ALL);
}

static void disabled_by_firmware(void **ctx)
{
	(void)ctx;
	fake_cpu_set_msr(0xc0010114, 1u << 4);
	refused(-HF_ENODEV, HF_REASON_VIRT_DISABLED);
	/* locked or not makes no difference, nor do the other bits */
	fake_cpu_set_msr(0xc0010114, 0x18);
	refused(-HF_ENODEV, HF_REASON_VIRT_DISABLED);
	fake_cpu_set_msr(0xc0010114, ~0x10ull);
	accepted(ALL);
}

static void in_use(void **ctx)
{
	(void)ctx;
	fake_cpu_set_msr(0xc0000080, 0x1d01);
	refused(-HF_EBUSY, HF_REASON_VIRT_IN_USE);
}

static void no_nested_paging(void **ctx)
{
	(void)ctx;
	fake_cpu_set_leaf(0x8000000a, (struct cpuid){ .edx = ~1u });
	refused(-HF_ENODEV, HF_REASON_NO_NESTED_PAGING);
}

static void memory_encryption(void **ctx)
{
	(void)ctx;
	fake_cpu_set_msr(0xc0010010, 1u << 23);
	refused(-HF_ENODEV, HF_REASON_MEMORY_ENCRYPTION);
	/* the bit alone, on a CPU that has not SME or not even the leaf, is another's */
	fake_cpu_set_leaf(0x8000001f, (struct cpuid){ .eax = ~1u });
	accepted(ALL);
	fit();
	fake_cpu_set_msr(0xc0010010, 1u << 23);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x8000001e });
	accepted(ALL);
	/* capable, but not switched on */
	fit();
	fake_cpu_set_msr(0xc0010010, ~(1ull << 23));
	accepted(ALL);
}

static void unfit_platform(void **ctx)
{
	(void)ctx;
	fake_cpu_set_msr(0xc0000080, 0x501); /* no NXE */
	refused(-HF_ENODEV, HF_REASON_PLATFORM);
	fit();
	fake_cpu_set_leaf(0x80000001, (struct cpuid){ .ecx = ~0u, .edx = ~(1u << 26) });
	refused(-HF_ENODEV, HF_REASON_PLATFORM);
}

/* All eight registers are within the 64 Ki ports; 0 is none. */
static void serial_port(void **ctx)
{
	static const u32 outside[] = { 0xfff9, 0xffff, 0x10000, 0xffffffff };
	size_t i;

	(void)ctx;
	boot.serial_port = 0;
	accepted(ALL);
	boot.serial_port = 0xfff8;
	accepted(ALL);
	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		fit();
		boot.serial_port = outside[i];
		refused(-HF_EINVAL, HF_REASON_BAD_OPTION);
	}
}

/* Of several lacks the first on the way is told. */
static void order(void **ctx)
{
	(void)ctx;
	fake_cpu_set_msr(0xc0010114, 1u << 4);
	fake_cpu_set_msr(0xc0000080, 0x1501);
	fake_cpu_set_msr(0xc0010010, 1u << 23);
	fake_cpu_set_leaf(0x8000000a, (struct cpuid){ 0 });
	refused(-HF_ENODEV, HF_REASON_VIRT_DISABLED);
	fake_cpu_set_msr(0xc0010114, 0);
	refused(-HF_EBUSY, HF_REASON_VIRT_IN_USE);
	fake_cpu_set_msr(0xc0000080, 0x501);
	refused(-HF_ENODEV, HF_REASON_NO_NESTED_PAGING);
	fake_cpu_set_leaf(0x8000000a, (struct cpuid){ .edx = 1 });
	refused(-HF_ENODEV, HF_REASON_MEMORY_ENCRYPTION);
	fake_cpu_set_msr(0xc0010010, 0);
	refused(-HF_ENODEV, HF_REASON_PLATFORM);
}

static void address_limit(void **ctx)
{
	static const struct {
		u32 eax;
		u64 limit;
	} width[] = {
		{ 0x3024, 1ull << 36 }, { 0x3928, 1ull << 40 },	    { 0x3030, 1ull << 48 },
		{ 0x3934, 1ull << 48 }, { 0x00303020, 1ull << 32 },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(width); i++) {
		fake_cpu_set_leaf(0x80000008, (struct cpuid){ .eax = width[i].eax });
		assert_int_equal(backend_gpa_limit().raw, width[i].limit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(features, setup),
		cmocka_unit_test_setup(umip, setup),
		cmocka_unit_test_setup(no_svm, setup),
		cmocka_unit_test_setup(leaf_too_low, setup),
		cmocka_unit_test_setup(disabled_by_firmware, setup),
		cmocka_unit_test_setup(in_use, setup),
		cmocka_unit_test_setup(no_nested_paging, setup),
		cmocka_unit_test_setup(memory_encryption, setup),
		cmocka_unit_test_setup(unfit_platform, setup),
		cmocka_unit_test_setup(serial_port, setup),
		cmocka_unit_test_setup(order, setup),
		cmocka_unit_test_setup(address_limit, setup),
	};

	return cmocka_run_group_tests_name("svm_probe", tests, NULL, NULL);
}
