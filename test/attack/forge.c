// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trampolines of the function tracer that the attacker has made, and the kernel's own patcher led
 * astray. Where that is refused, it has a lock of the patcher: a machine of its own.
 */
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "code.h"
#include "execute.h"
#include "memory.h"
#include "paging.h"
#include "site.h"

#define RETURN_SIZE 5 /* behind a trampoline's copied code, then a pointer */
#define LASTS	    (2 * HZ)
#define LOOKS	    1000
#define REFUSALS    64 /* each an event */

/* ---- trampolines ---- */

/* Of this module, so that a call can reach it; the kernel's data like any other. */
static u8 forged[PAGE_SIZE] __aligned(PAGE_SIZE);

/* What a relative call or jump at offset leads to must stay so in the copy. */
static void carry(const u8 *from, size_t offset)
{
	s32 displacement;

	if (from[offset] != SITE_CALL && from[offset] != SITE_JUMP)
		return;
	memcpy(&displacement, from + offset + 1, sizeof(displacement));
	displacement += from - forged;
	memcpy(forged + offset + 1, &displacement, sizeof(displacement));
}

/*
 * The like of one that the kernel has made, byte for byte but for what the place changes
 * (create_trampoline of arch/x86/kernel/ftrace.c).
 */
static int forge(void)
{
	const struct ftrace_ops *ops = code_tracer();
	const u8 *caller = attack_symbol("ftrace_caller"), *call = attack_symbol("ftrace_call");
	const u8 *from = (const u8 *)ops->trampoline;
	size_t size = ops->trampoline_size;

	if (!from || !caller || !call || size > sizeof(forged))
		return -ENOENT;
	memset(forged, 0, sizeof(forged));
	memcpy(forged, from, size);
	carry(from, call - caller);
	carry(from, size - sizeof(void *) - RETURN_SIZE);
	return 0;
}

static enum attack_outcome trace_call(struct attempt *t, const void *target)
{
	u8 *va = site_traced();

	return site_attack(t, va, va ? site_transfer(va, SITE_CALL, target) : 0, site_in_order,
			   ARRAY_SIZE(site_in_order));
}

static enum attack_outcome trace_data(struct attempt *t)
{
	memset(forged, 0, sizeof(forged));
	memcpy(forged, execute_code, EXECUTE_CODE_SIZE);
	return trace_call(t, forged);
}

/* One byte of the first instruction's operand. */
static enum attack_outcome trace_byte(struct attempt *t)
{
	if (forge())
		return ATTACK_ERROR;
	forged[3] ^= 1;
	return trace_call(t, forged);
}

/* A real one, of the tracer that was there at lock. */
static enum attack_outcome trace_new(struct attempt *t)
{
	return trace_call(t, (const void *)code_tracer()->trampoline);
}

/* Behind what saves the registers. */
static enum attack_outcome trace_middle(struct attempt *t)
{
	return trace_call(t, (const u8 *)code_tracer()->trampoline + 9);
}

static enum attack_outcome trace_function(struct attempt *t)
{
	return trace_call(t, attack_symbol("orderly_reboot"));
}

/*
 * Changes a byte of the forged trampoline by @writes once a function calls it. The page keeps the
 * byte for whoever looks; the function calls it no more.
 */
static enum attack_outcome trace_then(struct attempt *t, int (*writes)(struct attempt *t))
{
	u8 *va = site_traced();
	u64 was = site_word(va);
	int trap;

