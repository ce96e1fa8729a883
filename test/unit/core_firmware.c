// SPDX-License-Identifier: GPL-2.0-only
/* Calls of the firmware: CPUs start where they have started before. */
#include <hv/startup.h>
#include "machine.h"

#define PLACE 0x40081000ull
#define OTHER 0x40082000ull

static u64 rip;

static enum verdict ask(struct cpu *cpu, u8 request, u64 place)
{
	struct exit exit = { .kind = HF_EXIT_FIRMWARE };

	exit.rip = rip++; /* each an event of its own */
	exit.firmware = (struct exit_firmware){
		.number = 0xc4000003,
		.place = place,
		.target = 1,
		.request = request,
	};
	return exit_decide(cpu, &exit);
}

static void assert_refused(u64 newest, u8 kind, u32 asset, u64 place)
{
	assert_int_equal(event_newest(), newest + 1);
	assert_int_equal(machine_event().kind, kind);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(machine_event().asset, asset);
	assert_int_equal(machine_event().gpa, place);
	assert_int_equal(machine_event().old, 0xc4000003);
}

/* What concerns nobody passes, what is not known does not; only after lock is that an event. */
static void table(void **ctx)
{
	struct cpu *cpu = machine(2);
	u64 newest = event_newest();

	(void)ctx;
	assert_int_equal(ask(cpu, FIRMWARE_PASS, 0), VERDICT_PERFORM);
	assert_int_equal(ask(cpu, FIRMWARE_STOP, 0), VERDICT_PERFORM);
	assert_int_equal(ask(cpu, FIRMWARE_OTHER, 0), VERDICT_FAULT);
	assert_int_equal(ask(cpu, FIRMWARE_OTHER + 1, 0), VERDICT_FAULT);
	assert_int_equal(event_newest(), newest);
	machine_lock(cpu);
	newest = event_newest();
	assert_int_equal(ask(cpu, FIRMWARE_PASS, 0), VERDICT_PERFORM);
	assert_int_equal(ask(cpu, FIRMWARE_STOP, 0), VERDICT_PERFORM);
	assert_int_equal(event_newest(), newest);
	assert_int_equal(ask(cpu, FIRMWARE_OTHER, 0), VERDICT_FAULT);
	assert_refused(newest, HF_EVENT_HYPERCALL, HF_ASSET_HYPERCALL, 0);
	assert_int_equal(cpu->stats.exits[HF_EXIT_FIRMWARE], 7);
}

static void places(u32 action)
{
	struct cpu *cpu = machine_action(2, action);
	u64 newest;

	assert_int_equal(ask(cpu, FIRMWARE_START, PLACE), VERDICT_PERFORM);
	assert_int_equal(ask(cpu, FIRMWARE_START, PLACE), VERDICT_PERFORM);
	machine_lock(cpu);
	newest = event_newest();
	assert_int_equal(ask(cpu, FIRMWARE_START, PLACE), VERDICT_PERFORM);
	assert_int_equal(event_newest(), newest);
	assert_int_equal(ask(cpu, FIRMWARE_START, OTHER), VERDICT_FAULT);
	assert_refused(newest, HF_EVENT_STARTUP, HF_ASSET_RESTART, OTHER);
	/* A refused place is not remembered; nor is the value of a free slot one. */
	assert_int_equal(ask(cpu, FIRMWARE_START, OTHER), VERDICT_FAULT);
	assert_int_equal(ask(cpu, FIRMWARE_START, 0), VERDICT_FAULT);
}

static void places_deny(void **ctx)
{
	(void)ctx;
	places(HF_ACTION_DENY);
}

/* "allow" does not give CPUs away. */
static void places_allow(void **ctx)
{
	(void)ctx;
	places(HF_ACTION_ALLOW);
}

/* Four are remembered; further ones are let through before lock only. */
static void many(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	for (u64 i = 0; i < 6; i++)
		assert_int_equal(ask(cpu, FIRMWARE_START, PLACE + i), VERDICT_PERFORM);
	machine_lock(cpu);
	for (u64 i = 0; i < 6; i++)
		assert_int_equal(ask(cpu, FIRMWARE_START, PLACE + i),
				 i < 4 ? VERDICT_PERFORM : VERDICT_FAULT);
}

/* A CPU that was never there: where the machine is locked, it takes over what others recorded. */
static void first_start(void **ctx)
{
	struct hf_boot *boot;
	struct cpu *cpu, *late;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(2);
	boot->entering = 1;
	assert_int_equal(launch_init(boot, UNIT_IMAGE), 0);
	assert_int_equal(launch_cpu(boot, 0), 0);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
	cpu = cpu_get(0);
	late = cpu_get(1);
	assert_int_equal(cpu_state(late), CPU_ABSENT);
	machine_lock(cpu);
	late->vcpu->registers[FAKE_CONTROL] = 0;
	startup_begin(late);
	assert_int_equal(late->waking, CPU_WAKING);
	fake_enter(late);
	assert_int_equal(cpu_state(late), CPU_LOCKED);
	assert_memory_equal(late->recorded, cpu->recorded, sizeof(cpu->recorded));
	assert_int_equal(late->recorded[FAKE_CONTROL], 0x000f);
}

/* More CPUs cannot be entered than there are. */
static void too_many(void **ctx)
{
	struct hf_boot *boot;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(2);
	boot->entering = 3;
	assert_int_equal(launch_init(boot, UNIT_IMAGE), -HF_EINVAL);
	assert_int_equal(boot->reason, HF_REASON_TOO_MANY_CPUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(table), machine_test(places_deny), machine_test(places_allow),
		machine_test(many),  machine_test(first_start), machine_test(too_many),
	};

	return cmocka_run_group_tests_name("core_firmware", tests, NULL, NULL);
}
