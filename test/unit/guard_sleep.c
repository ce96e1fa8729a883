// SPDX-License-Identifier: GPL-2.0-only
/* Which stores to sleep registers are refused, and what becomes of all others. */
#include <hv/sleep.h>
#include <hv/status.h>
#include "machine.h"

#define PM1_A	  0x604
#define PM1_B	  0xb04
#define SMI	  0xb2
#define MEMORY	  (FAKE_LIMIT - 0x1000 + 0x200)
#define POWER_OFF 5u

static void add(struct hf_boot *boot, u64 address, u8 width, u32 mask, u32 match)
{
	boot->sleep[boot->sleep_count++] = (struct hf_sleep){
		.address = address,
		.mask = mask,
		.match = match,
		.space = address > UINT16_MAX ? HF_SPACE_MEMORY : HF_SPACE_PORT,
		.width = width,
	};
}

static void add_types(struct hf_boot *boot, u64 address, u8 width, u32 shift, u32 enable)
{
	for (u32 type = 0; type < 8; type++)
		if (type != POWER_OFF)
			add(boot, address, width, 7 << shift | enable, type << shift | enable);
}

/* A machine with two PM1 blocks and a sleep control register in memory, locked or not. */
static struct cpu *sleeper(u32 action, bool locked)
{
	struct hf_boot *boot;
	struct cpu *cpu;

	fake_reset(&fake_format);
	boot = fake_boot(1);
	boot->action = action;
	add_types(boot, PM1_A, 2, 10, 1u << 13);
	add_types(boot, PM1_B, 2, 10, 1u << 13);
	add(boot, SMI, 1, 0xff, 0x77);
	add_types(boot, MEMORY, 1, 2, 1u << 5);
	machine_launch(boot);
	/* It belongs to the loader, which may do with it what it likes. */
	memset(boot, 0xee, sizeof(*boot));
	cpu = cpu_get(0);
	if (locked)
		machine_lock(cpu);
	return cpu;
}

static enum verdict port_access(struct cpu *cpu, struct exit_port port, u8 cpl)
{
	struct exit exit = { .kind = HF_EXIT_PORT, .cpl = cpl, .rip = 0x1234, .port = port };

	return exit_decide(cpu, &exit);
}

static enum verdict out(struct cpu *cpu, u16 port, u8 width, u32 value)
{
	return port_access(
		cpu,
		(struct exit_port){ .port = port, .write = 1, .width = width, .value = value },
		0);
}

/* A store of @width bytes to the page of the register in memory; 0: it could not be decoded. */
static enum verdict store(struct cpu *cpu, u64 at, u8 width, u64 value)
{
	struct exit exit = { .kind = HF_EXIT_DEVICE, .rip = 0x1234 };

	exit.device = (struct exit_device){
		.gpa = gpa(at),
		.va = gva(0x7777),
		.value = value,
		.width = width,
		.request = DEVICE_SLEEP,
	};
	return exit_decide(cpu, &exit);
}

static u32 request(u32 type)
{
	return 1u << 13 | type << 10;
}

static void assert_denied(u16 port, u8 width, u32 value)
{
	struct hf_event event = machine_event();

	assert_int_equal(event.kind, HF_EVENT_PORT);
	assert_int_equal(event.access, HF_ACCESS_WRITE);
	assert_int_equal(event.action, HF_ACTION_DENY);
	assert_int_equal(event.asset, HF_ASSET_PORT | port);
	assert_int_equal(event.gpa, port);
	assert_int_equal(event.width, width);
	assert_int_equal(event.new_value, value);
	assert_int_equal(event.rip, 0x1234);
}

