// SPDX-License-Identifier: GPL-2.0-only
/* Breakpoints at places that are no sites, under each policy. */
#include <hv/probe.h>
#include "sites.h"

#define PLAIN	  (SITES_TEXT + 0x1000) /* a probe of one byte at lock */
#define OPTIMISED (SITES_TEXT + 0x1010) /* a jump at lock */
#define SLOT	  (SITES_TEXT + 0x5000)
#define FREE	  (SITES_TEXT + 0x1020)
#define NOPROBE	  SITES_NOPROBE

static const u8 breakpoint = 0xcc;
static const u8 original[] = { 0x55, 0x48, 0x89, 0xe5, 0x53 };

static s64 add(struct cpu *cpu, u64 va, u8 optimised)
{
	struct hf_probe *p = machine_ram(MACHINE_BUFFER);

	*p = (struct hf_probe){ .va = va, .optimised = optimised };
	memcpy(p->original, original, sizeof(original));
	return machine_call(cpu, HF_CALL_PROBES, MACHINE_BUFFER, 1);
}

static struct sites_value jump_at(u32 at)
{
	return sites_go(at, "\xe9", SLOT);
}

/* Two probes, and a range where none may be set. */
static struct cpu *prepare(u8 policy)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, policy);

	for (u32 at = PLAIN; at < NOPROBE + 0x40; at++)
		sites_put(at, &original[at % 16 % 5], 1);
	sites_put(PLAIN, original, 5);
	sites_put(PLAIN, &breakpoint, 1);
	sites_put(OPTIMISED, jump_at(OPTIMISED).bytes, 5);
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 0), 0);
	assert_int_equal(add(cpu, HF_CODE_BASE + OPTIMISED, 1), 0);
	return cpu;
}

static struct cpu *probes(u8 policy)
{
	struct cpu *cpu = prepare(policy);

	sites_lock(cpu);
	return cpu;
}

static void stored(struct cpu *cpu, u32 at, const void *bytes, u16 width, bool genuine)
{
	u8 was[8], now[8];

	sites_get(at, was, width);
	assert_int_equal(sites_store(cpu, at, bytes, width),
			 genuine ? VERDICT_SKIP : VERDICT_FAULT);
	sites_get(at, now, width);
	assert_memory_equal(now, genuine ? bytes : was, width);
}

/* As arch_unoptimize_kprobe, text_poke_bp and arch_disarm_kprobe do it. */
static void unoptimise(struct cpu *cpu, bool may)
{
	stored(cpu, OPTIMISED, &breakpoint, 1, may);
	stored(cpu, OPTIMISED + 1, original + 1, 4, may);
}

static void optimise(struct cpu *cpu)
{
	struct sites_value jump = jump_at(OPTIMISED);

	stored(cpu, OPTIMISED, &breakpoint, 1, true);
	stored(cpu, OPTIMISED + 1, jump.bytes + 1, 4, true);
	stored(cpu, OPTIMISED, jump.bytes, 1, true);
}

static void policy_off(void **ctx)
{
	struct cpu *cpu = probes(HF_POLICY_OFF);

	(void)ctx;
	stored(cpu, PLAIN, original, 1, false);
	unoptimise(cpu, false);
	stored(cpu, FREE, &breakpoint, 1, false);
}

static void at_lock(struct cpu *cpu)
{
	struct sites_value other = sites_go(OPTIMISED, "\xe9", SLOT + 1);

	for (u32 i = 0; i < 3; i++) {
		stored(cpu, PLAIN, original, 1, true);
		stored(cpu, PLAIN, &breakpoint, 1, true);
		unoptimise(cpu, true);
		optimise(cpu);
		unoptimise(cpu, true);
		stored(cpu, OPTIMISED, original, 1, true);
		optimise(cpu);
	}
	/* No other byte, no other jump, no step of another. */
	stored(cpu, PLAIN, original + 1, 1, false);
	stored(cpu, PLAIN + 1, original + 1, 1, false);
	stored(cpu, PLAIN + 1, &breakpoint, 1, site_patching()->kprobes == HF_POLICY_ON);
	stored(cpu, OPTIMISED + 2, &breakpoint, 1, false);
	stored(cpu, OPTIMISED, original, 1, false);
	stored(cpu, OPTIMISED, &breakpoint, 1, true);
	stored(cpu, OPTIMISED, original, 1, false);
	stored(cpu, OPTIMISED + 1, other.bytes + 1, 4, false);
	stored(cpu, OPTIMISED + 1, original + 1, 3, false);
	stored(cpu, OPTIMISED + 1, original + 1, 4, true);
	stored(cpu, OPTIMISED, jump_at(OPTIMISED).bytes, 1, false);
}

static void policy_before_lock(void **ctx)
{
	struct cpu *cpu = probes(HF_POLICY_BEFORE_LOCK);

	(void)ctx;
	at_lock(cpu);
	stored(cpu, FREE, &breakpoint, 1, false);
	stored(cpu, PLAIN - 1, &breakpoint, 1, false);
}

