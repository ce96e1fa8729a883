// SPDX-License-Identifier: GPL-2.0-only
/* Stores to sealed code: the steps of patching, and everything that looks like one. */
#include <hv/shootdown.h>
#include "sites.h"

static const u8 breakpoint = 0xcc;

/* What the site holds is @bytes. */
static void assert_holds(const struct sites_row *row, const void *bytes)
{
	u8 now[SITE_MAX];

	sites_get(row->at, now, row->size);
	assert_memory_equal(now, bytes, row->size);
}

static void refused(struct cpu *cpu, u32 at, const void *bytes, u16 width)
{
	u64 before = event_newest(), value = 0;
	u8 was[HF_STORE_MAX], now[HF_STORE_MAX];
	struct hf_event event;

	sites_get(at, was, sizeof(was));
	assert_int_equal(sites_store(cpu, at, bytes, width), VERDICT_FAULT);
	sites_get(at, now, sizeof(now));
	assert_memory_equal(now, was, sizeof(was));
	event = machine_event();
	memcpy(&value, bytes, width < 8 ? width : 8);
	assert_int_equal(event.kind, HF_EVENT_MEMORY);
	assert_int_equal(event.action, HF_ACTION_DENY);
	assert_int_equal(event.access, HF_ACCESS_WRITE);
	assert_int_equal(event.gpa, sites_gpa(at));
	assert_int_equal(event.width, width);
	assert_int_equal(event.new_value, value);
	/* The same again, in the same place, is a repetition. */
	assert_in_range(event.sequence, before, before + 1);
}

static void made(struct cpu *cpu, u32 at, const void *bytes, u16 width)
{
	u64 before = event_newest();
	u8 now[HF_STORE_MAX];

	assert_int_equal(sites_store(cpu, at, bytes, width), VERDICT_SKIP);
	sites_get(at, now, width);
	assert_memory_equal(now, bytes, width);
	assert_quiet(before);
}

/* As text_poke_bp_batch does it. */
static void patch(struct cpu *cpu, const struct sites_row *row, const struct sites_value *to)
{
	made(cpu, row->at, &breakpoint, 1);
	made(cpu, row->at + 1, to->bytes + 1, (u16)(row->size - 1));
	made(cpu, row->at, to->bytes, 1);
	assert_holds(row, to->bytes);
}

static void every_value_to_every_value(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);

	(void)ctx;
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);

		for (u32 from = 0; from < row.count; from++)
			for (u32 to = 0; to < row.count; to++) {
				patch(cpu, &row, &row.value[from]);
				patch(cpu, &row, &row.value[to]);
			}
	}
	assert_quiet(2);
}

/* What no value of the site is, at each step. */
static void foreign_values(void **ctx)
{
	static const u8 heads[] = {
		0x00, 0x0f, 0x2e, 0x66, 0x90, 0xc3, 0xe8, 0xe9, 0xeb, 0xff
	};
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);

	(void)ctx;
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);
		const struct sites_value *bad = &row.value[row.count];
		u16 rest = (u16)(row.size - 1);

		made(cpu, row.at, &breakpoint, 1);
		if (memcmp(bad->bytes + 1, row.value[0].bytes + 1, rest) &&
		    memcmp(bad->bytes + 1, row.value[1].bytes + 1, rest))
			refused(cpu, row.at + 1, bad->bytes + 1, rest);
		for (u32 head = 0; head < sizeof(heads); head++)
			if (heads[head] != row.value[0].bytes[0])
				refused(cpu, row.at, &heads[head], 1);
		made(cpu, row.at, row.value[0].bytes, 1);
		assert_holds(&row, row.value[0].bytes);
	}
}

