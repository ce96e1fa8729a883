// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs of the guest through vcpu_exit: none lost, none doubled without a word, none inside the
 * handling of another. The core is replaced by what it says about NMIs; STGI, which lets pending
 * ones in, is caught by its bytes.
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
#include <hv/arch/x86/svm/exit.h>
#include <hv/arch/x86/svm/vcpu.h>
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/exit.h>
#include <hv/guest.h>
#include <hv/launch.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include "fake_cpu.h"

#define NMI  0x80000202ull
#define GP   0x80000b0dull
#define DB   0x80000301ull
#define NONE 0ull

#define FULL_IDT 0xfffu

struct svm svm;
struct platform platform;

static struct vmcb vmcb;
static struct vcpu vcpu;
static struct cpu cpu;
static struct gprs gprs;

static u32 latched;    /* NMIs that the handler finds when it is let in */
static u32 kick_comes; /* another CPU marks a kick while the NMIs are taken */
static u32 nmi_comes;  /* another CPU sends one while this one is leaving */
static u32 demanded;   /* as is a flush */
static u32 last_kind;
static u64 rip; /* of the guest */

/* ---- what exit.c calls ---- */

enum verdict exit_decide(struct cpu *c, struct exit *e)
{
	assert_int_equal(c->place, CPU_INSIDE);
	last_kind = e->kind;
	if (e->kind == HF_EXIT_NMI)
		return VERDICT_PASS;
	return e->kind == HF_EXIT_OTHER ? VERDICT_FAULT : VERDICT_RETRY;
}

u64 shootdown_epoch = 1; /* newer than the CPU's, for ever: each look ends in an answer */

void shootdown_answer(struct cpu *c)
{
	assert_int_equal(c->place, CPU_LEAVING);
	if (nmi_comes)
		c->pending |= CPU_NMI;
	nmi_comes = 0;
	if (demanded)
		vmcb.tlb_control = TLB_FLUSH_ALL;
	demanded = 0;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	(void)from;
	(void)to;
	(void)size;
	return -HF_EFAULT;
}

int guest_store(struct gpa to, const void *from, size_t size)
{
	(void)to;
	(void)from;
	(void)size;
	return -HF_EFAULT;
}

void backend_flush(struct cpu *c)
{
	(void)c;
}

void tables_on_fetch(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	(void)v;
	(void)e;
	(void)at;
}

void restart_on_init(struct vcpu *v, struct x86_exit *e)
{
	(void)v;
	(void)e;
}

void restart_after_window(struct vcpu *v)
{
	(void)v;
}

/* While it is waited for: the kick is sent. */
void panic_check(void)
{
	latched = kick_comes;
	kick_comes = 0;
	cpu.kicked = KICK_SENT;
}

_Noreturn void panic(const char *format, ...)
{
	(void)format;
	abort();
}

_Noreturn void backend_halt(void)
{
	abort();
}

/* STGI 0f 01 dc, CLGI 0f 01 dd. The handler counts in EAX (traps_entry.S). */
static void on_fault(int number, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const u8 *code = (const u8 *)gregs[REG_RIP];

	(void)info;
	if (code[0] != 0x0f || code[1] != 0x01 || (code[2] != 0xdc && code[2] != 0xdd)) {
		signal(number, SIG_DFL);
		return;
	}
	if (code[2] == 0xdc) {
		gregs[REG_RAX] += latched;
		latched = 0;
	} else if (kick_comes) {
		cpu.kicked = KICK_SENDING;
	}
	gregs[REG_RIP] += 3;
}

/* ---- a guest ---- */

static int setup(void **ctx)
{
	(void)ctx;
	fake_cpu_reset();
	memset(&vmcb, 0, sizeof(vmcb));
	rip = vmcb.state.rip = 0x1000;
	vmcb.state.rflags = 2;
	vmcb.state.dr6 = 0xffff0ff0;
	vmcb.state.idtr.limit = FULL_IDT;
	vmcb.intercept[INTERCEPT_MISC1] = MISC1_NMI;
	cpu = (struct cpu){ 0 };
	vcpu = (struct vcpu){ .vmcb = &vmcb,
			      .state = &vmcb.state,
			      .event = &vmcb.event_inject,
			      .interrupted = &vmcb.exit_interrupt,
			      .shadow = &vmcb.interrupt_shadow,
			      .cpu = &cpu };
	svm = (struct svm){ 0 };
	platform = (struct platform){ 0 };
	latched = kick_comes = nmi_comes = demanded = 0;
	return 0;
}

