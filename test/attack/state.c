// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU state that a processor must refuse and that a hypervisor must not be stopped by, because
 * it would have to enter the guest with it. Success is that text can be written afterwards, as
 * it can before launch: there the emulator itself does not survive such values, so that they
 * are left out.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/objtool.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include <holdfast/hypercall.h>

#include "attack.h"
#include "hypercall.h"
#include "memory.h"

#define CR0_NW	      BIT_ULL(29)
#define CR4_RESERVED  BIT_ULL(40)
#define CR3_RESERVED  BIT_ULL(51)
#define EFER_RESERVED BIT_ULL(20)
#define SPARE_ENTRY   7 /* of the GDT, which the kernel does not use */

static int put_cr0(u64 value)
{
	return TRAP_OF("movq %1, %%cr0", "r"(value));
}

static int put_cr3(u64 value)
{
	return TRAP_OF("movq %1, %%cr3", "r"(value));
}

static int put_cr4(u64 value)
{
	return TRAP_OF("movq %1, %%cr4", "r"(value));
}

static int put_efer(u64 value)
{
	return wrmsrl_safe(MSR_EFER, value) ? X86_TRAP_GP : TRAP_NONE;
}

static void control_registers(struct attempt *t)
{
	unsigned long flags;
	u64 cr0, cr3, cr4, efer;
	int trap;

	local_irq_save(flags);
	cr0 = native_read_cr0();
	cr3 = __read_cr3();
	cr4 = native_read_cr4();
	rdmsrl(MSR_EFER, efer);
	trap = put_cr0(cr0 | CR0_NW);
	trap = min(trap, put_cr0(cr0 | BIT_ULL(32)));
	trap = min(trap, put_cr0(cr0 & ~X86_CR0_PG));
	trap = min(trap, put_cr0(cr0 & ~X86_CR0_PE));
	trap = min(trap, put_cr4(cr4 | CR4_RESERVED));
	trap = min(trap, put_cr4(cr4 & ~X86_CR4_PAE));
	trap = min(trap, put_cr4(cr4 ^ X86_CR4_LA57));
	trap = min(trap, put_cr4(cr4 | X86_CR4_VMXE));
	trap = min(trap, put_efer(efer | EFER_RESERVED));
	trap = min(trap, put_efer(efer & ~EFER_LME));
	trap = min(trap, put_cr3(cr3 | CR3_RESERVED));
	local_irq_restore(flags);
	attack_note(t, "control registers: %s", attack_trap_name(trap));
}

/*
 * A code segment that is both a 64-bit and a 32-bit one: a hypervisor entering the guest with
 * it is refused by the processor. VMMCALL brings it there.
 */
static noinline void code_segment(struct attempt *t)
{
	u64 *table, result = 0;
	unsigned long flags;
	int trap;

	local_irq_save(flags);
	table = (u64 *)get_current_gdt_rw();
	table[SPARE_ENTRY] = 0x00ef9b000000ffff; /* L and D */
	asm volatile("leaq 2f(%%rip), %%rcx\n\t"
		     "pushq %[wide]\n\t"
		     "leaq 1f(%%rip), %%rdx\n\t"
		     "pushq %%rdx\n"
		     "4:\tlretq\n"
		     "1:\t" ATTACK_CALL "\n\t"
		     "pushq %[kernel]\n\t"
		     "pushq %%rcx\n\t"
		     "lretq\n"
		     "2:\tmovl $-1, %[trap]\n\t"
		     "jmp 5f\n"
		     "3:\taddq $16, %%rsp\n\t"
		     "movl %%eax, %[trap]\n"
		     "5:\n\t" _ASM_EXTABLE_FAULT(4b, 3b)
		     : [trap] "=&r"(trap), "=&a"(result)
		     : [wide] "i"(SPARE_ENTRY * 8), [kernel] "i"(__KERNEL_CS),
		       "1"((u64)HF_CALL_NOOP)
		     : "rcx", "rdx", "memory");
	table[SPARE_ENTRY] = 0;
	local_irq_restore(flags);
	attack_note(t, "code segment: %s, call gave %lld", attack_trap_name(trap), (s64)result);
}
STACK_FRAME_NON_STANDARD(code_segment); /* far returns */

static enum attack_outcome hostile_control(struct attempt *t)
{
	if (memory_target_text(t))
		return ATTACK_ERROR;
	if (hypercall_answers())
		control_registers(t);
	return memory_write_text(t);
}

static enum attack_outcome hostile_segment(struct attempt *t)
{
	if (memory_target_text(t))
		return ATTACK_ERROR;
	if (hypercall_answers())
		code_segment(t);
	return memory_write_text(t);
}

#define STATE(name_, title_, run_)                                                             \
	{                                                                                      \
		.name = name_, .title = title_,                                                \
		.gives = "a hypervisor that stops or gives way", .asset = "CPU state",         \
		.control = ATTACK_PRELAUNCH, .own_vm = true, .run = run_, .look = memory_look, \
		.undo = memory_undo,                                                           \
	}

static const struct attack state_attacks[] = {
	STATE("hostile-control", "reserved bits in control registers, then write text",
	      hostile_control),
	STATE("hostile-segment", "a code segment no guest can be entered with, then write text",
	      hostile_segment),
};

const struct attack_table state_table = { state_attacks, ARRAY_SIZE(state_attacks) };