static void policy_on(void **ctx)
{
	struct cpu *cpu = probes(HF_POLICY_ON);
	struct sites_row row = sites_row(SITES_ROWS - 1);
	u8 byte;
	u64 before;

	(void)ctx;
	at_lock(cpu);
	before = event_newest();
	for (u32 i = 0; i < 3; i++) {
		/* Side by side, removed in either order. */
		for (u32 at = FREE; at < FREE + 5; at++)
			stored(cpu, at, &breakpoint, 1, true);
		stored(cpu, FREE, &breakpoint, 1, true);
		for (u32 j = 0; j < 5; j++) {
			byte = original[(FREE + j) % 16 % 5];
			stored(cpu, FREE + (i ? j : 4 - j),
			       i ? &byte : &original[(FREE + 4 - j) % 16 % 5], 1, true);
		}
	}
	assert_quiet(before);
	stored(cpu, FREE, &breakpoint, 1, true);
	byte = 0x90;
	stored(cpu, FREE, &byte, 1, false);
	stored(cpu, FREE + 1, original, 4, false);
	stored(cpu, FREE, jump_at(FREE).bytes, 1, false);
	/* Not where none may be, and not in a site: there it is a step, or none. */
	stored(cpu, NOPROBE - 1, &breakpoint, 1, true);
	stored(cpu, NOPROBE, &breakpoint, 1, false);
	stored(cpu, NOPROBE + 15, &breakpoint, 1, false);
	stored(cpu, NOPROBE + 16, &breakpoint, 1, true);
	for (u32 i = 1; i < row.size; i++)
		stored(cpu, row.at + i, &breakpoint, 1, false);
	stored(cpu, (u32)MACHINE_RODATA, &breakpoint, 1, false);
}

static void probes_are_bounded(void **ctx)
{
	struct cpu *cpu = probes(HF_POLICY_ON);
	u32 at = SITES_TEXT + 0x40000;
	u8 zero = 0;

	(void)ctx;
	for (u32 i = 0; i < HF_PROBES_MAX - 2; i++)
		stored(cpu, at + i, &breakpoint, 1, true);
	stored(cpu, at + HF_PROBES_MAX, &breakpoint, 1, false);
	stored(cpu, at + 77, &zero, 1, true);
	stored(cpu, at + HF_PROBES_MAX, &breakpoint, 1, true);
}

/* A jump that was registered for a lock that failed is nobody's after the next one. */
static void forgotten(void **ctx)
{
	struct cpu *cpu = prepare(HF_POLICY_ON);
	struct sites_value jump = jump_at(OPTIMISED);

	(void)ctx;
	assert_int_equal(machine_call(cpu, HF_CALL_FORGET, 0, 0), 0);
	sites_register(cpu, HF_POLICY_ON, HF_POLICY_ON);
	sites_put(PLAIN, original, 1);
	sites_put(OPTIMISED, original, 5);
	sites_lock(cpu);
	/* Each of the two slots in turn. */
	for (u32 i = 0; i < 3; i++) {
		stored(cpu, FREE, &breakpoint, 1, true);
		stored(cpu, OPTIMISED, &breakpoint, 1, true);
		stored(cpu, OPTIMISED + 1, jump.bytes + 1, 4, false);
		stored(cpu, OPTIMISED, jump.bytes, 1, false);
		stored(cpu, OPTIMISED, original, 1, true);
		stored(cpu, FREE, &original[FREE % 16 % 5], 1, true);
	}
}

static void malformed(void **ctx)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_ON);
	u64 bits = HF_SITE(FREE, HF_SITE_JUMP2, FREE + 2);
	u8 short_jump[] = { 0xeb, 0x00 };

	(void)ctx;
	sites_put(FREE, short_jump, 2);
	assert_int_equal(sites_add(cpu, &bits, 1), 0);
	sites_put(PLAIN, original, 5);
	/* Nothing of it is there; then some of it is. */
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 0), -HF_EINVAL);
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 1), -HF_EINVAL);
	sites_put(PLAIN, &breakpoint, 1);
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 1), -HF_EINVAL);
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 2), -HF_EINVAL);
	assert_int_equal(add(cpu, PLAIN, 0), -HF_EINVAL);
	memset(machine_ram(MACHINE_RODATA), breakpoint, 1);
	assert_int_equal(add(cpu, HF_CODE_BASE + MACHINE_RODATA, 0), -HF_EINVAL);
	sites_put(FREE - 3, jump_at(FREE - 3).bytes, 5);
	assert_int_equal(add(cpu, HF_CODE_BASE + FREE - 3, 1), -HF_EINVAL);
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 0), 0);
	assert_int_equal(add(cpu, HF_CODE_BASE + PLAIN, 0), -HF_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(policy_off), machine_test(policy_before_lock),
		machine_test(policy_on),  machine_test(probes_are_bounded),
		machine_test(forgotten),  machine_test(malformed),
	};

	return cmocka_run_group_tests_name("guard_probe", tests, NULL, NULL);
}
