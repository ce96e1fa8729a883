// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of SVM but those for registers (svm_registers.c): what each becomes for the core, and what
 * becomes of the guest by the core's verdict.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "guest.h"

#define DF   0x80000b08ull
#define NONE 0ull

/* APM vol. 2, 8.2.9: contributory exceptions and page faults make a #GP a double fault. */
static void double_faults(void **ctx)
{
	u32 vector;

	(void)ctx;
	for (vector = 0; vector < 32; vector++) {
		bool contributory = vector == 0 || (vector >= 10 && vector <= 14);

		guest_setup(NULL);
		vmcb.exit_interrupt = 0x80000300 | vector;
		assert_int_equal(guest_exit(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT),
				 vector == 8 ? 1 : 0);
		if (vector == 8)
			continue;
		assert_int_equal(vmcb.event_inject, contributory ? DF : GP);
		guest_stayed();
	}
	/* Not valid, or no exception: a plain #GP. */
	guest_setup(NULL);
	vmcb.exit_interrupt = 0x30e;
	guest_exit(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT);
	assert_int_equal(vmcb.event_inject, GP);
	vmcb.exit_interrupt = 0x80000030;
	guest_exit(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT);
	assert_int_equal(vmcb.event_inject, GP);
}

static void redelivery(void **ctx)
{
	static const struct {
		u64 interrupted, inject;
	} table[] = {
		{ 0x80000020, 0x80000020 },	/* external interrupt */
		{ 0x800000ff, 0x800000ff },	/* the highest */
		{ 0x80000202, 0x80000202 },	/* NMI */
		{ 0x80000302, 0x80000202 },	/* called an exception */
		{ 0x80000320, 0x80000020 },	/* so is an interrupt */
		{ 0x1280000b0e, 0x1280000b0e }, /* #PF with its error code */
		{ 0x1280000306, 0x80000306 },	/* #UD has none */
		{ 0x80000480, NONE },		/* INT n comes again itself */
		{ 0x00000b0e, NONE },		/* not valid */
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vmcb.exit_interrupt = table[i].interrupted;
		guest_exit(EXIT_CODE_NPF, 0, 0x7000, VERDICT_RETRY);
		assert_int_equal(vmcb.event_inject, table[i].inject);
		assert_int_equal(vmcb.tlb_control, TLB_KEEP);
		guest_stayed();
	}
	/* What we inject goes first. */
	vmcb.exit_interrupt = 0x80000020;
	guest_exit(EXIT_CODE_NPF, 0, 0x7000, VERDICT_UNDEFINED);
	assert_int_equal(vmcb.event_inject, 0x80000306);
}

static void page_faults(void **ctx)
{
	static const struct {
		u64 info;
		u8 cpl, access, user;
	} table[] = {
		{ 0x100000004, 0, HF_ACCESS_READ, 0 },
		{ 0x100000006, 3, HF_ACCESS_WRITE, 0 },
		{ 0x100000014, 0, HF_ACCESS_EXECUTE, 0 },
		{ 0x100000014, 3, HF_ACCESS_EXECUTE, 1 },
		{ 0x200000006, 3, HF_ACCESS_WALK, 0 },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		vmcb.state.cpl = table[i].cpl;
		guest_exit(EXIT_CODE_NPF, table[i].info, 0x7123, VERDICT_RETRY);
		assert_int_equal(seen.kind, HF_EXIT_MEMORY);
		assert_int_equal(seen.memory.gpa.raw, 0x7123);
		assert_int_equal(seen.memory.access, table[i].access);
		assert_int_equal(seen.memory.user_exec, table[i].user);
		assert_int_equal(seen.memory.va.raw,
				 table[i].access == HF_ACCESS_EXECUTE ? RIP : 0);
	}
}

static void calls(void **ctx)
{
	(void)ctx;
	guest_exit(EXIT_CODE_VMMCALL, 0, 0, VERDICT_RESULT);
	assert_int_equal(seen.kind, HF_EXIT_CALL);
	assert_int_equal(seen.call.number, 0xaaaaaaaabbbbbbbb);
	assert_int_equal(seen.call.arg[0], 0x107);
	assert_int_equal(seen.call.arg[1], 0x106);
	assert_int_equal(seen.call.arg[2], 0x102);
	assert_int_equal(seen.call.arg[3], 0x101);
	assert_int_equal(vmcb.state.rax, (u64)-38);
	guest_advanced(3);
	/* With prefixes, where the CPU says so. */
	guest_setup(NULL);
	platform.features = HF_FEATURE_NEXT_RIP;
	vmcb.next_rip = RIP + 4;
	guest_exit(EXIT_CODE_VMMCALL, 0, 0, VERDICT_RESULT);
	guest_advanced(4);
}

