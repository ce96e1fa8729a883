// SPDX-License-Identifier: GPL-2.0-only
/*
 * I4 for hv/guard/registers.c: a write that is performed leaves every kept bit at the value
 * recorded at lock, and what was recorded never changes.
 *
 * State: a locked CPU with anything recorded. RULES rules of any register, kind and mask (the
 * code looks at one at a time, so more of them are more of the same); any register, value and
 * action.
 *
 * Assumed: the backend hands every write of a ruled register over and writes what the verdict
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

static struct cpu cpu;

static void any_state(void)
{
	u32 i;

	rule_count = any_below(RULES + 1);
	for (i = 0; i < RULES; i++) {
		rules[i].reg = any_below(CPU_REGISTERS_MAX);
		rules[i].kind = any_below(RULE_LOCKED + 1);
		rules[i].mask = nondet_u64();
	}
	for (i = 0; i < CPU_REGISTERS_MAX; i++)
		cpu.recorded[i] = nondet_u64();
	action = any_bool() ? HF_ACTION_ALLOW : HF_ACTION_DENY;
	state = any_below(CPU_LOCKED + 1);
}

/* The bits of the register that must be what they were at lock, by backend.h. */
static u64 pinned(const struct register_rule *rule)
{
	u64 was = cpu.recorded[rule->reg];

	if (rule->kind == RULE_KEEP_SET)
		return rule->mask & was;
	if (rule->kind == RULE_KEEP_CLEAR)
		return rule->mask & ~was;
	return rule->mask;
}

void prove_write(void)
{
	struct exit exit = { .kind = HF_EXIT_REGISTER };
	bool ruled = false;
	enum verdict verdict;
	u32 i;

	any_state();
	exit.reg.id = nondet_u32();
	exit.reg.unknown = nondet_u32();
	exit.reg.old = nondet_u64();
	exit.reg.value = nondet_u64();
	recorded_events = 0;
	verdict = registers_write(&cpu, &exit);
	prove(verdict == VERDICT_PERFORM || verdict == VERDICT_FAULT,
	      "a write is done or refused");
	prove(implies(verdict == VERDICT_FAULT, recorded_events),
	      "nothing is refused in silence");
	for (i = 0; i < rule_count; i++) {
		if (exit.reg.unknown || rules[i].reg != exit.reg.id)
			continue;
		ruled = true;
		if (state != CPU_LOCKED || verdict != VERDICT_PERFORM)
			continue;
		prove(implies(action == HF_ACTION_DENY || rules[i].kind == RULE_KEEP_CLEAR,
			      !((exit.reg.value ^ cpu.recorded[exit.reg.id]) &
				pinned(&rules[i]))),
		      "I4: no kept bit leaves its value");
		prove(implies((exit.reg.value ^ cpu.recorded[exit.reg.id]) & pinned(&rules[i]),
			      recorded_events),
		      "nothing is allowed in silence");
	}
	prove(implies(!ruled, verdict == VERDICT_FAULT), "what no rule names is refused");
}

void prove_record(void)
{
	u32 reg = any_below(CPU_REGISTERS_MAX);
	u64 was;

	any_state();
	cpu.registers_recorded = any_bool();
	registers_record(&cpu);
	prove(cpu.registers_recorded, "recorded");
	was = cpu.recorded[reg];
	registers_record(&cpu);
	prove(cpu.recorded[reg] == was, "I4: what was recorded never changes");
}