/* Whatever the other bits are. */
static void requests(void **ctx)
{
	static const u32 others[] = { 0, 1, 0x1ff, 0xc3ff };
	struct cpu *cpu = sleeper(HF_ACTION_DENY, true);

	(void)ctx;
	for (u32 type = 0; type < 8; type++)
		for (u32 i = 0; i < ARRAY_SIZE(others); i++)
			for (u32 b = 0; b < 2; b++) {
				u64 newest = event_newest();
				u16 port = b ? PM1_B : PM1_A;
				u32 value = request(type) | others[i];

				if (type == POWER_OFF) {
					assert_int_equal(out(cpu, port, 2, value),
							 VERDICT_PERFORM);
					assert_quiet(newest);
					continue;
				}
				assert_int_equal(out(cpu, port, 2, value), VERDICT_FAULT);
				assert_quiet(newest + 1);
				assert_denied(port, 2, value);
			}
	assert_int_equal(out(cpu, SMI, 1, 0x77), VERDICT_FAULT);
	assert_denied(SMI, 1, 0x77);
}

static void what_is_no_request(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, true);
	u64 newest = event_newest();

	(void)ctx;
	/* A type without enable, other bits, another command. */
	for (u32 type = 0; type < 8; type++)
		assert_int_equal(out(cpu, PM1_A, 2, type << 10 | 0xc3ff), VERDICT_PERFORM);
	for (u32 value = 0; value < 0x100; value++)
		if (value != 0x77)
			assert_int_equal(out(cpu, SMI, 1, value), VERDICT_PERFORM);
	/* Reads, from user mode as well. */
	for (u8 width = 1; width <= 4; width *= 2)
		assert_int_equal(port_access(cpu,
					     (struct exit_port){ .port = PM1_A,
								 .width = width,
								 .value = request(1) },
					     3),
				 VERDICT_PERFORM);
	assert_quiet(newest);
}

/* Every access that covers the byte with type and enable, and none that does not. */
static void widths(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, true);

	(void)ctx;
	for (u16 port = PM1_A - 4; port < PM1_A + 4; port++)
		for (u8 width = 1; width <= 4; width *= 2) {
			bool covers = port <= PM1_A + 1 && PM1_A + 1 < port + width;
			u32 shift = covers ? 8 * (PM1_A + 1 - port) : 0; /* of that byte */
			/* Bits beside type and enable, so that no event equals the last. */
			u32 byte = 0x24 | 0x40 * (width / 2);
			u32 value = covers ? byte << shift : 0x24242424u >> (32 - 8 * width);
			u64 newest = event_newest();

			assert_int_equal(out(cpu, port, width, value),
					 covers ? VERDICT_FAULT : VERDICT_PERFORM);
			assert_quiet(newest + covers);
			/* Power-off looks the same in all these widths. */
			value = covers ? 0x34u << shift : 0;
			assert_int_equal(out(cpu, port, width, value), VERDICT_PERFORM);
			assert_quiet(newest + covers);
		}
}

/* A register written in parts: the part that fits is refused, in whatever order they come. */
static void parts(void **ctx)
{
	struct hf_boot *boot;
	struct cpu *cpu;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	add(boot, 0x100, 4, 0x80000001, 0x80000001);
	machine_launch(boot);
	cpu = cpu_get(0);
	machine_lock(cpu);
	assert_int_equal(out(cpu, 0x100, 2, 0), VERDICT_PERFORM);
	assert_int_equal(out(cpu, 0x102, 2, 0), VERDICT_PERFORM);
	assert_int_equal(out(cpu, 0x101, 2, 0xffff), VERDICT_PERFORM);
	assert_int_equal(out(cpu, 0x100, 4, 0x80000000), VERDICT_PERFORM);
	assert_int_equal(out(cpu, 0x100, 4, 1), VERDICT_PERFORM);
	assert_int_equal(out(cpu, 0x100, 2, 1), VERDICT_FAULT);
	assert_int_equal(out(cpu, 0x102, 2, 0x8000), VERDICT_FAULT);
	assert_int_equal(out(cpu, 0x103, 1, 0x80), VERDICT_FAULT);
	assert_int_equal(out(cpu, 0x103, 4, 0xffffff80), VERDICT_FAULT);
	assert_int_equal(out(cpu, 0x0fd, 4, 0x01000000), VERDICT_FAULT);
}

