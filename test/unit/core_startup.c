// SPDX-License-Identifier: GPL-2.0-only
/* CPUs that are taken down and started again: only where was recorded, never unseen. */
#include <hv/shootdown.h>
#include <hv/startup.h>
#include "machine.h"

#define TARGET(n) BIT(n)

static struct exit device(u8 request, u64 targets, u64 place)
{
	struct exit exit = { .kind = HF_EXIT_DEVICE, .rip = 0x1234 };

	exit.device = (struct exit_device){
		.gpa = gpa(0xfee00300),
		.value = 0x4321,
		.width = 4,
		.request = request,
		.place = place,
		.targets = { targets },
	};
	return exit;
}

static enum verdict ask(struct cpu *cpu, u8 request, u64 targets, u64 place)
{
	struct exit exit = device(request, targets, place);

	return exit_decide(cpu, &exit);
}

static void wait_state(u32 index, enum cpu_state state)
{
	while (cpu_state(cpu_get(index)) != state)
		sched_yield();
}

/* ---- judging ---- */

static void assert_refused(u64 newest)
{
	assert_quiet(newest + 1);
	assert_int_equal(machine_event().kind, HF_EVENT_STARTUP);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(machine_event().asset, HF_ASSET_RESTART);
	assert_int_equal(machine_event().gpa, 0xfee00300);
	assert_int_equal(machine_event().new_value, 0x4321);
}

static void judged(u32 action)
{
	struct cpu *cpu = machine_action(2, action);
	struct exit exit;
	u64 newest;

	for (int locked = 0; locked < 2; locked++) {
		newest = event_newest();
		assert_int_equal(ask(cpu, DEVICE_STORE, 0, 0), VERDICT_PERFORM);
		assert_int_equal(ask(cpu, DEVICE_NOTHING, 0, 0), VERDICT_SKIP);
		/* In software: not for the interrupt controller to deliver. */
		assert_int_equal(ask(cpu, DEVICE_NMI, TARGET(1), 0), VERDICT_SKIP);
		assert_int_equal(cpu_get(0)->pending, 0);
		assert_int_equal(cpu_get(1)->pending, CPU_NMI);
		cpu_get(1)->pending = 0;
		/* A CPU that runs is not started. */
		assert_int_equal(ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE), VERDICT_SKIP);
		assert_int_equal(cpu_get(1)->pending, 0);
		assert_quiet(newest);
		assert_int_equal(ask(cpu, DEVICE_OTHER, TARGET(1), 0), VERDICT_FAULT);
		assert_refused(newest);
		if (!locked)
			machine_lock(cpu);
	}
	newest = event_newest();
	exit = device(DEVICE_OTHER + 1, TARGET(1), 0);
	exit.rip++; /* each an event of its own */
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
	assert_refused(newest++);
	exit = device(DEVICE_STORE, 0, 0);
	exit.cpl = 3;
	exit.rip += 2;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
	assert_refused(newest++);
	/* Nobody we know: perhaps a CPU that was never entered. */
	exit = device(DEVICE_RESET, TARGET(2), 0);
	exit.rip += 3;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
	assert_refused(newest++);
	exit = device(DEVICE_START, TARGET(1), FAKE_PLACE + 1);
	exit.rip += 4;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
	assert_refused(newest++);
}

static void judged_under_deny(void **ctx)
{
	(void)ctx;
	judged(HF_ACTION_DENY);
}

static void judged_under_allow(void **ctx)
{
	(void)ctx;
	judged(HF_ACTION_ALLOW);
}

static void without_an_entry_nothing_starts(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(2);
	boot->startup.rip = 0;
	machine_launch(boot);
	assert_int_equal(ask(cpu_get(0), DEVICE_START, TARGET(1), FAKE_PLACE), VERDICT_FAULT);
}

/* ---- going down and up ---- */

static void idle(struct cpu *cpu)
{
	(void)cpu;
}

