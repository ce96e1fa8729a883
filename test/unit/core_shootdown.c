// SPDX-License-Identifier: GPL-2.0-only
/* Shoot-downs: nobody goes on with an old translation, nobody waits for ever. */
#include <hv/lock.h>
#include <hv/shootdown.h>
#include "machine.h"

static void all_cpus_flush(void **ctx)
{
	struct cpu *cpu = machine(4);
	u64 flushes[4];

	(void)ctx;
	for (u32 i = 0; i < 4; i++)
		flushes[i] = cpu_get(i)->vcpu->flushes;
	shootdown(cpu);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(cpu_get(i)->vcpu->flushes, flushes[i] + 1);
	assert_int_equal(fake.kicks, 3); /* not itself */
}

static void nothing_demanded_nothing_flushed(void **ctx)
{
	struct cpu *cpu = machine(2);
	u64 flushes;

	(void)ctx;
	shootdown_sync(cpu);
	flushes = cpu->vcpu->flushes;
	for (int i = 0; i < 10; i++) {
		shootdown_sync(cpu);
		shootdown_poll(cpu);
	}
	assert_int_equal(cpu->vcpu->flushes, flushes);
}

/* ---- kicks that arrive late ---- */

static u32 late;

static void deliver_when_late_enough(void)
{
	struct cpu *other = cpu_get(1);

	if (--late)
		return;
	fake.on_relax = NULL;
	fake_deliver_kicks(&other, 1);
}

static void waits_for_a_late_cpu(void **ctx)
{
	struct cpu *cpu = machine(2);
	u64 before = cpu_get(1)->vcpu->flushes;

	(void)ctx;
	fake.late_kicks = true;
	fake.on_relax = deliver_when_late_enough;
	late = 1000;
	shootdown(cpu);
	assert_int_equal(late, 0);
	assert_int_equal(cpu_get(1)->vcpu->flushes, before + 1);
}

/* A kick on its way serves the next demand as well. */
static void one_kick_at_a_time(void **ctx)
{
	struct cpu *cpu = machine(3);
	struct cpu *other = cpu_get(1);

	(void)ctx;
	fake.late_kicks = true;
	fake.on_relax = deliver_when_late_enough;
	late = 5;
	/* CPU 2 answers because it exits for a reason of its own. */
	__atomic_store_n(&cpu_get(2)->epoch, UINT64_MAX, __ATOMIC_SEQ_CST);
	shootdown(cpu);
	assert_int_equal(fake.kicks, 1);
	assert_int_equal(other->kicked, 0);
	other->kicked = KICK_SENT;
	other->vcpu->kicks = 1;
	fake.on_relax = deliver_when_late_enough;
	late = 5;
	shootdown(cpu);
	assert_int_equal(fake.kicks, 1);
}

/* Answering for another reason does not take the mark: the kick still arrives. */
static void exit_for_another_reason(void);

static u32 exits_left;

static void answered_before_the_kick_keeps_the_mark(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct cpu *other = cpu_get(1);

	(void)ctx;
	fake.late_kicks = true;
	fake.on_relax = exit_for_another_reason;
	exits_left = 3;
	shootdown(cpu);
	assert_int_equal(exits_left, 0);
	assert_int_equal(other->kicked, KICK_SENT);
	fake_deliver_kicks(&other, 1);
	assert_int_equal(other->kicked, 0);
}

static void exit_for_another_reason(void)
{
	if (--exits_left)
		return;
	fake.on_relax = NULL;
	machine_call(cpu_get(1), HF_CALL_NOOP, 0, 0);
}

/* A kick that hardware lost is sent again, marked as ours. */
static void drop_first_kick(void)
{
	struct cpu *other = cpu_get(1);

	if (fake.kicks == 1) {
		other->vcpu->kicks = 0;
		other->kicked = 0;
		return;
	}
	fake.on_relax = NULL;
	assert_int_equal(other->kicked, KICK_SENT);
	fake_deliver_kicks(&other, 1);
}

static void lost_kick(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	fake.late_kicks = true;
	fake.on_relax = drop_first_kick;
	shootdown(cpu);
	assert_int_equal(fake.kicks, 2);
}

