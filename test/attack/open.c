// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks that Holdfast does not stop yet. They run like the others and are reported as what
 * they are: code or data at a protected address replaced by means of the page tables, code that
 * nobody has verified, tables that the kernel itself writes in normal operation.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/io.h>
#include <asm/processor.h>

#include "attack.h"
#include "compat.h"
#include "execute.h"
#include "memory.h"
#include "paging.h"

/* Remapping. */

struct remap {
	u8 *copy;   /* page that takes the place of the target's */
	u64 *table; /* page table that takes the place of a large entry */
};

static int remap_prepare(struct attempt *t, struct remap *r)
{
	r->copy = (u8 *)__get_free_page(GFP_KERNEL);
	r->table = (u64 *)get_zeroed_page(GFP_KERNEL);
	if (!r->copy || !r->table)
		return -ENOMEM;
	memcpy(r->copy, PTR_ALIGN_DOWN(t->va, PAGE_SIZE), PAGE_SIZE);
	return 0;
}

static void remap_free(struct remap *r)
{
	free_page((unsigned long)r->copy);
	free_page((unsigned long)r->table);
}

/* The entry that leads to the copy, for a target mapped by a large or a small page. */
static u64 remap_entry(struct attempt *t, struct remap *r, u64 entry, unsigned int level)
{
	u64 copy = virt_to_phys(r->copy), base = entry & PTE_PFN_MASK & PMD_MASK;
	u64 flags = entry & ~PTE_PFN_MASK & ~(u64)_PAGE_PSE;
	unsigned int i;

	if (level == PG_LEVEL_4K)
		return (entry & ~PTE_PFN_MASK) | copy;
	for (i = 0; i < PTRS_PER_PTE; i++)
		r->table[i] = (base + i * PAGE_SIZE) | flags;
	r->table[pte_index((unsigned long)t->va)] = copy | flags;
	return virt_to_phys(r->table) | _KERNPG_TABLE_NOENC;
}

/* Looks at the target, or runs it, while the address leads to the copy; then takes that back.
 */
static enum attack_outcome remap_and(struct attempt *t, struct remap *r,
				     enum attack_outcome (*act)(struct attempt *t))
{
	enum attack_outcome outcome;
	unsigned int level;
	u64 *leaf = paging_leaf(t->va, &level), entry, lead;
	unsigned long flags;

	if (!leaf || level == PG_LEVEL_1G)
		return ATTACK_ERROR;
	entry = READ_ONCE(*leaf);
	lead = remap_entry(t, r, entry, level);
	local_irq_save(flags);
	WRITE_ONCE(*leaf, lead);
	paging_flush_here(t->va);
	outcome = act(t);
	WRITE_ONCE(*leaf, entry);
	paging_flush_here(t->va);
	local_irq_restore(flags);
	paging_flush_everywhere(t->va);
	return outcome;
}

static enum attack_outcome run_target(struct attempt *t)
{
	return execute_attack(t, t->va);
}

static enum attack_outcome read_target(struct attempt *t)
{
	u64 is;

	memory_look(t, &is);
	attack_note(t, "read %llx", is);
	return is == t->wanted ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome remap_attack(struct attempt *t, const void *content, size_t size,
					enum attack_outcome (*act)(struct attempt *t))
{
	enum attack_outcome outcome = ATTACK_ERROR;
	struct remap r = { 0 };

	if (!remap_prepare(t, &r)) {
		memcpy(r.copy + offset_in_page(t->va), content, size);
		outcome = remap_and(t, &r, act);
	}
	remap_free(&r);
	return outcome;
}

static enum attack_outcome remap_text(struct attempt *t)
{
	if (memory_target_text(t))
		return ATTACK_ERROR;
	return remap_attack(t, execute_code, EXECUTE_CODE_SIZE, run_target);
}

static enum attack_outcome remap_syscall(struct attempt *t)
{
	if (memory_target_syscall(t))
		return ATTACK_ERROR;
	return remap_attack(t, &t->wanted, t->size, read_target);
}

static enum attack_outcome remap_rodata(struct attempt *t)
{
	if (memory_target_rodata(t))
		return ATTACK_ERROR;
	return remap_attack(t, &t->wanted, t->size, read_target);
}

#define REMAP_VECTOR 31 /* reserved: nothing raises it */

/* A handler of the attacker's: counts, and goes back. */
extern unsigned int remap_hits;
unsigned int remap_hits; /* not static: the compiler sees no store to it */
asmlinkage void remap_handler(void);
asm(".text\n"
    "remap_handler:\n\t" ASM_ENDBR "incl remap_hits(%rip)\n\t"
    "iretq\n");

static enum attack_outcome raise_vector(struct attempt *t)
{
	unsigned int before = READ_ONCE(remap_hits);

