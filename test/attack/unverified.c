// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execution, in kernel mode, of code that nobody has verified. Each page is made executable in the
 * kernel's own tables by other means, so that only the second-level tables can say no.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/task_stack.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/desc.h>
#include <asm/io.h>
#include <asm/processor.h>

#include "attack.h"
#include "compat.h"
#include "execute.h"
#include "paging.h"

/* What an attack runs is the kernel's to execute by its own tables alone. */
static enum attack_outcome run_through_alias(struct attempt *t, unsigned long pfn)
{
	void *alias = paging_alias(pfn, 1, PAGE_KERNEL_EXEC);
	enum attack_outcome outcome;

	if (!alias)
		return ATTACK_ERROR;
	outcome = execute_attack(t, alias);
	vunmap(alias);
	return outcome;
}

/* At the page's own address, by the kernel's function. */
static enum attack_outcome run_at_home(struct attempt *t, void *page)
{
	int (*set_x)(unsigned long addr, int pages) = attack_symbol("set_memory_x");
	int (*set_nx)(unsigned long addr, int pages) = attack_symbol("set_memory_nx");
	enum attack_outcome outcome;

	if (!page || !set_x || !set_nx || set_x((unsigned long)page, 1))
		return ATTACK_ERROR;
	outcome = execute_attack(t, page);
	set_nx((unsigned long)page, 1);
	return outcome;
}

/* ---- memory of the kernel ---- */

static enum attack_outcome heap(struct attempt *t)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	enum attack_outcome outcome = ATTACK_ERROR;

	if (page) {
		memcpy(page, execute_code, EXECUTE_CODE_SIZE);
		outcome = run_at_home(t, page);
	}
	free_page((unsigned long)page);
	return outcome;
}

/* The entry itself, behind the kernel's back. */
static enum attack_outcome area(struct attempt *t)
{
	void *page = vmalloc(PAGE_SIZE);
	enum attack_outcome outcome = ATTACK_ERROR;
	unsigned int level;
	u64 *leaf, entry;

	if (!page)
		return ATTACK_ERROR;
	memcpy(page, execute_code, EXECUTE_CODE_SIZE);
	leaf = paging_leaf(page, &level);
	if (leaf && level == PG_LEVEL_4K) {
		entry = READ_ONCE(*leaf);
		WRITE_ONCE(*leaf, entry & ~_PAGE_NX);
		paging_flush_everywhere(page);
		outcome = execute_attack(t, page);
		WRITE_ONCE(*leaf, entry);
		paging_flush_everywhere(page);
	}
	vfree(page);
	return outcome;
}

/* As if a module had been loaded by other means than the kernel's. */
static enum attack_outcome modules(struct attempt *t)
{
	void *page = compat_module_alloc(PAGE_SIZE);
	enum attack_outcome outcome = ATTACK_ERROR;

	if (page) {
		memcpy(page, execute_code, EXECUTE_CODE_SIZE);
		outcome = run_at_home(t, page);
		compat_module_free(page);
	}
	return outcome;
}

/*
 * A page that was init text of the kernel's and is nobody's now. Not to be had from the allocator:
 * what one asks for comes from wherever it likes. So all CPUs wait while it is used.
 */
struct init_run {
	struct attempt *attempt;
	struct page *page;
	void *alias;
	enum attack_outcome outcome;
};

static bool nobodys(struct page *page)
{
	return !page_count(page) && !PageTail(page) && !PageReserved(page);
}

static struct page *init_find(void)
{
	unsigned long from = (unsigned long)attack_symbol("_sinittext");
	unsigned long to = (unsigned long)attack_symbol("_einittext");

	if (!from || !to)
		return NULL;
	for (from = PAGE_ALIGN(from); from + PAGE_SIZE <= to; from += PAGE_SIZE)
		if (nobodys(virt_to_page(__va(__pa(from)))))
			return virt_to_page(__va(__pa(from)));
	return NULL;
}

/* Alone. What a free page holds may matter to the allocator: it is put back. */
static int init_use(void *arg)
{
	struct init_run *run = arg;
	u8 *code = page_address(run->page), before[EXECUTE_CODE_SIZE];

	if (!nobodys(run->page))
		return -EBUSY;
	memcpy(before, code, sizeof(before));
	memcpy(code, execute_code, sizeof(before));
	run->outcome = execute_attack(run->attempt, run->alias);
	memcpy(code, before, sizeof(before));
	return 0;
}

