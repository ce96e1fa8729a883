// SPDX-License-Identifier: GPL-2.0-only
/* Rules about registers: what they let pass and what not, against the value at lock. */
#include <hv/registers.h>
#include "machine.h"

/*
 * The fake's rules: CONTROL keeps bits 0-7 set and bits 8-15 clear, VECTOR is locked, MODE
 * keeps bit 0 set. At lock CONTROL is 0x000f, VECTOR 0xffffffff81000000, MODE 1.
 */
#define VECTOR_VALUE 0xffffffff81000000ull
#define PASS	     HF_ASSET_NONE

static const struct {
	u32 reg;
	u64 value;
	u32 rule; /* PASS, or the asset of the event */
} writes[] = {
	{ FAKE_CONTROL, 0x000f, PASS }, /* as it is */
	{ FAKE_CONTROL, 0x00ff, PASS }, /* more of what is kept set */
	{ FAKE_CONTROL, 0x003f, PASS },
	{ FAKE_CONTROL, 0xffffffffffff000full, PASS }, /* bits of no rule */
	{ FAKE_CONTROL, 0x000e, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_SET },
	{ FAKE_CONTROL, 0x0007, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_SET },
	{ FAKE_CONTROL, 0x00f7, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_SET },
	{ FAKE_CONTROL, 0x0000, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_SET },
	{ FAKE_CONTROL, 0x010f, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_CLEAR },
	{ FAKE_CONTROL, 0x80ff, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_CLEAR },
	/* Against both: the first names it. */
	{ FAKE_CONTROL, 0xff00, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_SET },
	{ FAKE_VECTOR, VECTOR_VALUE, PASS },
	{ FAKE_VECTOR, VECTOR_VALUE + 1, HF_ASSET_REGISTER | FAKE_RULE_VECTOR },
	{ FAKE_VECTOR, VECTOR_VALUE ^ 1ull << 63, HF_ASSET_REGISTER | FAKE_RULE_VECTOR },
	{ FAKE_VECTOR, 0, HF_ASSET_REGISTER | FAKE_RULE_VECTOR },
	{ FAKE_MODE, 1, PASS },
	{ FAKE_MODE, ~0ull, PASS },
	{ FAKE_MODE, ~1ull, HF_ASSET_REGISTER | FAKE_RULE_MODE },
};

static void write_all(u32 action, enum verdict violation)
{
	struct cpu *cpu = machine_action(2, action);

	machine_lock(cpu);
	cpu = cpu_get(1);
	for (u32 i = 0; i < ARRAY_SIZE(writes); i++) {
		bool pass = writes[i].rule == PASS;
		/* What must stay clear does so under any action. */
		bool clear = writes[i].rule == (HF_ASSET_REGISTER | FAKE_RULE_CONTROL_CLEAR);
		u32 done = clear ? HF_ACTION_DENY : action;
		enum verdict expected = clear ? VERDICT_FAULT : violation;
		u64 before = cpu->vcpu->registers[writes[i].reg];
		u64 newest = event_newest();
		int verdict = fake_guest_register(cpu, writes[i].reg, writes[i].value);

		if (verdict != (int)(pass ? VERDICT_PERFORM : expected))
			fail_msg("row %u: %d", i, verdict);
		assert_int_equal(event_newest(), newest + !pass);
		if (pass)
			continue;
		assert_int_equal(machine_event().kind, HF_EVENT_REGISTER);
		assert_int_equal(machine_event().access, HF_ACCESS_WRITE);
		assert_int_equal(machine_event().action, done);
		assert_int_equal(machine_event().asset, writes[i].rule);
		assert_int_equal(machine_event().cpu, 1);
		assert_int_equal(machine_event().old, before);
		assert_int_equal(machine_event().new_value, writes[i].value);
		assert_int_equal(machine_event().gpa, 0);
	}
}

static void deny(void **ctx)
{
	(void)ctx;
	write_all(HF_ACTION_DENY, VERDICT_FAULT);
}

static void allow(void **ctx)
{
	(void)ctx;
	write_all(HF_ACTION_ALLOW, VERDICT_PERFORM);
	/* Let pass and written. */
	assert_int_equal(cpu_get(1)->vcpu->registers[FAKE_MODE], ~1ull);
}