/* ---- CPUs in the hypervisor ---- */

static void leave_when_late_enough(void)
{
	if (--late)
		return;
	fake.on_relax = NULL;
	fake_enter(cpu_get(1));
}

/* Who is inside is waited for and not kicked: it looks at the epoch when it leaves. */
static void inside_is_not_kicked(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct cpu *other = cpu_get(1);
	u64 before = other->vcpu->flushes;

	(void)ctx;
	fake.late_kicks = true;
	shootdown_exited(other);
	fake.on_relax = leave_when_late_enough;
	late = 1000;
	shootdown(cpu);
	assert_int_equal(late, 0);
	assert_int_equal(fake.kicks, 0);
	assert_int_equal(other->kicked, 0);
	assert_int_equal(other->vcpu->flushes, before + 1);
	/* It said that it leaves before it looked: a demand after its look kicks it. */
	assert_int_equal(other->vcpu->flushed_at, CPU_LEAVING);
	/* Outside again, it is. */
	fake.on_relax = deliver_when_late_enough;
	late = 5;
	shootdown(cpu);
	assert_int_equal(fake.kicks, 1);
}

/* Waiting is no leaving. */
static void who_waits_is_inside(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	shootdown_exited(cpu);
	shootdown_poll(cpu);
	shootdown(cpu);
	assert_int_equal(cpu->place, CPU_INSIDE);
	shootdown_sync(cpu);
	assert_int_equal(cpu->place, CPU_LEAVING);
}

/* An NMI from software waits for its CPU, which is kicked only if it is in the guest. */
static void nmi_from_software(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct cpu *other = cpu_get(1);

	(void)ctx;
	fake.late_kicks = true;
	shootdown_exited(other);
	shootdown_nmi(other);
	assert_int_equal(other->pending, CPU_NMI);
	assert_int_equal(fake.kicks, 0);
	shootdown_sync(other);
	shootdown_nmi(other);
	shootdown_nmi(other);
	assert_int_equal(fake.kicks, 1);
	assert_int_equal(other->kicked, KICK_SENT);
	/* Its own: it is on its way out. */
	shootdown_exited(cpu);
	shootdown_nmi(cpu);
	assert_int_equal(cpu->pending, CPU_NMI);
	assert_int_equal(fake.kicks, 1);
}

/* ---- CPUs that do not run ---- */

static void absent_and_parked_cpus_are_passed_over(void **ctx)
{
	struct cpu *cpu = machine(3);
	u64 flushes;

	(void)ctx;
	fake.late_kicks = true;
	assert_int_equal(cpu_move(cpu_get(1), CPU_ABSENT), 0);
	assert_int_equal(cpu_move(cpu_get(2), CPU_LOCKED), 0);
	assert_int_equal(cpu_move(cpu_get(2), CPU_PARKED), 0);
	shootdown(cpu);
	assert_int_equal(fake.kicks, 0);
	/* Before it runs again it answers, also if nothing has been demanded meanwhile. */
	shootdown_sync(cpu_get(2));
	flushes = cpu_get(2)->vcpu->flushes;
	assert_int_equal(cpu_move(cpu_get(2), CPU_STARTING), 0);
	shootdown_sync(cpu_get(2));
	assert_int_equal(cpu_get(2)->vcpu->flushes, flushes + 1);
}

static void woken_cpu_is_locked_with_its_old_registers(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct cpu *other = cpu_get(1);

	(void)ctx;
	machine_lock(cpu);
	assert_int_equal(cpu_move(other, CPU_PARKED), 0);
	other->vcpu->registers[FAKE_VECTOR] = 0xbad;
	other->vcpu->guarded = false;
	assert_int_equal(cpu_move(other, CPU_STARTING), 0);
	shootdown_sync(other);
	assert_int_equal(cpu_state(other), CPU_LOCKED);
	assert_true(other->vcpu->guarded);
	assert_int_equal(other->recorded[FAKE_VECTOR], 0xffffffff81000000ull);
}

/* ---- several at once ---- */

#define ROUNDS 2000