/* Steps out of order, and stores of any other part. */
static void other_stores(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);

	(void)ctx;
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);
		struct sites_value stop = row.value[1], mixed;

		stop.bytes[0] = breakpoint;
		/* Not a breakpoint first. */
		refused(cpu, row.at, row.value[1].bytes, (u16)row.size);
		refused(cpu, row.at + 1, row.value[1].bytes + 1, (u16)(row.size - 1));
		refused(cpu, row.at, stop.bytes, (u16)row.size);
		refused(cpu, row.at + 1, &breakpoint, 1);
		if (row.value[1].bytes[0] != row.value[0].bytes[0])
			refused(cpu, row.at, row.value[1].bytes, 1);
		/* Bytes of one value in the midst of another. */
		made(cpu, row.at, &breakpoint, 1);
		for (u32 j = 1; j < row.size && row.size > 2; j++) {
			mixed = row.value[0];
			mixed.bytes[j] ^= 0x55;
			refused(cpu, row.at + j, mixed.bytes + j, 1);
		}
		/* First byte and more, also with the breakpoint there. */
		refused(cpu, row.at, row.value[1].bytes, (u16)row.size);
		/* Over the edges. */
		refused(cpu, row.at - 1, stop.bytes, 2);
		refused(cpu, row.at + 1, row.value[1].bytes + 1, (u16)row.size);
		made(cpu, row.at, row.value[0].bytes, 1);
		assert_holds(&row, row.value[0].bytes);
	}
}

/* The bytes that are there may be stored, as often as one likes; outside of sites not even they. */
static void same_bytes(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u8 zero[16] = { 0 };

	(void)ctx;
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);

		made(cpu, row.at, row.value[0].bytes, (u16)row.size);
		made(cpu, row.at, &breakpoint, 1);
		made(cpu, row.at, &breakpoint, 1);
		made(cpu, row.at + 1, row.value[1].bytes + 1, (u16)(row.size - 1));
		made(cpu, row.at + 1, row.value[1].bytes + 1, (u16)(row.size - 1));
		made(cpu, row.at, row.value[1].bytes, 1);
		made(cpu, row.at, row.value[1].bytes, 1);
	}
	refused(cpu, SITES_TEXT + 0x200, zero, 1);
	refused(cpu, SITES_TEXT + 0x210, zero, 8);
	refused(cpu, SITES_TEXT + 0x220, zero, 16);
	refused(cpu, SITES_TEXT + 0x230, zero, 0);
}

/* Six bytes, the last five copied as memcpy does without rep movsb: two stores that overlap. */
static void six_bytes_in_two_stores(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	struct sites_row row = sites_row(5);
	const u8 *to = row.value[2].bytes; /* ahead, where all others are behind */
	u8 half[4];

	(void)ctx;
	refused(cpu, row.at + 1, to + 1, 4);
	made(cpu, row.at, &breakpoint, 1);
	/* Another condition. */
	memcpy(half, to + 1, 4);
	half[0] ^= 1;
	refused(cpu, row.at + 1, half, 4);
	/* Left out, for what it would leave behind is no value's end. */
	assert_int_equal(sites_store(cpu, row.at + 1, to + 1, 4), VERDICT_SKIP);
	sites_get(row.at + 2, half, 4);
	assert_memory_equal(half, row.value[0].bytes + 2, 4);
	refused(cpu, row.at + 2, to + 2, 3);
	made(cpu, row.at + 2, to + 2, 4);
	made(cpu, row.at, to, 1);
	assert_holds(&row, to);
}

/* The last site's bytes are in two pages of which either may fault. */
static void across_pages(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	struct sites_row row = sites_row(SITES_ROWS - 1);
	const u8 *to = row.value[1].bytes;

	(void)ctx;
	assert_int_equal((row.at + 3) % PAGE_SIZE, 0);
	assert_int_not_equal(sites_gpa(row.at + 3), sites_gpa(row.at + 2) + 1);
	for (u8 fault = 0; fault <= 2; fault += 2) {
		made(cpu, row.at, &breakpoint, 1);
		assert_int_equal(sites_store_at(cpu, row.at + 1, to + 1, 4, fault),
				 VERDICT_SKIP);
		made(cpu, row.at, to, 1);
		assert_holds(&row, to);
		patch(cpu, &row, &row.value[0]);
	}
	/* One that says of itself that it begins before the code. */
	assert_int_equal(sites_store_at(cpu, SITES_MODULE - 1, to, 4, 1), VERDICT_FAULT);
	assert_int_equal(fake_guest_store(cpu, gpa(MACHINE_TEXT), 255, to, 4), VERDICT_FAULT);
}

