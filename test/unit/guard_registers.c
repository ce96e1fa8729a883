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
	/* Against two rules: the first names it. */
	assert_int_equal(fake_guest_register(cpu_get(1), FAKE_CONTROL, 0xff00), VERDICT_FAULT);
	assert_int_equal(machine_event().asset, HF_ASSET_REGISTER | FAKE_RULE_CONTROL_SET);
}

static void allow(void **ctx)
{
	(void)ctx;
	write_all(HF_ACTION_ALLOW, VERDICT_PERFORM);
	/* Let pass and written. */
	assert_int_equal(cpu_get(1)->vcpu->registers[FAKE_MODE], ~1ull);
}

/* Letting one rule's bits go lets no other rule's go with them. */
static void allow_one_of_two(void **ctx)
{
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);

	(void)ctx;
	machine_lock(cpu);
	assert_int_equal(fake_guest_register(cpu, FAKE_CONTROL, 0x0100), VERDICT_FAULT);
	assert_int_equal(cpu->vcpu->registers[FAKE_CONTROL], 0x000f);
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0xff00), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0x1200);
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

/* What is absorbed keeps its value, without an event, and the rest is written. */
static void absorbed(void **ctx)
{
	struct cpu *cpu = machine(1);
	u64 newest;

	(void)ctx;
	machine_lock(cpu);
	newest = event_newest();
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0x30fff), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0x312ff);
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0x1), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0x1201);
	/* From anywhere, it is the recorded value that is kept. */
	cpu->vcpu->registers[FAKE_CACHE] = 0x3401;
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0x3401), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0x1201);
	assert_quiet(newest);
	/* A violation in the rest of it is one, and shows what was asked for. */
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0xff00), VERDICT_FAULT);
	assert_int_equal(machine_event().asset, HF_ASSET_REGISTER | FAKE_RULE_CACHE);
	assert_int_equal(machine_event().new_value, 0xff00);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0x1201);
}

/* Not recorded: compared with what is there. Nothing to change is nothing to do. */
static void live(void **ctx)
{
	struct cpu *cpu = machine(1);
	u64 newest;

	(void)ctx;
	machine_lock(cpu);
	newest = event_newest();
	assert_int_equal(fake_guest_register(cpu, FAKE_LIVE, 0x1234), VERDICT_SKIP);
	assert_int_equal(fake_guest_register(cpu, FAKE_LIVE, 0x34), VERDICT_SKIP);
	assert_int_equal(fake_guest_register(cpu, FAKE_LIVE, 0x70034), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_LIVE], 0x71234);
	assert_quiet(newest);
	assert_int_equal(fake_guest_register(cpu, FAKE_LIVE, 0x71235), VERDICT_FAULT);
	assert_int_equal(machine_event().asset, HF_ASSET_REGISTER | FAKE_RULE_LIVE);
	assert_int_equal(machine_event().gpa, FAKE_HARDWARE + FAKE_LIVE);
	assert_int_equal(machine_event().old, 0x71234);
	assert_int_equal(machine_event().new_value, 0x71235);
	assert_int_equal(cpu->vcpu->registers[FAKE_LIVE], 0x71234);
	assert_true(registers_effective(cpu, FAKE_RULE_LIVE));
}

/* Under every action, and before lock where such a write exits. */
static void ours(u32 action)
{
	struct cpu *cpu = machine_action(1, action);

	for (int locked = 0; locked < 2; locked++) {
		u64 newest = event_newest();

		cpu->vcpu->guarded = true;
		assert_int_equal(fake_guest_register(cpu, FAKE_OURS, 0x5678), VERDICT_SKIP);
		assert_quiet(newest);
		assert_int_equal(fake_guest_register(cpu, FAKE_OURS, locked), VERDICT_FAULT);
		assert_int_equal(machine_event().kind, HF_EVENT_REGISTER);
		assert_int_equal(machine_event().action, HF_ACTION_DENY);
		assert_int_equal(machine_event().asset, HF_ASSET_REGISTER | FAKE_RULE_OURS);
		assert_int_equal(machine_event().gpa, FAKE_HARDWARE + FAKE_OURS);
		if (!locked)
			machine_lock(cpu);
	}
}

