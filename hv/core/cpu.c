// SPDX-License-Identifier: GPL-2.0-only
/* The CPUs of the machine: records, and the states they go through. */
#include <hv/cpu.h>
#include <hv/pool.h>

/* Written by launch_init only, on one CPU; constant afterwards. */
static struct cpu *cpus[HF_CPUS_MAX];
static u32 count;

static_assert(sizeof(struct cpu) <= HF_PAGE_SIZE, "a CPU's record is one page of the pool");

struct cpu *cpu_get(u32 index)
{
	return index < count ? cpus[index] : NULL;
}

u32 cpu_count(void)
{
	return count;
}

/* What a failure leaves behind goes away with the memory of the failed launch. */
struct cpu *cpu_add(u32 id)
{
	struct cpu *cpu;

	if (count == HF_CPUS_MAX)
		return NULL;
	cpu = pool_page();
	if (!cpu)
		return NULL;
	cpu->buffer = pool_page();
	if (!cpu->buffer)
		return NULL;
	cpu->index = count;
	cpu->id = id;
	cpu->state = CPU_ABSENT;
	cpus[count++] = cpu;
	return cpu;
}

static bool may_move(enum cpu_state from, enum cpu_state to)
{
	switch (from) {
	case CPU_ABSENT:
	case CPU_PARKED:
		return to == CPU_STARTING;
	case CPU_STARTING:
		return to == CPU_LOCKED || to == CPU_ABSENT || to == CPU_PARKED;
	case CPU_LOCKED:
		return to == CPU_PARKED;
	}
	return false;
}

int cpu_move(struct cpu *cpu, enum cpu_state to)
{
	u32 from = cpu_state(cpu);

	if (!may_move(from, to))
		return -HF_EPERM;
	/*
	 * Shoot-downs pass over a CPU that does not run: one that starts has answered none, so
	 * its first shootdown_sync flushes, and pins its registers if the machine is locked.
	 * Before the state, or an initiator could take the old answer for a new one.
	 */
	if (to == CPU_STARTING)
		__atomic_store_n(&cpu->epoch, 0, __ATOMIC_SEQ_CST);
	if (!__atomic_compare_exchange_n(&cpu->state, &from, to, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return -HF_EPERM;
	return 0;
}

enum cpu_state cpu_state(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->state, __ATOMIC_SEQ_CST);
}

u32 cpu_count_in(enum cpu_state state)
{
	u32 in = 0;

	for (u32 i = 0; i < count; i++)
		in += cpu_state(cpus[i]) == state;
	return in;
}
