// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of SVM from the control block to the core and back, through vcpu_exit. The core is a
 * verdict the test chose; guest memory is a page and the tables that lead to it; instructions
 * that cannot run here (STGI and CLGI, LIDT) are caught by their bytes.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <cmocka.h>
#include <hv/arch/x86/common/sysreg.h>
#include <hv/arch/x86/svm/exit.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/guest.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "fake_cpu.h"

#define RIP	    0xffffffff81000100ull
#define TABLES	    0x1000ull /* four levels */
#define CODE	    0x5000ull
#define MEMORY_SIZE 0x6000
#define SENTINEL    0xdeadull

#define CR0  0x80050033ull
#define CR4  0x20ull
#define EFER 0x1d01ull /* SVME, NXE, LMA, LME, SCE */

struct svm svm;

static struct vmcb vmcb;
static struct vcpu vcpu;
static struct cpu cpu;
static struct gprs gprs;
static u8 memory[MEMORY_SIZE];

/* What happened. */
static struct exit seen;
static u32 decided, flushed, synced, stgi, clgi, wbinvd;
static u32 latched;	  /* NMIs that the handler finds */
static u32 entered;	  /* with a flush: 2 */
static u64 absorbed;	  /* bits that the core takes from a value */
static struct segment tr; /* the CPU's */
static enum verdict verdict;
static sigjmp_buf reset;

/* ---- what exit.c calls ---- */

enum verdict exit_decide(struct cpu *c, struct exit *e)
{
	assert_ptr_equal(c, &cpu);
	seen = *e;
	decided++;
	if (e->kind == HF_EXIT_REGISTER)
		e->reg.value &= ~absorbed;
	if (verdict == VERDICT_RESULT)
		e->call.result = -38;
	return verdict;
}

void shootdown_sync(struct cpu *c)
{
	assert_ptr_equal(c, &cpu);
	synced++;
}

void shootdown_entered(struct cpu *c, bool flushing)
{
	assert_ptr_equal(c, &cpu);
	entered = flushing ? 2 : 1;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	if (from.raw + size > sizeof(memory))
		return -HF_EFAULT;
	memcpy(to, memory + from.raw, size);
	return 0;
}

void backend_flush(struct cpu *c)
{
	assert_ptr_equal(c, &cpu);
	flushed++;
}

u64 backend_register_read(struct cpu *c, u32 reg)
{
	assert_ptr_equal(c, &cpu);
	assert_true(reg == REG_TR_BASE || reg == REG_TR_SELECTOR);
	return reg == REG_TR_BASE ? tr.base : tr.selector;
}

static struct page trial_page;
static int arrived;

struct page owner_page(struct gpa address)
{
	assert_int_equal(address.raw, 0x7000);
	return trial_page;
}

static bool is_store, is_reset, performs;
static u32 performed, looked;

bool device_on_store(struct vcpu *v, struct svm_exit *e)
{
	(void)v;
	e->exit.kind = is_store ? HF_EXIT_DEVICE : HF_EXIT_OTHER;
	e->next_rip = is_store ? RIP + 6 : 0;
	return is_store;
}

bool device_on_msr(struct vcpu *v, struct svm_exit *e)
{
	return device_on_store(v, e);
}

bool device_perform(struct vcpu *v, const struct svm_exit *e)
{
	(void)v;
	assert_int_equal(e->exit.kind, HF_EXIT_DEVICE);
	performed++;
	return performs;
}

void device_cpu_init(struct vcpu *v)
{
	(void)v;
}

void restart_on_init(struct vcpu *v, struct svm_exit *e)
{
	(void)v;
	e->exit.kind = HF_EXIT_KICK;
	is_reset = true;
}

void restart_after_window(struct vcpu *v)
{
	(void)v;
	looked++;
}

/* After a shoot-down's sync, and a CPU that was started again syncs once more. */
static u32 restarts;

bool startup_sync(struct cpu *c)
{
	assert_ptr_equal(c, &cpu);
	assert_true(synced > 0);
	if (!restarts)
		return false;
	restarts--;
	synced--;
	return true;
}

int launch_arrive(struct cpu *c, int error)
{
	assert_ptr_equal(c, &cpu);
	arrived = error;
	return error;
}

_Noreturn void panic(const char *format, ...)
{
	(void)format;
	siglongjmp(reset, 2);
}

_Noreturn void backend_halt(void)
{
	abort();
}

/* STGI 0f 01 dc and CLGI 0f 01 dd are stepped over, VMLOAD 0f 01 da, VMSAVE 0f 01 db and WBINVD
 * 0f 09 played; LIDT with no table is the reset. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	const u8 *code = (const u8 *)*rip;

	(void)info;
	if (code[0] == 0x0f && code[1] == 0x01 && (code[2] == 0xdc || code[2] == 0xdd)) {
		/* Only open in between. */
		stgi += code[2] == 0xdc;
		if (code[2] == 0xdc)
			((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] += latched;
		clgi += code[2] == 0xdd && stgi == clgi + 1;
		*rip += 3;
		return;
	}
	if (code[0] == 0x0f && code[1] == 0x01 && (code[2] == 0xda || code[2] == 0xdb)) {
		if (code[2] == 0xda)
			tr = vmcb.tr;
		else
			vmcb.tr = tr;
		*rip += 3;
		return;
	}
	if (code[0] == 0x0f && code[1] == 0x09) {
		wbinvd++;
		*rip += 2;
		return;
	}
	if ((code[0] == 0x0f && code[1] == 0x01) || (code[0] == 0x41 && code[1] == 0x0f))
		siglongjmp(reset, 1);
	signal(number, SIG_DFL);
}

