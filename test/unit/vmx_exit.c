// SPDX-License-Identifier: GPL-2.0-only
/* Exits of VMX: instructions and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/sysreg.h>
#include "guest_vmx.h"

/* What the processor says, without VMX; no question to the core. */
static void cpuid_exits(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 0xffffffff00000001;
	guest_leave(10, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_int_equal(gprs.r[GPR_RAX], 0xffffffff);
	assert_int_equal(gprs.r[GPR_RCX], 0xffffffdf);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_INSTRUCTION], 1);
	gprs.r[GPR_RAX] = 7;
	gprs.r[GPR_RCX] = 0;
	guest_leave(10, 0, VERDICT_FAULT);
	assert_int_equal(gprs.r[GPR_RCX], 0xffffffff);
	/* A single step ends behind it. */
	assert_int_equal(fake_cpu_vmread(F_DEBUG), 0);
	fake_cpu_vmwrite(F_RFLAGS, 0x102);
	gprs.r[GPR_RAX] = 1;
	gprs.r[GPR_RCX] = 0;
	guest_leave(10, 0, VERDICT_FAULT);
	assert_int_equal(fake_cpu_vmread(F_DEBUG), 1 << 14);
}

/* Where 32-bit code ends its addresses start again; others go on. */
static void addresses_wrap(void **ctx)
{
	static const struct {
		u32 code;
		u64 rip, next;
	} ways[] = {
		{ 0xc0fb, 0xfffffffd, 0 },
		{ 0xc0fb, 0xfffffffe, 1 },
		{ 0xc0fb, 0x1000, 0x1003 },
		{ 0xa0fb, 0xfffffffd, 0x100000000 },
		{ 0xa09b, 0x7ffffffffffd, 0x800000000000 },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		guest_setup(NULL);
		fake_cpu_set_leaf(0, (struct cpuid){ 0 });
		fake_cpu_vmwrite(F_CODE_RIGHTS, ways[i].code);
		fake_cpu_vmwrite(F_RIP, ways[i].rip);
		guest_leave(10, 0, VERDICT_FAULT);
		assert_int_equal(fake_cpu_vmread(F_RIP), ways[i].next);
		fake_cpu_vmwrite(F_RIP, ways[i].rip);
		guest_leave(18, 0, VERDICT_RESULT);
		assert_int_equal(fake_cpu_vmread(F_RIP), ways[i].next);
		fake_cpu_vmwrite(F_RIP, ways[i].rip);
		gprs.r[GPR_RCX] = MSR_LSTAR;
		guest_leave(32, 0, VERDICT_PERFORM);
		assert_int_equal(fake_cpu_vmread(F_RIP), ways[i].next);
	}
}

static void call(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 0x48460041;
	gprs.r[GPR_RDI] = 0x7000;
	gprs.r[GPR_RSI] = 11;
	guest_leave(18, 0, VERDICT_RESULT);
	guest_advanced(3);
	assert_int_equal(seen.kind, HF_EXIT_CALL);
	assert_int_equal(seen.cpl, 0);
	assert_int_equal(seen.rip, RIP);
	assert_int_equal(seen.call.number, 0x48460041);
	assert_int_equal(seen.call.arg[0], 0x7000);
	assert_int_equal(seen.call.arg[1], 11);
	assert_int_equal(gprs.r[GPR_RAX], -38);
	/* From user mode. */
	guest_setup(NULL);
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
	guest_leave(18, 0, VERDICT_UNDEFINED);
	assert_int_equal(seen.cpl, 3);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), UD);
}

/* SDM vol. 3, table 28-7: linear address known, and it is that of the access itself. */
static void violations(void **ctx)
{
	static const struct {
		u64 info;
		u8 access;
	} table[] = {
		{ 0x181, HF_ACCESS_READ },  { 0x182, HF_ACCESS_WRITE },
		{ 0x183, HF_ACCESS_WRITE }, { 0x184, HF_ACCESS_EXECUTE },
		{ 0x081, HF_ACCESS_WALK },  { 0x083, HF_ACCESS_WALK },
		{ 0x001, HF_ACCESS_WALK },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_setup(NULL);
		fake_cpu_vmwrite(F_GPA, 0x123456);
		fake_cpu_vmwrite(F_LINEAR, 0xffff888000123456);
		guest_leave(48, table[i].info, VERDICT_FAULT);
		assert_int_equal(seen.kind, HF_EXIT_MEMORY);
		assert_int_equal(seen.memory.access, table[i].access);
		assert_int_equal(seen.memory.gpa.raw, 0x123456);
		guest_stayed();
		assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
		assert_int_equal(fake_cpu_vmread(F_EVENT_ERROR), 0);
	}
}