static void assert_memory_event(u32 action, u64 at, u8 width, u64 value)
{
	struct hf_event event = machine_event();

	assert_int_equal(event.kind, HF_EVENT_MEMORY);
	assert_int_equal(event.access, HF_ACCESS_WRITE);
	assert_int_equal(event.action, action);
	assert_int_equal(event.asset, HF_ASSET_SLEEP);
	assert_int_equal(event.gpa, at);
	assert_int_equal(event.va, 0x7777);
	assert_int_equal(event.width, width);
	assert_int_equal(event.new_value, value);
}

/* The page can be read and no more; a port of the same number is none of it. */
static void memory_is_guarded(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, true);
	struct page page = owner_page(gpa(MEMORY));
	u64 newest = event_newest();

	(void)ctx;
	assert_true(page.guarded);
	assert_int_equal(owner_permission(page), HF_PERM_READ);
	assert_false(owner_page(gpa(MEMORY - PAGE_SIZE)).guarded);
	assert_int_equal(out(cpu, (u16)MEMORY, 1, 0x24), VERDICT_PERFORM);
	assert_int_equal(store(cpu, PM1_A, 2, request(1)), VERDICT_PERFORM);
	assert_quiet(newest);
}

static void memory_requests(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, true);

	(void)ctx;
	for (u32 value = 0; value < 0x100; value++) {
		bool asks = (value & 0x20) && (value >> 2 & 7) != POWER_OFF;
		u64 newest = event_newest();

		assert_int_equal(store(cpu, MEMORY, 1, value),
				 asks ? VERDICT_FAULT : VERDICT_PERFORM);
		assert_quiet(newest + asks);
		if (asks)
			assert_memory_event(HF_ACTION_DENY, MEMORY, 1, value);
	}
}

/* Every store that covers the register, and none that does not, on the same page or not. */
static void memory_widths(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, true);

	(void)ctx;
	for (u64 at = MEMORY - 10; at < MEMORY + 10; at++)
		for (u8 width = 1; width <= 8; width *= 2) {
			bool covers = at <= MEMORY && MEMORY < at + width;
			u32 shift = covers ? 8 * (MEMORY - at) : 0;
			u64 all = ~0ull >> (64 - 8 * width);
			u64 newest = event_newest();

			assert_int_equal(store(cpu, at, width, 0x2424242424242424 & all),
					 covers ? VERDICT_FAULT : VERDICT_PERFORM);
			assert_quiet(newest + covers);
			assert_int_equal(store(cpu, at, width, all & ~(0xffull << shift)),
					 VERDICT_PERFORM);
			assert_int_equal(store(cpu, at, width, 0x34ull << shift & all),
					 VERDICT_PERFORM);
			assert_quiet(newest + covers);
		}
}

/* What nobody knows is neither judged nor done, before lock neither. */
static void memory_unknown(u32 action)
{
	struct cpu *cpu = sleeper(action, false);

	for (int locked = 0; locked < 2; locked++) {
		u64 at = MEMORY + 0x80 + locked, newest = event_newest();

		assert_int_equal(store(cpu, at, 0, 0), VERDICT_FAULT);
		assert_quiet(newest + 1);
		assert_memory_event(HF_ACTION_DENY, at, 0, 0);
		if (!locked)
			machine_lock(cpu);
	}
}

static void memory_unknown_is_denied(void **ctx)
{
	(void)ctx;
	memory_unknown(HF_ACTION_DENY);
}

static void memory_unknown_is_never_allowed(void **ctx)
{
	(void)ctx;
	memory_unknown(HF_ACTION_ALLOW);
}

static void memory_before_lock_and_allowed(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_ALLOW, false);

	(void)ctx;
	assert_int_equal(store(cpu, MEMORY, 1, 0x24), VERDICT_PERFORM);
	assert_quiet(1);
	machine_lock(cpu);
	assert_int_equal(store(cpu, MEMORY, 1, 0x24), VERDICT_PERFORM);
	assert_memory_event(HF_ACTION_ALLOW, MEMORY, 1, 0x24);
}

