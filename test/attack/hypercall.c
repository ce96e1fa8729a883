// SPDX-License-Identifier: GPL-2.0-only
/* Calls to the hypervisor as an attacker would make them. */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

#include <holdfast/hypercall.h>

#include "attack.h"
#include "hypercall.h"
#include "hypervisor.h"
#include "memory.h"
#include "paging.h"

#define NUMBERS	   0x200 /* tried from HF_CALL_BASE on */
#define FIXED_ARGS 24
#define STUCK	   (20 * HZ) /* longer than the calls last: a CPU is gone */

struct call {
	u64 number, arg[4];
	u64 result;
	int trap;
	bool clobbered; /* a register other than RAX changed */
};

static void call_make(struct call *c)
{
	u64 rdi = c->arg[0], rsi = c->arg[1], rdx = c->arg[2], rcx = c->arg[3];
	register u64 r8 asm("r8") = 8, r9 asm("r9") = 9, r10 asm("r10") = 10,
			r11 asm("r11") = 11;
	u64 rax = c->number, fault = 0;

	asm volatile("1:\t" ATTACK_CALL
		     "\n\tjmp 3f\n2:\tmovq $1, %[fault]\n3:\n\t" _ASM_EXTABLE_FAULT(1b, 2b)
		     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+c"(rcx), "+r"(r8),
		       "+r"(r9), "+r"(r10), "+r"(r11), [fault] "+&r"(fault)
		     :
		     : "memory");
	c->trap = fault ? (int)rax : TRAP_NONE;
	c->result = rax;
	c->clobbered = rdi != c->arg[0] || rsi != c->arg[1] || rdx != c->arg[2] ||
		       rcx != c->arg[3] || r8 != 8 || r9 != 9 || r10 != 10 || r11 != 11;
}

static s64 call_number(u64 number, u64 a, u64 b)
{
	struct call c = { .number = number, .arg = { a, b } };

	call_make(&c);
	return c.trap == TRAP_NONE ? (s64)c.result : -ENXIO;
}

s64 hypercall_lock(void)
{
	return call_number(HF_CALL_LOCK, 0, 0);
}

bool hypercall_answers(void)
{
	return call_number(HF_CALL_NOOP, 0, 0) == 0;
}

static int call_info(struct hf_info *info)
{
	struct hf_info *page = (void *)get_zeroed_page(GFP_KERNEL);
	s64 result = -ENOMEM;

	if (page) {
		result = call_number(HF_CALL_INFO, virt_to_phys(page), 0);
		*info = *page;
	}
	free_page((unsigned long)page);
	return result;
}

/* Only what the contract documents for some call. */
static bool result_is_documented(s64 result)
{
	static const s64 errors[] = { HF_EPERM,	 HF_ENOENT, HF_EIO,    HF_EAGAIN,
				      HF_ENOMEM, HF_EFAULT, HF_EEXIST, HF_ENODEV,
				      HF_EINVAL, HF_ENOSPC, HF_ENOSYS, HF_EINPROGRESS };
	size_t i;

	if (result >= 0)
		return result <= HF_PAGE_SIZE;
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (result == -errors[i])
			return true;
	return false;
}

/* The hostile calls of one CPU. */
struct hostile {
	struct task_struct *task;
	struct completion done;
	struct rnd_state random;
	u64 arg[FIXED_ARGS];
	unsigned long deadline; /* jiffies */
	unsigned long calls, undefined, odd;
	struct call first_odd;
};

/*
 * A guest-owned page that is passed as a buffer is overwritten, and rightly so: nothing here
 * may by chance be the address of a page of somebody else. A random number becomes one that is
 * no page.
 */
static u64 random_arg(struct hostile *h)
{
	u64 r = (u64)prandom_u32_state(&h->random) << 32 | prandom_u32_state(&h->random);

	switch (r % 4) {
	case 0:
		return r | 1;
	case 1:
		return 1ull << (r >> 8) % 64 | 1;
	default:
		return h->arg[(r >> 8) % FIXED_ARGS];
	}
}

static u64 random_number(struct hostile *h)
{
	u64 r = (u64)prandom_u32_state(&h->random) << 32 | prandom_u32_state(&h->random);

	switch (r % 8) {
	case 0:
		return r;
	case 1:
		return (u32)r;
	case 2:
		return (r & 0xffffffff00000000ull) | HF_CALL_BASE | (r >> 3) % NUMBERS;
	default:
		return HF_CALL_BASE | (r >> 3) % NUMBERS;
	}
}

static void hostile_call(struct hostile *h, u64 number)
{
	struct call c = { .number = number };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c.arg); i++)
		c.arg[i] = random_arg(h);
	call_make(&c);
	h->calls++;
	h->undefined += c.trap == X86_TRAP_UD;
	if (c.clobbered || (c.trap != TRAP_NONE && c.trap != X86_TRAP_UD) ||
	    (c.trap == TRAP_NONE && !result_is_documented(c.result))) {
		if (!h->odd++)
			h->first_odd = c;
	}
}