/* Another mode's tables: settled without the core, and what was being delivered goes on. */
static void crossings(void **ctx)
{
	(void)ctx;
	fetches = 0;
	crosses = true;
	fake_cpu_vmwrite(F_GPA, 0x123456);
	guest_leave(48, 0x184, VERDICT_FAULT);
	assert_int_equal(fetches, 1);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_VIEW], 1);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	/* Of fetches alone. */
	guest_leave(48, 0x182, VERDICT_FAULT);
	assert_int_equal(fetches, 1);
	assert_int_equal(decided, 1);
	crosses = false;
}

static void mov_to_cr(void **ctx)
{
	(void)ctx;
	/* mov %rcx, %cr0: WP is cleared, if the core lets it */
	gprs.r[GPR_RCX] = CR0 & ~0x10000ull;
	guest_leave(28, 0x100, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_REGISTER);
	assert_int_equal(seen.reg.id, REG_CR0);
	assert_int_equal(seen.reg.old, CR0);
	assert_int_equal(seen.reg.value, CR0 & ~0x10000ull);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	assert_int_equal(fake_cpu_vmread(F_GUEST_CR0), CR0);
	guest_leave(28, 0x100, VERDICT_PERFORM);
	guest_advanced(3);
	assert_int_equal(fake_cpu_vmread(F_GUEST_CR0), CR0 & ~0x10000ull);
	assert_int_equal(fake_cpu_vmread(F_SHADOW_CR0), CR0 & ~0x10000ull);
	assert_int_equal(flushes, 1);
	/* What the processor would refuse: paging off in long mode. */
	guest_setup(NULL);
	gprs.r[GPR_RCX] = 0x33;
	guest_leave(28, 0x100, VERDICT_PERFORM);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* mov %rsp, %cr4: the operand is not among those saved; VMX stays on and unseen */
	guest_setup(NULL);
	fake_cpu_vmwrite(F_RSP, CR4 & ~0x100000ull);
	guest_leave(28, 0x404, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_CR4);
	assert_int_equal(seen.reg.old, CR4);
	guest_advanced(3);
	assert_int_equal(fake_cpu_vmread(F_GUEST_CR4), (CR4 & ~0x100000ull) | 0x2000);
	assert_int_equal(fake_cpu_vmread(F_SHADOW_CR4), CR4 & ~0x100000ull);
	/* lmsw $1: nothing else of CR0 changes */
	guest_setup(NULL);
	guest_leave(28, 0x10030, VERDICT_FAULT);
	assert_int_equal(seen.reg.value, CR0 & ~0xeull);
}

/* What is asked and not followed is shown: caches that the guest has switched off. */
static void cr0_shown(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RDX] = CR0 | 0x40000000;
	guest_leave(28, 0x200, VERDICT_PERFORM);
	assert_int_equal(fake_cpu_vmread(F_SHADOW_CR0), CR0 | 0x40000000);
}