static enum attack_outcome init(struct attempt *t)
{
	struct init_run run = { .attempt = t, .page = init_find(), .outcome = ATTACK_ERROR };

	if (!run.page)
		return ATTACK_ERROR;
	attack_note(t, "frame %lx", page_to_pfn(run.page));
	run.alias = paging_alias(page_to_pfn(run.page), 1, PAGE_KERNEL_EXEC);
	if (!run.alias)
		return ATTACK_ERROR;
	if (stop_machine(init_use, &run, NULL))
		attack_note(t, "somebody took it");
	vunmap(run.alias);
	return run.outcome;
}

/* ---- memory of a process ---- */

/* With code in it, that its process may run. Ends with vm_munmap and put_page. */
static struct page *user_page(unsigned long *va)
{
	struct page *page;

	*va = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		      MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(*va))
		return NULL;
	if (!copy_to_user((void __user *)*va, execute_code, EXECUTE_CODE_SIZE) &&
	    get_user_pages_fast(*va, 1, FOLL_WRITE, &page) == 1)
		return page;
	vm_munmap(*va, PAGE_SIZE);
	return NULL;
}

static void user_free(struct page *page, unsigned long va)
{
	put_page(page);
	vm_munmap(va, PAGE_SIZE);
}

/* SMEP looks at the mapping: a second one, without the user bit, gets round it. */
static enum attack_outcome user(struct attempt *t)
{
	enum attack_outcome outcome;
	unsigned long va;
	struct page *page = user_page(&va);

	if (!page)
		return ATTACK_ERROR;
	outcome = run_through_alias(t, page_to_pfn(page));
	user_free(page, va);
	return outcome;
}

/* Or the first one, if the user bit is taken from it. */
static enum attack_outcome user_entry(struct attempt *t)
{
	enum attack_outcome outcome = ATTACK_ERROR;
	unsigned int level;
	unsigned long va;
	struct page *page = user_page(&va);
	u64 *leaf, entry;

	if (!page)
		return ATTACK_ERROR;
	leaf = paging_leaf((void *)va, &level);
	if (leaf && level == PG_LEVEL_4K) {
		entry = READ_ONCE(*leaf);
		WRITE_ONCE(*leaf, entry & ~_PAGE_USER);
		paging_flush_everywhere((void *)va);
		outcome = execute_attack(t, (void *)va);
		WRITE_ONCE(*leaf, entry);
		paging_flush_everywhere((void *)va);
	}
	user_free(page, va);
	return outcome;
}

/* The kernel has all memory mapped once more. */
static enum attack_outcome user_direct(struct attempt *t)
{
	enum attack_outcome outcome;
	unsigned long va;
	struct page *page = user_page(&va);

	if (!page)
		return ATTACK_ERROR;
	outcome = run_at_home(t, page_address(page));
	user_free(page, va);
	return outcome;
}

/* ---- an entry to the kernel that the kernel did not make ---- */

#define GATE_VECTOR 31 /* reserved: nothing raises it */
#define GATE_ANSWER 0x4846
#define GATE_STUB   0x100 /* where, in the page, the process goes on */

static u32 gate_seen;

/* What undo takes back. */
static struct {
	struct page *page, *idt;
	void *alias;
	u64 *leaf, entry;
	unsigned long idt_va;
} gate;

/* mov $gate_seen, %rax; movl $GATE_ANSWER, (%rax); iretq */
static void put_handler(u8 *at)
{
	const u64 seen = (u64)&gate_seen;
	const u32 answer = GATE_ANSWER;

	memcpy(at, "\x48\xb8", 2);
	memcpy(at + 2, &seen, sizeof(seen));
	memcpy(at + 10, "\xc7\x00", 2);
	memcpy(at + 12, &answer, sizeof(answer));
	memcpy(at + 16, "\x48\xcf", 2);
}

/* int $GATE_VECTOR; mov $60, %eax; xor %edi, %edi; syscall */
static const u8 gate_stub[] = { 0xcd, GATE_VECTOR, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05 };