/* One exit that interrupted the delivery of @interrupted; what is delivered then. */
static u64 run(u64 code, u64 interrupted)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	vmcb.exit_code = code;
	vmcb.exit_interrupt = interrupted;
	assert_int_equal(vcpu_exit(&vcpu, &gprs), 0);
	assert_int_equal(cpu.place, CPU_LEAVING);
	assert_int_equal(vmcb.state.rip, rip);
	return vmcb.event_inject;
}

/* IRET, to where RFLAGS are @flags: exits in front of it, and behind it if an NMI waits. */
static u64 iret_to(u64 flags)
{
	u64 flags_before = vmcb.state.rflags, dr6 = vmcb.state.dr6;

	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_int_equal(last_kind, HF_EXIT_WINDOW);
	rip = vmcb.state.rip = rip ^ 0x2000;
	if (vmcb.state.rflags == flags_before) {
		vmcb.state.rflags = flags;
		return NONE;
	}
	assert_int_equal(vmcb.state.rflags, flags_before | RFLAGS_TF);
	vmcb.state.rflags = flags;
	vmcb.state.dr6 |= DR6_BS;
	run(EXIT_CODE_DB, NONE);
	assert_int_equal(last_kind, HF_EXIT_WINDOW);
	assert_int_equal(vmcb.state.rflags, flags);
	assert_int_equal(vmcb.state.dr6, dr6);
	return vmcb.event_inject;
}

static u64 iret(void)
{
	return iret_to(2);
}

static u64 nmi_exit(u32 count)
{
	latched = count;
	return run(EXIT_CODE_NMI, NONE);
}

static bool handling(void)
{
	return vmcb.intercept[INTERCEPT_MISC1] & MISC1_IRET;
}

/* ---- cases ---- */

static void one(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(last_kind, HF_EXIT_NMI);
	assert_true(handling());
	assert_int_equal(cpu.pending, 0);
	/* Other exits of the handler: no change. */
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NONE);
	assert_true(handling());
	/* Its IRET is run, and the next one does not exit. */
	assert_int_equal(iret(), NONE);
	assert_false(handling());
	assert_int_equal(vmcb.intercept[INTERCEPT_MISC1], MISC1_NMI);
}

/* The IRET may lead to where the guest's own flag or breakpoints trap. */
static void traps_of_the_guest(void **ctx)
{
	(void)ctx;
	/* Its next instruction is to trap: behind the NMI. */
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(iret_to(RFLAGS_TF | 2), NMI);
	assert_int_equal(vmcb.state.rflags, RFLAGS_TF | 2);
	vmcb.state.rflags = 2;
	/* A breakpoint with the end of the IRET, but without the trap, which is ours. */
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_int_equal(vmcb.state.rflags, RFLAGS_TF | 2);
	vmcb.state.rflags = 2;
	vmcb.state.dr6 |= DR6_BS | 1;
	rip = vmcb.state.rip = 0x5000;
	assert_int_equal(run(EXIT_CODE_DB, NONE), DB);
	assert_int_equal(vmcb.state.dr6, 0xffff0ff1);
	assert_int_equal(iret(), NMI);
	assert_int_equal(iret(), NONE);
	/* The handler itself is stepped through: its trap comes first. */
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(nmi_exit(1), NONE);
	vmcb.state.rflags = RFLAGS_TF | 2;
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	vmcb.state.rflags = 2;
	vmcb.state.dr6 |= DR6_BS;
	assert_int_equal(run(EXIT_CODE_DB, NONE), DB);
	assert_true(vmcb.state.dr6 & DR6_BS);
	assert_int_equal(iret(), NMI);
}

/* What comes when the exit of the IRET is over, and it has not run. */
static void before_the_iret(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_int_equal(vmcb.state.rflags, 2);
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(vmcb.state.rflags, RFLAGS_TF | 2);
	/* A page it needs is missing: no change. */
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NONE);
	assert_int_equal(vmcb.state.rflags, RFLAGS_TF | 2);
	vmcb.state.rflags = 2;
	vmcb.state.dr6 |= DR6_BS;
	rip = vmcb.state.rip = 0x5000;
	assert_int_equal(run(EXIT_CODE_DB, NONE), NMI);
	/* A trap that has nothing to do with it. */
	assert_int_equal(run(EXIT_CODE_DB, NONE), DB);
}

