// SPDX-License-Identifier: GPL-2.0-only
/* Code of words, each patched by one store: the forms of A64 above the fake machine. */
#include <hv/probe.h>
#include <hv/site.h>
#include "machine.h"

/* Code does not begin at the top 2 GiB; of text the rest is the guest-physical address. */
#define BASE	 (HF_CODE_BASE - 0x40000000)
#define AT(gpa_) ((u32)(0x40000000 + (gpa_)))

#define JUMP	 (MACHINE_TEXT + 0x10)
#define TRACE	 (MACHINE_TEXT + 0x208)
#define LITERAL	 (MACHINE_TEXT + 0x200)
#define PATCHED	 (MACHINE_TEXT + 0x3004)
#define LABEL	 (MACHINE_TEXT + 0x60)
#define FUNCTION (MACHINE_TEXT + 0x10000)
#define TRACER	 (MACHINE_TEXT + 0x20000) /* a trampoline */
#define OTHER	 (MACHINE_TEXT + 0x20040) /* another */

#define NOP  0xd503201fu
#define BRK4 0xd4200080u
#define OPS1 0xffff800081234560ull
#define OPS2 0xffff800081234660ull

/* ARM C6.2.25, C6.2.34 */
static u32 b(u64 from, u64 to)
{
	return 0x14000000 | ((u32)(to - from) >> 2 & 0x03ffffff);
}

static u32 bl(u64 from, u64 to)
{
	return b(from, to) | 0x80000000;
}

static u32 word_at(u64 at)
{
	return *(u32 *)machine_ram(at);
}

static void put(u64 at, u32 word)
{
	*(u32 *)machine_ram(at) = word;
}

/* ---- registration ---- */

static s64 patching(struct cpu *cpu, u8 policy, u64 base)
{
	struct hf_patching *p = machine_ram(MACHINE_BUFFER);

	memset(p, 0, PAGE_SIZE);
	p->size = sizeof(*p);
	p->ftrace = policy;
	p->kprobes = policy;
	p->code_base = base;
	p->tracers[0] = OPS1;
	p->tracers[2] = OPS2;
	return machine_call(cpu, HF_CALL_PATCHING, MACHINE_BUFFER, 0);
}

static s64 add(struct cpu *cpu, u64 at, u32 kind, u32 target)
{
	*(u64 *)machine_ram(MACHINE_BUFFER) = HF_SITE(AT(at), kind, target);
	return machine_call(cpu, HF_CALL_SITES, MACHINE_BUFFER, 1);
}

/* Not locked, without sites; each place holds a value. */
static struct cpu *prepare(u8 policy, u32 trace)
{
	const u32 entries[] = { AT(FUNCTION), AT(TRACER) | HF_ENTRY_TRAMPOLINE,
				AT(OTHER) | HF_ENTRY_TRAMPOLINE };
	struct cpu *cpu = machine_action(1, HF_ACTION_DENY);

	machine_register(cpu);
	assert_int_equal(patching(cpu, policy, BASE), 0);
	memcpy(machine_ram(MACHINE_BUFFER), entries, sizeof(entries));
	assert_int_equal(machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, 3), 0);
	put(JUMP, NOP);
	put(TRACE, trace);
	put(PATCHED, bl(PATCHED, FUNCTION));
	*(u64 *)machine_ram(LITERAL) = OPS1;
	return cpu;
}

static struct cpu *locked(u8 policy, u32 trace)
{
	struct cpu *cpu = prepare(policy, trace);