static int hostile_main(void *arg)
{
	struct hostile *h = arg;
	unsigned int i;

	for (i = 0; i < NUMBERS; i++)
		hostile_call(h, HF_CALL_BASE + i);
	while (time_before(jiffies, h->deadline)) {
		for (i = 0; i < 64; i++)
			hostile_call(h, random_number(h));
		cond_resched();
	}
	complete(&h->done);
	return 0;
}

/* The end of RAM. */
static u64 end_of_ram(void)
{
	unsigned long *max = attack_symbol("max_pfn");

	return max ? (u64)*max << PAGE_SHIFT : 0;
}

/* The target's page: an address that is refused only where the page is sealed for good. */
static u64 sealed_page(const struct attempt *t)
{
	struct hf_info info;

	if (call_info(&info) || info.state != HF_STATE_LOCKED || info.action != HF_ACTION_DENY)
		return 1;
	return (u64)t->pfn << PAGE_SHIFT;
}

static void fill_args(struct hostile *h, struct attempt *t, u64 buffer)
{
	struct hypervisor_memory memory;
	u64 text = sealed_page(t);
	u64 top = end_of_ram();
	u64 hv = 0;
	const u64 fixed[] = {
		0,
		1,
		2,
		HF_RANGES_PER_PAGE,
		~0ull,
		~0ull << PAGE_SHIFT,
		0x7fffffffffffffffull,
		0x8000000000000000ull,
		buffer,
		buffer,
		buffer + 1,
		buffer + 4088,
		text,
		text + 8,
		top,
		top - 1,
		0xa0001,
		0xfec00000,
		0xfee00000,
		0xfffff001,
		1ull << 40,
		1ull << 52,
	};

	if (!hypervisor_find(&memory) && memory.count)
		hv = (u64)memory.run[0].pfn << PAGE_SHIFT;
	memcpy(h->arg, fixed, sizeof(fixed));
	h->arg[FIXED_ARGS - 2] = hv;
	h->arg[FIXED_ARGS - 1] = hv + PAGE_SIZE;
}