	if (!va || forge() || memory_target_at(t, forged, 1, forged[0] ^ 0x5a))
		return ATTACK_ERROR;
	t->trap = site_patch(va, site_transfer(va, SITE_CALL, forged), site_in_order,
			     ARRAY_SIZE(site_in_order));
	if (t->trap == TRAP_NONE)
		t->trap = writes(t);
	else
		attack_note(t, "not called");
	trap = site_restore(va, was);
	if (trap != TRAP_NONE)
		attack_note(t, "the call stays: %s", attack_trap_name(trap));
	return t->trap == TRAP_NONE ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static int write_alias(struct attempt *t)
{
	return memory_door_vmap(t, memory_store_byte, (const u8 *)&t->wanted);
}

static enum attack_outcome trace_alias(struct attempt *t)
{
	return trace_then(t, write_alias);
}

/* ---- changed by another CPU while it is being looked at ---- */

/* The same again where it is refused: events of the same count as one. */
static int trace_changer(void *arg)
{
	u8 bytes[2] = { forged[0], forged[0] ^ 0x5a };
	unsigned int next = 1;

	while (!kthread_should_stop()) {
		if (memory_store_byte(forged, &bytes[next]) == TRAP_NONE)
			next = !next;
		cond_resched();
	}
	memory_store_byte(forged, &bytes[0]);
	return 0;
}

/* Calls it until it is called and changed at the same time. */
static bool trace_contest(struct attempt *t, u8 *va, u64 called, u64 was)
{
	unsigned long deadline = jiffies + LASTS;
	unsigned int refused = 0;
	bool seen = false;
	int trap, i;

	while (!seen && refused < REFUSALS && time_before(jiffies, deadline)) {
		trap = site_patch(va, called, site_in_order, ARRAY_SIZE(site_in_order));
		if (trap != TRAP_NONE) {
			t->trap = trap;
			refused++;
		}
		for (i = 0; trap == TRAP_NONE && !seen && i < LOOKS; i++)
			seen = READ_ONCE(forged[0]) == (u8)t->wanted;
		site_restore(va, was);
		cond_resched();
	}
	attack_note(t, "%u calls refused", refused);
	return seen;
}

static enum attack_outcome trace_race(struct attempt *t)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	struct task_struct *changer;
	u8 *va = site_traced();
	bool seen;

	if (!va || forge() || memory_target_at(t, forged, 1, forged[0] ^ 0x5a))
		return ATTACK_ERROR;
	changer = kthread_create_on_cpu(trace_changer, NULL, cpu, "hf_changer/%u");
	if (IS_ERR(changer))
		return ATTACK_ERROR;
	wake_up_process(changer);
	seen = trace_contest(t, va, site_transfer(va, SITE_CALL, forged), site_word(va));
	kthread_stop(changer);
	return seen ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

/* ---- in a page of a user process ---- */

/* Of the forged trampoline's address. */
static void set_leaf(u64 *leaf, u64 entry)
{
	WRITE_ONCE(*leaf, entry);
	paging_flush_everywhere(forged);
}

static unsigned long user;

static int write_user(struct attempt *t)
{
	u8 byte = t->wanted;
	int trap;

	if (!user_access_begin((void __user *)user, 1))
		return X86_TRAP_PF;
	trap = TRAP_OF("movb %b1, (%2)", "q"(byte), "r"(user));
	user_access_end();
	return trap;
}

/* Takes the change back itself: the page is gone afterwards. */
static enum attack_outcome trace_user_page(struct attempt *t, struct page *page)
{
	enum attack_outcome outcome;
	unsigned int level;
	u64 *leaf = paging_leaf(forged, &level), entry;
	u8 is;

	if (!leaf || level != PG_LEVEL_4K)
		return ATTACK_ERROR;
	entry = READ_ONCE(*leaf);
	set_leaf(leaf, (entry & ~PTE_PFN_MASK) | (u64)page_to_pfn(page) << PAGE_SHIFT);
	outcome = trace_then(t, write_user);
	is = READ_ONCE(forged[0]);
	attack_note(t, "byte was %llx is %x", t->was, is);
	set_leaf(leaf, entry);
	if (outcome == ATTACK_ERROR)
		return outcome;
	return is == (u8)t->wanted ? ATTACK_SUCCEEDED : ATTACK_REFUSED;
}

static enum attack_outcome trace_user(struct attempt *t)
{
	enum attack_outcome outcome = ATTACK_ERROR;
	struct page *page;

	user = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       0);
	if (IS_ERR_VALUE(user))
		return outcome;
	if (get_user_pages_fast(user, 1, FOLL_WRITE, &page) == 1) {
		outcome = trace_user_page(t, page);
		put_page(page);
	}
	vm_munmap(user, PAGE_SIZE);
	return outcome;
}

/* ---- the kernel's patcher ---- */

/* Code of five bytes, in one piece. */
static enum attack_outcome poke(struct attempt *t)
{
	void *(*poke)(void *addr, const void *opcode, size_t len) = attack_symbol("text_poke");
	struct mutex *mutex = attack_symbol("text_mutex");
	u8 *va = (u8 *)site_jump;

