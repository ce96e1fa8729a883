// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes of sealed memory that race: all CPUs at the same moment, and through a mapping that
 * another CPU changes while the access is being judged.
 */
#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "memory.h"
#include "paging.h"

#define STORES 64 /* of each CPU */
#define LASTS  (2 * HZ)

/* ---- all at once ---- */

struct volley {
	u8 *va; /* of the target, in a mapping of our own */
	u8 block[MEMORY_BLOCK];
	unsigned int cpus;
	atomic_t here; /* CPUs that have arrived */
	atomic_t done; /* stores that went through */
	int trap;      /* of a store that did not */
};

static void volley_fire(void *arg)
{
	struct volley *v = arg;
	unsigned int i;
	int trap;

	atomic_inc(&v->here);
	while (atomic_read(&v->here) < v->cpus)
		cpu_relax();
	for (i = 0; i < STORES; i++) {
		trap = memory_store_byte(v->va, v->block);
		if (trap == TRAP_NONE)
			atomic_inc(&v->done);
		else
			WRITE_ONCE(v->trap, trap);
	}
}

static int volley_door(struct attempt *t, memory_store store, const u8 *block)
{
	u8 *alias = paging_alias(t->pfn, 1, PAGE_KERNEL);
	struct volley v = { .trap = TRAP_NONE };

	if (!alias)
		return X86_TRAP_PF;
	v.va = alias + offset_in_page(t->va);
	memcpy(v.block, block, sizeof(v.block));
	cpus_read_lock();
	v.cpus = num_online_cpus();
	on_each_cpu(volley_fire, &v, 1);
	cpus_read_unlock();
	vunmap(alias);
	attack_note(t, "%d of %u stores went through", atomic_read(&v.done), v.cpus * STORES);
	return atomic_read(&v.done) ? TRAP_NONE : v.trap;
}

static enum attack_outcome volley(struct attempt *t)
{
	return memory_attack(t, memory_target_text, volley_door, memory_store_byte);
}

/* ---- a mapping that changes ---- */

struct swap {
	u64 *leaf;
	u64 entry[2]; /* to a page of our own, to the target */
};

static int swap_main(void *arg)
{
	struct swap *s = arg;
	unsigned int i;

	for (i = 0; !kthread_should_stop(); i++) {
		WRITE_ONCE(*s->leaf, s->entry[i % 2]);
		cond_resched(); /* both sides may share a CPU */
	}
	return 0;
}

/* Stores until one has reached the target. The trap of the last one that did not. */
static int swap_store(struct attempt *t, u8 *va, memory_store store, const u8 *block)
{
	unsigned long deadline = jiffies + LASTS, rounds = 0;
	int trap, refused = TRAP_NONE;

	while (time_before(jiffies, deadline) && READ_ONCE(*t->va) != (u8)t->wanted) {
		paging_flush_here(va);
		trap = store(va, block);
		if (trap != TRAP_NONE)
			refused = trap;
		rounds++;
		cond_resched();
	}
	attack_note(t, "%lu rounds", rounds);
	return READ_ONCE(*t->va) == (u8)t->wanted ? TRAP_NONE : refused;
}

static int swap_door(struct attempt *t, memory_store store, const u8 *block)
{
	unsigned int cpu = cpumask_last(cpu_online_mask), level;
	u8 *own = vmalloc(PAGE_SIZE);
	struct task_struct *swapper;
	int trap = X86_TRAP_PF;
	struct swap s;

	s.leaf = own ? paging_leaf(own, &level) : NULL;
	if (!s.leaf || level != PG_LEVEL_4K) {
		vfree(own);
		return trap;
	}
	s.entry[0] = READ_ONCE(*s.leaf) | _PAGE_ACCESSED | _PAGE_DIRTY;
	s.entry[1] = (s.entry[0] & ~PTE_PFN_MASK) | (u64)t->pfn << PAGE_SHIFT;
	swapper = kthread_create_on_cpu(swap_main, &s, cpu, "hf_swap/%u");
	if (!IS_ERR(swapper)) {
		wake_up_process(swapper);
		trap = swap_store(t, own + offset_in_page(t->va), store, block);
		kthread_stop(swapper);
	}
	WRITE_ONCE(*s.leaf, s.entry[0]);
	paging_flush_everywhere(own);
	vfree(own);
	return trap;
}

static enum attack_outcome swapped(struct attempt *t)
{
	return memory_attack(t, memory_target_rodata, swap_door, memory_store_byte);
}

static const struct attack race_attacks[] = {
	{
		.name = "text-volley",
		.title = "write kernel text from all CPUs at the same moment",
		.gives = "any code in the kernel",
		.asset = "text",
		.control = ATTACK_BARE,
		.run = volley,
		.look = memory_look,
		.undo = memory_undo,
	},
	{
		.name = "rodata-swap",
		.title = "write read-only data by a mapping that another CPU keeps changing",
		.gives = "false constants and operation tables",
		.asset = "rodata",
		.control = ATTACK_BARE,
		.run = swapped,
		.look = memory_look,
		.undo = memory_undo,
	},
};

const struct attack_table race_table = { race_attacks, ARRAY_SIZE(race_attacks) };