/* Neither judged nor done. */
static void strings(u32 action)
{
	struct cpu *cpu = sleeper(action, true);

	for (u8 write = 0; write < 2; write++) {
		struct exit_port port = {
			.port = PM1_A, .width = 2, .write = write, .string = 1, .value = 7
		};
		u64 newest = event_newest();

		assert_int_equal(port_access(cpu, port, 3), VERDICT_FAULT);
		assert_quiet(newest + 1);
		assert_int_equal(machine_event().action, HF_ACTION_DENY);
		assert_int_equal(machine_event().access,
				 write ? HF_ACCESS_WRITE : HF_ACCESS_READ);
		assert_int_equal(machine_event().cpl, 3);
		assert_int_equal(machine_event().new_value, 0);
	}
}

static void strings_are_denied(void **ctx)
{
	(void)ctx;
	strings(HF_ACTION_DENY);
}

static void strings_are_never_allowed(void **ctx)
{
	(void)ctx;
	strings(HF_ACTION_ALLOW);
}

static void before_lock(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, false);

	(void)ctx;
	assert_int_equal(out(cpu, PM1_A, 2, request(1)), VERDICT_PERFORM);
	assert_quiet(1);
}

static void allowed(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_ALLOW, true);

	(void)ctx;
	assert_int_equal(out(cpu, PM1_A, 2, request(1)), VERDICT_PERFORM);
	assert_int_equal(machine_event().action, HF_ACTION_ALLOW);
	assert_int_equal(machine_event().kind, HF_EVENT_PORT);
}

static bool accepted(u64 address, u8 space, u8 width, u32 mask, u32 match)
{
	static struct hf_boot boot;

	boot.sleep_count = 1;
	boot.sleep[0] = (struct hf_sleep){
		.address = address, .space = space, .width = width, .mask = mask, .match = match
	};
	return sleep_init(&boot) == 0;
}

static void records_are_checked(void **ctx)
{
	static struct hf_boot boot;

	(void)ctx;
	sleeper(HF_ACTION_DENY, false);
	boot.sleep_count = HF_SLEEP_MAX + 1;
	assert_int_equal(sleep_init(&boot), -HF_EINVAL);
	assert_true(accepted(PM1_A, 0, 2, 0x3c00, 0x2400));
	assert_true(accepted(MEMORY, HF_SPACE_MEMORY, 2, 0x3c00, 0x2400));
	assert_true(accepted(MEMORY, HF_SPACE_OTHER, 2, 0x3c00, 0x2400));
	assert_false(accepted(MEMORY, 3, 2, 0x3c00, 0x2400));
	/* Memory that is RAM, that there is not, that is on two pages. */
	assert_false(accepted(0x1000, HF_SPACE_MEMORY, 2, 0x3c00, 0x2400));
	assert_false(accepted(FAKE_LIMIT, HF_SPACE_MEMORY, 2, 0x3c00, 0x2400));
	assert_false(accepted(~0ull, HF_SPACE_MEMORY, 1, 0x3c, 0x24));
	assert_true(accepted(FAKE_LIMIT - PAGE_SIZE - 2, HF_SPACE_MEMORY, 2, 0x3c00, 0x2400));
	assert_false(accepted(FAKE_LIMIT - PAGE_SIZE - 1, HF_SPACE_MEMORY, 2, 0x3c00, 0x2400));
	/* Registers that there are not. */
	assert_false(accepted(PM1_A, 0, 0, 0x3c00, 0x2400));
	assert_false(accepted(PM1_A, 0, 3, 0x3c00, 0x2400));
	assert_true(accepted(PM1_A, 0, 4, 0x3c00, 0x2400));
	assert_false(accepted(PM1_A, 0, 8, 0x3c00, 0x2400));
	/* What would match nothing, everything, or beyond the register. */
	assert_false(accepted(PM1_A, 0, 2, 0x3c00, 0x4400));
	assert_false(accepted(PM1_A, 0, 2, 0, 0));
	assert_false(accepted(PM1_A, 0, 1, 0x3c00, 0x2400));
	assert_false(accepted(PM1_A, 0, 2, 0x10000, 0x10000));
	/* Ports that there are not. */
	assert_true(accepted(0xfffe, 0, 2, 0x3c00, 0x2400));
	assert_false(accepted(0xffff, 0, 2, 0x3c00, 0x2400));
	assert_false(accepted(~0ull, 0, 2, 0x3c00, 0x2400));
}

