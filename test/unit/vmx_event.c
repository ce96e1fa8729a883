// SPDX-License-Identifier: GPL-2.0-only
/* Events of VMX: what exits, what is delivered, and a CPU that is started again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/backend.h>
#include "guest_vmx.h"

static void interrupted(void **ctx)
{
	(void)ctx;
	/* A page fault was being delivered: again, with its error code. */
	fake_cpu_vmwrite(F_INTERRUPTED, 0x80001b0e);
	fake_cpu_vmwrite(F_ERROR, 2);
	guest_leave(48, 0x182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0x80000b0e);
	assert_int_equal(fake_cpu_vmread(F_EVENT_ERROR), 2);
	/* A fault on top of it is a double fault, */
	guest_leave(48, 0x182, VERDICT_FAULT);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0x80000b08);
	/* a software interrupt comes again by itself. */
	fake_cpu_vmwrite(F_INTERRUPTED, 0x80000480);
	guest_leave(48, 0x182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	/* An NMI again needs that none is blocked. */
	fake_cpu_vmwrite(F_INTERRUPTED, NMI);
	fake_cpu_vmwrite(F_BLOCKED, 8);
	guest_leave(48, 0x182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 0);
	/* The end of an NMI's handling is to come again: it has not ended. */
	fake_cpu_vmwrite(F_INTERRUPTED, 0);
	guest_leave(48, 0x1182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 8);
}

static void nmi_of_guest(void **ctx)
{
	(void)ctx;
	fake_cpu_vmwrite(F_EXIT_EVENT, NMI);
	fake_cpu_vmwrite(F_BLOCKED, 0);
	guest_leave(0, 0, VERDICT_PASS);
	assert_int_equal(seen.kind, HF_EXIT_NMI);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
	assert_int_equal(cpu.pending, 0);
	/* While one is handled the next waits for the window, */
	fake_cpu_vmwrite(F_BLOCKED, 8);
	guest_leave(0, 0, VERDICT_PASS);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(fake_cpu_vmread(F_PRIMARY), 1 << 22);
	/* and goes in there. */
	fake_cpu_vmwrite(F_BLOCKED, 0);
	guest_leave(8, 0, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_WINDOW);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
	assert_int_equal(fake_cpu_vmread(F_PRIMARY), 0);
	assert_int_equal(cpu.pending, 0);
}