/* The trap does not come: nobody waits for it any more, and no handler finds the flag. */
static void faulting_iret(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_int_equal(vmcb.state.rflags, RFLAGS_TF | 2);
	/* As the handler of the fault goes on, without an exit. */
	vmcb.state.rflags = 2;
	rip = vmcb.state.rip = 0x5000;
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NMI);
	assert_int_equal(run(EXIT_CODE_DB, NONE), DB);
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(iret(), NMI);
	/* One that is refused. */
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_int_equal(vmcb.state.rflags, RFLAGS_TF | 2);
	assert_int_equal(run(0x64, NONE), GP);
	assert_int_equal(vmcb.state.rflags, 2);
	assert_int_equal(iret(), NMI);
	assert_int_equal(iret(), NONE);
}

/* Where no IRET of the kernel's is, nothing waits for one, and no program gets the flag. */
static void elsewhere(void **ctx)
{
	(void)ctx;
	rip = vmcb.state.rip = 0;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(vmcb.state.rflags, 2);
	rip = vmcb.state.rip = 0x1000;
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	vmcb.state.cpl = 3;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(vmcb.state.rflags, 2);
}

/* However many come while one is handled: one more, behind the IRET. */
static void while_handling(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	for (int i = 0; i < 3; i++)
		assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(iret(), NMI);
	assert_true(handling());
	assert_int_equal(cpu.pending, 0);
	assert_int_equal(iret(), NONE);
	assert_false(handling());
}

/* Delivery that was interrupted goes on; what came meanwhile waits for the IRET. */
static void interrupted_delivery(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(run(EXIT_CODE_NPF, NMI), NMI);
	assert_true(handling());
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(run(EXIT_CODE_NPF, NMI), NMI);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(iret(), NMI);
	assert_int_equal(iret(), NONE);
}

/* A fault in the delivery takes the place of the NMI, as in hardware; blocked it stays. */
static void faulting_delivery(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(run(0x64, NMI), GP);
	assert_true(handling());
	assert_int_equal(iret(), NONE);
	assert_false(handling());
}

/* Another event goes first; the NMI comes at the next IRET. */
static void behind_a_fault(void **ctx)
{
	(void)ctx;
	nmi_comes = 1;
	assert_int_equal(run(0x64, NONE), GP);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(iret(), NMI);
	assert_int_equal(cpu.pending, 0);
	assert_int_equal(iret(), NONE);
	/* The same behind what is delivered again. */
	nmi_comes = 1;
	assert_int_equal(run(EXIT_CODE_NPF, 0x80000030), 0x80000030);
	assert_int_equal(iret(), NMI);
}

/* From software, when the CPU had already decided to leave. */
static void from_software(void **ctx)
{
	(void)ctx;
	nmi_comes = 1;
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NMI);
	nmi_comes = 1;
	assert_int_equal(iret(), NMI);
	assert_int_equal(iret(), NONE);
}

static void kicks(void **ctx)
{
	(void)ctx;
	/* Alone it may have hidden one of the guest's. */
	cpu.kicked = KICK_SENT;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(last_kind, HF_EXIT_KICK);
	assert_int_equal(cpu.kicked, KICK_NONE);
	assert_int_equal(cpu.doubts, 1);
	assert_int_equal(iret(), NONE);
	assert_false(handling());
	cpu.doubts = 0;
	/* A kick and the guest's own, which came after the first was taken. */
	cpu.kicked = KICK_SENT;
	assert_int_equal(nmi_exit(2), NMI);
	assert_int_equal(cpu.kicked, KICK_NONE);
	assert_int_equal(cpu.doubts, 0);
	assert_int_equal(iret(), NONE);
	/* Two of the guest's are one: the second came before the first was delivered. */
	assert_int_equal(nmi_exit(2), NMI);
	assert_int_equal(iret(), NONE);
}

/* A guest's NMI, and a kick that is being sent meanwhile: both are seen, none is in doubt. */
static void kick_on_its_way(void **ctx)
{
	(void)ctx;
	kick_comes = 1;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(last_kind, HF_EXIT_NMI);
	assert_int_equal(cpu.kicked, KICK_NONE);
	assert_int_equal(cpu.doubts, 0);
	assert_int_equal(iret(), NONE);
}

