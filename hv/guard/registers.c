// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guard of registers. A rule compares the value to be written with the one recorded at lock,
 * never with the current one: no sequence of writes walks a pinned bit away (I4).
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/panic.h>
#include <hv/protect.h>
#include <hv/registers.h>

void registers_record(struct cpu *cpu)
{
	const struct register_rule *rules;
	u32 count;

	/* Once in the machine's life: what a CPU woken up later holds may be an attacker's. */
	if (cpu->registers_recorded)
		return;
	rules = backend_register_rules(&count);
	for (u32 i = 0; i < count; i++) {
		CHECK(rules[i].reg < CPU_REGISTERS_MAX);
		cpu->recorded[rules[i].reg] = backend_register_read(cpu, rules[i].reg);
	}
	cpu->registers_recorded = true;
}

/* The bits that @rule keeps on a CPU where @recorded was found at lock. */
static u64 kept(const struct register_rule *rule, u64 recorded)
{
	switch (rule->kind) {
	case RULE_KEEP_SET:
		return rule->mask & recorded;
	case RULE_KEEP_CLEAR:
		return rule->mask & ~recorded;
	case RULE_LOCKED:
		break;
	}
	return rule->mask;
}

/* What must stay clear would give the guest something of ours: no action lets it. */
static u32 action_for(const struct register_rule *rule)
{
	return rule->kind == RULE_KEEP_CLEAR ? HF_ACTION_DENY : protect_action();
}

static enum verdict violation(struct cpu *cpu, struct exit *exit, u32 asset, u32 done)
{
	const struct exit_register *reg = &exit->reg;
	const struct hf_event event = {
		.kind = HF_EVENT_REGISTER,
		.access = HF_ACCESS_WRITE,
		.action = done,
		.asset = asset,
		.gpa = asset == HF_ASSET_REGISTER_OTHER ? reg->id : 0,
		.old = reg->old,
		.new_value = reg->value,
	};

	event_record(cpu, exit, &event);
	return done == HF_ACTION_ALLOW ? VERDICT_PERFORM : VERDICT_FAULT;
}

/*
 * The bits a rule keeps differ from the recorded value in a violation, of whatever kind the
 * rule is: kept() has left only those whose recorded value is the one to keep.
 */
enum verdict registers_write(struct cpu *cpu, struct exit *exit)
{
	const struct exit_register *reg = &exit->reg;
	const struct register_rule *rules;
	bool known = false;
	u64 recorded;
	u32 count;

	rules = backend_register_rules(&count);
	for (u32 i = 0; i < count && !reg->unknown; i++) {
		if (rules[i].reg != reg->id)
			continue;
		known = true;
		if (cpu_state(cpu) != CPU_LOCKED)
			break;
		recorded = cpu->recorded[reg->id];
		if ((reg->value ^ recorded) & kept(&rules[i], recorded))
			return violation(cpu, exit, HF_ASSET_REGISTER | i,
					 action_for(&rules[i]));
	}
	/* A register nobody has a rule for exits because it is ours: not even "allow" lets it
	 * go. */
	if (!known)
		return violation(cpu, exit, HF_ASSET_REGISTER_OTHER, HF_ACTION_DENY);
	return VERDICT_PERFORM;
}

bool registers_effective(const struct cpu *cpu, u32 rule)
{
	const struct register_rule *rules;
	u32 count;

	rules = backend_register_rules(&count);
	return rule < count && kept(&rules[rule], cpu->recorded[rules[rule].reg]);
}