static int hostile_start(struct hostile *h, struct attempt *t, unsigned int cpu, u64 buffer)
{
	struct task_struct *task;

	init_completion(&h->done);
	prandom_seed_state(&h->random, 0x486f6c64 + cpu);
	fill_args(h, t, buffer);
	h->deadline = jiffies + attack_seconds * HZ;
	task = kthread_create_on_cpu(hostile_main, h, cpu, "hf_hostile/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	h->task = task;
	wake_up_process(task);
	return 0;
}

/* True: every CPU has come back. A record of one that has not is never freed. */
static bool hostile_wait(struct attempt *t, struct hostile *h, unsigned int cpu)
{
	if (!h->task)
		return true;
	if (!wait_for_completion_timeout(&h->done, attack_seconds * HZ + STUCK)) {
		attack_note(t, "CPU %u does not come back", cpu);
		return false;
	}
	return true;
}

static bool report_odd(struct attempt *t, const struct hostile *h)
{
	const struct call *c = &h->first_odd;

	if (!h->odd)
		return false;
	attack_note(t, "%lu odd, call %llx(%llx, %llx) gave %llx %s%s", h->odd, c->number,
		    c->arg[0], c->arg[1], c->result, attack_trap_name(c->trap),
		    c->clobbered ? " with registers changed" : "");
	return true;
}

/* All that lock makes unchangeable, as one number. */
static u64 sum_of(const char *from, const char *to)
{
	const u64 *at = attack_symbol(from), *end = attack_symbol(to);
	u64 sum = 0;

	for (; at && end && at < end; at++)
		sum = sum * 31 + READ_ONCE(*at);
	return sum;
}

static u64 sum_of_sealed(void)
{
	return sum_of("_stext", "_etext") ^ sum_of("__start_rodata", "__end_rodata");
}

/* Events go on being counted, and answers are given from the same memory: all else must stay.
 */
static bool state_is_kept(struct attempt *t, const struct hf_info *was)
{
	struct hf_info is;

	if (call_info(&is))
		return was->size == 0;
	is.events = was->events;
	is.events_lost = was->events_lost;
	if (!memcmp(&is, was, sizeof(is)))
		return true;
	attack_note(t, "the state of the hypervisor changed");
	return false;
}

static int hostile_all_cpus(struct attempt *t, bool *odd)
{
	u64 calls = 0, undefined = 0;
	unsigned long buffer = get_zeroed_page(GFP_KERNEL);
	struct hostile *all = kcalloc(nr_cpu_ids, sizeof(*all), GFP_KERNEL);
	unsigned int cpu;
	int err = buffer && all ? 0 : -ENOMEM;

	cpus_read_lock();
	for_each_online_cpu(cpu) if (!err)
		err = hostile_start(&all[cpu], t, cpu, virt_to_phys((void *)buffer));
	for_each_online_cpu(cpu)
	{
		if (!all || !hostile_wait(t, &all[cpu], cpu)) {
			cpus_read_unlock();
			return -EIO;
		}
		calls += all[cpu].calls;
		undefined += all[cpu].undefined;
		*odd |= report_odd(t, &all[cpu]);
	}
	cpus_read_unlock();
	attack_note(t, "%llu calls, %llu of them #UD", calls, undefined);
	kfree(all);
	free_page(buffer);
	return err;
}

/*
 * Success is that text can be written after all those calls, as it can before launch. Anything
 * that the contract does not allow, on the way, is an error.
 */
static enum attack_outcome hostile(struct attempt *t)
{
	struct hf_info info = { 0 };
	bool odd = false;
	u64 sum;
	int err = memory_target_text(t);

	if (err)
		return ATTACK_ERROR;
	call_info(&info);
	sum = sum_of_sealed();
	err = hostile_all_cpus(t, &odd);
	if (err) {
		attack_note(t, "error %d", err);
		return ATTACK_ERROR;
	}
	if (sum != sum_of_sealed()) {
		attack_note(t, "sealed memory changed");
		odd = true;
	}
	if (!state_is_kept(t, &info) || odd)
		return ATTACK_ERROR;
	return memory_write_text(t);
}

/*
 * The buffer that a query fills, in a page that lock seals: the hypervisor is asked to write
 * what the kernel cannot. The page is one of the kernel's symbol names, which nothing needs for
 * a while.
 */
static u8 deputy_saved[PAGE_SIZE];

static enum attack_outcome deputy(struct attempt *t)
{
	u8 *table = attack_symbol("crc32table_le"); /* two pages long */
	struct hf_info info = { 0 };
	u64 answer = 0;
	s64 result;

	if (!table || call_info(&info)) {
		attack_note(t, "no hypervisor answers, or no table");
		return ATTACK_ERROR;
	}
	memcpy(&answer, &info, sizeof(answer));
	table = PTR_ALIGN(table, PAGE_SIZE);
	if (memory_target_at(t, table, sizeof(answer), answer))
		return ATTACK_ERROR;
	memcpy(deputy_saved, table, PAGE_SIZE);
	result = call_number(HF_CALL_INFO, (u64)t->pfn << PAGE_SHIFT, 0);
	attack_note(t, "call gave %lld", result);
	return result ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static int deputy_undo(struct attempt *t)
{
	u8 *alias = paging_alias(t->pfn, 1, PAGE_KERNEL);

	if (!alias)
		return -ENOMEM;
	memcpy(alias, deputy_saved, PAGE_SIZE);
	vunmap(alias);
	return 0;
}

/* A range of one page more. It is never given back: once locked it can no longer be written. */
static enum attack_outcome protect_again(struct attempt *t)
{
	unsigned long page = get_zeroed_page(GFP_KERNEL), buffer = get_zeroed_page(GFP_KERNEL);
	s64 result;

	if (!page || !buffer)
		return ATTACK_ERROR;
	*(struct hf_range *)buffer = (struct hf_range){
		.va = page,
		.gpa = virt_to_phys((void *)page),
		.npages = 1,
		.kind = HF_KIND_RODATA,
		.permission = HF_PERM_READ,
	};
	result = call_number(HF_CALL_PROTECT, virt_to_phys((void *)buffer), 1);
	attack_note(t, "protect gave %lld", result);
	free_page(buffer);
	return result ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static const struct attack hypercall_attacks[] = {
	{
		.name = "call-buffer",
		.title = "have a call write its answer over a sealed page",
		.gives = "the hypervisor writes for the attacker",
		.asset = "hypercalls",
		.control = ATTACK_PRELOCK,
		.run = deputy,
		.look = memory_look,
		.undo = deputy_undo,
	},
	{
		.name = "protect-again",
		.title = "register another range after lock",
		.gives = "memory of the kernel frozen at will",
		.asset = "hypercalls",
		.control = ATTACK_PRELOCK,
		.run = protect_again,
	},
	{
		.name = "hostile-calls",
		.title = "every call, with hostile arguments, on all CPUs, then write text",
		.gives = "a hypervisor that stops or gives way",
		.asset = "hypercalls",
		.control = ATTACK_PRELAUNCH,
		.run = hostile,
		.look = memory_look,
		.undo = memory_undo,
	},
};

const struct attack_table hypercall_table = { hypercall_attacks,
					      ARRAY_SIZE(hypercall_attacks) };