static void ours_denied(void **ctx)
{
	(void)ctx;
	ours(HF_ACTION_DENY);
}

static void ours_never_allowed(void **ctx)
{
	(void)ctx;
	ours(HF_ACTION_ALLOW);
}

/* Exits before lock (the backend needs some for itself) change nothing but registers. */
static void before_lock(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	cpu->vcpu->guarded = true;
	assert_int_equal(fake_guest_register(cpu, FAKE_MODE, 0), VERDICT_PERFORM);
	/* Nothing is recorded yet, which must not be taken for a record of zeroes. */
	assert_int_equal(fake_guest_register(cpu, FAKE_VECTOR, 0x1234), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu, FAKE_CONTROL, 0xff00), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0xff00), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0xff00);
	assert_int_equal(fake_guest_register(cpu, FAKE_LIVE, 0), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu, FAKE_OTHER, 0), VERDICT_PERFORM);
	assert_quiet(1);
}

/* What no rule names keeps its value; the same value again is left out. */
static void without_a_rule(void **ctx)
{
	struct cpu *cpu = machine(1);
	u64 newest;

	(void)ctx;
	machine_lock(cpu);
	newest = event_newest();
	assert_int_equal(fake_guest_register(cpu, FAKE_OTHER, 0x9abc), VERDICT_SKIP);
	assert_quiet(newest);
	assert_int_equal(fake_guest_register(cpu, FAKE_OTHER, 0x9abd), VERDICT_FAULT);
	assert_int_equal(machine_event().kind, HF_EVENT_REGISTER);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(machine_event().asset, HF_ASSET_REGISTER_OTHER);
	assert_int_equal(machine_event().gpa, FAKE_HARDWARE + FAKE_OTHER);
	assert_int_equal(machine_event().old, 0x9abc);
	assert_int_equal(machine_event().new_value, 0x9abd);
	assert_int_equal(cpu->vcpu->registers[FAKE_OTHER], 0x9abc);
}

static void without_a_rule_allowed(void **ctx)
{
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);

	(void)ctx;
	machine_lock(cpu);
	assert_int_equal(fake_guest_register(cpu, FAKE_OTHER, 0x9abd), VERDICT_PERFORM);
	assert_int_equal(machine_event().action, HF_ACTION_ALLOW);
	assert_int_equal(machine_event().asset, HF_ASSET_REGISTER_OTHER);
	assert_int_equal(cpu->vcpu->registers[FAKE_OTHER], 0x9abd);
}

/*
 * A CPU that is brought up writes values from before anything was protected. None is a violation
 * and none takes effect: the value at lock stays in force all the while.
 */
static void waking(void **ctx)
{
	struct cpu *cpu = machine(2);
	u64 newest;

	(void)ctx;
	machine_lock(cpu);
	cpu = cpu_get(1);
	newest = event_newest();
	cpu->waking = CPU_WAKING;
	assert_int_equal(fake_guest_register(cpu, FAKE_CONTROL, 0xf00f0), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CONTROL], 0xf00ff);
	assert_int_equal(fake_guest_register(cpu, FAKE_CONTROL, 0xff00), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CONTROL], 0x000f);
	assert_int_equal(fake_guest_register(cpu, FAKE_VECTOR, 0x1234), VERDICT_SKIP);
	assert_int_equal(cpu->vcpu->registers[FAKE_VECTOR], VECTOR_VALUE);
	assert_int_equal(fake_guest_register(cpu, FAKE_VECTOR, VECTOR_VALUE), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu, FAKE_CACHE, 0xff00), VERDICT_PERFORM);
	assert_int_equal(cpu->vcpu->registers[FAKE_CACHE], 0x1201);
	assert_int_equal(fake_guest_register(cpu, FAKE_LIVE, 0xffff), VERDICT_SKIP);
	assert_int_equal(fake_guest_register(cpu, FAKE_OURS, 0), VERDICT_SKIP);
	assert_int_equal(fake_guest_register(cpu, FAKE_OTHER, 0), VERDICT_SKIP);
	assert_quiet(newest);
	/* Others are not. */
	assert_int_equal(fake_guest_register(cpu_get(0), FAKE_VECTOR, 0x1234), VERDICT_FAULT);
	cpu->waking = CPU_AWAKE;
	assert_int_equal(fake_guest_register(cpu, FAKE_VECTOR, 0x1235), VERDICT_FAULT);
}

