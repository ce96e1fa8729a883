// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/objtool.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/fpu/xcr.h>
#include <asm/io.h>
#include <asm/linkage.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/realmode.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "compat.h"
#include "resume.h"

#define RESET_STACK	PAGE_SIZE
#define HOLD_SECONDS	10
#define RESTART_SECONDS 3
#define RESTARTS	4
#define STOPPED_MS	500 /* CPUs of an emulator may rest as long */

/* What INIT clears or may clear, besides the general registers. */
static const u32 saved_msrs[] = {
	MSR_EFER,
	MSR_STAR,
	MSR_LSTAR,
	MSR_CSTAR,
	MSR_SYSCALL_MASK,
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_IA32_CR_PAT,
	MSR_FS_BASE,
	MSR_GS_BASE,
	MSR_KERNEL_GS_BASE,
	MSR_TSC_AUX,
};

/* In the order they are written back: the unit is switched on first, the timer started last. */
static const u16 saved_apic[] = {
	APIC_SPIV,  APIC_LDR,  APIC_DFR,  APIC_TASKPRI, APIC_LVTT, APIC_LVTTHMR,
	APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,	APIC_TDCR, APIC_TMICT,
};

/* Callee-saved registers, as resume_save and resume_load below have them. */
struct registers {
	u64 rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

static struct {
	struct registers registers;
	unsigned int cpu;
	u64 cr0, cr3, cr4, xcr0;
	u64 msr[ARRAY_SIZE(saved_msrs)];
	u32 apic[ARRAY_SIZE(saved_apic)];
	struct desc_ptr gdt, idt;
	u16 ds, es, tr, ldt;
	struct task_struct *task; /* that holds the CPU */
	bool go, held, release, back;
	unsigned long rounds;
	u8 stack[RESET_STACK] __aligned(16);
} hold;

/* Returns 0, and a second time, with 1, when the registers are loaded. */
u64 resume_save(struct registers *to);
void __noreturn resume_load(const struct registers *from);

asm(".pushsection .text\n"
    ".type resume_save, @function\n"
    "resume_save:\n"
    "	mov %rbx, 0(%rdi)\n"
    "	mov %rbp, 8(%rdi)\n"
    "	mov %r12, 16(%rdi)\n"
    "	mov %r13, 24(%rdi)\n"
    "	mov %r14, 32(%rdi)\n"
    "	mov %r15, 40(%rdi)\n"
    "	lea 8(%rsp), %rax\n"
    "	mov %rax, 48(%rdi)\n"
    "	mov (%rsp), %rax\n"
    "	mov %rax, 56(%rdi)\n"
    "	xor %eax, %eax\n"
    "	" ASM_RET ".size resume_save, . - resume_save\n"
    ".type resume_load, @function\n"
    "resume_load:\n"
    "	mov 0(%rdi), %rbx\n"
    "	mov 8(%rdi), %rbp\n"
    "	mov 16(%rdi), %r12\n"
    "	mov 24(%rdi), %r13\n"
    "	mov 32(%rdi), %r14\n"
    "	mov 40(%rdi), %r15\n"
    "	mov 48(%rdi), %rsp\n"
    "	mov $1, %eax\n"
    "	" ANNOTATE_RETPOLINE_SAFE "\n"
    "	jmp *56(%rdi)\n"
    "	int3\n"
    ".size resume_load, . - resume_load\n"
    ".popsection\n");

static void save_state(void)
{
	unsigned int i;

	hold.cr0 = native_read_cr0();
	hold.cr3 = __read_cr3();
	hold.cr4 = native_read_cr4();
	if (hold.cr4 & X86_CR4_OSXSAVE)
		hold.xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	native_store_gdt(&hold.gdt);
	store_idt(&hold.idt);
	asm volatile("mov %%ds, %0" : "=rm"(hold.ds));
	asm volatile("mov %%es, %0" : "=rm"(hold.es));
	asm volatile("str %0" : "=rm"(hold.tr));
	asm volatile("sldt %0" : "=rm"(hold.ldt));
	for (i = 0; i < ARRAY_SIZE(saved_msrs); i++)
		rdmsrl_safe(saved_msrs[i], &hold.msr[i]);
	for (i = 0; i < ARRAY_SIZE(saved_apic); i++)
		hold.apic[i] = native_apic_mem_read(saved_apic[i]);
}

/* Where the kernel's start-up code ends on the CPU that was lost: its page tables, our stack.
 */
static void __noreturn restore_state(void)
{
	struct desc_struct *table = get_cpu_gdt_rw(hold.cpu);
	struct desc_ptr writable = { hold.gdt.size, (unsigned long)table };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(saved_msrs); i++)
		wrmsrl_safe(saved_msrs[i], hold.msr[i]);
	asm volatile("movq %0, %%cr4" : : "r"(hold.cr4) : "memory");
	asm volatile("movq %0, %%cr3" : : "r"(hold.cr3) : "memory");
	asm volatile("movq %0, %%cr0" : : "r"(hold.cr0) : "memory");
	if (hold.cr4 & X86_CR4_OSXSAVE)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, hold.xcr0);
	/*
	 * A task register is loaded from an available segment, which becomes a busy one: in
	 * memory that can be written, which the table of normal operation is not.
	 */
	table[hold.tr / sizeof(*table)].type &= ~2;
	load_gdt(&writable);
	asm volatile("ltr %0" : : "m"(hold.tr));
	asm volatile("lldt %0" : : "m"(hold.ldt));
	load_gdt(&hold.gdt);
	/* Last: with Holdfast it ends the time in which other tables may be named. */
	load_idt(&hold.idt);
	asm volatile("mov %0, %%ds" : : "rm"(hold.ds));
	asm volatile("mov %0, %%es" : : "rm"(hold.es));
	resume_load(&hold.registers);
}
STACK_FRAME_NON_STANDARD(restore_state); /* called by nobody, returns to nobody */