/* Trace sites under each policy: nop, what was there at lock, something else. */
static void trace_policies(void **ctx)
{
	static const u8 may[3][3] = {
		[HF_POLICY_OFF] = { 0, 0, 0 },
		[HF_POLICY_BEFORE_LOCK] = { 1, 1, 0 },
		[HF_POLICY_ON] = { 1, 1, 1 },
	};
	u8 policy = *(u8 *)*ctx;
	struct cpu *cpu = sites_prepare(2, HF_ACTION_DENY, policy, HF_POLICY_OFF);
	struct sites_row row = sites_row(2);

	sites_put(row.at, row.value[1].bytes, row.size);
	sites_lock(cpu);
	if (policy == HF_POLICY_OFF) {
		refused(cpu, row.at, &breakpoint, 1);
		return;
	}
	for (u32 to = 0; to < 3; to++) {
		if (may[policy][to]) {
			patch(cpu, &row, &row.value[to]);
			continue;
		}
		made(cpu, row.at, &breakpoint, 1);
		refused(cpu, row.at + 1, row.value[to].bytes + 1, 4);
		made(cpu, row.at, row.value[to - 1].bytes, 1);
	}
}

static u8 policies[] = { HF_POLICY_OFF, HF_POLICY_BEFORE_LOCK, HF_POLICY_ON };

static void trace_off(void **ctx)
{
	(void)ctx;
	trace_policies((void *[]){ &policies[0] });
}

static void trace_before_lock(void **ctx)
{
	(void)ctx;
	trace_policies((void *[]){ &policies[1] });
}

static void trace_on(void **ctx)
{
	(void)ctx;
	trace_policies((void *[]){ &policies[2] });
}

/* A nop at lock stays one, with "before lock". */
static void trace_nothing_new(void **ctx)
{
	struct cpu *cpu =
		sites_machine(2, HF_ACTION_DENY, HF_POLICY_BEFORE_LOCK, HF_POLICY_OFF);
	struct sites_row row = sites_row(2);

	(void)ctx;
	made(cpu, row.at, &breakpoint, 1);
	refused(cpu, row.at + 1, row.value[1].bytes + 1, 4);
	made(cpu, row.at, row.value[0].bytes, 1);
}