/* ---- a guest ---- */

/* Every entry of a level leads to the one table below; every page is the one with the code. */
static void map(void)
{
	u64 table, entry;
	size_t i;

	for (table = TABLES; table < CODE; table += PAGE_SIZE)
		for (i = 0; i < 512; i++) {
			entry = (table + PAGE_SIZE) | 1;
			memcpy(memory + table + i * sizeof(entry), &entry, sizeof(entry));
		}
}

static int setup(void **ctx)
{
	const struct cpuid all = { ~0u, ~0u, ~0u, ~0u };
	int i;

	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(1, all);
	fake_cpu_set_leaf(7, all);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, all);
	fake_cpu_set_leaf(0x80000021, (struct cpuid){ 0 });
	sysreg_init();
	fake_cpu_set_msr(MSR_FS_BASE, 0);
	fake_cpu_set_msr(MSR_GS_BASE, 0);
	fake_cpu_set_msr(MSR_VM_CR, 0);
	fake_cpu_set_msr(MSR_LSTAR, SENTINEL);
	memset(&vmcb, 0, sizeof(vmcb));
	memset(memory, 0, sizeof(memory));
	map();
	vmcb.rip = RIP;
	vmcb.rax = 0xaaaaaaaabbbbbbbb;
	vmcb.rsp = 0x5000;
	vmcb.cr0 = CR0;
	vmcb.cr3 = TABLES;
	vmcb.cr4 = CR4;
	vmcb.efer = EFER;
	vmcb.cs.attributes = SEGMENT_L;
	vmcb.interrupt_shadow = 1;
	for (i = 0; i < GPR_COUNT; i++)
		gprs.r[i] = 0x100 + i;
	cpu = (struct cpu){ 0 };
	vcpu = (struct vcpu){ .vmcb = &vmcb, .cpu = &cpu };
	svm = (struct svm){ 0 };
	decided = flushed = synced = stgi = clgi = performed = looked = 0;
	is_store = is_reset = false;
	performs = true;
	decided = flushed = synced = stgi = clgi = wbinvd = entered = 0;
	latched = 1;
	absorbed = 0;
	tr = (struct segment){ 0 };
	performed = looked = 0;
	is_store = is_reset = false;
	performs = true;
	return 0;
}

/* One exit; 0, or how it ended: 1 reset, 2 panic. */
static int run(u64 code, u64 info0, u64 info1, enum verdict v)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	int how;

	/* cmocka has installed its own since the setup. */
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	how = sigsetjmp(reset, 1);
	if (how)
		return how;
	verdict = v;
	vmcb.exit_code = code;
	vmcb.exit_info[0] = info0;
	vmcb.exit_info[1] = info1;
	vmcb.event_inject = 0x80000b0d; /* the last one: gone by itself */
	vmcb.tlb_control = TLB_FLUSH_ALL;
	assert_int_equal(vcpu_exit(&vcpu, &gprs), 0);
	assert_int_equal(synced, 1);
	synced = 0;
	return 0;
}

static void put_code(const char *bytes, size_t size)
{
	memcpy(memory + CODE + (RIP & PAGE_MASK), bytes, size);
}

static void stayed(void)
{
	assert_int_equal(vmcb.rip, RIP);
	assert_int_equal(vmcb.interrupt_shadow, 1);
}

static void advanced(u64 length)
{
	assert_int_equal(vmcb.rip, RIP + length);
	assert_int_equal(vmcb.interrupt_shadow, 0);
	assert_int_equal(vmcb.event_inject, 0);
}

#define GP   0x80000b0dull /* valid, error code, exception 13 */
#define DF   0x80000b08ull
#define NONE 0ull