static void run_against(machine_fn *fn)
{
	machine_fn *const both[] = { fn, idle };

	machine_threads(both, 2);
}

static void down_and_up(struct cpu *cpu)
{
	struct cpu *other = cpu_get(1);
	enum cpu_state up = protect_locked() ? CPU_LOCKED : CPU_STARTING;
	u64 flushes, starts = other->vcpu->starts;

	assert_int_equal(ask(cpu, DEVICE_RESET, TARGET(1), 0), VERDICT_SKIP);
	wait_state(1, CPU_PARKED);
	flushes = other->vcpu->flushes;
	/* Nobody waits for it, */
	shootdown(cpu);
	assert_int_equal(cpu_state(other), CPU_PARKED);
	assert_int_equal(other->vcpu->starts, starts);
	assert_int_equal(ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE), VERDICT_SKIP);
	wait_state(1, up);
	while (!__atomic_load_n(&other->epoch, __ATOMIC_SEQ_CST))
		sched_yield();
	/* but it has flushed before it runs. */
	assert_true(other->vcpu->flushes > flushes);
	assert_int_equal(other->vcpu->starts, starts + 1);
	assert_int_equal(other->vcpu->entry, FAKE_ENTRY);
	assert_int_equal(other->pending, 0);
}

static void down_and_up_before_lock(void **ctx)
{
	(void)ctx;
	machine(2);
	run_against(down_and_up);
	assert_false(cpu_get(1)->registers_recorded);
	assert_int_equal(cpu_get(1)->waking, CPU_AWAKE);
}

static void down_and_up_after_lock(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	machine_lock(cpu);
	cpu_get(1)->vcpu->guarded = false;
	run_against(down_and_up);
	assert_true(cpu_get(1)->waking);
	assert_true(cpu_get(1)->vcpu->guarded);
}

/* Locked meanwhile: it is locked when it comes back, with what it had before. */
static void lock_while_down(struct cpu *cpu)
{
	struct cpu *other = cpu_get(1);

	ask(cpu, DEVICE_RESET, TARGET(1), 0);
	wait_state(1, CPU_PARKED);
	machine_lock(cpu);
	assert_false(other->registers_recorded);
	ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE);
	wait_state(1, CPU_LOCKED);
	assert_true(other->registers_recorded);
	assert_int_equal(other->recorded[FAKE_CONTROL], 0x000f);
	assert_true(other->vcpu->guarded);
}

static void locked_when_it_comes_back(void **ctx)
{
	(void)ctx;
	machine(2);
	run_against(lock_while_down);
}

static void reset_again(struct cpu *cpu)
{
	struct cpu *other = cpu_get(1);

	ask(cpu, DEVICE_RESET, TARGET(1), 0);
	wait_state(1, CPU_PARKED);
	assert_int_equal(ask(cpu, DEVICE_RESET, TARGET(1), 0), VERDICT_SKIP);
	/* Pending for the guest is another matter. */
	assert_int_equal(ask(cpu, DEVICE_NMI, TARGET(1), 0), VERDICT_SKIP);
	shootdown(cpu);
	assert_int_equal(cpu_state(other), CPU_PARKED);
	assert_int_equal(other->vcpu->starts, 0);
	assert_int_equal(other->pending, CPU_DOWN | CPU_NMI);
	/* Two starts, as Linux sends them, are one. */
	ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE);
	ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE);
	wait_state(1, CPU_STARTING);
	ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE);
	while (!__atomic_load_n(&other->vcpu->starts, __ATOMIC_SEQ_CST))
		sched_yield();
	assert_int_equal(other->vcpu->starts, 1);
}

static void resets_and_starts_add_up(void **ctx)
{
	(void)ctx;
	machine(2);
	run_against(reset_again);
}

/* It takes itself down, and another starts it. */
static void takes_itself_down(struct cpu *cpu)
{
	assert_int_equal(ask(cpu, DEVICE_RESET, TARGET(1), 0), VERDICT_SKIP);
	assert_int_equal(cpu->vcpu->starts, 0);
	assert_true(startup_sync(cpu));
	shootdown_sync(cpu);
	assert_int_equal(cpu->vcpu->starts, 1);
}