/* Two values whose ends are the same: the first byte alone is one step too few. */
static void same_end(void **ctx)
{
	struct cpu *cpu = sites_prepare(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u32 at = SITES_TEXT + 0x40000;
	u64 bits = HF_SITE(at, HF_SITE_JUMP5, at + 5 + 0x441f);

	(void)ctx;
	sites_put(at, sites_nop5, 5);
	assert_int_equal(sites_add(cpu, &bits, 1), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	refused(cpu, at, "\xe9", 1);
	made(cpu, at, &breakpoint, 1);
	made(cpu, at, "\xe9", 1);
	made(cpu, at, &breakpoint, 1);
	made(cpu, at, sites_nop5, 1);
}

/* ---- left at the breakpoint ---- */

#define MANY 600u

static u32 many_at(u32 n)
{
	return SITES_MODULE + PAGE_SIZE * (n / 200) + 8 * (n % 200);
}

/* MANY static keys in the module. */
static struct cpu *many(void)
{
	struct cpu *cpu = sites_prepare(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u64 bits;

	for (u32 i = 0; i < MANY; i++) {
		sites_put(many_at(i), sites_nop5, 5);
		bits = HF_SITE(many_at(i), HF_SITE_JUMP5, SITES_LABEL);
		assert_int_equal(sites_add(cpu, &bits, 1), 0);
	}
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), 0);
	return cpu;
}

static void assert_completed(u32 n, u64 before)
{
	struct hf_event event = machine_event();
	u8 now[5], value[8] = { 0 };

	sites_get(many_at(n), now, 5);
	assert_memory_equal(now, sites_nop5, 5);
	memcpy(value, sites_nop5, 5);
	assert_int_equal(event.sequence, before + 1);
	assert_int_equal(event.kind, HF_EVENT_PATCH);
	assert_int_equal(event.action, HF_ACTION_SKIP);
	assert_int_equal(event.asset, HF_ASSET_MEMORY | HF_KIND_MODULE_TEXT);
	assert_int_equal(event.va, HF_CODE_BASE + many_at(n));
	assert_int_equal(event.gpa, sites_gpa(many_at(n)));
	assert_int_equal(event.width, 5);
	assert_memory_equal(&event.new_value, value, 8);
}

/* As many as there is room for are left alone, and the oldest pays for one more. */
static void oldest_is_completed(void **ctx)
{
	struct cpu *cpu = many();
	struct sites_value jump;
	u64 events, epoch = shootdown_epoch;
	u32 i;

	(void)ctx;
	/* The first two not in this order, the second with its new end. */
	made(cpu, many_at(1), &breakpoint, 1);
	jump = sites_go(many_at(1), "\xe9", SITES_LABEL);
	made(cpu, many_at(1) + 1, jump.bytes + 1, 4);
	made(cpu, many_at(0), &breakpoint, 1);
	for (i = 2; i < 512; i++)
		made(cpu, many_at(i), &breakpoint, 1);
	events = event_newest();
	assert_int_equal(sites_store(cpu, many_at(i), &breakpoint, 1), VERDICT_SKIP);
	assert_completed(1, events);
	assert_int_equal(sites_store(cpu, many_at(i + 1), &breakpoint, 1), VERDICT_SKIP);
	assert_completed(0, events + 1);
	/* No CPU was waited for: one that takes no kick would hold up all others. */
	assert_int_equal(shootdown_epoch, epoch);
	/* It can be begun anew, not gone on with. */
	refused(cpu, many_at(1), jump.bytes, 1);
	refused(cpu, many_at(1) + 1, jump.bytes + 1, 4);
	/* All others go on, in any order. */
	events = event_newest();
	for (i = 513; i >= 2; i--) {
		jump = sites_go(many_at(i), "\xe9", SITES_LABEL);
		made(cpu, many_at(i) + 1, jump.bytes + 1, 4);
		made(cpu, many_at(i), jump.bytes, 1);
	}
	assert_quiet(events);
	/* And left room. */
	for (i = 0; i < 512; i++)
		made(cpu, many_at(i), &breakpoint, 1);
	assert_quiet(events);
}

/* A site that is left while others come and go. */
static void left_is_completed(void **ctx)
{
	struct cpu *cpu = many();
	u64 events = event_newest();
	struct sites_value jump = sites_go(many_at(7), "\xe9", SITES_LABEL);
	u32 i;

	(void)ctx;
	made(cpu, many_at(7), &breakpoint, 1);
	made(cpu, many_at(7) + 1, jump.bytes + 1, 4);
	for (i = 0; i < HF_PATCH_BOUND; i++) {
		assert_int_equal(sites_store(cpu, many_at(3), &breakpoint, 1), VERDICT_SKIP);
		assert_int_equal(sites_store(cpu, many_at(3), sites_nop5, 1), VERDICT_SKIP);
	}
	assert_quiet(events);
	for (i = 0; i < 512 && event_newest() == events; i++) {
		assert_int_equal(sites_store(cpu, many_at(3), &breakpoint, 1), VERDICT_SKIP);
		assert_int_equal(sites_store(cpu, many_at(3), sites_nop5, 1), VERDICT_SKIP);
	}
	assert_completed(7, events);
}

/* ---- the rest ---- */

/* Log only: genuine steps are made, the first other store opens the page. */
static void action_allow(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_ALLOW, HF_POLICY_ON, HF_POLICY_OFF);
	struct sites_row row = sites_row(1), across = sites_row(SITES_ROWS - 1);

	(void)ctx;
	patch(cpu, &row, &row.value[1]);
	assert_int_equal(owner_page(gpa(sites_gpa(row.at))).state, PAGE_SEALED);
	assert_int_equal(sites_store(cpu, row.at + 1, sites_nop5, 4), VERDICT_RETRY);
	assert_int_equal(machine_event().action, HF_ACTION_ALLOW);
	assert_int_equal(owner_page(gpa(sites_gpa(row.at))).state, PAGE_GUEST);
	/* One of its pages open, the other not. */
	assert_int_equal(sites_store(cpu, across.at - 8, sites_nop5, 4), VERDICT_RETRY);
	sites_put(across.at, &breakpoint, 1);
	assert_int_equal(sites_store_at(cpu, across.at + 1, across.value[1].bytes + 1, 4, 2),
			 VERDICT_SKIP);
	sites_put(across.at, across.value[1].bytes, 1);
	assert_holds(&across, across.value[1].bytes);
}

