// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of VMX from the control structure to the core and back, through vcpu_exit. The core is a
 * verdict that the test chose; the control structure is a table of fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/sysreg.h>
#include <hv/arch/x86/vmx/vmx.h>
#include <hv/backend.h>
#include <hv/guest.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "fake_cpu.h"

#define RIP    0xffffffff81000100ull
#define TABLES 0x1000ull /* four levels */
#define CODE   0x5000ull /* the page of it, in memory, and of everything else */
#define CR0    0x80050033ull
#define CR4    0x3706e0ull
#define EFER   0xd01ull

/* Fields by the manual's numbers (SDM vol. 3, appendix B), not by the names of vmcs.h. */
#define F_INFO	      0x6400
#define F_GPA	      0x2400
#define F_LINEAR      0x640a
#define F_LENGTH      0x440c
#define F_RIP	      0x681e
#define F_RSP	      0x681c
#define F_RFLAGS      0x6820
#define F_BLOCKED     0x4824
#define F_ACTIVITY    0x4826
#define F_INTERRUPTED 0x4408
#define F_ERROR	      0x440a
#define F_EVENT	      0x4016
#define F_EVENT_ERROR 0x4018
#define F_EVENT_BYTES 0x401a
#define F_EXIT_EVENT  0x4404
#define F_PRIMARY     0x4002
#define F_SECONDARY   0x401e
#define F_DEBUG	      0x6822
#define F_GUEST_CR0   0x6800
#define F_GUEST_CR4   0x6804
#define F_SHADOW_CR0  0x6004
#define F_SHADOW_CR4  0x6006
#define F_WHICH	      0x440e
#define F_IDTR_BASE   0x6818
#define F_IDTR_LIMIT  0x4812
#define F_CODE_RIGHTS 0x4816
#define F_SS_RIGHTS   0x4818
#define F_DR7	      0x681a
#define F_DEBUGCTL    0x2802

#define GP  0x80000b0dull
#define UD  0x80000306ull
#define NMI 0x80000202ull

struct vmx vmx;
struct platform platform;

static struct vmx_cpu cpu_of_vmx;
static struct vcpu vcpu;
static struct cpu cpu;
static struct gprs gprs;
static u64 stack[2]; /* what is above it */
static u8 memory[0x6000];
static enum verdict verdict;
static struct exit seen;
static u32 decided, flushes, resets, xcr, fetches;
static bool crosses;
static jmp_buf stopped;

/* ---- what the backend calls ---- */

enum verdict exit_decide(struct cpu *c, struct exit *e)
{
	assert_ptr_equal(c, &cpu);
	assert_int_equal(c->place, CPU_INSIDE);
	seen = *e;
	decided++;
	if (verdict == VERDICT_RESULT)
		e->call.result = -38;
	return verdict;
}

u64 shootdown_epoch;

void shootdown_answer(struct cpu *c)
{
	(void)c;
}

void startup_reset(struct cpu *c, bool start)
{
	(void)c;
	resets += start;
}

void vmx_flush(void)
{
	flushes++;
}

void backend_flush(struct cpu *c)
{
	c->vcpu->vmx->flush = true;
}

int xcr_write(u32 number, u64 value)
{
	xcr = number;
	return value & 1 ? 0 : -HF_EINVAL;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	if (from.raw + size > sizeof(memory))
		return -HF_EFAULT;
	memcpy(to, memory + from.raw, size);
	return 0;
}

int guest_store(struct gpa to, const void *from, size_t size)
{
	if (to.raw + size > sizeof(memory))
		return -HF_EFAULT;
	memcpy(memory + to.raw, from, size);
	return 0;
}

/* The other view permits it: nothing is left to decide. */
void tables_on_fetch(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	assert_int_equal(e->exit.memory.access, HF_ACCESS_EXECUTE);
	assert_int_equal(at.raw, e->exit.memory.gpa.raw);
	assert_ptr_equal(v, &vcpu);
	fetches++;
	if (crosses) {
		e->exit.kind = HF_EXIT_VIEW;
		e->settled = true;
	}
}

