// SPDX-License-Identifier: GPL-2.0-only
/* Which machines are fit for VMX, and what is taken of what they offer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <holdfast/hypercall.h>
#include <hv/arch/x86/vmx/ept.h>
#include <hv/arch/x86/vmx/probe.h>
#include <hv/arch/x86/vmx/vmx.h>
#include <hv/backend.h>
#include "fake_cpu.h"

struct vmx vmx;

static struct hf_boot boot;
static int ept_large, ept_flags;

void ept_init(bool large_code, bool flags)
{
	ept_large = large_code;
	ept_flags = flags;
}

/* What must be set below, what may be above: SDM vol. 3, A.3. */
static void control(u32 msr, u32 must, u32 may)
{
	fake_cpu_set_msr(msr, must | (u64)may << 32);
}

/* A machine that has all there is; the default-1 bits of a real one. */
static int setup(void **ctx)
{
	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(1, (struct cpuid){ .ecx = 1 << 5 });
	fake_cpu_set_leaf(7, (struct cpuid){ .edx = 1 << 29 });
	fake_cpu_set_leaf(0x80000008, (struct cpuid){ .eax = 0x302e });
	fake_cpu_set_msr(0x3a, 5);
	fake_cpu_set_msr(0x10a, 1 << 6);
	fake_cpu_set_msr(0xc0000080, 0xd01);
	fake_cpu_set_msr(0x480, 1ull << 55 | 0x12);
	fake_cpu_set_msr(0x486, 0x80000021);
	fake_cpu_set_msr(0x488, 0x2000);
	fake_cpu_set_msr(0x489, 0x1003767ffull);
	control(0x48d, 0x16, 0x7f);
	control(0x48e, 0x04006172, 0xfff9fffe);
	control(0x48f, 0x00036dfb, 0x7fffff);
	control(0x490, 0x000011fb, 0x3ffff);
	control(0x48b, 0, ~0u);
	fake_cpu_set_msr(0x48c, 0x06334141);
	fake_cpu_set_cr4(0x100020);
	vmx = (struct vmx){ 0 };
	platform = (struct platform){ 0 };
	boot = (struct hf_boot){ .serial_port = 0x3f8 };
	ept_large = ept_flags = -1;
	return 0;
}

static void refused(int error, u32 reason)
{
	assert_int_equal(backend_probe(&boot), error);
	assert_int_equal(boot.reason, reason);
	assert_int_equal(fake_cpu_msr_writes(), 0);
}

static void fit(void **ctx)
{
	(void)ctx;
	assert_int_equal(backend_probe(&boot), 0);
	assert_int_equal(boot.reason, HF_REASON_NONE);
	assert_int_equal(fake_cpu_msr_writes(), 0);
	assert_int_equal(vmx.revision, 0x12);
	/* NMIs exit, and are kept account of; nothing else of a kind that a guest causes all the
	 * time: no CR3, HLT, INVLPG, RDTSC, MOV DR. */
	assert_int_equal(vmx.pin, 0x16 | 8 | 0x20);
	assert_int_equal(vmx.primary, 0x04006172 | 1u << 25 | 1u << 28 | 1u << 31);
	assert_int_equal(vmx.secondary & ~0x04501028u, 2);
	assert_true(vmx.steps);
	assert_int_equal(vmx.exit & 0x3c0204, 0x3c0204);
	assert_int_equal(vmx.entry & 0xc204, 0xc204);
	assert_int_equal(vmx.cr0_fixed, 0x80000021);
	assert_int_equal(platform.cr3_reserved, ~0ull << 46);
	assert_int_equal(backend_gpa_limit().raw, 1ull << 46);
	assert_int_equal(probe_cr4(), 0x3747ff & ~0x4000ull);
	assert_int_equal(ept_large, 1);
	assert_int_equal(ept_flags, 1);
	assert_int_equal(backend_features(), HF_FEATURE_NEXT_RIP | HF_FEATURE_FLUSH_ASID |
						     HF_FEATURE_RESTART | HF_FEATURE_NO_GATE |
						     HF_FEATURE_EXEC_SPLIT);
}

#define MODES (1u << 22)

static void one_bit(void)
{
	assert_int_equal(backend_probe(&boot), 0);
	assert_false(vmx.secondary & MODES);
	assert_false(backend_features() & HF_FEATURE_EXEC_SPLIT);
}

/* What is said of the tables, and the control that decides what they mean. */
static void execution_by_mode(void **ctx)
{
	(void)ctx;
	assert_int_equal(backend_probe(&boot), 0);
	assert_true(vmx.secondary & MODES);
	/* The processor has it not. */
	setup(NULL);
	control(0x48b, 0, ~MODES);
	one_bit();
	/* The kernel could run pages of user space. */
	setup(NULL);
	fake_cpu_set_cr4(0x20);
	one_bit();
	/* It is not wanted. */
	setup(NULL);
	boot.flags = HF_BOOT_EXEC_OFF;
	one_bit();
}

/* Not needed, and never on by itself. */
static void no_steps(void **ctx)
{
	(void)ctx;
	control(0x48e, 0x04006172, 0xfff9fffe & ~(1u << 27));
	assert_int_equal(backend_probe(&boot), 0);
	assert_false(vmx.steps);
	assert_int_equal(vmx.primary, 0x04006172 | 1u << 25 | 1u << 28 | 1u << 31);
}