/* The IDT's address leads to a copy, in which the gate is user mode's to take. */
static int lead_idt(u64 handler)
{
	const gate_desc desc = {
		.offset_low = (u16)handler,
		.segment = __KERNEL_CS,
		.bits = { .type = GATE_INTERRUPT, .dpl = 3, .p = 1 },
		.offset_middle = (u16)(handler >> 16),
		.offset_high = (u32)(handler >> 32),
	};
	struct desc_ptr idt;
	unsigned int level;

	store_idt(&idt);
	gate.idt_va = idt.address;
	gate.leaf = paging_leaf((void *)idt.address, &level);
	gate.idt = alloc_page(GFP_KERNEL);
	if (!gate.idt || !gate.leaf || level != PG_LEVEL_4K)
		return -ENOENT;
	memcpy(page_address(gate.idt), (void *)idt.address, PAGE_SIZE);
	memcpy(page_address(gate.idt) + GATE_VECTOR * sizeof(desc), &desc, sizeof(desc));
	gate.entry = READ_ONCE(*gate.leaf);
	WRITE_ONCE(*gate.leaf, (gate.entry & ~PTE_PFN_MASK) | page_to_phys(gate.idt));
	paging_flush_everywhere((void *)gate.idt_va);
	return 0;
}

/*
 * The process does not return to where it came from, but to code that takes the gate and ends. That
 * the handler ran is seen later.
 */
static enum attack_outcome user_gate(struct attempt *t)
{
	unsigned long va;

	gate_seen = 0;
	gate.page = user_page(&va);
	if (!gate.page)
		return ATTACK_ERROR;
	put_handler(page_address(gate.page));
	memcpy(page_address(gate.page) + GATE_STUB, gate_stub, sizeof(gate_stub));
	gate.alias = paging_alias(page_to_pfn(gate.page), 1, PAGE_KERNEL_EXEC);
	if (!gate.alias || lead_idt((u64)gate.alias))
		return ATTACK_ERROR;
	t->wanted = GATE_ANSWER;
	task_pt_regs(current)->ip = va + GATE_STUB;
	return ATTACK_SUCCEEDED;
}

static int gate_look(struct attempt *t, u64 *is)
{
	*is = READ_ONCE(gate_seen);
	return 0;
}

static int gate_undo(struct attempt *t)
{
	WRITE_ONCE(*gate.leaf, gate.entry);
	paging_flush_everywhere((void *)gate.idt_va);
	vunmap(gate.alias);
	put_page(gate.page);
	__free_page(gate.idt);
	gate_seen = 0;
	return 0;
}

#define ROW(name_, title_, run_)                                                \
	{                                                                       \
		.name = name_, .title = title_, .run = run_,                    \
		.gives = "any code in the kernel", .asset = "kernel execution", \
		.control = ATTACK_BARE, .reason = ATTACK_UNCONFINED,            \
		.closed_by = ATTACK_CONFINES,                                   \
	}

static const struct attack attacks[] = {
	ROW("execute-heap", "run a page of the heap after set_memory_x", heap),
	ROW("execute-vmalloc", "run a page of the vmalloc area, NX cleared in its entry", area),
	ROW("execute-modules", "run a page of the modules area that is no module's", modules),
	ROW("execute-init", "run a page that was init code of the kernel", init),
	ROW("execute-user", "run a page of a user process through a second mapping", user),
	ROW("execute-user-pte", "run a page of a user process, the user bit cleared",
	    user_entry),
	ROW("execute-user-direct", "run a page of a user process in the direct map",
	    user_direct),
	{
		.name = "execute-gate",
		.title = "run a page of a user process by a gate that the process takes",
		.gives = "any code in the kernel",
		.asset = "kernel execution",
		.control = ATTACK_BARE,
		.reason =
			"with tables for each mode the user's stay in force until code of the "
			"kernel's is fetched; gates and page tables are not guarded",
		.closed_by = ATTACK_CONFINES,
		.by_hardware = true,
		.own_vm = true,
		.stops = true, /* a refusal there finds the process' GS */
		.run = user_gate,
		.look = gate_look,
		.undo = gate_undo,
	},
};

const struct attack_table execute_table = { attacks, ARRAY_SIZE(attacks) };