	t->trap = TRAP_OF("int %1", "i"(REMAP_VECTOR));
	attack_note(t, "handler ran %u times", READ_ONCE(remap_hits) - before);
	return READ_ONCE(remap_hits) == before ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum attack_outcome remap_idt(struct attempt *t)
{
	unsigned long handler = (unsigned long)remap_handler;
	gate_desc gate = {
		.offset_low = (u16)handler,
		.segment = __KERNEL_CS,
		.bits = { .type = GATE_INTERRUPT, .p = 1 },
		.offset_middle = (u16)(handler >> 16),
		.offset_high = (u32)(handler >> 32),
	};
	struct desc_ptr idt;
	u64 wanted;

	store_idt(&idt);
	memcpy(&wanted, &gate, sizeof(wanted));
	if (memory_target_at(t, (u8 *)idt.address + REMAP_VECTOR * sizeof(gate), sizeof(u64),
			     wanted))
		return ATTACK_ERROR;
	return remap_attack(t, &gate, sizeof(gate), raise_vector);
}

static const struct attack remap_attacks[] = {
	{
		.name = "remap-text",
		.title = "lead an address of kernel text to another page and run it",
		.gives = "any code in the kernel",
		.asset = "text",
		.control = ATTACK_BARE,
		.reason = "page tables are not protected: text is by its page, not by its "
			  "address",
		.closed_by = ATTACK_CONFINES, /* the other page is none of code */
		.run = remap_text,
		.look = memory_look,
	},
	{
		.name = "remap-syscall",
		.title = "lead the system call table to another page",
		.gives = "a hook in every system call",
		.asset = "syscall table",
		.control = ATTACK_BARE,
		.reason = "page tables are not protected: data is by its page, not by its "
			  "address",
		.run = remap_syscall,
		.look = memory_look,
	},
	{
		.name = "remap-rodata",
		.title = "lead an address of read-only data to another page",
		.gives = "false constants and operation tables",
		.asset = "rodata",
		.control = ATTACK_BARE,
		.reason = "page tables are not protected: data is by its page, not by its "
			  "address",
		.run = remap_rodata,
		.look = memory_look,
	},
	{
		.name = "remap-idt",
		.title = "lead the IDT's address to another page and raise a vector of it",
		.gives = "code at every interrupt or fault",
		.asset = "IDT",
		.control = ATTACK_BARE,
		.reason = "page tables are not protected: the IDT is by its page, not by its "
			  "address",
		.run = remap_idt,
		.look = memory_look,
	},
};

const struct attack_table remap_table = { remap_attacks, ARRAY_SIZE(remap_attacks) };

/* Memory that is not sealed. */

static int target_gdt(struct attempt *t)
{
	struct desc_struct *gdt = get_cpu_gdt_rw(0);

	/* The null descriptor, which no selector reaches. */
	return memory_target_at(t, gdt, 1, 0x5a);
}

static int target_tss(struct attempt *t)
{
	struct tss_struct *tss = per_cpu_ptr(&cpu_tss_rw, 0);
	u64 *unused = &tss->x86_tss.ist[ARRAY_SIZE(tss->x86_tss.ist) - 1];

	return memory_target_at(t, unused, sizeof(*unused), 0x4846);
}

static enum attack_outcome gdt_write(struct attempt *t)
{
	return memory_attack(t, target_gdt, memory_door_none, memory_store_byte);
}

static enum attack_outcome tss_write(struct attempt *t)
{
	return memory_attack(t, target_tss, memory_door_none, memory_store_quad);
}

#define WRITABLE(name_, title_, gives_, asset_, reason_, run_)                               \
	{                                                                                    \
		.name = name_, .title = title_, .gives = gives_, .asset = asset_,            \
		.control = ATTACK_BARE, .reason = reason_, .run = run_, .look = memory_look, \
		.undo = memory_undo,                                                         \
	}

static const struct attack writable_attacks[] = {
	WRITABLE("gdt-write", "write the global descriptor table", "segments of the attacker",
		 "GDT", "the kernel writes it at every switch of threads with TLS", gdt_write),
	WRITABLE("tss-write", "write the task state segment", "stacks of the attacker", "TSS",
		 "the kernel writes it at every switch of threads", tss_write),
};

const struct attack_table writable_table = { writable_attacks, ARRAY_SIZE(writable_attacks) };