/* APM vol. 2, 8.2.9: contributory exceptions and page faults make a #GP a double fault. */
static void double_faults(void **ctx)
{
	u32 vector;

	(void)ctx;
	for (vector = 0; vector < 32; vector++) {
		bool contributory = vector == 0 || (vector >= 10 && vector <= 14);

		setup(NULL);
		vmcb.exit_interrupt = 0x80000300 | vector;
		assert_int_equal(run(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT),
				 vector == 8 ? 1 : 0);
		if (vector == 8)
			continue;
		assert_int_equal(vmcb.event_inject, contributory ? DF : GP);
		stayed();
	}
	/* Not valid, or no exception: a plain #GP. */
	setup(NULL);
	vmcb.exit_interrupt = 0x30e;
	run(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT);
	assert_int_equal(vmcb.event_inject, GP);
	vmcb.exit_interrupt = 0x80000030;
	run(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT);
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
		run(EXIT_CODE_NPF, 0, 0x7000, VERDICT_RETRY);
		assert_int_equal(vmcb.event_inject, table[i].inject);
		assert_int_equal(vmcb.tlb_control, TLB_KEEP);
		stayed();
	}
	/* What we inject goes first. */
	vmcb.exit_interrupt = 0x80000020;
	run(EXIT_CODE_NPF, 0, 0x7000, VERDICT_UNDEFINED);
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
		vmcb.cpl = table[i].cpl;
		run(EXIT_CODE_NPF, table[i].info, 0x7123, VERDICT_RETRY);
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
	run(EXIT_CODE_VMMCALL, 0, 0, VERDICT_RESULT);
	assert_int_equal(seen.kind, HF_EXIT_CALL);
	assert_int_equal(seen.call.number, 0xaaaaaaaabbbbbbbb);
	assert_int_equal(seen.call.arg[0], 0x107);
	assert_int_equal(seen.call.arg[1], 0x106);
	assert_int_equal(seen.call.arg[2], 0x102);
	assert_int_equal(seen.call.arg[3], 0x101);
	assert_int_equal(vmcb.rax, (u64)-38);
	advanced(3);
	/* With prefixes, where the CPU says so. */
	setup(NULL);
	svm.features = HF_FEATURE_NEXT_RIP;
	vmcb.next_rip = RIP + 4;
	run(EXIT_CODE_VMMCALL, 0, 0, VERDICT_RESULT);
	advanced(4);
}

/* Done for the guest is done: a single step ends here. */
static void single_step(void **ctx)
{
	(void)ctx;
	vmcb.rflags = 0x102;
	run(EXIT_CODE_VMMCALL, 0, 0, VERDICT_RESULT);
	assert_int_equal(vmcb.rip, RIP + 3);
	assert_int_equal(vmcb.event_inject, 0x80000301);
	assert_int_equal(vmcb.dr6, 1u << 14);
	/* What is not done is not. */
	setup(NULL);
	vmcb.rflags = 0x102;
	run(EXIT_CODE_NPF, NPF_WRITE, 0x7000, VERDICT_FAULT);
	assert_int_equal(vmcb.event_inject, GP);
	assert_int_equal(vmcb.dr6, 0);
}

/* Values the processor would fault on are never stored: VMRUN would refuse the block. */
static void registers_refused(void **ctx)
{
	static const struct {
		u64 code, value;
		const char *bytes;
	} table[] = {
		{ EXIT_CODE_CR0_WRITE, CR0 | 1ull << 32, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0 | 1ull << 29, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0 & ~1ull, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0 & ~(1ull << 31), "\x0f\x22\xc0" },
		{ EXIT_CODE_CR4_WRITE, 0, "\x0f\x22\xe0" },
		{ EXIT_CODE_CR4_WRITE, CR4 | 1ull << 13, "\x0f\x22\xe0" },
		{ EXIT_CODE_CR4_WRITE, CR4 | 1ull << 12, "\x0f\x22\xe0" },
		/* not what the exit says: changed since */
		{ EXIT_CODE_CR4_WRITE, CR4, "\x0f\x22\xc0" },
		{ EXIT_CODE_CR0_WRITE, CR0, "\x0f\x22\xe0" },
		{ EXIT_CODE_CR4_WRITE, CR4, "\x0f\x06\x90" },
		{ EXIT_CODE_CR0_WRITE, CR0, "\x90\x90\x90" },
		{ EXIT_CODE_IDTR_WRITE, 0, "\x0f\x01\xd9" },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		setup(NULL);
		put_code(table[i].bytes, 3);
		vmcb.rax = table[i].value;
		/* An exit that was not understood is no register's; the core refuses it. */
		run(table[i].code, 0, 0, i < 7 ? VERDICT_PERFORM : VERDICT_FAULT);
		assert_int_equal(seen.kind, i < 7 ? HF_EXIT_REGISTER : HF_EXIT_OTHER);
		assert_int_equal(vmcb.cr0, CR0);
		assert_int_equal(vmcb.cr4, CR4);
		assert_int_equal(vmcb.event_inject, GP);
		assert_int_equal(flushed, 0);
		stayed();
	}
}

static void registers_performed(void **ctx)
{
	(void)ctx;
	put_code("\x41\x0f\x22\xc4", 4);     /* mov %r12, %cr0 */
	gprs.r[GPR_R12] = CR0 | 0x1ffc0 | 8; /* reserved bits are ignored */
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_CR0);
	assert_int_equal(seen.reg.old, CR0);
	assert_int_equal(vmcb.cr0, CR0 | 8);
	assert_int_equal(flushed, 1);
	advanced(4);
	setup(NULL);
	vmcb.cr0 = CR0 | 8;
	put_code("\x0f\x06", 2); /* clts */
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.cr0, CR0);
	advanced(2);
	setup(NULL);
	put_code("\x0f\x01\xf1", 3); /* lmsw %cx: PE cannot be cleared */
	gprs.r[GPR_RCX] = 0xfffc;
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.cr0, (CR0 & ~0xeull) | 0xd);
	advanced(3);
	/* With assistance nothing is decoded; but RSP is the guest's, not ours. */
	setup(NULL);
	svm.features = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP;
	vmcb.rsp = CR4 | 0x80;
	vmcb.next_rip = RIP + 5;
	run(EXIT_CODE_CR4_WRITE, 1ull << 63 | GPR_RSP, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.cr4, CR4 | 0x80);
	assert_int_equal(flushed, 1);
	advanced(5);
}