void panic_check(void)
{
}

_Noreturn void panic(const char *format, ...)
{
	(void)format;
	longjmp(stopped, 1);
}

_Noreturn void backend_halt(void)
{
	longjmp(stopped, 2);
}

/* ---- a guest ---- */

static void map(void)
{
	u64 table, entry;
	size_t i;

	for (table = TABLES; table < CODE; table += PAGE_SIZE)
		for (i = 0; i < 512; i++) {
			entry = (table + PAGE_SIZE) | 3;
			memcpy(memory + table + i * sizeof(entry), &entry, sizeof(entry));
		}
}

static int setup(void **ctx)
{
	const struct cpuid all = { ~0u, ~0u, ~0u, ~0u };

	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(1, all);
	fake_cpu_set_leaf(7, all);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, (struct cpuid){ 0 });
	fake_cpu_set_leaf(0x80000021, (struct cpuid){ 0 });
	sysreg_init(0);
	fake_cpu_set_msr(MSR_LSTAR, 0x1234);
	fake_cpu_set_msr(0x3a, 5);
	memset(memory, 0, sizeof(memory));
	map();
	fake_cpu_vmwrite(F_RIP, RIP);
	fake_cpu_vmwrite(F_RSP, 0x5000);
	fake_cpu_vmwrite(0x6802, TABLES);
	fake_cpu_vmwrite(F_GUEST_CR0, CR0);
	fake_cpu_vmwrite(F_SHADOW_CR0, CR0);
	fake_cpu_vmwrite(F_GUEST_CR4, CR4 | 0x2000);
	fake_cpu_vmwrite(F_SHADOW_CR4, CR4);
	fake_cpu_vmwrite(0x2806, EFER);
	fake_cpu_vmwrite(F_CODE_RIGHTS, 0xa09b); /* 64-bit */
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc093);
	fake_cpu_vmwrite(F_LENGTH, 3);
	fake_cpu_vmwrite(F_BLOCKED, 1);
	vmx = (struct vmx){ .cr0_fixed = 0x80000021, .cr4_fixed = 0x2000 };
	platform = (struct platform){ .umip = true };
	cpu_of_vmx = (struct vmx_cpu){ 0 };
	cpu = (struct cpu){ .vcpu = &vcpu };
	vcpu = (struct vcpu){ .vmx = &cpu_of_vmx,
			      .state = &cpu_of_vmx.state,
			      .event = &cpu_of_vmx.event,
			      .interrupted = &cpu_of_vmx.interrupted,
			      .shadow = &cpu_of_vmx.shadow,
			      .cr4 = CR4_OSXSAVE,
			      .cpu = &cpu };
	vcpu.host.stack_top = (u64)stack;
	stack[1] = 0;
	memset(&gprs, 0, sizeof(gprs));
	memset(&seen, 0, sizeof(seen));
	decided = flushes = resets = xcr = 0;
	verdict = VERDICT_RETRY;
	return 0;
}

static void leave_with(u32 reason, u64 info, enum verdict v)
{
	fake_cpu_vmwrite(0x4402, reason);
	fake_cpu_vmwrite(F_INFO, info);
	fake_cpu_vmwrite(F_EVENT, 0); /* an exit clears it */
	verdict = v;
	assert_int_equal(vcpu_exit(&vcpu, &gprs), 0);
	assert_int_equal(cpu.place, CPU_LEAVING);
}

static void put_code(const char *bytes, size_t size)
{
	memcpy(memory + CODE + (RIP & PAGE_MASK), bytes, size);
}

static void stayed(void)
{
	assert_int_equal(fake_cpu_vmread(F_RIP), RIP);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 1);
}

static void advanced(u64 length)
{
	assert_int_equal(fake_cpu_vmread(F_RIP), RIP + length);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 0);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
}

/* ---- tests ---- */

