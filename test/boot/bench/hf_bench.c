// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the ticks of null hypercalls, and of a loop whose instructions are known, so that
 * whoever reads the result can see what a tick is. Works once, when it is loaded.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <asm/alternative.h>
#include <asm/cpufeatures.h>
#include <asm/msr.h>

#include <holdfast/hypercall.h>

/* Of the CPU's vendor. */
#define CALL ALTERNATIVE("vmcall", "vmmcall", X86_FEATURE_VMMCALL)

static unsigned int calls = 1000;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many null hypercalls to make");

static unsigned long long call_ticks;
module_param(call_ticks, ullong, 0444);
MODULE_PARM_DESC(call_ticks,
		 "out: ticks of all hypercalls, without those of the loop around them");

static unsigned long long loop_instructions = 2000000;
module_param(loop_instructions, ullong, 0444);
MODULE_PARM_DESC(loop_instructions, "instructions of the known loop");

static unsigned long long loop_ticks;
module_param(loop_ticks, ullong, 0444);
MODULE_PARM_DESC(loop_ticks, "out: its ticks");

/* Two instructions a round. */
static u64 time_loop(u64 rounds)
{
	u64 begin = rdtsc_ordered();

	asm volatile("1:\tsub $1, %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
	return rdtsc_ordered() - begin;
}

/* The same frame with and without the call, so that the difference is the call's alone. */
static u64 time_calls(unsigned int count, bool call, long *result)
{
	u64 begin = rdtsc_ordered();
	u64 rounds = count, rax = 0;

	if (call)
		asm volatile("1:\tmov %2, %%eax\n\t" CALL "\n\tsub $1, %1\n\tjnz 1b"
			     : "=&a"(rax), "+r"(rounds)
			     : "i"(HF_CALL_NOOP)
			     : "memory", "cc");
	else
		asm volatile("1:\tmov %2, %%eax\n\tsub $1, %1\n\tjnz 1b"
			     : "=&a"(rax), "+r"(rounds)
			     : "i"(HF_CALL_NOOP)
			     : "memory", "cc");
	*result = rax;
	return rdtsc_ordered() - begin;
}

static int __init bench_init(void)
{
	unsigned long flags;
	u64 with, without;
	long result, unused;

	if (calls == 0)
		return -EINVAL;
	local_irq_save(flags);
	/* Once before it counts: an emulator translates code when it first meets it. */
	time_loop(1000);
	time_calls(1, true, &result);
	loop_ticks = time_loop(loop_instructions / 2);
	without = time_calls(calls, false, &unused);
	with = time_calls(calls, true, &result);
	local_irq_restore(flags);
	if (result != 0)
		return -EIO;
	call_ticks = with - without;
	return 0;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Ticks of a null hypercall");
MODULE_LICENSE("GPL");
