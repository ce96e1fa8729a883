// SPDX-License-Identifier: GPL-2.0-only
/*
 * I4 for hv/guard/registers.c: a write that is performed leaves every kept bit at the value
 * recorded at lock, and what was recorded never changes.
 *
 * State: a locked CPU with anything recorded. RULES rules of any register, kind and mask (the
 * code looks at one at a time, so more of them are more of the same); any register, value and
 * action.
 *
 * Assumed: no two rules name the same bit; the backend hands every write of a ruled register
 * over and writes what the verdict
 * says.
 */
#include "proof.h"
#include <hv/guard/registers.c>

#define RULES 3

static struct register_rule rules[RULES];
static u32 rule_count;
static u32 action;
static u32 state;
static u32 recorded_events;

/* ---- what registers.c needs ---- */

const struct register_rule *backend_register_rules(u32 *count)
{
	*count = rule_count;
	return rules;
}

u64 backend_register_read(struct cpu *cpu, u32 reg)
{
	(void)cpu;
	(void)reg;
	return nondet_u64();
}

enum cpu_state cpu_state(const struct cpu *cpu)
{
	(void)cpu;
	return state;
}

/* Another CPU, which one that is started takes what it keeps from. */
static struct cpu cpu, other;

u32 cpu_count(void)
{
	return 2;
}

struct cpu *cpu_get(u32 index)
{
	return index ? &other : &cpu;
}

/* The one root that is sealed, if it is the root that is asked for. */
static u64 root;

struct page owner_page(struct gpa address)
{
	bool is = (address.raw & ~PAGE_MASK) == root;

	return (struct page){ .kind = is ? HF_KIND_ROOT : any_below(HF_KIND_ROOT) };
}

u32 protect_action(void)
{
	return action;
}

void event_record(struct cpu *cpu, const struct exit *exit, const struct hf_event *event)
{
	(void)cpu;
	(void)exit;
	(void)event;
	recorded_events++;
}

/* ---- what is proved ---- */

static void any_state(void)
{
	u32 i, k;

	rule_count = any_below(RULES + 1);
	for (i = 0; i < RULES; i++) {
		rules[i].reg = any_below(CPU_REGISTERS_MAX + 2);
		rules[i].kind = any_below(RULE_OURS + 1);
		rules[i].mask = nondet_u64();
		/* As backend.h asks. */
		assume(rules[i].reg < CPU_REGISTERS_MAX || rules[i].kind >= RULE_LOCKED);
		for (k = 0; k < i; k++)
			assume(rules[k].reg != rules[i].reg ||
			       !(rules[k].mask & rules[i].mask));
	}
	for (i = 0; i < CPU_REGISTERS_MAX; i++)
		cpu.recorded[i] = nondet_u64();
	cpu.waking = any_bool() ? CPU_WAKING : CPU_AWAKE;
	root = nondet_u64() & ~PAGE_MASK;
	action = any_bool() ? HF_ACTION_ALLOW : HF_ACTION_DENY;
	state = any_below(CPU_LOCKED + 1);
}

/* The value that a rule keeps: what was recorded, or where nothing is, what is there now. */
static u64 value_kept(const struct register_rule *rule, u64 old)
{
	bool is_recorded = rule->reg < CPU_REGISTERS_MAX && rule->kind != RULE_OURS;

	return is_recorded ? cpu.recorded[rule->reg] : old;
}

/* The bits of the register that must keep it, by backend.h. */
static u64 pinned(const struct register_rule *rule, u64 was)
{
	if (rule->kind == RULE_KEEP_SET)
		return rule->mask & was;
	if (rule->kind == RULE_KEEP_CLEAR)
		return rule->mask & ~was;
	return rule->mask;
}

/* Action "allow" gives these up. */
static bool may_allow(const struct register_rule *rule)
{
	return action == HF_ACTION_ALLOW && !cpu.waking &&
	       (rule->kind == RULE_KEEP_SET || rule->kind == RULE_ROOT ||
		rule->kind == RULE_LOCKED);
}

static void any_write(struct exit *exit)
{
	exit->kind = HF_EXIT_REGISTER;
	exit->reg.id = any_below(CPU_REGISTERS_MAX + 2);
	exit->reg.unknown = any_bool();
	exit->reg.fatal = any_bool();
	exit->reg.old = nondet_u64();
	exit->reg.value = nondet_u64();
}

/* What is performed is what is left in exit.reg.value. */
void prove_write(void)
{
	struct exit exit;
	struct exit_register was;
	enum verdict verdict;
	u32 i;

	any_state();
	any_write(&exit);
	was = exit.reg;
	verdict = registers_write(&cpu, &exit);
	prove(verdict == VERDICT_PERFORM || verdict == VERDICT_FAULT ||
		      verdict == VERDICT_SKIP || (verdict == VERDICT_STOP && was.fatal),
	      "a documented verdict");
	prove(implies(verdict == VERDICT_FAULT || verdict == VERDICT_STOP, recorded_events),
	      "nothing is refused in silence");
	if (verdict != VERDICT_PERFORM)
		return;
	prove(implies(was.unknown && state == CPU_LOCKED && was.value != was.old,
		      action == HF_ACTION_ALLOW && recorded_events),
	      "what no rule names keeps its value");
	for (i = 0; i < rule_count; i++) {
		u64 keep = value_kept(&rules[i], was.old), moved;

		if (was.unknown || rules[i].reg != was.id)
			continue;
		if (state != CPU_LOCKED && rules[i].kind != RULE_OURS)
			continue;
		if (rules[i].kind == RULE_ROOT && (was.value & rules[i].mask) == root)
			keep = was.value;
		moved = (exit.reg.value ^ keep) & pinned(&rules[i], keep);
		prove(implies(moved, may_allow(&rules[i])), "I4: no kept bit leaves its value");
		prove(implies(moved, recorded_events), "nothing is allowed in silence");
	}
}

void prove_record(void)
{
	u32 reg = any_below(CPU_REGISTERS_MAX);
	u64 was;

	any_state();
	cpu.registers_recorded = any_bool();
	other.registers_recorded = any_bool();
	registers_record(&cpu);
	prove(cpu.registers_recorded, "recorded");
	was = cpu.recorded[reg];
	registers_record(&cpu);
	prove(cpu.recorded[reg] == was, "I4: what was recorded never changes");
}