static void nmi_as_kick(void **ctx)
{
	(void)ctx;
	cpu.kicked = KICK_SENT;
	fake_cpu_vmwrite(F_EXIT_EVENT, NMI);
	guest_leave(1u << 27, 0, VERDICT_RETRY); /* an enclave ran */
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(cpu.kicked, KICK_NONE);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	assert_int_equal(cpu.pending, CPU_DOUBT);
	/* With a handler for what the kick may have hidden. */
	fake_cpu_vmwrite(F_BLOCKED, 0);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	cpu.kicked = KICK_SENT;
	fake_cpu_vmwrite(F_EXIT_EVENT, NMI);
	guest_leave(0, 0, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
	assert_int_equal(cpu.pending, 0);
	assert_int_equal(cpu.doubts, 1);
}

/* Debug exceptions are handed on, with what their delivery does: each round of those without end
 * is an exit. */
static void debug_exceptions(void **ctx)
{
	static const struct {
		u32 event;
		u64 info, dr6;
	} ways[] = {
		{ 0x80000301, 0x4001, 0xffff4ff1 },  /* a step, and a breakpoint */
		{ 0x80000301, 0x2000, 0xffff2ff0 },  /* an access to a debug register */
		{ 0x80000301, 0x0800, 0xffff07f0 },  /* a bus lock */
		{ 0x80000301, 0x10002, 0xfffe0ff2 }, /* in a transaction */
		{ 0x80000501, 0, 0xffff0ff0 },	     /* int1 */
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		guest_setup(NULL);
		fake_cpu_vmwrite(F_EXIT_EVENT, ways[i].event);
		fake_cpu_vmwrite(F_DR7, 0x2401);
		fake_cpu_vmwrite(F_DEBUGCTL, 0x4003);
		guest_leave(0, ways[i].info, VERDICT_RETRY);
		assert_int_equal(seen.kind, HF_EXIT_KICK);
		assert_int_equal(fake_cpu_vmread(F_EVENT), ways[i].event);
		assert_int_equal(fake_cpu_vmread(F_EVENT_BYTES), 3);
		assert_int_equal(fake_cpu_vmread(F_RIP), RIP);
		assert_int_equal(fake_cpu_vmread(F_BLOCKED), 0);
		assert_int_equal(cpu_of_vmx.state.dr6, ways[i].dr6);
		assert_int_equal(fake_cpu_vmread(F_DR7), 0x401);
		assert_int_equal(fake_cpu_vmread(F_DEBUGCTL), 0x4000);
	}
	/* The end of an NMI's handling has met a breakpoint, and is to come again. */
	fake_cpu_vmwrite(F_EXIT_EVENT, 0x80001301);
	guest_leave(0, 1, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0x80000301);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 8);
	/* Nobody asked for another exception. */
	fake_cpu_vmwrite(F_EXIT_EVENT, 0x80000306);
	guest_leave(0, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
}

/* The table of exceptions is looked up then, also where no other register is: CPUID. */
static void doubt_at_cpuid(void **ctx)
{
	(void)ctx;
	fake_cpu_set_leaf(0, (struct cpuid){ 0 });
	fake_cpu_vmwrite(F_BLOCKED, 0);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	guest_leave(8, 0, VERDICT_RETRY);
	cpu.pending = CPU_DOUBT;
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0x1ff);
	guest_leave(10, 0, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	assert_int_equal(cpu.pending, CPU_DOUBT);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	guest_leave(10, 0, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
}

/* INIT may be found behind an exit that looks at no registers: all are set, not those alone that
 * are others than at the exit before. */
static void restarted_at_cpuid(void **ctx)
{
	const struct hf_startup at = { .rip = RIP, .root = TABLES, .stack = 0x5000 };

	(void)ctx;
	fake_cpu_set_leaf(0, (struct cpuid){ 0 });
	guest_leave(8, 0, VERDICT_RETRY);
	fake_cpu_vmwrite(F_RIP, 0x7000);
	fake_cpu_vmwrite(F_RSP, 0x7000);
	fake_cpu_vmwrite(0x6802, 0x7000);
	fake_cpu_vmwrite(F_ACTIVITY, 1); /* it had been halted */
	guest_leave(10, 0, VERDICT_RETRY);
	backend_cpu_restart(&cpu, &at);
	assert_int_equal(fake_cpu_vmread(F_ACTIVITY), 0);
	assert_int_equal(fake_cpu_vmread(F_RIP), RIP);
	assert_int_equal(fake_cpu_vmread(F_RSP), 0x5000);
	assert_int_equal(fake_cpu_vmread(0x6802), TABLES);
}

/* Those that come while the hypervisor runs, seen on the way out: what is to be delivered stays. */
static void nmi_inside(void **ctx)
{
	(void)ctx;
	guest_leave(12, 0, VERDICT_FAULT);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	cpu.kicked = KICK_SENT;
	stack[1] = 1;
	verdict = VERDICT_RETRY;
	assert_int_equal(vcpu_again(&vcpu, &gprs), 0);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(stack[1], 0);
	assert_int_equal(cpu.pending, CPU_DOUBT);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* Two: a kick and the guest's. */
	cpu.kicked = KICK_SENT;
	stack[1] = 2;
	verdict = VERDICT_PASS;
	assert_int_equal(vcpu_again(&vcpu, &gprs), 0);
	assert_int_equal(seen.kind, HF_EXIT_NMI);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	assert_int_equal(cpu.pending, CPU_NMI | CPU_DOUBT);
	assert_int_equal(fake_cpu_vmread(F_PRIMARY), 1 << 22);
}

#define test(name) cmocka_unit_test_setup(name, guest_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(interrupted),	test(nmi_of_guest),   test(nmi_as_kick),
		test(debug_exceptions), test(doubt_at_cpuid), test(restarted_at_cpuid),
		test(nmi_inside),
	};

	return cmocka_run_group_tests_name("vmx_event", tests, NULL, NULL);
}