/* Done for the guest is done: a single step ends here. */
static void single_step(void **ctx)
{
	(void)ctx;
	vmcb.state.rflags = 0x102;
	guest_exit(EXIT_CODE_VMMCALL, 0, 0, VERDICT_RESULT);
	assert_int_equal(vmcb.state.rip, RIP + 3);
	assert_int_equal(vmcb.event_inject, 0x80000301);
	assert_int_equal(vmcb.state.dr6, 1u << 14);
	/* What is not done is not. */
	guest_setup(NULL);
	vmcb.state.rflags = 0x102;
	guest_exit(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT);
	assert_int_equal(vmcb.event_inject, GP);
	assert_int_equal(vmcb.state.dr6, 0);
}
static void ports(void **ctx)
{
	static const struct {
		u64 info, rax;
	} table[] = {
		{ 0x03f80011, 0xaaaaaaaabbbbbbff },
		{ 0x03f80021, 0xaaaaaaaabbbbffff },
		{ 0x03f80041, 0xffffffff },
		{ 0x03f80010, 0xaaaaaaaabbbbbbbb }, /* out */
		{ 0x03f80015, 0xaaaaaaaabbbbbbbb }, /* ins */
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_setup(NULL);
		platform.serial_port = 0x3f8;
		guest_exit(EXIT_CODE_IOIO, table[i].info, RIP + 2, VERDICT_SKIP);
		assert_int_equal(seen.kind, HF_EXIT_PORT);
		assert_int_equal(seen.port.port, 0x3f8);
		assert_int_equal(seen.port.write, !(table[i].info & 1));
		assert_int_equal(seen.port.width, table[i].info >> 4 & 7);
		assert_int_equal(vmcb.state.rax, table[i].rax);
		guest_advanced(2);
	}
}

/* What is in order is done, what cannot be done is a fault. */
static void ports_performed(void **ctx)
{
	(void)ctx;
	guest_exit(EXIT_CODE_IOIO, 0x06040020, RIP + 2, VERDICT_PERFORM);
	assert_int_equal(seen.port.port, 0x604);
	assert_int_equal(fake_cpu_io.count, 1);
	assert_int_equal(fake_cpu_io.value, 0xbbbb);
	guest_advanced(2);
	guest_setup(NULL);
	guest_exit(EXIT_CODE_IOIO, 0x06040024, RIP + 2, VERDICT_PERFORM);
	assert_int_equal(fake_cpu_io.count, 0);
	assert_int_equal(vmcb.event_inject, GP);
	guest_stayed();
}

static void nmi(void **ctx)
{
	(void)ctx;
	cpu.kicked = KICK_SENT;
	guest_exit(EXIT_CODE_NMI, 0, 0, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(cpu.kicked, KICK_NONE);
	guest_exit(EXIT_CODE_NMI, 0, 0, VERDICT_PASS);
	assert_int_equal(seen.kind, HF_EXIT_NMI);
	assert_int_equal(vmcb.event_inject, 0x80000202);
	assert_int_equal(stgi, 2);
	assert_int_equal(clgi, 2);
	assert_int_equal(looked, 2);
	guest_stayed();
}

/* A refused write that is a device's store; any other is memory, and so is a page walk. */
static void stores(void **ctx)
{
	(void)ctx;
	is_store = true;
	guest_exit(EXIT_CODE_NPF, NPF_WRITE, 0x7123, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_DEVICE);
	assert_int_equal(performed, 1);
	guest_advanced(6);
	guest_setup(NULL);
	is_store = true;
	performs = false;
	guest_exit(EXIT_CODE_MSR, 1, 0, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_DEVICE);
	assert_int_equal(vmcb.event_inject, GP);
	guest_stayed();
	guest_setup(NULL);
	is_store = true;
	guest_exit(EXIT_CODE_NPF, NPF_WRITE | NPF_WALK, 0x7123, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_MEMORY);
	guest_exit(EXIT_CODE_NPF, 0, 0x7123, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_MEMORY);
}

static void init(void **ctx)
{
	(void)ctx;
	cpu.pending = CPU_DOWN;
	downs = 3;
	guest_exit(EXIT_CODE_SX, 1, 0, VERDICT_RETRY);
	assert_int_equal(downs, 0);
	assert_true(is_reset);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	guest_stayed();
}

/* Handed on, whatever was being delivered when they came; demands are answered in between. */
static void exceptions(void **ctx)
{
	static const struct {
		u64 code, event;
	} table[] = { { 0x41, 0x80000301 }, { 0x51, 0x80000b11 } };
	static const u64 interrupted[] = { NONE, 0x80000301, 0x80000b11, 0x80000020 };
	size_t i, j;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		for (j = 0; j < ARRAY_SIZE(interrupted); j++) {
			guest_setup(NULL);
			vmcb.exit_interrupt = interrupted[j];
			guest_exit(table[i].code, 0, 0, VERDICT_RETRY);
			assert_int_equal(seen.kind, HF_EXIT_KICK);
			assert_int_equal(vmcb.event_inject, table[i].event);
			guest_stayed();
		}
	}
	/* A trap: behind the instruction. */
	guest_setup(NULL);
	guest_exit(0x88, 0, 0, VERDICT_RETRY);
	assert_int_equal(vmcb.event_inject, 0x80000301);
	assert_int_equal(vmcb.state.rip, RIP + 1);
}