	if (!poke || !mutex ||
	    memory_target_at(t, va, sizeof(u64), site_with(va, execute_code, 5)))
		return ATTACK_ERROR;
	mutex_lock(mutex);
	poke(va, execute_code, 5);
	mutex_unlock(mutex);
	return ATTACK_SUCCEEDED;
}

/* A record for what is no jump label, but holds the same NOP, in memory that can be written. */
static enum attack_outcome forged_entry(struct attempt *t)
{
	void (*transform)(struct jump_entry * entry, enum jump_label_type type) =
		attack_symbol("arch_jump_label_transform");
	static struct jump_entry entry;
	u8 *va = site_traced();

	if (!transform || !va ||
	    memory_target_at(t, va, sizeof(u64), site_transfer(va, SITE_JUMP, forged_entry)))
		return ATTACK_ERROR;
	entry.code = (long)va - (long)&entry.code;
	entry.target = (long)forged_entry - (long)&entry.target;
	transform(&entry, JUMP_LABEL_JMP);
	return ATTACK_SUCCEEDED;
}

static int probe_hit(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

/* With a handler behind it, which keeps it a breakpoint. */
static void probe_after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static struct kprobe probe = {
	.addr = (kprobe_opcode_t *)site_none,
	.pre_handler = probe_hit,
	.post_handler = probe_after,
};

static enum attack_outcome probe_late(struct attempt *t)
{
	int err = memory_target_at(t, site_none, 1, SITE_BREAKPOINT);

	err = err ?: register_kprobe(&probe);
	if (err)
		attack_note(t, "register_kprobe: %d", err);
	return err ? ATTACK_ERROR : ATTACK_SUCCEEDED;
}

static int probe_undo(struct attempt *t)
{
	unregister_kprobe(&probe);
	return 0;
}

#define CODE "any code in the kernel"
#define HOOK "a hook in any function"

#define PATCHER(name_, title_, gives_, run_, look_, undo_)                               \
	{                                                                                \
		.name = name_, .title = title_, .gives = gives_, .asset = "module text", \
		.control = ATTACK_BARE, .own_vm = true, .run = run_, .look = look_,      \
		.undo = undo_,                                                           \
	}

#define TRACED(name_, title_, gives_, run_, look_, undo_)                                \
	{                                                                                \
		.name = name_, .title = title_, .gives = gives_, .asset = "module text", \
		.control = ATTACK_BARE, .run = run_, .look = look_, .undo = undo_,       \
	}

static const struct attack attacks[] = {
	TRACED("trace-data", "have a function call data in place of a trampoline", CODE,
	       trace_data, memory_look, site_undo),
	TRACED("trace-byte", "have a function call a trampoline that differs in one byte", CODE,
	       trace_byte, memory_look, site_undo),
	TRACED("trace-new", "have a function call the trampoline of another", HOOK, trace_new,
	       memory_look, site_undo),
	TRACED("trace-middle", "have a function call into the middle of a trampoline", CODE,
	       trace_middle, memory_look, site_undo),
	TRACED("trace-function", "have a function call another in place of a trampoline", CODE,
	       trace_function, memory_look, site_undo),
	TRACED("trace-alias", "change a trampoline through a second mapping once it is called",
	       CODE, trace_alias, memory_look, memory_undo),
	TRACED("trace-user", "change a trampoline in user memory once it is called", CODE,
	       trace_user, NULL, NULL),
	{
		.name = "trace-race",
		.title = "have a function call a trampoline that another CPU keeps changing",
		.gives = CODE,
		.asset = "module text",
		.control = ATTACK_BARE,
		.cpus = 2,
		.run = trace_race,
		.look = memory_look,
	},
	PATCHER("site-poke", "patch a jump label to other code with the kernel's own patcher",
		CODE, poke, site_look, site_undo),
	PATCHER("site-forged", "patch what is none by a forged record of a jump label", CODE,
		forged_entry, site_look, site_undo),
	PATCHER("probe-late", "set a probe after lock", HOOK, probe_late, memory_look,
		probe_undo),
};

const struct attack_table forge_table = { attacks, ARRAY_SIZE(attacks) };
