// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guard of registers. A rule compares the value to be written with the one recorded at lock,
 * never with the current one: no sequence of writes walks a pinned bit away (I4).
 */
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/owner.h>
#include <hv/protect.h>
#include <hv/registers.h>

/* Registers that only writes that exit can change need no record. */
static bool is_recorded(u32 reg)
{
	return reg < CPU_REGISTERS_MAX;
}

/* What another CPU held at lock; NULL: none did. */
static const struct cpu *recorded_elsewhere(void)
{
	for (u32 i = 0; i < cpu_count(); i++)
		if (cpu_get(i)->registers_recorded)
			return cpu_get(i);
	return NULL;
}

void registers_record(struct cpu *cpu)
{
	const struct cpu *other = cpu->waking ? recorded_elsewhere() : NULL;
	const struct register_rule *rules;
	u32 count;

	/* Once in the machine's life: what a CPU woken up later holds may be an attacker's. */
	if (cpu->registers_recorded)
		return;
	rules = backend_register_rules(&count);
	/* One that is started for the first time after lock holds nothing worth keeping: CPUs of
	 * one kernel are alike. */
	for (u32 i = 0; i < count; i++)
		if (is_recorded(rules[i].reg))
			cpu->recorded[rules[i].reg] =
				other ? other->recorded[rules[i].reg]
				      : backend_register_read(cpu, rules[i].reg);
	cpu->registers_recorded = true;
}

/* The bits that @rule keeps where @was is the value to keep. */
static u64 kept(const struct register_rule *rule, u64 was)
{
	switch (rule->kind) {
	case RULE_KEEP_SET:
		return rule->mask & was;
	case RULE_KEEP_CLEAR:
		return rule->mask & ~was;
	case RULE_ROOT:
	case RULE_LOCKED:
	case RULE_ABSORBED:
	case RULE_OURS:
		break;
	}
	return rule->mask;
}

static bool is_root(u64 address)
{
	return !(address & PAGE_MASK) && owner_page(gpa(address)).kind == HF_KIND_ROOT;
}

/* The value that @rule compares a write with. */
static u64 kept_value(const struct cpu *cpu, const struct register_rule *rule,
		      const struct exit_register *reg)
{
	if (rule->kind == RULE_ROOT && is_root(reg->value & rule->mask))
		return reg->value;
	return is_recorded(rule->reg) && rule->kind != RULE_OURS ? cpu->recorded[rule->reg]
								 : reg->old;
}

/* What must stay clear, or is ours, would give the guest something of ours: no action lets it. */
static u32 action_for(const struct register_rule *rule, const struct exit_register *reg)
{
	if (rule->kind == RULE_KEEP_CLEAR || rule->kind == RULE_OURS)
		return HF_ACTION_DENY;
	if (reg->fatal && protect_action() == HF_ACTION_DENY)
		return HF_ACTION_KILL;
	return protect_action();
}

static enum verdict violation(struct cpu *cpu, struct exit *exit, u32 asset, u32 done)
{
	const struct exit_register *reg = &exit->reg;
	const struct hf_event event = {
		.kind = HF_EVENT_REGISTER,
		.access = HF_ACCESS_WRITE,
		.action = done,
		.asset = asset,
		.gpa = reg->hardware,
		.old = reg->old,
		.new_value = reg->value,
	};

	event_record(cpu, exit, &event);
	switch (done) {
	case HF_ACTION_ALLOW:
		return VERDICT_PERFORM;
	case HF_ACTION_KILL:
		return VERDICT_STOP;
	}
	return VERDICT_FAULT;
}

/*
 * A register without a rule keeps its value. Kernels write the same value again when they bring
 * up a CPU: that is left out, not refused.
 */
static enum verdict unruled_write(struct cpu *cpu, struct exit *exit, bool locked)
{
	if (!locked)
		return VERDICT_PERFORM;
	if (cpu->waking || exit->reg.value == exit->reg.old)
		return VERDICT_SKIP;
	return violation(cpu, exit, HF_ASSET_REGISTER_OTHER, protect_action());
}

/*
 * The bits a rule keeps differ from the value to keep in a violation, of whatever kind the
 * rule is: kept() has left only those whose value is the one to keep. Where that is none,
 * because the bits are absorbed or the CPU is being brought up, they are forced to it.
 */
enum verdict registers_write(struct cpu *cpu, struct exit *exit)
{
	bool locked = cpu_state(cpu) == CPU_LOCKED;
	struct exit_register *reg = &exit->reg;
	const struct register_rule *rules;
	enum verdict verdict;
	u64 bits, value;
	u32 count;

	if (reg->unknown)
		return unruled_write(cpu, exit, locked);
	rules = backend_register_rules(&count);
	for (u32 i = 0; i < count; i++) {
		if (rules[i].reg != reg->id || !(locked || rules[i].kind == RULE_OURS))
			continue;
		value = kept_value(cpu, &rules[i], reg);
		bits = kept(&rules[i], value);
		if (!((reg->value ^ value) & bits))
			continue;
		if (rules[i].kind != RULE_ABSORBED && !cpu->waking) {
			verdict = violation(cpu, exit, HF_ASSET_REGISTER | i,
					    action_for(&rules[i], reg));
			if (verdict != VERDICT_PERFORM)
				return verdict;
			/* Let go by action "allow": the other rules hold nevertheless. */
			continue;
		}
		if (!~bits)
			return VERDICT_SKIP;
		reg->value = (reg->value & ~bits) | (value & bits);
	}
	/* Nothing to do; and some of these must not be written at all, not even as they are. */
	return !is_recorded(reg->id) && reg->value == reg->old ? VERDICT_SKIP : VERDICT_PERFORM;
}

bool registers_effective(const struct cpu *cpu, u32 rule)
{
	const struct register_rule *rules;
	u32 count;

	rules = backend_register_rules(&count);
	if (rule >= count)
		return false;
	return !is_recorded(rules[rule].reg) ||
	       kept(&rules[rule], cpu->recorded[rules[rule].reg]);
}