/* Until both sides are ready the scheduler and interrupts go on. */
static int hold_main(void *unused)
{
	unsigned int i;

	while (!smp_load_acquire(&hold.go))
		cond_resched();
	local_irq_disable();
	save_state();
	if (resume_save(&hold.registers)) {
		for (i = 0; i < ARRAY_SIZE(saved_apic); i++)
			native_apic_mem_write(saved_apic[i], hold.apic[i]);
	} else {
		smp_store_release(&hold.held, true);
		while (!READ_ONCE(hold.release)) {
			WRITE_ONCE(hold.rounds, hold.rounds + 1);
			cpu_relax();
		}
	}
	/* A timer that ran out in the meantime. */
	native_apic_mem_write(APIC_TMICT, 1);
	local_irq_enable();
	smp_store_release(&hold.back, true);
	return 0;
}

static bool wait_for(const bool *flag, unsigned int seconds)
{
	unsigned int left = seconds * 1000;

	while (!smp_load_acquire(flag)) {
		if (!left--)
			return false;
		mdelay(1);
	}
	return true;
}

int resume_hold(unsigned int cpu)
{
	struct task_struct *task;

	hold.cpu = cpu;
	hold.go = false;
	hold.held = false;
	hold.release = false;
	hold.back = false;
	set_cpus_allowed_ptr(current, cpumask_of(cpumask_first(cpu_online_mask)));
	task = kthread_create_on_cpu(hold_main, NULL, cpu, "hf_hold/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	hold.task = task;
	wake_up_process(task);
	preempt_disable();
	smp_store_release(&hold.go, true);
	if (wait_for(&hold.held, HOLD_SECONDS))
		return 0;
	preempt_enable();
	return -ETIMEDOUT;
}

static void send_startup(unsigned int cpu, u8 page)
{
	u32 id = cpu_physical_id(cpu);

	apic->icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, id);
	mdelay(10);
	apic->icr_write(APIC_INT_LEVELTRIG | APIC_DM_INIT, id);
	mdelay(10);
	apic->icr_write(APIC_DM_STARTUP | page, id);
	mdelay(1);
	apic->icr_write(APIC_DM_STARTUP | page, id);
}

/* As the kernel starts a CPU, but for where it goes then. */
static int restart(void)
{
	struct real_mode_header **header = attack_symbol("real_mode_header");
	int err = header ? 0 : -ENOENT;

	if (!err)
		err = compat_start_at(hold.cpu, hold.task, restore_state,
				      hold.stack + RESET_STACK - sizeof(u64));
	if (!err)
		send_startup(hold.cpu, (*header)->trampoline_start >> PAGE_SHIFT);
	return err;
}

/* An emulator of a busy machine loses an INIT now and then. */
static int restart_until_back(void)
{
	unsigned int tries;
	int err;

	for (tries = 0; tries < RESTARTS; tries++) {
		err = restart();
		if (err || wait_for(&hold.back, RESTART_SECONDS))
			return err;
	}
	return -ETIMEDOUT;
}

bool resume_stopped(void)
{
	unsigned long rounds = READ_ONCE(hold.rounds);

	mdelay(STOPPED_MS);
	return READ_ONCE(hold.rounds) == rounds;
}

int resume_return(bool lost)
{
	int err = 0;

	WRITE_ONCE(hold.release, true);
	/* A hypervisor may have taken it down without starting it. */
	if (lost || !wait_for(&hold.back, RESTART_SECONDS))
		err = restart_until_back();
	preempt_enable();
	return err;
}