/* Begun before its page was opened, ended without us: not put back. */
static void opened_meanwhile(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_ALLOW, HF_POLICY_ON, HF_POLICY_OFF);
	struct sites_row row = sites_row(1), other = sites_row(SITES_ROWS - 1);
	u64 events;

	(void)ctx;
	made(cpu, row.at, &breakpoint, 1);
	assert_int_equal(sites_store(cpu, row.at + 0x100, "\x90", 1), VERDICT_RETRY);
	sites_put(row.at, row.value[1].bytes, row.size);
	events = event_newest();
	for (u32 i = 0; i < HF_PATCH_BOUND + 600; i++) {
		assert_int_equal(sites_store(cpu, other.at, &breakpoint, 1), VERDICT_SKIP);
		assert_int_equal(sites_store(cpu, other.at, other.value[0].bytes, 1),
				 VERDICT_SKIP);
	}
	assert_holds(&row, row.value[1].bytes);
	assert_quiet(events);
}

static void other_accesses(void **ctx)
{
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	struct sites_row row = sites_row(1);
	u64 value = 0;

	(void)ctx;
	assert_int_equal(fake_guest_access(cpu, gpa(sites_gpa(row.at) & ~7ull), HF_ACCESS_WALK,
					   0, &value),
			 VERDICT_FAULT);
	assert_int_equal(
		fake_guest_access(cpu, gpa(sites_gpa(row.at)), HF_ACCESS_EXECUTE, 3, NULL),
		VERDICT_FAULT);
	assert_holds(&row, row.value[0].bytes);
}

/* Two CPUs at one site: whatever the order, it holds a value or a breakpoint and an end. */
static void play(struct cpu *cpu)
{
	struct sites_row row = sites_row(3);

	for (u32 i = 0; i < 3000; i++) {
		const struct sites_value *to = &row.value[(i + cpu->index) % row.count];

		sites_store(cpu, row.at, &breakpoint, 1);
		sites_store(cpu, row.at + 1, to->bytes + 1, 4);
		sites_store(cpu, row.at, to->bytes, 1);
	}
}

static void two_cpus(void **ctx)
{
	static machine_fn *const both[] = { play, play };
	struct cpu *cpu = sites_machine(2, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	struct sites_row row = sites_row(3);
	u8 now[SITE_MAX];
	u32 i;

	(void)ctx;
	(void)cpu;
	machine_threads(both, 2);
	sites_get(row.at, now, row.size);
	for (i = 0; i < row.count; i++)
		if (!memcmp(now + 1, row.value[i].bytes + 1, 4) &&
		    (now[0] == breakpoint || now[0] == row.value[i].bytes[0]))
			break;
	assert_in_range(i, 0, row.count - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(every_value_to_every_value),
		machine_test(foreign_values),
		machine_test(other_stores),
		machine_test(same_bytes),
		machine_test(six_bytes_in_two_stores),
		machine_test(across_pages),
		machine_test(trace_off),
		machine_test(trace_before_lock),
		machine_test(trace_on),
		machine_test(trace_nothing_new),
		machine_test(same_end),
		machine_test(oldest_is_completed),
		machine_test(left_is_completed),
		machine_test(action_allow),
		machine_test(opened_meanwhile),
		machine_test(other_accesses),
		machine_test(two_cpus),
	};

	return cmocka_run_group_tests_name("guard_code", tests, NULL, NULL);
}