/* What the processor says, without VMX; no question to the core. */
static void cpuid_exits(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 0xffffffff00000001;
	leave_with(10, 0, VERDICT_FAULT);
	advanced(3);
	assert_int_equal(gprs.r[GPR_RAX], 0xffffffff);
	assert_int_equal(gprs.r[GPR_RCX], 0xffffffdf);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_INSTRUCTION], 1);
	gprs.r[GPR_RAX] = 7;
	gprs.r[GPR_RCX] = 0;
	leave_with(10, 0, VERDICT_FAULT);
	assert_int_equal(gprs.r[GPR_RCX], 0xffffffff);
	/* A single step ends behind it. */
	assert_int_equal(fake_cpu_vmread(F_DEBUG), 0);
	fake_cpu_vmwrite(F_RFLAGS, 0x102);
	gprs.r[GPR_RAX] = 1;
	gprs.r[GPR_RCX] = 0;
	leave_with(10, 0, VERDICT_FAULT);
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
		setup(NULL);
		fake_cpu_set_leaf(0, (struct cpuid){ 0 });
		fake_cpu_vmwrite(F_CODE_RIGHTS, ways[i].code);
		fake_cpu_vmwrite(F_RIP, ways[i].rip);
		leave_with(10, 0, VERDICT_FAULT);
		assert_int_equal(fake_cpu_vmread(F_RIP), ways[i].next);
		fake_cpu_vmwrite(F_RIP, ways[i].rip);
		leave_with(18, 0, VERDICT_RESULT);
		assert_int_equal(fake_cpu_vmread(F_RIP), ways[i].next);
		fake_cpu_vmwrite(F_RIP, ways[i].rip);
		gprs.r[GPR_RCX] = MSR_LSTAR;
		leave_with(32, 0, VERDICT_PERFORM);
		assert_int_equal(fake_cpu_vmread(F_RIP), ways[i].next);
	}
}

static void call(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 0x48460041;
	gprs.r[GPR_RDI] = 0x7000;
	gprs.r[GPR_RSI] = 11;
	leave_with(18, 0, VERDICT_RESULT);
	advanced(3);
	assert_int_equal(seen.kind, HF_EXIT_CALL);
	assert_int_equal(seen.cpl, 0);
	assert_int_equal(seen.rip, RIP);
	assert_int_equal(seen.call.number, 0x48460041);
	assert_int_equal(seen.call.arg[0], 0x7000);
	assert_int_equal(seen.call.arg[1], 11);
	assert_int_equal(gprs.r[GPR_RAX], -38);
	/* From user mode. */
	setup(NULL);
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
	leave_with(18, 0, VERDICT_UNDEFINED);
	assert_int_equal(seen.cpl, 3);
	stayed();
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
		setup(NULL);
		fake_cpu_vmwrite(F_GPA, 0x123456);
		fake_cpu_vmwrite(F_LINEAR, 0xffff888000123456);
		leave_with(48, table[i].info, VERDICT_FAULT);
		assert_int_equal(seen.kind, HF_EXIT_MEMORY);
		assert_int_equal(seen.memory.access, table[i].access);
		assert_int_equal(seen.memory.gpa.raw, 0x123456);
		stayed();
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
	leave_with(48, 0x184, VERDICT_FAULT);
	assert_int_equal(fetches, 1);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_VIEW], 1);
	stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	/* Of fetches alone. */
	leave_with(48, 0x182, VERDICT_FAULT);
	assert_int_equal(fetches, 1);
	assert_int_equal(decided, 1);
	crosses = false;
}