static void msrs(void **ctx)
{
	(void)ctx;
	/* Read: what firmware has left of VMX is not seen. */
	gprs.r[GPR_RCX] = 0x3a;
	guest_leave(31, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_int_equal(gprs.r[GPR_RAX], 1);
	assert_int_equal(gprs.r[GPR_RDX], 0);
	/* One that is not there. */
	guest_setup(NULL);
	gprs.r[GPR_RCX] = 0x999;
	guest_leave(31, 0, VERDICT_FAULT);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* Written, where the processor keeps it; */
	guest_setup(NULL);
	gprs.r[GPR_RCX] = MSR_LSTAR;
	gprs.r[GPR_RAX] = 0xdddddddd80000000;
	gprs.r[GPR_RDX] = 0xffffffff;
	guest_leave(32, 0, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_MSR);
	assert_int_equal(seen.reg.old, 0x1234);
	assert_int_equal(seen.reg.value, 0xffffffff80000000);
	assert_int_equal(fake_cpu_rdmsr(MSR_LSTAR), 0xffffffff80000000);
	/* where the control structure does. */
	guest_setup(NULL);
	fake_cpu_vmwrite(0x6826, 0x77);
	gprs.r[GPR_RCX] = 0x176;
	gprs.r[GPR_RAX] = 0x88;
	guest_leave(32, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.old, 0x77);
	assert_int_equal(fake_cpu_vmread(0x6826), 0x88);
	/* What an entry might refuse is not put there, under whatever action. */
	guest_setup(NULL);
	fake_cpu_vmwrite(0x2802, 1);
	gprs.r[GPR_RCX] = 0x1d9;
	gprs.r[GPR_RAX] = 3;
	guest_leave(32, 0, VERDICT_PERFORM);
	guest_advanced(3);
	assert_int_equal(fake_cpu_vmread(0x2802), 3);
	guest_setup(NULL);
	gprs.r[GPR_RCX] = 0x1d9;
	gprs.r[GPR_RAX] = 1u << 16;
	guest_leave(32, 0, VERDICT_PERFORM);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	assert_int_equal(fake_cpu_vmread(0x2802), 0);
}

/* The kernel's SIDT is done, a program's faults without an event. */
static void table_stores(void **ctx)
{
	(void)ctx;
	fake_cpu_vmwrite(F_IDTR_BASE, 0xfffffe0000000000);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	guest_put_code("\x0f\x01\x08", 3); /* sidt (%rax) */
	gprs.r[GPR_RAX] = 0x800;
	guest_leave(46, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_int_equal(decided, 0);
	assert_memory_equal(memory + CODE + 0x800, "\xff\x0f\0\0\0\0\0\xfe\xff\xff", 10);
	assert_int_equal(cpu.stats.exits[HF_EXIT_INSTRUCTION], 1);
	guest_setup(NULL);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
	guest_put_code("\x0f\x01\x08", 3);
	guest_leave(46, 0, VERDICT_FAULT);
	guest_stayed();
	assert_int_equal(decided, 0);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* str %rcx */
	guest_setup(NULL);
	fake_cpu_vmwrite(0x080e, 0x40);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	guest_put_code("\x48\x0f\x00\xc9", 4);
	guest_leave(47, 0, VERDICT_FAULT);
	guest_advanced(4);
	assert_int_equal(gprs.r[GPR_RCX], 0x40);
}

/* Where it is not to be kept from them, a program stores by itself, and the next exit ends that. */
static void table_stores_let_go(void **ctx)
{
	static const struct {
		u32 reason;
		u32 inside; /* the exit that follows */
	} ways[] = { { 46, 37 }, { 47, 37 }, { 46, 10 }, { 47, 8 } };
	const u32 step = 1u << 27, tables = 1u << 2;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		guest_setup(NULL);
		platform.umip = false;
		vmx.steps = true;
		cpu_of_vmx.secondary = tables;
		fake_cpu_vmwrite(F_SECONDARY, tables);
		fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
		guest_leave(ways[i].reason, 0, VERDICT_FAULT);
		guest_stayed();
		assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
		assert_int_equal(fake_cpu_vmread(F_PRIMARY) & step, step);
		assert_int_equal(fake_cpu_vmread(F_SECONDARY) & tables, 0);
		gprs.r[GPR_RAX] = 7;
		guest_leave(ways[i].inside, 0, VERDICT_RETRY);
		assert_int_equal(fake_cpu_vmread(F_PRIMARY) & step, 0);
		assert_int_equal(fake_cpu_vmread(F_SECONDARY), tables);
		assert_int_equal(decided, ways[i].inside == 8);
	}
	/* The kernel's are done as ever, and where that cannot be ended none is let go. */
	guest_setup(NULL);
	platform.umip = false;
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
	guest_leave(46, 0, VERDICT_FAULT);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	guest_setup(NULL);
	platform.umip = false;
	vmx.steps = true;
	guest_put_code("\x48\x0f\x00\xc9", 4);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	guest_leave(47, 0, VERDICT_FAULT);
	guest_advanced(4);
	assert_int_equal(fake_cpu_vmread(F_PRIMARY) & step, 0);
}

static void table_loads(void **ctx)
{
	static const u8 table[] = { 0xff, 0x0f, 0, 0, 0x11, 0, 0, 0xfe, 0xff, 0xff };
	static const u64 tss[][2] = { { 0x0000890010000067, 0xffff8800 },
				      { 0x0000890010000067, 0x8fff8800 } };
	size_t i;

	(void)ctx;
	fake_cpu_vmwrite(F_IDTR_BASE, 0xfffffe0000000000);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	fake_cpu_vmwrite(F_WHICH, 3 << 28);
	guest_put_code("\x0f\x01\x18", 3); /* lidt (%rax) */
	gprs.r[GPR_RAX] = 0x800;
	memcpy(memory + CODE + 0x800, table, sizeof(table));
	guest_leave(46, 0, VERDICT_PERFORM);
	guest_advanced(3);
	assert_int_equal(seen.reg.id, REG_IDTR_BASE);
	assert_int_equal(seen.reg.old, 0xfffffe0000000000);
	assert_int_equal(seen.reg.value, 0xfffffe0000110000);
	assert_int_equal(fake_cpu_vmread(F_IDTR_BASE), 0xfffffe0000110000);
	/* ltr: of a base that is none nothing is loaded, under whatever action */
	for (i = 0; i < ARRAY_SIZE(tss); i++) {
		guest_setup(NULL);
		fake_cpu_vmwrite(0x080e, 0x40);
		fake_cpu_vmwrite(0x6814, 0xfffffe0000003000);
		fake_cpu_vmwrite(0x6816, 0x800);
		fake_cpu_vmwrite(0x4810, 0x7f);
		memcpy(memory + CODE + 0x850, tss[i], sizeof(tss[i]));
		fake_cpu_vmwrite(F_WHICH, 3 << 28);
		guest_put_code("\x0f\x00\xd8", 3);
		gprs.r[GPR_RAX] = 0x50;
		guest_leave(47, 0, VERDICT_PERFORM);
		guest_advanced(3);
		assert_int_equal(fake_cpu_vmread(0x080e), i ? 0x40 : 0x50);
		assert_int_equal(fake_cpu_vmread(0x6814),
				 i ? 0xfffffe0000003000 : 0xffff880000001000);
	}
	/* lldt of nothing: done, as at the start of each CPU */
	guest_setup(NULL);
	fake_cpu_vmwrite(0x080c, 0x50);
	fake_cpu_vmwrite(0x4820, 0x82);
	fake_cpu_vmwrite(F_WHICH, 2 << 28);
	guest_put_code("\x0f\x00\xd0", 3);
	guest_leave(47, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_int_equal(fake_cpu_vmread(0x080c), 0);
	assert_int_equal(fake_cpu_vmread(0x4820), 0x10000);
}

static void port(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 0x2401;
	guest_leave(30, 0x06040001, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_PORT);
	assert_int_equal(seen.port.port, 0x604);
	assert_int_equal(seen.port.width, 2);
	assert_int_equal(seen.port.write, 1);
	assert_int_equal(seen.port.string, 0);
	assert_int_equal(seen.port.value, 0x2401);
	guest_leave(30, 0x06040018, VERDICT_FAULT);
	assert_int_equal(seen.port.width, 1);
	assert_int_equal(seen.port.write, 0);
	assert_int_equal(seen.port.string, 1);
}

static void xsetbv(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 7;
	gprs.r[GPR_RCX] = 5;
	guest_leave(55, 0, VERDICT_FAULT);
	guest_advanced(3);
	assert_int_equal(xcr, 5);
	assert_int_equal(decided, 0);
	guest_setup(NULL);
	gprs.r[GPR_RAX] = 6;
	guest_leave(55, 0, VERDICT_FAULT);
	guest_stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* The hypervisor cannot do it: the kernel had no such states at launch. */
	guest_setup(NULL);
	vcpu.cr4 = 0;
	gprs.r[GPR_RAX] = 7;
	guest_leave(55, 0, VERDICT_FAULT);
	guest_stayed();
	assert_int_equal(xcr, 0);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
}

static void others(void **ctx)
{
	static const u32 undefined[] = { 11, 19, 20, 26, 27, 50, 53, 59, 76, 77 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(undefined); i++) {
		guest_leave(undefined[i], 0, VERDICT_UNDEFINED);
		assert_int_equal(seen.kind, HF_EXIT_VIRT);
		assert_int_equal(fake_cpu_vmread(F_EVENT), UD);
	}
	guest_leave(3, 0, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(resets, 1);
	/* Nobody asked for it: refused. */
	guest_leave(12, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
	assert_int_equal(seen.code, 12);
	guest_stayed();
}

/* A bug of ours ends in a report. */
static void bugs(void **ctx)
{
	static const u32 reasons[] = { 49, 0x80000021 };
	volatile size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!setjmp(stopped)) {
			guest_leave(reasons[i], 0, VERDICT_RETRY);
			fail();
		}
	}
	if (!setjmp(stopped))
		vcpu_refused(&vcpu);
}

#define test(name) cmocka_unit_test_setup(name, guest_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(cpuid_exits),  test(addresses_wrap),
		test(call),	    test(violations),
		test(crossings),    test(mov_to_cr),
		test(cr0_shown),    test(msrs),
		test(table_stores), test(table_stores_let_go),
		test(table_loads),  test(port),
		test(xsetbv),	    test(others),
		test(bugs),
	};

	return cmocka_run_group_tests_name("vmx_exit", tests, NULL, NULL);
}