/* A CPU that is being started has no handler yet: what is in doubt waits, what is not does not. */
static void kicked_without_handlers(void **ctx)
{
	(void)ctx;
	for (u32 limit = 0; limit <= 0xffff; limit++) {
		if (limit == FULL_IDT)
			continue;
		vmcb.state.idtr.limit = limit;
		cpu.kicked = KICK_SENT;
		assert_int_equal(nmi_exit(1), NONE);
		assert_int_equal(cpu.pending, CPU_DOUBT);
		assert_false(handling());
		assert_int_equal(cpu.doubts, 0);
	}
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(cpu.pending, 0);
	assert_int_equal(iret(), NONE);
	cpu.kicked = KICK_SENT;
	assert_int_equal(nmi_exit(1), NONE);
	vmcb.state.idtr.limit = FULL_IDT;
	assert_int_equal(cpu.doubts, 1);
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NMI);
	assert_int_equal(cpu.doubts, 2);
	/* The table it had before lock, without what its handlers need. */
	assert_int_equal(iret(), NONE);
	cpu.waking = CPU_WAKING;
	cpu.kicked = KICK_SENT;
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(cpu.pending, CPU_DOUBT);
	cpu.doubts = 1;
	cpu.waking = CPU_WAKING_VECTORS;
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NMI);
	assert_int_equal(cpu.doubts, 2);
	/* What the guest does not ask about is forgotten some time. */
	for (int i = 0; i < 10; i++) {
		assert_int_equal(iret(), NONE);
		cpu.kicked = KICK_SENT;
		assert_int_equal(nmi_exit(1), NMI);
	}
	assert_int_equal(cpu.doubts, CPU_DOUBTS_MAX);
}

/* The exit comes again until the NMI has been taken; the mark of a kick stays until then. */
static void none_taken(void **ctx)
{
	(void)ctx;
	cpu.kicked = KICK_SENT;
	assert_int_equal(nmi_exit(0), NONE);
	assert_int_equal(cpu.kicked, KICK_SENT);
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(cpu.kicked, KICK_NONE);
}

/* What is demanded on the way out is still there when the guest runs. */
static void flush_demanded_last(void **ctx)
{
	(void)ctx;
	demanded = nmi_comes = 1;
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NMI);
	assert_int_equal(vmcb.tlb_control, TLB_FLUSH_ALL);
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NONE);
	assert_int_equal(vmcb.tlb_control, TLB_KEEP);
}

/* Against a processor's rule: one handled, one pending. Exits in any order. */
static void random_order(void **ctx)
{
	bool running = false, pending = false;
	u32 seed = 1;

	(void)ctx;
	for (int i = 0; i < 100000; i++) {
		bool comes = false, kick = false;
		u64 injected;

		seed = seed * 1664525 + 1013904223;
		switch (seed >> 28) {
		case 0 ... 5:
			kick = seed >> 27 & 1;
			comes = seed >> 26 & 1;
			if (!kick && !comes)
				continue;
			cpu.kicked = kick;
			injected = nmi_exit(kick + comes);
			comes = true;
			break;
		case 6 ... 9:
			nmi_comes = comes = seed >> 27 & 1;
			injected = run(EXIT_CODE_NPF, NONE);
			break;
		default:
			if (!handling())
				continue;
			running = false;
			injected = iret();
		}
		pending |= comes;
		assert_int_equal(injected, pending && !running ? NMI : NONE);
		running |= pending;
		pending &= injected != NMI;
		assert_int_equal(handling(), running);
		assert_int_equal(!!(cpu.pending & (CPU_NMI | CPU_DOUBT)), pending);
	}
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(one),
		test(traps_of_the_guest),
		test(before_the_iret),
		test(faulting_iret),
		test(elsewhere),
		test(while_handling),
		test(interrupted_delivery),
		test(faulting_delivery),
		test(behind_a_fault),
		test(from_software),
		test(kicks),
		test(kick_on_its_way),
		test(kicked_without_handlers),
		test(none_taken),
		test(flush_demanded_last),
		test(random_order),
	};

	return cmocka_run_group_tests_name("svm_nmi", tests, NULL, NULL);
}