static void mov_to_cr(void **ctx)
{
	(void)ctx;
	/* mov %rcx, %cr0: WP is cleared, if the core lets it */
	gprs.r[GPR_RCX] = CR0 & ~0x10000ull;
	leave_with(28, 0x100, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_REGISTER);
	assert_int_equal(seen.reg.id, REG_CR0);
	assert_int_equal(seen.reg.old, CR0);
	assert_int_equal(seen.reg.value, CR0 & ~0x10000ull);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	assert_int_equal(fake_cpu_vmread(F_GUEST_CR0), CR0);
	leave_with(28, 0x100, VERDICT_PERFORM);
	advanced(3);
	assert_int_equal(fake_cpu_vmread(F_GUEST_CR0), CR0 & ~0x10000ull);
	assert_int_equal(fake_cpu_vmread(F_SHADOW_CR0), CR0 & ~0x10000ull);
	assert_int_equal(flushes, 1);
	/* What the processor would refuse: paging off in long mode. */
	setup(NULL);
	gprs.r[GPR_RCX] = 0x33;
	leave_with(28, 0x100, VERDICT_PERFORM);
	stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* mov %rsp, %cr4: the operand is not among those saved; VMX stays on and unseen */
	setup(NULL);
	fake_cpu_vmwrite(F_RSP, CR4 & ~0x100000ull);
	leave_with(28, 0x404, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_CR4);
	assert_int_equal(seen.reg.old, CR4);
	advanced(3);
	assert_int_equal(fake_cpu_vmread(F_GUEST_CR4), (CR4 & ~0x100000ull) | 0x2000);
	assert_int_equal(fake_cpu_vmread(F_SHADOW_CR4), CR4 & ~0x100000ull);
	/* lmsw $1: nothing else of CR0 changes */
	setup(NULL);
	leave_with(28, 0x10030, VERDICT_FAULT);
	assert_int_equal(seen.reg.value, CR0 & ~0xeull);
}

/* What is asked and not followed is shown: caches that the guest has switched off. */
static void cr0_shown(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RDX] = CR0 | 0x40000000;
	leave_with(28, 0x200, VERDICT_PERFORM);
	assert_int_equal(fake_cpu_vmread(F_SHADOW_CR0), CR0 | 0x40000000);
}