/* CR0.CD stays clear; the guest reads it as it has set it, and only then reads exit. */
static void cache_disable(void **ctx)
{
	const u64 cd = 1ull << 30;
	u32 before = vmcb.intercept[INTERCEPT_CR];

	(void)ctx;
	absorbed = cd;
	put_code("\x0f\x22\xc0", 3); /* mov %rax, %cr0 */
	vmcb.rax = CR0 | cd;
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.value, CR0 | cd);
	assert_int_equal(vmcb.cr0, CR0);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before | 1);
	advanced(3);
	/* Read into RAX, RSP and another. */
	vmcb.rip = RIP;
	put_code("\x0f\x20\xc0", 3);
	run(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.rax, CR0 | cd);
	assert_int_equal(decided, 1);
	assert_int_equal(cpu.stats.exits[HF_EXIT_REGISTER], 1);
	advanced(3);
	vmcb.rip = RIP;
	put_code("\x0f\x20\xc4", 3);
	run(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.rsp, CR0 | cd);
	vmcb.rip = RIP;
	put_code("\x41\x0f\x20\xc4", 4);
	run(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(gprs.r[GPR_R12], CR0 | cd);
	advanced(4);
	/* CLTS does not change it. */
	vmcb.rip = RIP;
	put_code("\x0f\x06", 2);
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.old, CR0 | cd);
	assert_int_equal(vmcb.cr0, CR0);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before | 1);
	/* Neither does a write that is refused. */
	vmcb.rip = RIP;
	put_code("\x0f\x22\xc0", 3);
	vmcb.rax = CR0;
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before | 1);
	run(EXIT_CODE_CR0_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.intercept[INTERCEPT_CR], before);
	/* SMSW is not decoded. */
	vmcb.rip = RIP;
	put_code("\x0f\x01\xe0", 3);
	run(EXIT_CODE_CR0_READ, 0, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
	assert_int_equal(vmcb.event_inject, GP);
	/* Assisted. */
	svm.features = HF_FEATURE_DECODE_ASSIST | HF_FEATURE_NEXT_RIP;
	vmcb.next_rip = RIP + 5;
	run(EXIT_CODE_CR0_READ, 1ull << 63 | GPR_RSI, 0, VERDICT_FAULT);
	assert_int_equal(gprs.r[GPR_RSI], CR0);
	advanced(5);
}

/* Nothing is lost from caches, and nobody is asked. */
static void invd(void **ctx)
{
	(void)ctx;
	run(EXIT_CODE_INVD, 0, 0, VERDICT_FAULT);
	assert_int_equal(wbinvd, 1);
	assert_int_equal(decided, 0);
	assert_int_equal(cpu.stats.exits[HF_EXIT_OTHER], 1);
	advanced(2);
}

static void put_table(u16 limit, u64 base)
{
	struct table_register value = { limit, base };

	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	vmcb.rip = RIP;
}

static void gdtr(void **ctx)
{
	(void)ctx;
	vmcb.gdtr = (struct segment){ .limit = 0x7f, .base = 0xfffffe0000001000 };
	put_code("\x0f\x01\x15\x00\x01\x00\x00", 7); /* lgdt 0x100(%rip) */
	put_table(0x7f, 0xfffffe0000001000);
	run(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_GDTR_BASE);
	assert_int_equal(seen.reg.value, seen.reg.old);
	advanced(7);
	put_table(0xff, 0xfffffe0000001000);
	run(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_GDTR_LIMIT);
	assert_int_equal(seen.reg.old, 0x7f);
	assert_int_equal(seen.reg.value, 0xff);
	assert_int_equal(vmcb.gdtr.limit, 0xff);
	/* An empty one is no end: segments stay loaded. */
	put_table(0, 0xffff888000001000);
	run(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_SKIP);
	assert_int_equal(seen.reg.id, REG_GDTR_BASE);
	assert_int_equal(seen.reg.value, 0xffff888000001000);
	assert_false(seen.reg.fatal);
	assert_int_equal(vmcb.gdtr.limit, 0xff);
	assert_int_equal(vmcb.gdtr.base, 0xfffffe0000001000);
	advanced(7);
	/* LIDT where the exit says LGDT: changed since. */
	put_table(0x7f, 0xfffffe0000001000);
	put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7);
	run(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_FAULT);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
}

/* With less than one gate the CPU could deliver nothing. */
static void idtr_fatal(void **ctx)
{
	(void)ctx;
	put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7); /* lidt 0x100(%rip) */
	put_table(15, 0);
	run(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_FAULT);
	assert_false(seen.reg.fatal);
	put_table(14, 0);
	assert_int_equal(run(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_STOP), 1);
	assert_true(seen.reg.fatal);
}

