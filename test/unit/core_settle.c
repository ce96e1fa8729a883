// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transition with its shoot-down, as every guard does it: ownership and the core together. The
 * fake machine stops when tables are given back that a CPU may still walk.
 */
#include <hv/pool.h>
#include <hv/shootdown.h>
#include "machine.h"

typedef int transition(struct owner_locked locked, const struct hf_range *ranges, u32 count);

static void settle(struct cpu *cpu, transition *fn, u64 page)
{
	struct hf_range range = machine_range(page, 1, HF_KIND_RODATA);
	struct owner_locked owner;

	shootdown_exited(cpu);
	owner = owner_lock(cpu);
	assert_int_equal(fn(owner, &range, 1), 0);
	shootdown_settle(owner);
	owner_unlock(owner);
	fake_enter(cpu);
}

/* A block is split, merged again, and the table comes back, after every CPU has flushed. */
static void tables_come_back(void **ctx)
{
	struct cpu *cpu = machine(3);
	u64 used = pool_used();

	(void)ctx;
	settle(cpu, owner_seal, MACHINE_FREE);
	assert_int_equal(pool_used(), used + PAGE_SIZE);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(fake_translate(cpu_get(i), gpa(MACHINE_FREE)), HF_PERM_READ);
	settle(cpu, owner_open, MACHINE_FREE);
	assert_int_equal(pool_used(), used);
	assert_null(fake.views.view[0].limbo);
}

/* A permission that a CPU remembers is gone on every CPU when settling returns. */
static void no_stale_permission(void **ctx)
{
	struct cpu *cpu = machine(4);

	(void)ctx;
	for (u32 round = 0; round < 10; round++) {
		for (u32 i = 0; i < 4; i++)
			assert_int_equal(fake_translate(cpu_get(i), gpa(MACHINE_FREE)),
					 HF_PERM_ALL);
		settle(cpu_get(round % 4), owner_seal, MACHINE_FREE);
		for (u32 i = 0; i < 4; i++)
			assert_int_equal(fake_translate(cpu_get(i), gpa(MACHINE_FREE)),
					 HF_PERM_READ);
		settle(cpu, owner_open, MACHINE_FREE);
		for (u32 i = 0; i < 4;
		     i++) /* restrictive entries may stay: hardware looks again */
			backend_flush(cpu_get(i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(tables_come_back),
		machine_test(no_stale_permission),
	};

	return cmocka_run_group_tests_name("core_settle", tests, NULL, NULL);
}
