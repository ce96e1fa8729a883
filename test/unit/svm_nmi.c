// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs of the guest through vcpu_exit: none lost, none doubled, none inside the handling of
 * another. The core is replaced by what it says about NMIs; STGI, which lets pending ones in, is
 * caught by its bytes.
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
#define NONE 0ull

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

u64 backend_register_read(struct cpu *c, u32 reg)
{
	(void)c;
	return reg;
}

struct page owner_page(struct gpa address)
{
	(void)address;
	return (struct page){ 0 };
}

const u8 owner_kinds[HF_KIND_COUNT];

int launch_arrive(struct cpu *c, int error)
{
	(void)c;
	return error;
}

void shootdown_entered(struct cpu *c, bool flushing)
{
	(void)c;
	(void)flushing;
}

/* ---- no device is guarded, no CPU restarted ---- */

void tables_on_fetch(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	(void)v;
	(void)e;
	(void)at;
}

void device_on_store(struct vcpu *v, struct x86_exit *e, struct gpa at)
{
	(void)at;
	(void)v;
	(void)e;
}

bool device_on_msr(struct vcpu *v, struct x86_exit *e)
{
	(void)v;
	(void)e;
	return false;
}

bool device_perform(struct vcpu *v, const struct x86_exit *e)
{
	(void)v;
	(void)e;
	return false;
}

void device_cpu_init(struct vcpu *v)
{
	(void)v;
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

bool startup_sync(struct cpu *c)
{
	(void)c;
	return false;
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
		kick_comes = 0;
		cpu.kicked = 1;
	}
	gregs[REG_RIP] += 3;
}

/* ---- a guest ---- */

static int setup(void **ctx)
{
	(void)ctx;
	fake_cpu_reset();
	memset(&vmcb, 0, sizeof(vmcb));
	vmcb.state.rip = 0x1000;
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
	assert_int_equal(vmcb.state.rip, 0x1000);
	return vmcb.event_inject;
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
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_int_equal(last_kind, HF_EXIT_WINDOW);
	assert_false(handling());
	assert_int_equal(vmcb.intercept[INTERCEPT_MISC1], MISC1_NMI);
}

/* However many come while one is handled: one more, before the IRET. */
static void while_handling(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	for (int i = 0; i < 3; i++)
		assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NMI);
	assert_true(handling());
	assert_int_equal(cpu.pending, 0);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
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
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NMI);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
}

/* A fault in the delivery takes the place of the NMI, as in hardware; blocked it stays. */
static void faulting_delivery(void **ctx)
{
	(void)ctx;
	assert_int_equal(nmi_exit(1), NMI);
	assert_int_equal(run(0x64, NMI), GP);
	assert_true(handling());
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	assert_false(handling());
}

/* Another event goes first; the NMI comes at the next IRET. */
static void behind_a_fault(void **ctx)
{
	(void)ctx;
	nmi_comes = 1;
	assert_int_equal(run(0x64, NONE), GP);
	assert_int_equal(cpu.pending, CPU_NMI);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NMI);
	assert_int_equal(cpu.pending, 0);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	/* The same behind what is delivered again. */
	nmi_comes = 1;
	assert_int_equal(run(EXIT_CODE_NPF, 0x80000030), 0x80000030);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NMI);
}

/* From software, when the CPU had already decided to leave. */
static void from_software(void **ctx)
{
	(void)ctx;
	nmi_comes = 1;
	assert_int_equal(run(EXIT_CODE_NPF, NONE), NMI);
	nmi_comes = 1;
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NMI);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
}

static void kicks(void **ctx)
{
	(void)ctx;
	cpu.kicked = 1;
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(last_kind, HF_EXIT_KICK);
	assert_int_equal(cpu.kicked, 0);
	assert_false(handling());
	/* A kick and the guest's own, which came after the first was taken. */
	cpu.kicked = 1;
	assert_int_equal(nmi_exit(2), NMI);
	assert_int_equal(cpu.kicked, 0);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
	/* Two of the guest's are one: the second came before the first was delivered. */
	assert_int_equal(nmi_exit(2), NMI);
	assert_int_equal(run(EXIT_CODE_IRET, NONE), NONE);
}

/* A kick on its way is the guest's in the place of the guest's that was taken for it. */
static void kick_on_its_way(void **ctx)
{
	(void)ctx;
	kick_comes = 1;
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(last_kind, HF_EXIT_KICK);
	assert_int_equal(nmi_exit(1), NMI);
}

/* The exit comes again until the NMI has been taken; the mark of a kick stays until then. */
static void none_taken(void **ctx)
{
	(void)ctx;
	cpu.kicked = 1;
	assert_int_equal(nmi_exit(0), NONE);
	assert_int_equal(cpu.kicked, 1);
	assert_int_equal(nmi_exit(1), NONE);
	assert_int_equal(cpu.kicked, 0);
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
			break;
		case 6 ... 9:
			nmi_comes = comes = seed >> 27 & 1;
			injected = run(EXIT_CODE_NPF, NONE);
			break;
		default:
			if (!handling())
				continue;
			running = false;
			injected = run(EXIT_CODE_IRET, NONE);
		}
		pending |= comes;
		assert_int_equal(injected, pending && !running ? NMI : NONE);
		running |= pending;
		pending &= injected != NMI;
		assert_int_equal(handling(), running);
		assert_int_equal(cpu.pending, pending ? CPU_NMI : 0);
	}
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(one),
		test(while_handling),
		test(interrupted_delivery),
		test(faulting_delivery),
		test(behind_a_fault),
		test(from_software),
		test(kicks),
		test(kick_on_its_way),
		test(none_taken),
		test(flush_demanded_last),
		test(random_order),
	};

	return cmocka_run_group_tests_name("svm_nmi", tests, NULL, NULL);
}