static void put_lidt(u16 limit, u64 base)
{
	put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7); /* lidt 0x100(%rip) */
	put_table(limit, base);
	run(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_SKIP);
}

static void put_lgdt(u16 limit, u64 base)
{
	put_code("\x0f\x01\x15\x00\x01\x00\x00", 7);
	put_table(limit, base);
	run(EXIT_CODE_GDTR_WRITE, 0, 0, VERDICT_SKIP);
}

/* A bring-up ends where the CPU loads the GDT that was recorded, after the IDT, and not before. */
static void waking(void **ctx)
{
	const u64 idt = 0xfffffe0000000000, gdt = 0xfffffe0000001000;

	(void)ctx;
	cpu.recorded[REG_IDTR_BASE] = idt;
	cpu.recorded[REG_IDTR_LIMIT] = 0xfff;
	cpu.recorded[REG_GDTR_BASE] = gdt;
	cpu.recorded[REG_GDTR_LIMIT] = 0x7f;
	cpu.waking = CPU_WAKING;
	put_lgdt(0x7f, 0xffff88800000b000);
	put_lidt(0x1ff, 0xffffffff82000000);
	put_lidt(0x1ff, idt);
	put_lgdt(0x7f, gdt);
	put_lgdt(0xfff, idt);
	put_lidt(0x7f, gdt);
	assert_int_equal(cpu.waking, CPU_WAKING);
	put_lidt(0xfff, idt);
	assert_int_equal(cpu.waking, CPU_WAKING_VECTORS);
	put_lgdt(0x7f, 0xffff88800000b000);
	put_lgdt(0xff, gdt);
	put_lidt(0xfff, idt);
	assert_int_equal(cpu.waking, CPU_WAKING_VECTORS);
	put_lgdt(0x7f, gdt);
	assert_int_equal(cpu.waking, CPU_AWAKE);
	/* Once and for all. */
	put_lidt(0xfff, idt);
	assert_int_equal(cpu.waking, CPU_AWAKE);
}

#define TSS	 0xfffffe0000003000ull
#define TSS_LOW	 0x00008b0030000067ull /* busy, limit 0x67 */
#define TSS_HIGH 0xfffffe00ull
#define BUSY	 BIT(41)

static void put_tss(u32 selector, u64 low, u64 high)
{
	memcpy(memory + CODE + selector, &low, sizeof(low));
	memcpy(memory + CODE + selector + 8, &high, sizeof(high));
	vmcb.rip = RIP;
	vmcb.interrupt_shadow = 1;
}

/* The descriptor is looked at; what is loaded already is not loaded again, nor marked. */
static void task_register(void **ctx)
{
	static const struct {
		u16 selector;
		u64 low;
	} refused[] = {
		{ 0x40, TSS_LOW },		       /* busy */
		{ 0x40, TSS_LOW & ~BUSY & ~BIT(47) },  /* not present */
		{ 0x40, (TSS_LOW & ~BUSY) | BIT(44) }, /* a segment */
		{ 0x44, TSS_LOW & ~BUSY },	       /* in the LDT */
		{ 0x03, TSS_LOW & ~BUSY },	       /* null */
		{ 0x78, TSS_LOW & ~BUSY },	       /* half beyond the limit */
	};
	size_t i;

	(void)ctx;
	vmcb.gdtr = (struct segment){ .limit = 0x7f, .base = 0xfffffe0000001000 };
	tr = (struct segment){ .selector = 0x40, .base = TSS, .limit = 0x4087 };
	put_code("\x0f\x00\xd8", 3); /* ltr %ax */
	put_tss(0x40, TSS_LOW & ~BUSY, TSS_HIGH);
	vmcb.rax = 0x10040;
	run(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_REGISTER);
	assert_int_equal(seen.reg.id, REG_TR_BASE);
	assert_int_equal(seen.reg.old, TSS);
	assert_int_equal(seen.reg.value, TSS);
	assert_int_equal(tr.limit, 0x4087);
	assert_int_equal(memory[CODE + 0x45] & 2, 0);
	advanced(3);
	/* The same through another selector. */
	put_tss(0x60, TSS_LOW & ~BUSY, TSS_HIGH);
	vmcb.rax = 0x60;
	run(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_TR_SELECTOR);
	assert_int_equal(seen.reg.old, 0x40);
	assert_int_equal(seen.reg.value, 0x60);
	stayed();
	/* Another base, let through. */
	put_tss(0x40, TSS_LOW & ~BUSY, 0xffff8880);
	put_code("\x0f\x00\x18", 3); /* ltr (%rax) */
	vmcb.rax = 0xffffffff82000800;
	memcpy(memory + CODE + 0x800, "\x40", 2);
	run(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_TR_BASE);
	assert_int_equal(seen.reg.value, 0xffff888000003000);
	assert_int_equal(tr.base, 0xffff888000003000);
	assert_int_equal(tr.limit, 0x67);
	assert_int_equal(tr.attributes, 0x8b);
	advanced(3);
	put_code("\x0f\x00\xd8", 3);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		put_tss(refused[i].selector & ~7u, refused[i].low, TSS_HIGH);
		vmcb.rax = refused[i].selector;
		run(EXIT_CODE_TR_WRITE, 0, 0, VERDICT_FAULT);
		assert_int_equal(seen.kind, HF_EXIT_OTHER);
		assert_int_equal(vmcb.event_inject, GP);
		stayed();
	}
}

