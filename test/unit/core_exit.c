// SPDX-License-Identifier: GPL-2.0-only
/* Exits that are no access, no register and no call; and the end. */
#include <hv/panic.h>
#include "machine.h"

static struct exit of_kind(u32 kind, u8 cpl)
{
	return (struct exit){ .kind = kind, .cpl = cpl, .rip = 0x1234, .code = 0x81 };
}

static void virt(u32 action)
{
	struct cpu *cpu = machine_action(1, action);

	for (int locked = 0; locked < 2; locked++) {
		u64 newest = event_newest();

		for (u8 cpl = 1; cpl <= 3; cpl++) {
			struct exit exit = of_kind(HF_EXIT_VIRT, cpl);

			assert_int_equal(exit_decide(cpu, &exit), VERDICT_UNDEFINED);
		}
		assert_quiet(newest);
		for (int i = 0; i < 2; i++) {
			struct exit exit = of_kind(HF_EXIT_VIRT, 0);

			assert_int_equal(exit_decide(cpu, &exit), VERDICT_UNDEFINED);
			assert_quiet(newest + 1);
		}
		assert_int_equal(machine_event().kind, HF_EVENT_VIRT);
		assert_int_equal(machine_event().action, HF_ACTION_DENY);
		assert_int_equal(machine_event().asset, HF_ASSET_VIRT);
		assert_int_equal(machine_event().new_value, 0x81);
		assert_int_equal(machine_event().rip, 0x1234);
		if (!locked)
			machine_lock(cpu);
	}
}

static void virt_is_denied(void **ctx)
{
	(void)ctx;
	virt(HF_ACTION_DENY);
}

static void virt_is_never_allowed(void **ctx)
{
	(void)ctx;
	virt(HF_ACTION_ALLOW);
}

static void port(void **ctx)
{
	struct exit exit = of_kind(HF_EXIT_PORT, 0);
	struct cpu *cpu = machine(1);

	(void)ctx;
	exit.port = (struct exit_port){
		.port = 0x3f8,
		.write = 1,
		.width = 1,
		.ours = 1,
		.value = 'a',
	};
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_SKIP);
	assert_quiet(2);
	assert_int_equal(machine_event().kind, HF_EVENT_PORT);
	assert_int_equal(machine_event().action, HF_ACTION_SKIP);
	assert_int_equal(machine_event().access, HF_ACCESS_WRITE);
	assert_int_equal(machine_event().asset, HF_ASSET_PORT | 0x3f8);
	assert_int_equal(machine_event().gpa, 0x3f8);
	assert_int_equal(machine_event().width, 1);
	/* A driver that goes on writing makes no more events. */
	exit.port.value = 'b';
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_SKIP);
	assert_quiet(2);
	exit.port.write = 0;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_SKIP);
	assert_quiet(3);
	assert_int_equal(machine_event().access, HF_ACCESS_READ);
}

static void interrupts(void **ctx)
{
	struct exit kick = of_kind(HF_EXIT_KICK, 0), nmi = of_kind(HF_EXIT_NMI, 0);
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(exit_decide(cpu, &kick), VERDICT_RETRY);
	assert_int_equal(exit_decide(cpu, &nmi), VERDICT_PASS);
	assert_quiet(1);
	assert_int_equal(cpu->stats.exits[HF_EXIT_KICK], 1);
	assert_int_equal(cpu->stats.exits[HF_EXIT_NMI], 1);
}

static void guest_shutdown(void **ctx)
{
	struct exit exit = of_kind(HF_EXIT_SHUTDOWN, 0);
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_STOP);
	assert_int_equal(machine_event().kind, HF_EVENT_GUEST_FATAL);
	assert_int_equal(machine_event().action, HF_ACTION_KILL);
	assert_int_equal(machine_event().asset, HF_ASSET_PLATFORM);
}

static void unknown_kinds(void **ctx)
{
	static const u32 kinds[] = { HF_EXIT_OTHER, HF_EXIT_KIND_COUNT, 16, 255, UINT32_MAX };
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct exit exit = of_kind(kinds[i], 0);

		exit.code = i;
		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		assert_quiet(2 + i);
		assert_int_equal(machine_event().kind, HF_EVENT_OTHER);
		assert_int_equal(machine_event().action, HF_ACTION_DENY);
		assert_int_equal(machine_event().new_value, i);
		assert_int_equal(cpu->stats.exits[HF_EXIT_OTHER], i + 1);
	}
}

static void panic_says_why_and_stops(void **ctx)
{
	(void)ctx;
	fake_reset(&fake_format);
	assert_true(fake_halts(panic("%s %u", "because", 42u)));
	assert_string_equal(fake.console, "holdfast: panic: because 42\n");
	/* Whatever follows from it is silent. */
	assert_true(fake_halts(panic("again")));
	assert_string_equal(fake.console, "holdfast: panic: because 42\n");
}

static void check_names_the_place(void **ctx)
{
	(void)ctx;
	fake_reset(&fake_format);
	CHECK(1 + 1 == 2);
	assert_true(fake_halts(CHECK(1 + 1 == 3)));
	assert_non_null(strstr(fake.console, "core_exit.c:"));
	assert_non_null(strstr(fake.console, "1 + 1 == 3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(virt_is_denied),
		machine_test(virt_is_never_allowed),
		machine_test(port),
		machine_test(interrupts),
		machine_test(guest_shutdown),
		machine_test(unknown_kinds),
		machine_test(panic_says_why_and_stops),
		machine_test(check_names_the_place),
	};

	return cmocka_run_group_tests_name("core_exit", tests, NULL, NULL);
}