/* Code in large pages only where the processor says that it bears it. */
static void small_code(void **ctx)
{
	(void)ctx;
	fake_cpu_set_msr(0x10a, 0);
	assert_int_equal(backend_probe(&boot), 0);
	assert_int_equal(ept_large, 0);
	setup(NULL);
	fake_cpu_set_leaf(7, (struct cpuid){ 0 });
	assert_int_equal(backend_probe(&boot), 0);
	assert_int_equal(ept_large, 0);
}

static void no_vmx(void **ctx)
{
	(void)ctx;
	fake_cpu_set_leaf(1, (struct cpuid){ .ecx = ~(1u << 5) });
	refused(-HF_ENODEV, HF_REASON_NO_VIRT);
}

static void locked_off(void **ctx)
{
	static const u64 off[] = { 1, 3 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(off); i++) {
		fake_cpu_set_msr(0x3a, off[i]);
		refused(-HF_ENODEV, HF_REASON_VIRT_DISABLED);
		assert_false(probe_enabled());
		assert_int_equal(fake_cpu_msr_writes(), 0);
	}
	/* Left open by firmware: only looked at now, settled when the CPU is entered. */
	fake_cpu_set_msr(0x3a, 0);
	assert_int_equal(backend_probe(&boot), 0);
	assert_int_equal(fake_cpu_msr_writes(), 0);
	assert_true(probe_enabled());
	assert_int_equal(fake_cpu_rdmsr(0x3a), 5);
	assert_true(probe_enabled());
	assert_int_equal(fake_cpu_msr_writes(), 1);
}

static void in_use(void **ctx)
{
	(void)ctx;
	fake_cpu_set_cr4(0x2020);
	refused(-HF_EBUSY, HF_REASON_VIRT_IN_USE);
}

/* Each control that is needed, one by one. */
static void lacks_control(void **ctx)
{
	static const struct {
		u32 msr, must, may, bits;
	} needed[] = {
		{ 0x48d, 0x16, 0x7f, 0x28 },
		{ 0x48e, 0x04006172, 0xfff9fffe, 0x92000000 },
		{ 0x48f, 0x00036dfb, 0x7fffff, 0x3c0000 },
		{ 0x490, 0x000011fb, 0x3ffff, 0xc200 },
		{ 0x48b, 0, ~0u, 6 },
	};
	u32 bit;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		for (bit = 0; bit < 32; bit++) {
			if (!(needed[i].bits >> bit & 1))
				continue;
			setup(NULL);
			control(needed[i].msr, needed[i].must, needed[i].may & ~(1u << bit));
			refused(-HF_ENODEV, HF_REASON_PLATFORM);
		}
	/* Every switch of address spaces would exit. */
	setup(NULL);
	control(0x48e, 0x0401e172, 0xfff9fffe);
	refused(-HF_ENODEV, HF_REASON_PLATFORM);
	setup(NULL);
	fake_cpu_set_msr(0x480, 0x12);
	refused(-HF_ENODEV, HF_REASON_PLATFORM);
}

static void lacks_ept(void **ctx)
{
	static const u32 bits[] = { 6, 14, 16, 17, 20, 25, 26 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		setup(NULL);
		fake_cpu_set_msr(0x48c, 0x06334141 & ~(1ull << bits[i]));
		refused(-HF_ENODEV, HF_REASON_NO_NESTED_PAGING);
	}
	/* Flags are taken where they are. */
	setup(NULL);
	fake_cpu_set_msr(0x48c, 0x06134141);
	assert_int_equal(backend_probe(&boot), 0);
	assert_int_equal(ept_flags, 0);
}

/* What EPT would not keep in bounds, or what events could not be delivered with. */
static void in_a_mode(void **ctx)
{
	static const struct {
		u32 ebx, ecx, msr;
		u64 open, shut;
	} modes[] = {
		{ 1u << 25, 0, 0x570, 0, 0x2001 },	/* processor trace */
		{ 0, 1u << 13, 0x982, 3, 0x600000003 }, /* keys for parts of memory */
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		setup(NULL);
		fake_cpu_set_leaf(7, (struct cpuid){ .ebx = modes[i].ebx,
						     .ecx = modes[i].ecx,
						     .edx = 1 << 29 });
		fake_cpu_set_msr(modes[i].msr, modes[i].open);
		assert_int_equal(backend_probe(&boot), 0);
		fake_cpu_set_msr(modes[i].msr, modes[i].shut);
		refused(-HF_ENODEV, HF_REASON_PLATFORM);
		assert_int_equal(probe_traces(), modes[i].msr == 0x570);
	}
	/* FRED */
	setup(NULL);
	fake_cpu_set_cr4(0x100100020);
	refused(-HF_ENODEV, HF_REASON_PLATFORM);
}

static void bad_port(void **ctx)
{
	(void)ctx;
	boot.serial_port = 0xfff9;
	refused(-HF_EINVAL, HF_REASON_BAD_OPTION);
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(fit),	  test(small_code), test(no_vmx),
		test(locked_off), test(in_use),	    test(lacks_control),
		test(lacks_ept),  test(bad_port),   test(execution_by_mode),
		test(no_steps),	  test(in_a_mode),
	};

	return cmocka_run_group_tests_name("vmx_probe", tests, NULL, NULL);
}