/* lidt of ten bytes within the page of the code, which every page is. */
static void idtr(void **ctx)
{
	struct table_register value = { 0xfff, 0xfffffe0000000000 };

	(void)ctx;
	vmcb.idtr = (struct segment){ .limit = 0xfff, .base = 0xfffffe0000000000 };
	put_code("\x0f\x01\x1d\x00\x01\x00\x00", 7); /* lidt 0x100(%rip) */
	value.limit = 0x7ff;
	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	run(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_IDTR_LIMIT);
	assert_int_equal(vmcb.idtr.limit, 0x7ff);
	advanced(7);
	vmcb.rip = RIP;
	value = (struct table_register){ 0x123, 0xffffffff81000000 };
	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	run(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_IDTR_BASE);
	assert_int_equal(vmcb.idtr.base, 0xffffffff81000000);
	assert_int_equal(vmcb.idtr.limit, 0x123);
	vmcb.rip = RIP;
	value.base = 1ull << 60;
	memcpy(memory + CODE + (RIP & PAGE_MASK) + 7 + 0x100, &value, sizeof(value));
	run(EXIT_CODE_IDTR_WRITE, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.idtr.base, 0xffffffff81000000);
	assert_int_equal(vmcb.event_inject, GP);
}

static void guest_msr(u32 msr, u64 value, enum verdict v)
{
	vmcb.rip = RIP;
	gprs.r[GPR_RCX] = 0xffffffff00000000 | msr;
	gprs.r[GPR_RDX] = 0xffffffff00000000 | value >> 32;
	vmcb.rax = 0xffffffff00000000 | (u32)value;
	run(EXIT_CODE_MSR, 1, 0, v);
}

static void guest_msr_write(u32 msr, u64 value, enum verdict v)
{
	setup(NULL);
	guest_msr(msr, value, v);
}

static void msr_writes(void **ctx)
{
	(void)ctx;
	guest_msr_write(MSR_LSTAR, 0xffffffff81234560, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_MSR);
	assert_int_equal(seen.reg.id, REG_LSTAR);
	assert_int_equal(seen.reg.value, 0xffffffff81234560);
	assert_int_equal(seen.reg.hardware, MSR_LSTAR);
	assert_false(seen.reg.unknown);
	assert_int_equal(seen.reg.old, SENTINEL);
	assert_int_equal(fake_cpu_rdmsr(MSR_LSTAR), 0xffffffff81234560);
	advanced(2);
	guest_msr_write(MSR_LSTAR, 1ull << 60, VERDICT_PERFORM);
	assert_int_equal(fake_cpu_rdmsr(MSR_LSTAR), SENTINEL);
	assert_int_equal(vmcb.event_inject, GP);
	stayed();
	/* LMA is the processor's, SVME ours. */
	guest_msr_write(MSR_EFER, 0x901, VERDICT_PERFORM);
	assert_int_equal(vmcb.efer, EFER);
	assert_int_equal(flushed, 1);
	guest_msr_write(MSR_EFER, 0x801, VERDICT_PERFORM); /* without LME */
	assert_int_equal(vmcb.event_inject, GP);
	/* What shows the virtualization extension is compared with what the guest sees. */
	guest_msr_write(MSR_VM_CR, 0, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_VM_CR);
	assert_int_equal(seen.reg.old, 0x18);
	assert_int_equal(vmcb.event_inject, GP);
	guest_msr_write(MSR_VM_HSAVE_PA, 0, VERDICT_SKIP);
	assert_int_equal(seen.reg.id, REG_VM_HSAVE_PA);
	assert_int_equal(seen.reg.old, 0);
	assert_int_equal(fake_cpu_msr_writes(), 0);
	advanced(2);
	/* Cannot be read, so that only the core's rule is asked. */
	guest_msr_write(MSR_PATCH_LOADER, 0x1000, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_PATCH_LOADER);
	assert_int_equal(seen.reg.old, 0);
	assert_int_equal(decided, 1);
}

/* No rule names it: the core is told what it holds. */
static void msr_unknown(void **ctx)
{
	static const u32 msrs[] = { 0x1a0, 0x4b564d01, 0xc0000104 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		/* There is none. */
		guest_msr_write(msrs[i], 7, VERDICT_PERFORM);
		assert_int_equal(decided, 0);
		assert_int_equal(vmcb.event_inject, GP);
		assert_int_equal(cpu.stats.exits[HF_EXIT_MSR], 1);
		stayed();
		setup(NULL);
		fake_cpu_set_msr(msrs[i], 0x500000001);
		guest_msr(msrs[i], 0x600000002, VERDICT_PERFORM);
		assert_true(seen.reg.unknown);
		assert_int_equal(seen.reg.hardware, msrs[i]);
		assert_int_equal(seen.reg.old, 0x500000001);
		assert_int_equal(seen.reg.value, 0x600000002);
		assert_int_equal(fake_cpu_rdmsr(msrs[i]), 0x600000002);
		advanced(2);
		guest_msr(msrs[i], 3, VERDICT_SKIP);
		assert_int_equal(fake_cpu_rdmsr(msrs[i]), 0x600000002);
	}
}

