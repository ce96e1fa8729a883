// SPDX-License-Identifier: GPL-2.0-only
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
#include <hv/backend.h>
#include <hv/guest.h>
#include <hv/launch.h>
#include <hv/panic.h>
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "guest.h"

#define TABLES 0x1000ull /* four levels */

struct svm svm;
struct platform platform;

struct vmcb vmcb;
struct vcpu vcpu;
struct cpu cpu;
struct gprs gprs;
u8 memory[MEMORY_SIZE];
struct segment tr;

struct exit seen;
u32 decided, flushed, stgi, clgi, wbinvd, looked, performed, downs, reads;
bool is_reset;
int arrived;

u64 absorbed;
bool is_store, performs;
struct page trial_page, code_page;

static u32 synced;
static u32 latched; /* NMIs that the handler finds */
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

u64 shootdown_epoch = 1; /* newer than the CPU's, for ever: each look counts */

void shootdown_answer(struct cpu *c)
{
	assert_ptr_equal(c, &cpu);
	assert_int_equal(c->place, CPU_LEAVING);
	synced++;
}

void shootdown_entered(struct cpu *c, bool flushing)
{
	assert_ptr_equal(c, &cpu);
	(void)flushing;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	reads++;
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

struct page owner_page(struct gpa address)
{
	if ((address.raw & ~PAGE_MASK) == CODE)
		return code_page;
	assert_int_equal(address.raw & ~PAGE_MASK, 0x7000);
	trial_page.guarded = is_store;
	return trial_page;
}

const u8 owner_kinds[HF_KIND_COUNT] = {
	[HF_KIND_TEXT] = HF_PERM_READ | HF_PERM_KERNEL_EXEC,
	[HF_KIND_RODATA] = HF_PERM_READ,
	[HF_KIND_MODULE_TEXT] = HF_PERM_READ | HF_PERM_KERNEL_EXEC,
};

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
	e->exit.kind = is_store ? HF_EXIT_DEVICE : HF_EXIT_OTHER;
	e->next_rip = is_store ? RIP + 6 : e->next_rip;
}

bool device_on_msr(struct vcpu *v, struct x86_exit *e)
{
	device_on_store(v, e, gpa(0));
	return is_store;
}

bool device_perform(struct vcpu *v, const struct x86_exit *e)
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

void restart_on_init(struct vcpu *v, struct x86_exit *e)
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

/* After a shoot-down's sync, and a CPU that was started again syncs once more: so many times. */
bool startup_sync(struct cpu *c)
{
	assert_ptr_equal(c, &cpu);
	assert_int_equal(synced, 1);
	if (!downs)
		return false;
	downs--;
	synced--;
	return true;
}

int launch_arrive(struct cpu *c, int error)
{
	assert_ptr_equal(c, &cpu);
	arrived = error;
	return error;
}

void panic_check(void)
{
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
			tr = vmcb.state.tr;
		else
			vmcb.state.tr = tr;
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

int guest_setup(void **ctx)
{
	const struct cpuid all = { ~0u, ~0u, ~0u, ~0u };
	int i;

	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_leaf(1, (struct cpuid){ ~0u, ~0u, ~(u32)CPUID_VMX, ~0u });
	fake_cpu_set_leaf(7, all);
	fake_cpu_set_leaf(0x80000000, (struct cpuid){ .eax = 0x80000021 });
	fake_cpu_set_leaf(0x80000001, all);
	fake_cpu_set_leaf(0x80000021, (struct cpuid){ 0 });
	sysreg_init(0);
	fake_cpu_set_msr(MSR_FS_BASE, 0);
	fake_cpu_set_msr(MSR_GS_BASE, 0);
	fake_cpu_set_msr(MSR_VM_CR, 0);
	fake_cpu_set_msr(MSR_LSTAR, SENTINEL);
	memset(&vmcb, 0, sizeof(vmcb));
	memset(memory, 0, sizeof(memory));
	map();
	vmcb.state.rip = RIP;
	vmcb.state.rax = 0xaaaaaaaabbbbbbbb;
	vmcb.state.rsp = 0x5000;
	vmcb.state.cr0 = CR0;
	vmcb.state.cr3 = TABLES;
	vmcb.state.cr4 = CR4;
	vmcb.state.efer = EFER;
	vmcb.state.cs.attributes = SEGMENT_L;
	vmcb.interrupt_shadow = 1;
	for (i = 0; i < GPR_COUNT; i++)
		gprs.r[i] = 0x100 + i;
	cpu = (struct cpu){ 0 };
	vcpu = (struct vcpu){ .vmcb = &vmcb,
			      .state = &vmcb.state,
			      .event = &vmcb.event_inject,
			      .interrupted = &vmcb.exit_interrupt,
			      .shadow = &vmcb.interrupt_shadow,
			      .cpu = &cpu };
	svm = (struct svm){ 0 };
	platform = (struct platform){ 0 };
	decided = flushed = synced = stgi = clgi = wbinvd = 0;
	latched = 1;
	absorbed = 0;
	tr = (struct segment){ 0 };
	trial_page = code_page = (struct page){ 0 };
	performed = looked = downs = reads = 0;
	is_store = is_reset = false;
	performs = true;
	return 0;
}

int guest_exit(u64 code, u64 info0, u64 info1, enum verdict v)
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

void guest_put_code(const char *bytes, size_t size)
{
	memcpy(memory + CODE + (RIP & PAGE_MASK), bytes, size);
}

void guest_stayed(void)
{
	assert_int_equal(vmcb.state.rip, RIP);
	assert_int_equal(vmcb.interrupt_shadow, 1);
}

void guest_advanced(u64 length)
{
	assert_int_equal(vmcb.state.rip, RIP + length);
	assert_int_equal(vmcb.interrupt_shadow, 0);
	assert_int_equal(vmcb.event_inject, 0);
}