static void msrs(void **ctx)
{
	(void)ctx;
	/* Read: what firmware has left of VMX is not seen. */
	gprs.r[GPR_RCX] = 0x3a;
	leave_with(31, 0, VERDICT_FAULT);
	advanced(3);
	assert_int_equal(gprs.r[GPR_RAX], 1);
	assert_int_equal(gprs.r[GPR_RDX], 0);
	/* One that is not there. */
	setup(NULL);
	gprs.r[GPR_RCX] = 0x999;
	leave_with(31, 0, VERDICT_FAULT);
	stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* Written, where the processor keeps it; */
	setup(NULL);
	gprs.r[GPR_RCX] = MSR_LSTAR;
	gprs.r[GPR_RAX] = 0xdddddddd80000000;
	gprs.r[GPR_RDX] = 0xffffffff;
	leave_with(32, 0, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_MSR);
	assert_int_equal(seen.reg.old, 0x1234);
	assert_int_equal(seen.reg.value, 0xffffffff80000000);
	assert_int_equal(fake_cpu_rdmsr(MSR_LSTAR), 0xffffffff80000000);
	/* where the control structure does. */
	setup(NULL);
	fake_cpu_vmwrite(0x6826, 0x77);
	gprs.r[GPR_RCX] = 0x176;
	gprs.r[GPR_RAX] = 0x88;
	leave_with(32, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.old, 0x77);
	assert_int_equal(fake_cpu_vmread(0x6826), 0x88);
	/* What an entry might refuse is not put there, under whatever action. */
	setup(NULL);
	fake_cpu_vmwrite(0x2802, 1);
	gprs.r[GPR_RCX] = 0x1d9;
	gprs.r[GPR_RAX] = 3;
	leave_with(32, 0, VERDICT_PERFORM);
	advanced(3);
	assert_int_equal(fake_cpu_vmread(0x2802), 3);
	setup(NULL);
	gprs.r[GPR_RCX] = 0x1d9;
	gprs.r[GPR_RAX] = 1u << 16;
	leave_with(32, 0, VERDICT_PERFORM);
	stayed();
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
	put_code("\x0f\x01\x08", 3); /* sidt (%rax) */
	gprs.r[GPR_RAX] = 0x800;
	leave_with(46, 0, VERDICT_FAULT);
	advanced(3);
	assert_int_equal(decided, 0);
	assert_memory_equal(memory + CODE + 0x800, "\xff\x0f\0\0\0\0\0\xfe\xff\xff", 10);
	assert_int_equal(cpu.stats.exits[HF_EXIT_INSTRUCTION], 1);
	setup(NULL);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
	put_code("\x0f\x01\x08", 3);
	leave_with(46, 0, VERDICT_FAULT);
	stayed();
	assert_int_equal(decided, 0);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* str %rcx */
	setup(NULL);
	fake_cpu_vmwrite(0x080e, 0x40);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	put_code("\x48\x0f\x00\xc9", 4);
	leave_with(47, 0, VERDICT_FAULT);
	advanced(4);
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
		setup(NULL);
		platform.umip = false;
		vmx.steps = true;
		cpu_of_vmx.secondary = tables;
		fake_cpu_vmwrite(F_SECONDARY, tables);
		fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
		leave_with(ways[i].reason, 0, VERDICT_FAULT);
		stayed();
		assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
		assert_int_equal(fake_cpu_vmread(F_PRIMARY) & step, step);
		assert_int_equal(fake_cpu_vmread(F_SECONDARY) & tables, 0);
		gprs.r[GPR_RAX] = 7;
		leave_with(ways[i].inside, 0, VERDICT_RETRY);
		assert_int_equal(fake_cpu_vmread(F_PRIMARY) & step, 0);
		assert_int_equal(fake_cpu_vmread(F_SECONDARY), tables);
		assert_int_equal(decided, ways[i].inside == 8);
	}
	/* The kernel's are done as ever, and where that cannot be ended none is let go. */
	setup(NULL);
	platform.umip = false;
	fake_cpu_vmwrite(F_SS_RIGHTS, 0xc0f3);
	leave_with(46, 0, VERDICT_FAULT);
	stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	setup(NULL);
	platform.umip = false;
	vmx.steps = true;
	put_code("\x48\x0f\x00\xc9", 4);
	fake_cpu_vmwrite(F_WHICH, 1 << 28);
	leave_with(47, 0, VERDICT_FAULT);
	advanced(4);
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
	put_code("\x0f\x01\x18", 3); /* lidt (%rax) */
	gprs.r[GPR_RAX] = 0x800;
	memcpy(memory + CODE + 0x800, table, sizeof(table));
	leave_with(46, 0, VERDICT_PERFORM);
	advanced(3);
	assert_int_equal(seen.reg.id, REG_IDTR_BASE);
	assert_int_equal(seen.reg.old, 0xfffffe0000000000);
	assert_int_equal(seen.reg.value, 0xfffffe0000110000);
	assert_int_equal(fake_cpu_vmread(F_IDTR_BASE), 0xfffffe0000110000);
	/* ltr: of a base that is none nothing is loaded, under whatever action */
	for (i = 0; i < ARRAY_SIZE(tss); i++) {
		setup(NULL);
		fake_cpu_vmwrite(0x080e, 0x40);
		fake_cpu_vmwrite(0x6814, 0xfffffe0000003000);
		fake_cpu_vmwrite(0x6816, 0x800);
		fake_cpu_vmwrite(0x4810, 0x7f);
		memcpy(memory + CODE + 0x850, tss[i], sizeof(tss[i]));
		fake_cpu_vmwrite(F_WHICH, 3 << 28);
		put_code("\x0f\x00\xd8", 3);
		gprs.r[GPR_RAX] = 0x50;
		leave_with(47, 0, VERDICT_PERFORM);
		advanced(3);
		assert_int_equal(fake_cpu_vmread(0x080e), i ? 0x40 : 0x50);
		assert_int_equal(fake_cpu_vmread(0x6814),
				 i ? 0xfffffe0000003000 : 0xffff880000001000);
	}
	/* lldt of nothing: done, as at the start of each CPU */
	setup(NULL);
	fake_cpu_vmwrite(0x080c, 0x50);
	fake_cpu_vmwrite(0x4820, 0x82);
	fake_cpu_vmwrite(F_WHICH, 2 << 28);
	put_code("\x0f\x00\xd0", 3);
	leave_with(47, 0, VERDICT_FAULT);
	advanced(3);
	assert_int_equal(fake_cpu_vmread(0x080c), 0);
	assert_int_equal(fake_cpu_vmread(0x4820), 0x10000);
}