	assert_int_equal(add(cpu, JUMP, HF_SITE_JUMP5, AT(LABEL)), 0);
	assert_int_equal(add(cpu, LITERAL, HF_SITE_CALL, HF_FORM_TRACER), 0);
	assert_int_equal(add(cpu, TRACE, HF_SITE_TRACE, 0), 0);
	assert_int_equal(add(cpu, PATCHED, HF_SITE_CALL, HF_FORM_PATCHED), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	return cpu;
}

/* ---- stores ---- */

/* Made, or refused without a trace. */
static bool store(struct cpu *cpu, u64 at, const void *bytes, u16 width)
{
	u8 was[16];
	int verdict;

	memcpy(was, machine_ram(at), width);
	verdict = fake_guest_store(cpu, gpa(at), 0, bytes, width);
	assert_true(verdict == VERDICT_SKIP || verdict == VERDICT_FAULT);
	assert_memory_equal(machine_ram(at), verdict == VERDICT_SKIP ? bytes : was, width);
	return verdict == VERDICT_SKIP;
}

static bool store_word(struct cpu *cpu, u64 at, u32 word)
{
	return store(cpu, at, &word, sizeof(word));
}

static void jumps(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_OFF, NOP);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(store_word(cpu, JUMP, b(JUMP, LABEL)));
		assert_true(store_word(cpu, JUMP, b(JUMP, LABEL)));
		assert_true(store_word(cpu, JUMP, NOP));
	}
	assert_false(store_word(cpu, JUMP, b(JUMP, LABEL + 4)));
	assert_false(store_word(cpu, JUMP, bl(JUMP, LABEL)));
	assert_false(store_word(cpu, JUMP, BRK4));
	assert_false(store_word(cpu, JUMP, 0));
	/* The same instruction elsewhere goes elsewhere, and there is no site. */
	assert_false(store_word(cpu, JUMP + 4, NOP));
	assert_false(store_word(cpu, JUMP + 4, b(JUMP, LABEL)));
}

/* All else that differs in one bit, and many that have nothing to do with it. */
static void any_word(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_ON, NOP);
	const u32 values[] = { NOP, b(JUMP, LABEL) };

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(values); i++)
		for (u32 bit = 0; bit < 32; bit++)
			assert_false(store_word(cpu, JUMP, values[i] ^ BIT(bit)));
	unit_seed("any word");
	for (u32 i = 0; i < 100000; i++) {
		u32 word = (u32)unit_random();

		if (word != values[0] && word != values[1])
			assert_false(store_word(cpu, JUMP, word));
	}
	assert_int_equal(word_at(JUMP), NOP);
}

/* Of two stores one could be seen without the other. */
static void whole_words_only(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_ON, NOP);
	u32 jump = b(JUMP, LABEL), pair[2] = { b(JUMP, LABEL), word_at(JUMP + 4) };
	u8 *bytes = (u8 *)&jump;

	(void)state;
	for (u16 width = 1; width < 4; width++)
		for (u16 at = 0; at + width <= 4; at++)
			assert_false(store(cpu, JUMP + at, bytes + at, width));
	assert_false(store(cpu, JUMP, pair, sizeof(pair)));
	assert_int_equal(word_at(JUMP), NOP);
	assert_true(store_word(cpu, JUMP, jump));
}

static void tracing(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_ON, NOP);

	(void)state;
	assert_true(store_word(cpu, TRACE, bl(TRACE, TRACER)));
	assert_true(store_word(cpu, TRACE, bl(TRACE, OTHER)));
	assert_false(store_word(cpu, TRACE, bl(TRACE, FUNCTION)));
	assert_false(store_word(cpu, TRACE, bl(TRACE, TRACER + 4)));
	assert_false(store_word(cpu, TRACE, b(TRACE, TRACER)));
	/* No template admits a page here. */
	assert_false(store_word(cpu, TRACE, bl(TRACE, MACHINE_FREE)));
	assert_true(store_word(cpu, TRACE, NOP));
}

static void tracing_before_lock(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_BEFORE_LOCK, bl(TRACE, TRACER));

	(void)state;
	assert_false(store_word(cpu, TRACE, bl(TRACE, OTHER)));
	assert_true(store_word(cpu, TRACE, NOP));
	assert_true(store_word(cpu, TRACE, bl(TRACE, TRACER)));
}

static void tracing_off(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_OFF, bl(TRACE, TRACER));
	u64 ops = OPS2;

	(void)state;
	assert_false(store_word(cpu, TRACE, NOP));
	assert_false(store(cpu, LITERAL, &ops, sizeof(ops)));
	assert_true(store_word(cpu, PATCHED, NOP));
}

static void patched_calls(void **state)
{
	struct cpu *cpu = locked(HF_POLICY_ON, NOP);

	(void)state;
	assert_true(store_word(cpu, PATCHED, NOP));
	assert_true(store_word(cpu, PATCHED, bl(PATCHED, TRACER)));
	assert_true(store_word(cpu, PATCHED, bl(PATCHED, FUNCTION)));
	assert_false(store_word(cpu, PATCHED, bl(PATCHED, FUNCTION + 4)));
	assert_false(store_word(cpu, PATCHED, b(PATCHED, FUNCTION)));
}