/* I4: whatever is written on the way, and whenever the way ends. */
static void waking_sequences(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	unit_seed("waking_sequences");
	machine_lock(cpu);
	for (int i = 0; i < 20000; i++) {
		cpu->waking = unit_below(3);
		fake_guest_register(cpu, FAKE_CONTROL, unit_random() & 0xfffff);
		fake_guest_register(cpu, FAKE_VECTOR, unit_random());
		fake_guest_register(cpu, FAKE_CACHE, unit_random() & 0xfffff);
		fake_guest_register(cpu, FAKE_LIVE, unit_random() & 0xfffff);
		assert_int_equal(cpu->vcpu->registers[FAKE_CONTROL] & 0xff0f, 0x000f);
		assert_int_equal(cpu->vcpu->registers[FAKE_VECTOR], VECTOR_VALUE);
		assert_int_equal(cpu->vcpu->registers[FAKE_CACHE] & 0xff01, 0x1201);
		assert_int_equal(cpu->vcpu->registers[FAKE_LIVE] & 0xffff, 0x1234);
	}
}

/* A CPU that could not even handle a fault is not left to die slowly. */
static void fatal(u32 action, bool waking_too, enum verdict verdict, u32 done)
{
	struct cpu *cpu = machine_action(1, action);
	struct exit exit = {
		.kind = HF_EXIT_REGISTER,
		.reg = { .id = FAKE_VECTOR, .fatal = true, .old = VECTOR_VALUE, .value = 0 },
	};
	u64 newest;

	machine_lock(cpu);
	newest = event_newest();
	cpu->waking = waking_too ? CPU_WAKING : CPU_AWAKE;
	assert_int_equal(exit_decide(cpu, &exit), verdict);
	assert_int_equal(event_newest(), newest + !waking_too);
	if (!waking_too)
		assert_int_equal(machine_event().action, done);
}

static void fatal_stops(void **ctx)
{
	(void)ctx;
	fatal(HF_ACTION_DENY, false, VERDICT_STOP, HF_ACTION_KILL);
}

static void fatal_allowed(void **ctx)
{
	(void)ctx;
	fatal(HF_ACTION_ALLOW, false, VERDICT_PERFORM, HF_ACTION_ALLOW);
}

static void fatal_waking(void **ctx)
{
	(void)ctx;
	fatal(HF_ACTION_DENY, true, VERDICT_SKIP, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(deny),
		machine_test(allow),
		machine_test(allow_one_of_two),
		machine_test(sequences),
		machine_test(recorded_per_cpu),
		machine_test(absorbed),
		machine_test(live),
		machine_test(ours_denied),
		machine_test(ours_never_allowed),
		machine_test(before_lock),
		machine_test(without_a_rule),
		machine_test(without_a_rule_allowed),
		machine_test(waking),
		machine_test(waking_sequences),
		machine_test(fatal_stops),
		machine_test(fatal_allowed),
		machine_test(fatal_waking),
	};

	return cmocka_run_group_tests_name("guard_registers", tests, NULL, NULL);
}
