// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit of flushes: it must see each way in which a CPU may keep what the tables have taken
 * away. Here the way is taken on purpose, behind the back of epochs and kicks.
 */
#include <hv/pool.h>
#include <hv/shootdown.h>
#include "machine.h"

/* Taken away from the guest, without a shoot-down. */
static struct owner_locked take(struct cpu *cpu)
{
	const struct hf_range range = machine_range(MACHINE_FREE, 1, HF_KIND_RODATA);
	struct owner_locked owner;
	u64 cuts;

	shootdown_exited(cpu);
	owner = owner_lock(cpu);
	cuts = stage2_cuts();
	assert_int_equal(owner_seal(owner, &range, 1), 0);
	assert_int_equal(stage2_cuts(), cuts + 1);
	return owner;
}

static void run_all(u32 cpus)
{
	for (u32 i = 0; i < cpus; i++) {
		shootdown_exited(cpu_get(i));
		fake_enter(cpu_get(i));
	}
}

static void orderly(void **ctx)
{
	struct cpu *cpu = machine(3);
	struct owner_locked owner;

	(void)ctx;
	run_all(3);
	owner = take(cpu);
	shootdown_settle(owner);
	assert_int_equal(stage2_settled(), stage2_cuts());
	owner_unlock(owner);
	run_all(3);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(cpu_get(i)->flushed, stage2_cuts());
}

/* What only gives has to reach nobody. */
static void gains_are_no_cuts(void **ctx)
{
	const struct hf_range range = machine_range(MACHINE_FREE, 1, HF_KIND_RODATA);
	struct cpu *cpu = machine(1);
	struct owner_locked owner = take(cpu);
	u64 cuts;

	(void)ctx;
	/* The second page keeps the table from being merged, which would be another cut. */
	shootdown_settle(owner);
	assert_int_equal(stage2_prepare(&fake.views.view[0], gpa(MACHINE_FREE + PAGE_SIZE), 1),
			 0);
	stage2_protect(&fake.views.view[0], gpa(MACHINE_FREE + PAGE_SIZE), 1, HF_PERM_READ);
	shootdown_settle(owner);
	cuts = stage2_cuts();
	assert_int_equal(owner_open(owner, &range, 1), 0);
	assert_int_equal(stage2_cuts(), cuts);
	owner_unlock(owner);
}

/* A CPU that says it has answered, and has not left the guest. */
static void answered_from_inside_the_guest(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct owner_locked owner;

	(void)ctx;
	run_all(2);
	owner = take(cpu);
	__atomic_store_n(&cpu_get(1)->epoch, UINT64_MAX, __ATOMIC_SEQ_CST);
	assert_true(fake_halts(shootdown_settle(owner)));
}

/* One that has left it, and goes back without a flush: found when it does. */
static void entered_without_a_flush(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct cpu *other = cpu_get(1);
	struct owner_locked owner;

	(void)ctx;
	run_all(2);
	owner = take(cpu);
	shootdown_exited(other);
	__atomic_store_n(&other->epoch, UINT64_MAX, __ATOMIC_SEQ_CST);
	shootdown_settle(owner);
	assert_true(fake_halts(shootdown_entered(other, false)));
}

static void entered_with_a_flush(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct cpu *other = cpu_get(1);
	struct owner_locked owner;

	(void)ctx;
	run_all(2);
	owner = take(cpu);
	shootdown_exited(other);
	__atomic_store_n(&other->epoch, UINT64_MAX, __ATOMIC_SEQ_CST);
	shootdown_settle(owner);
	shootdown_entered(other, true);
	shootdown_exited(other);
	shootdown_entered(other, false);
	owner_unlock(owner);
}

/* A flush that was refused has forgotten nothing. */
static void refused_entry(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct owner_locked owner = take(cpu);

	(void)ctx;
	shootdown_settle(owner);
	owner_unlock(owner);
	shootdown_entered(cpu, true);
	shootdown_exited(cpu);
	cpu->flushed = 0;
	assert_true(fake_halts(shootdown_entered(cpu, false)));
}

/* The CPU that took something away is one of all. */
static void own_flush(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct owner_locked owner = take(cpu);

	(void)ctx;
	shootdown_settle(owner);
	owner_unlock(owner);
	assert_true(fake_halts(shootdown_entered(cpu, false)));
}

static void forgotten_shootdown(void **ctx)
{
	struct owner_locked owner = take(machine(1));

	(void)ctx;
	assert_true(fake_halts(owner_unlock(owner)));
}

static void early_reclaim(void **ctx)
{
	struct cpu *cpu = machine(1);
	const struct hf_range range = machine_range(MACHINE_FREE, 1, HF_KIND_RODATA);
	struct owner_locked owner = take(cpu);

	(void)ctx;
	shootdown_settle(owner);
	assert_int_equal(owner_open(owner, &range, 1), 0);
	assert_non_null(fake.views.view[0].limbo);
	assert_true(fake_halts(stage2_reclaim(&fake.views.view[0])));
}

/* Off: nothing of this stops a machine, whatever the notes say. */
static void off(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct owner_locked owner;

	(void)ctx;
	run_all(2);
	owner = take(cpu);
	shootdown_audit(false);
	__atomic_store_n(&cpu_get(1)->epoch, UINT64_MAX, __ATOMIC_SEQ_CST);
	shootdown_settle(owner);
	owner_unlock(owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(orderly),
		machine_test(gains_are_no_cuts),
		machine_test(answered_from_inside_the_guest),
		machine_test(entered_without_a_flush),
		machine_test(entered_with_a_flush),
		machine_test(refused_entry),
		machine_test(own_flush),
		machine_test(forgotten_shootdown),
		machine_test(early_reclaim),
		machine_test(off),
	};

	return cmocka_run_group_tests_name("core_flush", tests, NULL, NULL);
}