/* What VMRUN loads and saves is not in the CPU while the hypervisor runs. */
static void msr_switched(void **ctx)
{
	(void)ctx;
	vmcb.pat = 0x0007040600070406;
	guest_msr(MSR_PAT, 0x0007040600070400, VERDICT_FAULT);
	assert_int_equal(seen.reg.id, REG_PAT);
	assert_int_equal(seen.reg.old, 0x0007040600070406);
	setup(NULL);
	guest_msr(MSR_S_CET, 4, VERDICT_PERFORM);
	assert_int_equal(decided, 0);
	assert_int_equal(vmcb.event_inject, GP);
	setup(NULL);
	fake_cpu_set_msr(MSR_S_CET, SENTINEL);
	vmcb.s_cet = 4;
	guest_msr(MSR_S_CET, 0, VERDICT_PERFORM);
	assert_int_equal(seen.reg.id, REG_S_CET);
	assert_int_equal(seen.reg.old, 4);
	assert_int_equal(vmcb.s_cet, 0);
	assert_int_equal(fake_cpu_rdmsr(MSR_S_CET), SENTINEL);
	advanced(2);
}

static void msr_reads(void **ctx)
{
	static const struct {
		u32 msr;
		u64 value;
	} table[] = {
		{ MSR_EFER, EFER & ~0x1000ull },
		{ MSR_VM_CR, 0x18 },
		{ MSR_VM_HSAVE_PA, 0 },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		setup(NULL);
		gprs.r[GPR_RCX] = table[i].msr;
		run(EXIT_CODE_MSR, 0, 0, VERDICT_FAULT);
		assert_int_equal(vmcb.rax, table[i].value);
		assert_int_equal(gprs.r[GPR_RDX], 0);
		assert_int_equal(decided, 0);
		assert_int_equal(cpu.stats.exits[HF_EXIT_MSR], 1);
		advanced(2);
	}
	setup(NULL);
	gprs.r[GPR_RCX] = 0x40000000; /* exists nowhere */
	run(EXIT_CODE_MSR, 0, 0, VERDICT_PERFORM);
	assert_int_equal(vmcb.event_inject, GP);
	stayed();
}

/* Machine-check banks exit because no permission map covers them; they are the guest's. */
static void msr_banks(void **ctx)
{
	(void)ctx;
	setup(NULL);
	fake_cpu_set_msr(0xc0002001, 0x123456789);
	gprs.r[GPR_RCX] = 0xc0002001;
	run(EXIT_CODE_MSR, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.rax, 0x23456789);
	assert_int_equal(gprs.r[GPR_RDX], 1);
	advanced(2);
	setup(NULL);
	fake_cpu_set_msr(0xc0002001, 5);
	gprs.r[GPR_RCX] = 0xc0002001;
	gprs.r[GPR_RDX] = 0;
	vmcb.rax = 7;
	run(EXIT_CODE_MSR, 1, 0, VERDICT_FAULT);
	assert_int_equal(fake_cpu_rdmsr(0xc0002001), 7);
	advanced(2);
	guest_msr_write(0xc0002004, 7, VERDICT_PERFORM);
	assert_int_equal(vmcb.event_inject, GP);
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
		setup(NULL);
		svm.serial_port = 0x3f8;
		run(EXIT_CODE_IOIO, table[i].info, RIP + 2, VERDICT_SKIP);
		assert_int_equal(seen.kind, HF_EXIT_PORT);
		assert_int_equal(seen.port.port, 0x3f8);
		assert_int_equal(seen.port.write, !(table[i].info & 1));
		assert_int_equal(seen.port.width, table[i].info >> 4 & 7);
		assert_int_equal(vmcb.rax, table[i].rax);
		advanced(2);
	}
}

/* What is in order is done, what cannot be done is a fault. */
static void ports_performed(void **ctx)
{
	(void)ctx;
	run(EXIT_CODE_IOIO, 0x06040020, RIP + 2, VERDICT_PERFORM);
	assert_int_equal(seen.port.port, 0x604);
	assert_int_equal(fake_cpu_io.count, 1);
	assert_int_equal(fake_cpu_io.value, 0xbbbb);
	advanced(2);
	setup(NULL);
	run(EXIT_CODE_IOIO, 0x06040024, RIP + 2, VERDICT_PERFORM);
	assert_int_equal(fake_cpu_io.count, 0);
	assert_int_equal(vmcb.event_inject, GP);
	stayed();
}