/*
 * What it names is data, and the words would be instructions: what is not known becomes the
 * first.
 */
static void literals(void **state)
{
	const u64 values[] = { OPS2, OPS1, OPS2 };
	struct cpu *cpu = locked(HF_POLICY_BEFORE_LOCK, NOP);

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(values); i++)
		assert_true(store(cpu, LITERAL, &values[i], 8));
	for (u32 bit = 0; bit <= 64; bit++) {
		u64 other = bit < 64 ? OPS2 ^ BIT(bit) : 0;

		assert_true(store(cpu, LITERAL, &values[0], 8));
		assert_int_equal(fake_guest_store(cpu, gpa(LITERAL), 0, &other, 8),
				 VERDICT_SKIP);
		assert_int_equal(*(u64 *)machine_ram(LITERAL), OPS1);
	}
	assert_false(store_word(cpu, LITERAL, (u32)OPS2));
	assert_false(store_word(cpu, LITERAL + 4, NOP));
}

static void malformed(void **state)
{
	struct cpu *cpu = prepare(HF_POLICY_ON, NOP);

	(void)state;
	memcpy(machine_ram(JUMP + 6), &(u32){ NOP }, 4);
	assert_int_equal(add(cpu, JUMP + 6, HF_SITE_JUMP5, AT(LABEL)), -HF_EINVAL);
	memcpy(machine_ram(LITERAL + 4), &(u64){ OPS1 }, 8);
	assert_int_equal(add(cpu, LITERAL + 4, HF_SITE_CALL, HF_FORM_TRACER), -HF_EINVAL);
	put(JUMP, b(JUMP, LABEL + 4));
	assert_int_equal(add(cpu, JUMP, HF_SITE_JUMP5, AT(LABEL)), -HF_EINVAL);
	/* A tracer's of before lock. */
	*(u64 *)machine_ram(LITERAL) = OPS1 + 8;
	assert_int_equal(add(cpu, LITERAL, HF_SITE_CALL, HF_FORM_TRACER), 0);
	/* The literal's second half is no place for another. */
	assert_int_equal(add(cpu, LITERAL + 4, HF_SITE_TRACE, 0), -HF_EINVAL);
}

static void bases(void **state)
{
	static const u64 wrong[] = { PAGE_SIZE, BASE + 8, HF_CODE_BASE + PAGE_SIZE,
				     0x7ffffffffffff000 };
	struct cpu *cpu = machine_action(1, HF_ACTION_DENY);

	(void)state;
	machine_register(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(patching(cpu, HF_POLICY_ON, wrong[i]), -HF_EINVAL);
	assert_int_equal(patching(cpu, HF_POLICY_ON, HF_CODE_BASE), 0);
	assert_int_equal(site_base(), HF_CODE_BASE);
	assert_int_equal(machine_call(cpu, HF_CALL_FORGET, 0, 0), 0);
	assert_int_equal(patching(cpu, HF_POLICY_ON, 1ull << 63), 0);
	assert_int_equal(site_base(), 1ull << 63);
}

/* Of one byte, as breakpoints of probes are elsewhere: it would be part of some instruction. */
static void no_probes(void **state)
{
	struct cpu *cpu = prepare(HF_POLICY_ON, NOP);
	struct hf_probe *probe = machine_ram(MACHINE_BUFFER);
	u8 zero = 0;

	(void)state;
	put(LABEL, 0);
	*probe = (struct hf_probe){ .va = BASE + AT(LABEL), .original = { 1 } };
	assert_int_equal(machine_call(cpu, HF_CALL_PROBES, MACHINE_BUFFER, 1), -HF_EINVAL);
	put(LABEL, NOP);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	for (u32 i = 0; i < 4; i++)
		assert_false(store(cpu, LABEL + i, &zero, 1));
	assert_false(store_word(cpu, LABEL, BRK4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(jumps),
		machine_test(any_word),
		machine_test(whole_words_only),
		machine_test(tracing),
		machine_test(tracing_before_lock),
		machine_test(tracing_off),
		machine_test(patched_calls),
		machine_test(literals),
		machine_test(malformed),
		machine_test(bases),
		machine_test(no_probes),
	};

	return cmocka_run_group_tests_name("guard_word", tests, NULL, NULL);
}
