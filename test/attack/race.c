// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes of sealed memory that race: all CPUs at the same moment, through a mapping that another
 * CPU changes while the access is being judged, of a value that it changes, of one place that it
 * patches at the same time.
 */
#include <linux/cpu.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>

#include "memory.h"
#include "paging.h"
#include "site.h"

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

/* ---- one site, two CPUs ---- */

struct contest {
	u8 *va, *alias;
	u64 value[2]; /* that are genuine; the first is what is there */
	u64 source;   /* of what is stored, for another CPU to change */
	u64 seen;     /* what should not have been there, or 0 */
	atomic_t refused;
};

static void contest_store(struct contest *c, const u8 *src, struct site_step step)
{
	if (site_store(c->alias + step.at, src, step.size) != TRAP_NONE)
		atomic_inc(&c->refused);
}

/* Is there what is genuine, or on the way to it? */
static void contest_look(struct contest *c)
{
	u64 word = READ_ONCE(*(u64 *)c->va);

	if ((u8)word != SITE_BREAKPOINT && word != c->value[0] && word != c->value[1])
		WRITE_ONCE(c->seen, word);
}

static void contest_patch(struct contest *c, u64 value)
{
	static const u8 breakpoint = SITE_BREAKPOINT;
	const u8 *bytes = (const u8 *)&value;

	if (READ_ONCE(c->seen) || atomic_read(&c->refused) >= STORES)
		return;
	contest_store(c, &breakpoint, (struct site_step){ 0, 1 });
	contest_look(c);
	contest_store(c, bytes + 1, (struct site_step){ 1, 4 });
	contest_look(c);
	contest_store(c, bytes, (struct site_step){ 0, 1 });
	contest_look(c);
}

static int contest_patcher(void *arg)
{
	struct contest *c = arg;

	while (!kthread_should_stop()) {
		contest_patch(c, c->value[1]);
		cond_resched();
	}
	return 0;
}

/* Of the two values one is genuine. */
static int contest_changer(void *arg)
{
	struct contest *c = arg;
	u64 foreign = site_transfer(c->va, SITE_JUMP, contest_changer);
	unsigned int i;

	for (i = 0; !kthread_should_stop(); i++) {
		WRITE_ONCE(c->source, i % 2 ? foreign : c->value[1]);
		cond_resched();
	}
	return 0;
}

/* Three bytes of the operand, by a string move: it reads them itself. */
static void contest_copy(struct contest *c)
{
	const u64 mask = 0xffffff00;
	u64 word;

	contest_store(c, (u8 *)&c->source + 1, (struct site_step){ 1, 3 });
	word = READ_ONCE(*(u64 *)c->va) & mask;
	if (word != (c->value[0] & mask) && word != (c->value[1] & mask))
		WRITE_ONCE(c->seen, READ_ONCE(*(u64 *)c->va));
}

/* Both sides until one has seen what should not be there. */
static void contest_run(struct contest *c, int (*other)(void *), bool copies)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	struct task_struct *task = kthread_create_on_cpu(other, c, cpu, "hf_contest/%u");
	unsigned long deadline = jiffies + LASTS;

	if (IS_ERR(task))
		return;
	wake_up_process(task);
	while (time_before(jiffies, deadline) && !READ_ONCE(c->seen)) {
		if (copies)
			contest_copy(c);
		else
			contest_patch(c, c->value[0]);
		cond_resched();
	}
	kthread_stop(task);
}

static enum attack_outcome contest(struct attempt *t, int (*other)(void *), bool copies)
{
	static const u8 breakpoint = SITE_BREAKPOINT;
	struct contest c = { .va = (u8 *)site_jump };

	if (memory_target_at(t, c.va, sizeof(u64), site_genuine(c.va)))
		return ATTACK_ERROR;
	c.value[0] = t->was;
	c.value[1] = t->wanted;
	c.source = t->wanted;
	c.alias = site_open(c.va, sizeof(u64));
	if (!c.alias)
		return ATTACK_ERROR;
	if (copies)
		t->trap = site_store(c.alias, &breakpoint, 1);
	if (t->trap == TRAP_NONE)
		contest_run(&c, other, copies);
	site_close(c.alias);
	if (atomic_read(&c.refused))
		t->trap = X86_TRAP_GP;
	attack_note(t, "seen %llx, %d refused", c.seen, atomic_read(&c.refused));
	site_restore(c.va, t->was);
	return c.seen ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome site_race(struct attempt *t)
{
	return contest(t, contest_patcher, false);
}

static enum attack_outcome site_source(struct attempt *t)
{
	return contest(t, contest_changer, true);
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
	{
		.name = "site-race",
		.title = "patch a jump label to both of its values at the same moment",
		.gives = "code that nobody wrote",
		.asset = "module text",
		.control = ATTACK_BARE,
		.cpus = 2,
		.run = site_race,
		.look = memory_look,
	},
	{
		.name = "site-source",
		.title = "patch a jump label from bytes that another CPU keeps changing",
		.gives = "any code in the kernel",
		.asset = "module text",
		.control = ATTACK_BARE,
		.cpus = 2,
		.run = site_source,
		.look = memory_look,
	},
};

const struct attack_table race_table = { race_attacks, ARRAY_SIZE(race_attacks) };