static void nmi(void **ctx)
{
	(void)ctx;
	cpu.kicked = 1;
	run(EXIT_CODE_NMI, 0, 0, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	assert_int_equal(cpu.kicked, 0);
	run(EXIT_CODE_NMI, 0, 0, VERDICT_PASS);
	assert_int_equal(seen.kind, HF_EXIT_NMI);
	assert_int_equal(vmcb.event_inject, 0x80000202);
	assert_int_equal(stgi, 2);
	assert_int_equal(clgi, 2);
	assert_int_equal(looked, 2);
	stayed();
}

/* A refused write that is a device's store; any other is memory, and so is a page walk. */
static void stores(void **ctx)
{
	(void)ctx;
	is_store = true;
	run(EXIT_CODE_NPF, NPF_WRITE, 0x7123, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_DEVICE);
	assert_int_equal(performed, 1);
	advanced(6);
	setup(NULL);
	is_store = true;
	performs = false;
	run(EXIT_CODE_MSR, 1, 0, VERDICT_PERFORM);
	assert_int_equal(seen.kind, HF_EXIT_DEVICE);
	assert_int_equal(vmcb.event_inject, GP);
	stayed();
	setup(NULL);
	is_store = true;
	run(EXIT_CODE_NPF, NPF_WRITE | NPF_WALK, 0x7123, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_MEMORY);
	run(EXIT_CODE_NPF, 0, 0x7123, VERDICT_RETRY);
	assert_int_equal(seen.kind, HF_EXIT_MEMORY);
}

static void init(void **ctx)
{
	(void)ctx;
	restarts = 3;
	run(EXIT_CODE_SX, 1, 0, VERDICT_RETRY);
	assert_int_equal(restarts, 0);
	assert_true(is_reset);
	assert_int_equal(seen.kind, HF_EXIT_KICK);
	stayed();
}

static void others(void **ctx)
{
	static const u64 virt[] = { 0x7a, 0x80, 0x82, 0x83, 0x84, 0x85, 0x86 };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(virt); i++) {
		run(virt[i], 0, 0, VERDICT_UNDEFINED);
		assert_int_equal(seen.kind, HF_EXIT_VIRT);
		assert_int_equal(vmcb.event_inject, 0x80000306);
		stayed();
	}
	/* Left out is only what has a known end. */
	run(0x64, 0, 0, VERDICT_SKIP);
	assert_int_equal(seen.kind, HF_EXIT_OTHER);
	assert_int_equal(vmcb.event_inject, GP);
	stayed();
	assert_int_equal(run(EXIT_CODE_SHUTDOWN, 0, 0, VERDICT_STOP), 1);
	assert_int_equal(seen.kind, HF_EXIT_SHUTDOWN);
}

/* A fault the first time; a second time from the same place there is no going on. */
static void invalid(void **ctx)
{
	static const u64 codes[] = { 0xffffffff, ~0ull };
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		setup(NULL);
		run(codes[i], 0, 0, VERDICT_FAULT);
		assert_int_equal(seen.kind, HF_EXIT_OTHER);
		assert_int_equal(vmcb.event_inject, GP);
		/* A VMRUN that was refused has not flushed what it was to flush. */
		assert_int_equal(flushed, 1);
		assert_int_equal(run(codes[i], 0, 0, VERDICT_STOP), 1);
		assert_int_equal(seen.kind, HF_EXIT_SHUTDOWN);
	}
}

/* What no processor lets a guest get into is taken back before the entry. */
static void enterable(void **ctx)
{
	(void)ctx;
	setup(NULL);
	svm.cr3_reserved = ~0ull << 40;
	vmcb.cs.attributes = SEGMENT_L | SEGMENT_D | 0x9b;
	vmcb.cr3 = 1ull << 51 | 0x1000;
	run(0x64, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.cs.attributes, SEGMENT_L | 0x9b);
	assert_int_equal(vmcb.cr3, 0x1000);
	assert_int_equal(flushed, 1);
	svm.cr3_reserved = 0;
	vmcb.cs.attributes = SEGMENT_D | 0x9b;
	run(0x64, 0, 0, VERDICT_FAULT);
	assert_int_equal(vmcb.cs.attributes, SEGMENT_D | 0x9b);
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
		setup(NULL);
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
		assert_int_equal(vmcb.rip, table[i].error ? RIP : 0x4444);
		if (!table[i].error) {
			assert_int_equal(vmcb.rsp, 0x8888);
			assert_int_equal(vmcb.rax, 0);
			assert_int_equal(gprs.r[GPR_RBX], 0x55);
			assert_int_equal(gprs.r[GPR_R15], 0x66);
			assert_int_equal(gprs.r[GPR_RCX], 0);
		}
	}
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(double_faults),
		test(redelivery),
		test(page_faults),
		test(calls),
		test(single_step),
		test(registers_refused),
		test(registers_performed),
		test(idtr),
		test(cache_disable),
		test(invd),
		test(gdtr),
		test(idtr_fatal),
		test(waking),
		test(task_register),
		test(msr_writes),
		test(msr_unknown),
		test(msr_switched),
		test(msr_reads),
		test(msr_banks),
		test(ports),
		test(ports_performed),
		test(nmi),
		test(stores),
		test(init),
		test(others),
		test(invalid),
		test(enterable),
		test(trial),
	};

	return cmocka_run_group_tests_name("svm_exit", tests, NULL, NULL);
}