static void starts_the_other(struct cpu *cpu)
{
	wait_state(1, CPU_PARKED);
	assert_int_equal(ask(cpu, DEVICE_START, TARGET(1), FAKE_PLACE), VERDICT_SKIP);
}

static void itself(void **ctx)
{
	machine_fn *const both[] = { starts_the_other, takes_itself_down };

	(void)ctx;
	machine_lock(machine(2));
	machine_threads(both, 2);
	assert_int_equal(cpu_state(cpu_get(1)), CPU_LOCKED);
}

/* As hardware reports it: it starts by itself. */
static void reset_by_hardware(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	cpu->pending = CPU_NMI | CPU_DOUBT;
	cpu->doubts = 1;
	startup_reset(cpu, true);
	assert_true(startup_sync(cpu));
	assert_int_equal(cpu->vcpu->starts, 1);
	assert_int_equal(cpu_state(cpu), CPU_STARTING);
	assert_int_equal(cpu->pending, 0);
	assert_int_equal(cpu->doubts, 0);
	assert_false(startup_sync(cpu));
	assert_int_equal(cpu->vcpu->starts, 1);
	startup_reset(cpu, false);
	assert_int_equal(cpu->pending, CPU_DOWN); /* until started */
}

/* What has not been followed yet. */
static void a_reset_takes_back_a_start(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	cpu->pending = CPU_CHECK;
	ask(cpu, DEVICE_START, TARGET(0), FAKE_PLACE);
	assert_int_equal(cpu->pending, CPU_CHECK);
	ask(cpu, DEVICE_RESET, TARGET(0), 0);
	ask(cpu, DEVICE_START, TARGET(0), FAKE_PLACE);
	assert_int_equal(cpu->pending, CPU_CHECK | CPU_DOWN | CPU_START);
	ask(cpu, DEVICE_RESET, TARGET(0), 0);
	assert_int_equal(cpu->pending, CPU_CHECK | CPU_DOWN);
	ask(cpu, DEVICE_START, TARGET(0), FAKE_PLACE);
	assert_true(startup_sync(cpu));
	assert_int_equal(cpu->pending, CPU_CHECK);
	assert_int_equal(cpu->vcpu->starts, 1);
}

/* ---- at random, with shoot-downs all the while ---- */

#define ROUNDS 2000

static void reset_and_start(struct cpu *cpu)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		ask(cpu, i & 1 ? DEVICE_START : DEVICE_RESET, TARGET(2), FAKE_PLACE);
		if (i % 16 == 0)
			sched_yield();
		fake_deliver_kicks(&cpu, 1);
	}
	/* Up in the end, so that its thread can end. */
	ask(cpu, DEVICE_START, TARGET(2), FAKE_PLACE);
}

static void shoot_down(struct cpu *cpu)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		shootdown(cpu);
		fake_deliver_kicks(&cpu, 1);
	}
}

static void many_at_once(void **ctx)
{
	machine_fn *const three[] = { reset_and_start, shoot_down, idle };

	(void)ctx;
	machine_lock(machine(3));
	machine_threads(three, 3);
	assert_int_equal(cpu_count_in(CPU_LOCKED), 3);
	assert_true(cpu_get(2)->vcpu->starts > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(judged_under_deny),
		machine_test(judged_under_allow),
		machine_test(without_an_entry_nothing_starts),
		machine_test(down_and_up_before_lock),
		machine_test(down_and_up_after_lock),
		machine_test(locked_when_it_comes_back),
		machine_test(resets_and_starts_add_up),
		machine_test(itself),
		machine_test(reset_by_hardware),
		machine_test(a_reset_takes_back_a_start),
		machine_test(many_at_once),
	};

	return cmocka_run_group_tests_name("core_startup", tests, NULL, NULL);
}