static void port(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 0x2401;
	leave_with(30, 0x06040001, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_PORT);
	assert_int_equal(seen.port.port, 0x604);
	assert_int_equal(seen.port.width, 2);
	assert_int_equal(seen.port.write, 1);
	assert_int_equal(seen.port.string, 0);
	assert_int_equal(seen.port.value, 0x2401);
	leave_with(30, 0x06040018, VERDICT_FAULT);
	assert_int_equal(seen.port.width, 1);
	assert_int_equal(seen.port.write, 0);
	assert_int_equal(seen.port.string, 1);
}

static void xsetbv(void **ctx)
{
	(void)ctx;
	gprs.r[GPR_RAX] = 7;
	gprs.r[GPR_RCX] = 5;
	leave_with(55, 0, VERDICT_FAULT);
	advanced(3);
	assert_int_equal(xcr, 5);
	assert_int_equal(decided, 0);
	setup(NULL);
	gprs.r[GPR_RAX] = 6;
	leave_with(55, 0, VERDICT_FAULT);
	stayed();
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
	/* The hypervisor cannot do it: the kernel had no such states at launch. */
	setup(NULL);
	vcpu.cr4 = 0;
	gprs.r[GPR_RAX] = 7;
	leave_with(55, 0, VERDICT_FAULT);
	stayed();
	assert_int_equal(xcr, 0);
	assert_int_equal(fake_cpu_vmread(F_EVENT), GP);
}

static void others(void **ctx)
{
	static const u32 undefined[] = { 11, 19, 20, 26, 27, 50, 53, 59, 76, 77 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(undefined); i++) {
		leave_with(undefined[i], 0, VERDICT_UNDEFINED);
		assert_int_equal(seen.kind, HF_EXIT_VIRT);
		assert_int_equal(fake_cpu_vmread(F_EVENT), UD);
	}
	leave_with(3, 0, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(resets, 1);
	/* Nobody asked for it: refused. */
	leave_with(12, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
	assert_int_equal(seen.code, 12);
	stayed();
}

/* A bug of ours ends in a report. */
static void bugs(void **ctx)
{
	static const u32 reasons[] = { 49, 0x80000021 };
	volatile size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!setjmp(stopped)) {
			leave_with(reasons[i], 0, VERDICT_RETRY);
			fail();
		}
	}
	if (!setjmp(stopped))
		vcpu_refused(&vcpu);
}

/* ---- events ---- */

static void interrupted(void **ctx)
{
	(void)ctx;
	/* A page fault was being delivered: again, with its error code. */
	fake_cpu_vmwrite(F_INTERRUPTED, 0x80000b0e);
	fake_cpu_vmwrite(F_ERROR, 2);
	leave_with(48, 0x182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0x80000b0e);
	assert_int_equal(fake_cpu_vmread(F_EVENT_ERROR), 2);
	/* A fault on top of it is a double fault, */
	leave_with(48, 0x182, VERDICT_FAULT);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0x80000b08);
	/* a software interrupt comes again by itself. */
	fake_cpu_vmwrite(F_INTERRUPTED, 0x80000480);
	leave_with(48, 0x182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	/* An NMI again needs that none is blocked. */
	fake_cpu_vmwrite(F_INTERRUPTED, NMI);
	fake_cpu_vmwrite(F_BLOCKED, 8);
	leave_with(48, 0x182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 0);
	/* The end of an NMI's handling is to come again: it has not ended. */
	fake_cpu_vmwrite(F_INTERRUPTED, 0);
	leave_with(48, 0x1182, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 8);
}