static void others(void **ctx)
{
	static const u64 virt[] = { 0x7a, 0x80, 0x82, 0x83, 0x84, 0x85, 0x86 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(virt); i++) {
		guest_exit(virt[i], 0, 0, VERDICT_UNDEFINED);
		assert_int_equal(seen.kind, HF_EXIT_VIRT);
		assert_int_equal(vmcb.event_inject, 0x80000306);
		guest_stayed();
	}
	/* Left out is only what has a known end. */
	guest_exit(0x64, 0, 0, VERDICT_SKIP);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
	assert_int_equal(vmcb.event_inject, GP);
	guest_stayed();
	assert_int_equal(guest_exit(EXIT_CODE_SHUTDOWN, 0, 0, VERDICT_STOP), 1);
	assert_int_equal(seen.kind, HF_EXIT_SHUTDOWN);
}

/* A fault the first time; a second time from the same place there is no going on. */
static void invalid(void **ctx)
{
	static const u64 codes[] = { 0xffffffff, ~0ull };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		guest_setup(NULL);
		guest_exit(codes[i], 0, 0, VERDICT_FAULT);
		assert_int_equal(seen.kind, HF_EXIT_OTHER);
		assert_int_equal(vmcb.event_inject, GP);
		/* A VMRUN that was refused has not flushed what it was to flush. */
		assert_int_equal(flushed, 1);
		assert_int_equal(guest_exit(codes[i], 0, 0, VERDICT_STOP), 1);
		assert_int_equal(seen.kind, HF_EXIT_SHUTDOWN);
	}
}

/* What no processor lets a guest get into is taken back before the entry. */
static void enterable(void **ctx)
{
	(void)ctx;
	guest_setup(NULL);
	platform.cr3_reserved = ~0ull << 40;
	vmcb.state.cs.attributes = SEGMENT_L | SEGMENT_D | 0x9b;
	vmcb.state.cr3 = 1ull << 51 | 0x1000;
	guest_exit(0x64, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.state.cs.attributes, SEGMENT_L | 0x9b);
	assert_int_equal(vmcb.state.cr3, 0x1000);
	assert_int_equal(flushed, 1);
	platform.cr3_reserved = 0;
	vmcb.state.cs.attributes = SEGMENT_D | 0x9b;
	guest_exit(0x64, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.state.cs.attributes, SEGMENT_D | 0x9b);
}

/* Only a refused fetch from our own memory is proof. */
static void trial(void **ctx)
{
	static const struct {
		u64 code, info;
		enum page_state state;
		int error;
	} table[] = {
		{ EXIT_CODE_NPF, 0x100000014, PAGE_HYPERVISOR, 0 },
		{ EXIT_CODE_NPF, 0x100000014, PAGE_GUEST, -HF_ENODEV },
		{ EXIT_CODE_NPF, 0x100000004, PAGE_HYPERVISOR, -HF_ENODEV },
		{ EXIT_CODE_SHUTDOWN, 0x100000014, PAGE_HYPERVISOR, -HF_ENODEV },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		guest_setup(NULL);
		vcpu.trial = true;
		vcpu.frame = (struct entry_frame){ .rip = 0x4444, .rbx = 0x55, .r15 = 0x66 };
		vcpu.frame_end = 0x8888;
		trial_page = (struct page){ .state = table[i].state };
		vmcb.exit_code = table[i].code;
		vmcb.exit_info[0] = table[i].info;
		vmcb.exit_info[1] = 0x7000;
		assert_int_equal(vcpu_exit(&vcpu, &gprs), table[i].error);
		assert_int_equal(arrived, table[i].error);
		assert_int_equal(vcpu.trial, table[i].error != 0);
		assert_int_equal(decided, 0);
		assert_int_equal(vmcb.state.rip, table[i].error ? RIP : 0x4444);
		if (!table[i].error) {
			assert_int_equal(vmcb.state.rsp, 0x8888);
			assert_int_equal(vmcb.state.rax, 0);
			assert_int_equal(gprs.r[GPR_RBX], 0x55);
			assert_int_equal(gprs.r[GPR_R15], 0x66);
			assert_int_equal(gprs.r[GPR_RCX], 0);
		}
	}
}
#define test(name) cmocka_unit_test_setup(name, guest_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(double_faults), test(redelivery), test(page_faults),     test(calls),
		test(single_step),   test(ports),      test(ports_performed), test(nmi),
		test(stores),	     test(init),       test(others),	      test(invalid),
		test(enterable),     test(trial),      test(exceptions),
	};

	return cmocka_run_group_tests_name("svm_exit", tests, NULL, NULL);
}