/* I4: no sequence of writes moves a pinned bit. */
static void sequences(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	unit_seed("sequences");
	machine_lock(cpu);
	for (int i = 0; i < 20000; i++) {
		u64 value = cpu->vcpu->registers[FAKE_CONTROL] ^ 1ull << unit_below(20);

		if (!unit_below(4))
			value = unit_random() & 0xfffff;
		fake_guest_register(cpu, FAKE_CONTROL, value);
		assert_int_equal(cpu->vcpu->registers[FAKE_CONTROL] & 0x000f, 0x000f);
		assert_int_equal(cpu->vcpu->registers[FAKE_CONTROL] & 0xff00, 0);
		fake_guest_register(cpu, FAKE_VECTOR, VECTOR_VALUE ^ unit_below(2));
		assert_int_equal(cpu->vcpu->registers[FAKE_VECTOR], VECTOR_VALUE);
	}
	/* What nobody pinned has moved. */
	assert_true(event_newest() > 100);
	assert_int_equal(fake_guest_register(cpu, FAKE_CONTROL, 0xf000f), VERDICT_PERFORM);
}

/* Each CPU is held to what it had itself. */
static void recorded_per_cpu(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	cpu_get(1)->vcpu->registers[FAKE_VECTOR] = 0x1234;
	cpu_get(1)->vcpu->registers[FAKE_CONTROL] = 0xff00;
	machine_lock(cpu);
	assert_int_equal(fake_guest_register(cpu_get(1), FAKE_VECTOR, 0x1234), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu_get(1), FAKE_VECTOR, VECTOR_VALUE),
			 VERDICT_FAULT);
	assert_int_equal(fake_guest_register(cpu, FAKE_VECTOR, 0x1234), VERDICT_FAULT);
	/* Nothing was set that could be kept set, nothing clear that could be kept clear. */
	assert_int_equal(fake_guest_register(cpu_get(1), FAKE_CONTROL, 0), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu_get(1), FAKE_CONTROL, 0xffff),
			 VERDICT_PERFORM);
	assert_false(registers_effective(cpu_get(1), FAKE_RULE_CONTROL_SET));
	assert_false(registers_effective(cpu_get(1), FAKE_RULE_CONTROL_CLEAR));
	assert_true(registers_effective(cpu_get(1), FAKE_RULE_VECTOR));
	assert_true(registers_effective(cpu, FAKE_RULE_CONTROL_SET));
	assert_true(registers_effective(cpu, FAKE_RULE_CONTROL_CLEAR));
	assert_false(registers_effective(cpu, FAKE_RULE_COUNT));
	assert_false(registers_effective(cpu, UINT32_MAX));
}

static struct exit write_of(u32 id, bool unknown, u64 value)
{
	return (struct exit){
		.kind = HF_EXIT_MSR,
		.reg = { .id = id, .unknown = unknown, .old = 7, .value = value },
	};
}

/* Exits before lock (the backend needs some for itself) change nothing but registers. */
static void before_lock(void **ctx)
{
	struct exit exit = write_of(FAKE_MODE, false, 0);
	struct cpu *cpu = machine(1);

	(void)ctx;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_PERFORM);
	/* Nothing is recorded yet, which must not be taken for a record of zeroes. */
	exit = write_of(FAKE_VECTOR, false, 0x1234);
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_PERFORM);
	exit = write_of(FAKE_CONTROL, false, 0xff00);
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_PERFORM);
	assert_quiet(1);
}

static void without_a_rule(u32 action)
{
	struct cpu *cpu = machine_action(1, action);

	for (int locked = 0; locked < 2; locked++) {
		struct exit exit = write_of(0xc0010117, true, 0x1000);

		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		assert_int_equal(machine_event().kind, HF_EVENT_REGISTER);
		assert_int_equal(machine_event().action, HF_ACTION_DENY);
		assert_int_equal(machine_event().asset, HF_ASSET_REGISTER_OTHER);
		assert_int_equal(machine_event().gpa, 0xc0010117);
		assert_int_equal(machine_event().new_value, 0x1000);
		/* A number of ours does not make it known. */
		exit = write_of(FAKE_MODE, true, 0x1001 + locked);
		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		assert_int_equal(machine_event().asset, HF_ASSET_REGISTER_OTHER);
		/* Numbered by the backend, but no rule names it. */
		exit = write_of(FAKE_FREE, false, 0x1002);
		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		assert_int_equal(machine_event().asset, HF_ASSET_REGISTER_OTHER);
		exit = write_of(UINT32_MAX, false, 0x1003);
		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		if (!locked)
			machine_lock(cpu);
	}
}

static void without_a_rule_denied(void **ctx)
{
	(void)ctx;
	without_a_rule(HF_ACTION_DENY);
}

static void without_a_rule_never_allowed(void **ctx)
{
	(void)ctx;
	without_a_rule(HF_ACTION_ALLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(deny),
		machine_test(allow),
		machine_test(sequences),
		machine_test(recorded_per_cpu),
		machine_test(before_lock),
		machine_test(without_a_rule_denied),
		machine_test(without_a_rule_never_allowed),
	};

	return cmocka_run_group_tests_name("guard_registers", tests, NULL, NULL);
}