static void nmi_of_guest(void **ctx)
{
	(void)ctx;
	fake_cpu_vmwrite(F_EXIT_EVENT, NMI);
	fake_cpu_vmwrite(F_BLOCKED, 0);
	leave_with(0, 0, VERDICT_PASS);
	assert_int_equal(seen.kind, HF_EXIT_NMI);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
	assert_int_equal(cpu.pending, 0);
	/* While one is handled the next waits for the window, */
	fake_cpu_vmwrite(F_BLOCKED, 8);
	leave_with(0, 0, VERDICT_PASS);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(fake_cpu_vmread(F_PRIMARY), 1 << 22);
	/* and goes in there. */
	fake_cpu_vmwrite(F_BLOCKED, 0);
	leave_with(8, 0, VERDICT_RETRY);
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
	leave_with(1u << 27, 0, VERDICT_RETRY); /* an enclave ran */
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(cpu.kicked, KICK_NONE);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	assert_int_equal(cpu.pending, CPU_DOUBT);
	/* With a handler for what the kick may have hidden. */
	fake_cpu_vmwrite(F_BLOCKED, 0);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	cpu.kicked = KICK_SENT;
	fake_cpu_vmwrite(F_EXIT_EVENT, NMI);
	leave_with(0, 0, VERDICT_RETRY);
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
		setup(NULL);
		fake_cpu_vmwrite(F_EXIT_EVENT, ways[i].event);
		fake_cpu_vmwrite(F_DR7, 0x2401);
		fake_cpu_vmwrite(F_DEBUGCTL, 0x4003);
		leave_with(0, ways[i].info, VERDICT_RETRY);
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
	leave_with(0, 1, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0x80000301);
	assert_int_equal(fake_cpu_vmread(F_BLOCKED), 8);
	/* Nobody asked for another exception. */
	fake_cpu_vmwrite(F_EXIT_EVENT, 0x80000306);
	leave_with(0, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
}

/* The table of exceptions is looked up then, also where no other register is: CPUID. */
static void doubt_at_cpuid(void **ctx)
{
	(void)ctx;
	fake_cpu_set_leaf(0, (struct cpuid){ 0 });
	fake_cpu_vmwrite(F_BLOCKED, 0);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	leave_with(8, 0, VERDICT_RETRY);
	cpu.pending = CPU_DOUBT;
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0x1ff);
	leave_with(10, 0, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), 0);
	assert_int_equal(cpu.pending, CPU_DOUBT);
	fake_cpu_vmwrite(F_IDTR_LIMIT, 0xfff);
	leave_with(10, 0, VERDICT_RETRY);
	assert_int_equal(fake_cpu_vmread(F_EVENT), NMI);
}

/* INIT may be found behind an exit that looks at no registers: all are set, not those alone that
 * are others than at the exit before. */
static void restarted_at_cpuid(void **ctx)
{
	const struct hf_startup at = { .rip = RIP, .root = TABLES, .stack = 0x5000 };

	(void)ctx;
	fake_cpu_set_leaf(0, (struct cpuid){ 0 });
	leave_with(8, 0, VERDICT_RETRY);
	fake_cpu_vmwrite(F_RIP, 0x7000);
	fake_cpu_vmwrite(F_RSP, 0x7000);
	fake_cpu_vmwrite(0x6802, 0x7000);
	fake_cpu_vmwrite(F_ACTIVITY, 1); /* it had been halted */
	leave_with(10, 0, VERDICT_RETRY);
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
	leave_with(12, 0, VERDICT_FAULT);
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

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(cpuid_exits),
		test(call),
		test(violations),
		test(crossings),
		test(mov_to_cr),
		test(cr0_shown),
		test(msrs),
		test(table_stores),
		test(table_loads),
		test(port),
		test(xsetbv),
		test(others),
		test(bugs),
		test(interrupted),
		test(nmi_of_guest),
		test(nmi_as_kick),
		test(nmi_inside),
		test(table_stores_let_go),
		test(doubt_at_cpuid),
		test(restarted_at_cpuid),
		test(debug_exceptions),
		test(addresses_wrap),
	};

	return cmocka_run_group_tests_name("vmx_exit", tests, NULL, NULL);
}