static void assert_status(u32 enforcement, const char *reason)
{
	struct hf_protection p;
	u64 i;

	for (i = 0; !status_protection(i, &p); i++)
		if (!strcmp(p.name, "sleep"))
			break;
	assert_string_equal(p.name, "sleep");
	assert_int_equal(p.asset, HF_ASSET_PLATFORM | 6);
	assert_int_equal(p.enforcement, enforcement);
	assert_non_null(strstr(p.reason, reason));
	assert_true(reason[0] || !p.reason[0]);
}

static void status(void **ctx)
{
	struct cpu *cpu = sleeper(HF_ACTION_DENY, false);

	(void)ctx;
	assert_status(HF_ENFORCED_AT_LOCK, "");
	machine_lock(cpu);
	assert_status(HF_ENFORCED_HARDWARE, "");
	/* One register that is not looked at is enough to leave by. */
	assert_true(accepted(MEMORY, HF_SPACE_OTHER, 2, 0x3c00, 0x2400));
	assert_status(HF_ENFORCED_NOT, "neither a port nor memory");
}

static void status_without_records(void **ctx)
{
	(void)ctx;
	machine_lock(machine(1));
	assert_status(HF_ENFORCED_NOT, "no sleep register");
}

/* The gate of address bit 20: refused whatever the action. */
static void gate(u32 action)
{
	struct hf_boot *boot;
	struct cpu *cpu;

	fake_reset(&fake_format);
	boot = fake_boot(1);
	boot->action = action;
	add(boot, 0x92, 1, 2, 0);
	boot->sleep[0].gate = 1;
	machine_launch(boot);
	cpu = cpu_get(0);
	assert_int_equal(out(cpu, 0x92, 1, 0), VERDICT_PERFORM);
	machine_lock(cpu);
	assert_int_equal(out(cpu, 0x92, 1, 0xfe), VERDICT_PERFORM);
	assert_int_equal(out(cpu, 0x92, 1, 0xfd), VERDICT_FAULT);
	assert_denied(0x92, 1, 0xfd);
	assert_int_equal(out(cpu, 0x90, 4, 0), VERDICT_FAULT);
	assert_denied(0x90, 4, 0);
}

static void gate_is_denied(void **ctx)
{
	(void)ctx;
	gate(HF_ACTION_DENY);
	/* It is none of what status calls sleep. */
	assert_status(HF_ENFORCED_NOT, "no sleep register");
}

static void gate_is_never_allowed(void **ctx)
{
	(void)ctx;
	gate(HF_ACTION_ALLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(requests),
		machine_test(what_is_no_request),
		machine_test(widths),
		machine_test(parts),
		machine_test(memory_is_guarded),
		machine_test(memory_requests),
		machine_test(memory_widths),
		machine_test(memory_unknown_is_denied),
		machine_test(memory_unknown_is_never_allowed),
		machine_test(memory_before_lock_and_allowed),
		machine_test(strings_are_denied),
		machine_test(strings_are_never_allowed),
		machine_test(before_lock),
		machine_test(allowed),
		machine_test(records_are_checked),
		machine_test(status),
		machine_test(status_without_records),
		machine_test(gate_is_denied),
		machine_test(gate_is_never_allowed),
	};

	return cmocka_run_group_tests_name("guard_sleep", tests, NULL, NULL);
}