static void demand_all_the_time(struct cpu *cpu)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 before = __atomic_load_n(&cpu->epoch, __ATOMIC_SEQ_CST);

		shootdown(cpu);
		for (u32 j = 0; j < cpu_count(); j++)
			assert_true(__atomic_load_n(&cpu_get(j)->epoch, __ATOMIC_SEQ_CST) >
				    before);
		/* On the way out, and in again. */
		shootdown_sync(cpu);
		fake_deliver_kicks(&cpu, 1);
	}
}

static void exit_all_the_time(struct cpu *cpu)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		machine_call(cpu, HF_CALL_NOOP, 0, 0);
		fake_deliver_kicks(&cpu, 1);
		sched_yield();
	}
}

static void simultaneous_demands(void **ctx)
{
	static machine_fn *const fn[] = { demand_all_the_time, demand_all_the_time,
					  demand_all_the_time, exit_all_the_time };

	(void)ctx;
	machine(4);
	machine_threads(fn, 4);
}

/*
 * A CPU that waits for an answer answers others meanwhile: CPU 2 lets its kick arrive only when
 * CPU 0, which waits for it, has answered CPU 1.
 */
static u64 first_demand; /* [a] */

static void demand_first(struct cpu *cpu)
{
	shootdown(cpu);
}

static void demand_second(struct cpu *cpu)
{
	/* Demanded by CPU 0, answered by itself at once. */
	while (!__atomic_load_n(&cpu_get(2)->kicked, __ATOMIC_SEQ_CST))
		sched_yield();
	__atomic_store_n(&first_demand, __atomic_load_n(&cpu_get(0)->epoch, __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	shootdown(cpu);
}

static void answer_last(struct cpu *cpu)
{
	(void)cpu;
	while (!__atomic_load_n(&first_demand, __ATOMIC_SEQ_CST))
		sched_yield();
	while (__atomic_load_n(&cpu_get(0)->epoch, __ATOMIC_SEQ_CST) ==
	       __atomic_load_n(&first_demand, __ATOMIC_SEQ_CST))
		sched_yield();
}

static void who_waits_answers(void **ctx)
{
	static machine_fn *const fn[] = { demand_first, demand_second, answer_last };

	(void)ctx;
	machine(3);
	machine_threads(fn, 3);
	for (u32 i = 0; i < 3; i++)
		assert_true(cpu_get(i)->epoch > first_demand);
}

/* A CPU that waits for a lock answers the one that holds it, without being kicked out. */
static u32 holder_has_it, holder_has_returned; /* [a] */

static void hold_and_demand(struct cpu *cpu)
{
	struct owner_locked owner = owner_lock(cpu);

	__atomic_store_n(&holder_has_it, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 100; i++)
		shootdown(cpu);
	__atomic_store_n(&holder_has_returned, 1, __ATOMIC_SEQ_CST);
	owner_unlock(owner);
}

static void wait_for_the_lock(struct cpu *cpu)
{
	struct owner_locked owner;

	while (!__atomic_load_n(&holder_has_it, __ATOMIC_SEQ_CST))
		sched_yield();
	owner = owner_lock(cpu);
	assert_int_equal(__atomic_load_n(&holder_has_returned, __ATOMIC_SEQ_CST), 1);
	shootdown(cpu);
	owner_unlock(owner);
}

static void demand_under_the_owner_lock(void **ctx)
{
	static machine_fn *const fn[] = { hold_and_demand, wait_for_the_lock,
					  wait_for_the_lock };

	(void)ctx;
	machine(3);
	machine_threads(fn, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(all_cpus_flush),
		machine_test(nothing_demanded_nothing_flushed),
		machine_test(waits_for_a_late_cpu),
		machine_test(one_kick_at_a_time),
		machine_test(answered_before_the_kick_keeps_the_mark),
		machine_test(lost_kick),
		machine_test(inside_is_not_kicked),
		machine_test(who_waits_is_inside),
		machine_test(nmi_from_software),
		machine_test(absent_and_parked_cpus_are_passed_over),
		machine_test(woken_cpu_is_locked_with_its_old_registers),
		machine_test(simultaneous_demands),
		machine_test(who_waits_answers),
		machine_test(demand_under_the_owner_lock),
	};

	return cmocka_run_group_tests_name("core_shootdown", tests, NULL, NULL);
}
