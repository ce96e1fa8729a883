// SPDX-License-Identifier: GPL-2.0-only
/* Probes that become jumps after lock: to a page of their own that is what the template says. */
#include <hv/probe.h>
#include <hv/template.h>
#include "sites.h"

#define PAGE(n)	 ((u32)(MACHINE_FREE + 0x100000 + (n)*PAGE_SIZE))
#define LENGTH	 0x40u
#define DATA_AT	 0x10u
#define CALL_AT	 0x20u
#define CALLBACK (SITES_FUNCTION + 0x11) /* no entry */
#define PLACE	 (SITES_TEXT + 0x2000)
#define OTHER	 (SITES_TEXT + 0x2100)
#define MOVED_AT 8u /* in the code at PLACE, of seven bytes at 5: a load of what is near */
#define MOVED	 12u
#define KEPT	 (SITES_TEXT + 0x3000) /* a breakpoint since before lock */
#define ACROSS	 (SITES_MODULE + (u32)PAGE_SIZE - 3)

static const u8 breakpoint = 0xcc;

static u8 model_byte(u32 i)
{
	return (u8)(i * 11 + 3);
}

/* ---- code, and pages that it may jump to ---- */

static void put_code(u32 at)
{
	static const u8 code[] = { 0x55, 0x48, 0x89, 0xe5, 0x53, 0x48, 0x8b, 0x05, 0x10,
				   0x20, 0x30, 0x40, 0x90, 0x41, 0x54, 0x41, 0x55, 0x41,
				   0x56, 0x41, 0x57, 0x50, 0x51, 0x52, 0x53 };

	sites_put(at, code, sizeof(code));
}

/* Page @page as the kernel makes it for a probe at @at: @size bytes copied. */
static void make(u32 page, u32 at, u32 size)
{
	u8 *bytes = machine_ram(page);
	struct sites_value call = sites_go(page + CALL_AT, "\xe8", CALLBACK);
	struct sites_value back = sites_go(page + LENGTH + size, "\xe9", at + size);

	for (u32 i = 0; i < PAGE_SIZE; i++)
		bytes[i] = i < LENGTH ? model_byte(i) : 0x90;
	memset(bytes + DATA_AT, (int)(page >> 12), 8);
	memcpy(bytes + CALL_AT, call.bytes, 5);
	sites_get(at, bytes + LENGTH, size);
	memcpy(bytes + LENGTH + size, back.bytes, 5);
}

/* The displacement at @offset of the copy, corrected for its place but for @error. */
static void move(u32 page, u32 at, u32 offset, u32 error)
{
	u8 *copy = machine_ram(page + LENGTH);
	u32 displacement;

	memcpy(&displacement, copy + offset, 4);
	displacement += at - (page + LENGTH) + error;
	memcpy(copy + offset, &displacement, 4);
}

static s64 add_template(struct cpu *cpu, u8 goes_back, u32 callback)
{
	struct hf_template *t = machine_ram(MACHINE_BUFFER);

	memset(t, 0, PAGE_SIZE);
	t->size = sizeof(*t);
	t->length = LENGTH;
	t->field_count = 2;
	t->goes_back = goes_back;
	t->fields[0] = (struct hf_field){ DATA_AT, 8, HF_FIELD_ANY };
	t->fields[1] = (struct hf_field){ CALL_AT, 5, HF_FIELD_TARGET };
	for (u32 i = 0; i < LENGTH; i++)
		t->bytes[i] = model_byte(i);
	memcpy(t->bytes + CALL_AT + 1, &callback, 4);
	return machine_call(cpu, HF_CALL_TEMPLATE, MACHINE_BUFFER, 0);
}

static struct cpu *prober(u32 cpus, u8 policy)
{
	struct cpu *cpu = sites_prepare(cpus, HF_ACTION_DENY, HF_POLICY_ON, policy);
	struct hf_probe *kept = machine_ram(MACHINE_BUFFER);

	put_code(PLACE);
	put_code(OTHER);
	put_code(KEPT);
	put_code(ACROSS);
	/* A trampoline of the same bytes but for where it calls, and the real one. */
	assert_int_equal(add_template(cpu, 0, SITES_FUNCTION), 0);
	assert_int_equal(add_template(cpu, 1, CALLBACK), 0);
	*kept = (struct hf_probe){ .va = HF_CODE_BASE + KEPT };
	sites_get(KEPT, kept->original, 1);
	sites_put(KEPT, &breakpoint, 1);
	assert_int_equal(machine_call(cpu, HF_CALL_PROBES, MACHINE_BUFFER, 1), 0);
	sites_lock(cpu);
	return cpu;
}

/* ---- steps of the kernel ---- */

static bool stored(struct cpu *cpu, u32 at, const void *bytes, u16 size)
{
	u8 was[8], now[8];
	int verdict;

	sites_get(at, was, size);
	verdict = sites_store(cpu, at, bytes, size);
	assert_true(verdict == VERDICT_SKIP || verdict == VERDICT_FAULT);
	sites_get(at, now, size);
	assert_memory_equal(now, verdict == VERDICT_SKIP ? bytes : was, size);
	return verdict == VERDICT_SKIP;
}

static bool end(struct cpu *cpu, u32 at, u32 to)
{
	return stored(cpu, at + 1, sites_go(at, "\xe9", to).bytes + 1, 4);
}

/* The code that was at a place, which tests leave as it was. */
struct code {
	u8 bytes[5];
};

static struct code code_at(u32 at)
{
	struct code code = { { 0 } };

	sites_get(at, code.bytes, sizeof(code));
	return code;
}

/* A probe at @at, which jumps to @to if it may; else it is gone again. */
static bool jump(struct cpu *cpu, u32 at, u32 to)
{
	struct code was = code_at(at);
	u8 head = 0xe9;

	assert_true(stored(cpu, at, &breakpoint, 1));
	if (end(cpu, at, to)) {
		assert_true(stored(cpu, at, &head, 1));
		return true;
	}
	assert_false(stored(cpu, at, &head, 1));
	assert_true(stored(cpu, at, was.bytes, 1));
	return false;
}

static void unjump(struct cpu *cpu, u32 at, struct code was)
{
	assert_true(stored(cpu, at, &breakpoint, 1));
	assert_true(stored(cpu, at + 1, was.bytes + 1, 4));
	assert_true(stored(cpu, at, was.bytes, 1));
}

static enum page_state state_of(u32 page)
{
	return owner_page(gpa(page)).state;
}

static int write_to(struct cpu *cpu, u32 at)
{
	u64 value = 0x1122334455667788ull;

	return fake_guest_access(cpu, gpa(at), HF_ACCESS_WRITE, 0, &value);
}

/* ---- cases ---- */

static void set_and_taken_back(void **ctx)
{
	struct cpu *cpu = prober(2, HF_POLICY_ON);
	struct code was = code_at(PLACE);
	u8 before[LENGTH + 10];
	u64 events;

	(void)ctx;
	for (u32 round = 0; round < 3; round++) {
		events = event_newest();
		make(PAGE(0), PLACE, 5);
		memcpy(before, machine_ram(PAGE(0)), sizeof(before));
		assert_true(jump(cpu, PLACE, PAGE(0)));
		assert_int_equal(state_of(PAGE(0)), PAGE_SEALED);
		assert_int_equal(owner_page(gpa(PAGE(0))).kind, HF_KIND_RUNTIME_CODE);
		assert_memory_equal(machine_ram(PAGE(0)), before, sizeof(before));
		for (u32 i = sizeof(before); i < PAGE_SIZE; i++)
			assert_int_equal(((u8 *)machine_ram(PAGE(0)))[i], breakpoint);
		assert_quiet(events);
		assert_int_equal(write_to(cpu, PAGE(0)), VERDICT_FAULT);
		/* A breakpoint in front: the end still says where to. */
		assert_true(stored(cpu, PLACE, &breakpoint, 1));
		assert_int_equal(write_to(cpu, PAGE(0)), VERDICT_FAULT);
		events = event_newest();
		unjump(cpu, PLACE, was);
		assert_memory_equal(code_at(PLACE).bytes, was.bytes, 5);
		assert_int_equal(state_of(PAGE(0)), PAGE_SEALED);
		assert_int_equal(write_to(cpu, PAGE(0) + 0x800), FAKE_DONE);
		assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
		assert_quiet(events);
	}
}

/* Every bit but those of the argument: template, copy, jump back. */
static void every_bit_counts(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);
	struct code was = code_at(PLACE);
	u8 *bytes = machine_ram(PAGE(0));

	(void)ctx;
	for (u32 bit = 0; bit < (LENGTH + MOVED + 5) * 8; bit++) {
		bool data = bit / 8 >= DATA_AT && bit / 8 < DATA_AT + 8;

		make(PAGE(0), PLACE, MOVED);
		move(PAGE(0), PLACE, MOVED_AT, 0);
		bytes[bit / 8] ^= (u8)(1 << bit % 8);
		if (jump(cpu, PLACE, PAGE(0)) != data)
			fail_msg("bit %u", bit);
		if (!data)
			continue;
		unjump(cpu, PLACE, was);
		assert_int_equal(write_to(cpu, PAGE(0)), FAKE_DONE);
	}
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
}

static bool copies(struct cpu *cpu, u32 at, u32 size)
{
	struct code was = code_at(at);

	make(PAGE(0), at, size);
	if (!jump(cpu, at, PAGE(0)))
		return false;
	unjump(cpu, at, was);
	assert_int_equal(write_to(cpu, PAGE(0)), FAKE_DONE);
	return true;
}

static void sizes_of_copies(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);

	(void)ctx;
	for (u32 size = 0; size < 30; size++)
		assert_int_equal(copies(cpu, OTHER, size), size >= 5 && size <= HF_COPY_MAX);
	/* In two pages, and pages of memory that are no neighbours. */
	for (u32 size = 5; size <= HF_COPY_MAX; size++)
		assert_true(copies(cpu, ACROSS, size));
	/* At the end of what is code there is less to copy. */
	put_code(SITES_MODULE + 4 * (u32)PAGE_SIZE - 25);
	for (u32 size = 5; size <= 9; size++)
		assert_int_equal(copies(cpu, SITES_MODULE + 4 * (u32)PAGE_SIZE - 7, size),
				 size <= 7);
}

/* Only the displacement of the last instruction, and by the distance. */
static void displacements(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);
	struct code was = code_at(PLACE);

	(void)ctx;
	for (u32 offset = 0; offset + 4 <= 20; offset++) {
		for (u32 size = 12; size <= 20; size++) {
			bool last = offset == MOVED_AT && size - (offset + 4) <= 4;

			if (offset + 4 > size)
				continue;
			make(PAGE(0), PLACE, size);
			move(PAGE(0), PLACE, offset, 1);
			assert_false(jump(cpu, PLACE, PAGE(0)));
			make(PAGE(0), PLACE, size);
			move(PAGE(0), PLACE, offset, 0);
			if (jump(cpu, PLACE, PAGE(0)) != last)
				fail_msg("displacement at %u of %u", offset, size);
			if (last) {
				unjump(cpu, PLACE, was);
				assert_int_equal(write_to(cpu, PAGE(0)), FAKE_DONE);
			}
		}
	}
}

/* A page is for one place, and no trampoline; a trampoline is nothing to jump to. */
static void other_uses(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);
	struct sites_row row = sites_row(2);
	struct sites_value call = sites_go(PAGE(1) + CALL_AT, "\xe8", SITES_FUNCTION);
	struct code was = code_at(PLACE);

	(void)ctx;
	make(PAGE(0), PLACE, 5);
	assert_true(jump(cpu, PLACE, PAGE(0)));
	for (u32 round = 0; round < 2; round++) {
		assert_false(jump(cpu, OTHER, PAGE(0)));
		assert_true(stored(cpu, row.at, &breakpoint, 1));
		assert_false(stored(cpu, row.at + 1,
				    sites_go(row.at, "\xe8", PAGE(0)).bytes + 1, 4));
		assert_true(stored(cpu, row.at, sites_nop5, 1));
		/* And when nothing jumps there any more. */
		if (!round)
			unjump(cpu, PLACE, was);
	}
	/* What has been refused there is the guest's. */
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
	make(PAGE(0), PLACE, 5);
	assert_false(jump(cpu, PLACE, PAGE(0) + LENGTH));
	assert_false(jump(cpu, PLACE, 0 - (u32)PAGE_SIZE));
	assert_false(jump(cpu, PLACE, SITES_FUNCTION));
	assert_false(jump(cpu, PLACE, (u32)MACHINE_RODATA));
	make(PAGE(1), PLACE, 5);
	memcpy(machine_ram(PAGE(1) + CALL_AT), call.bytes, 5);
	assert_false(jump(cpu, PLACE, PAGE(1)));
	assert_true(stored(cpu, row.at, &breakpoint, 1));
	assert_true(stored(cpu, row.at + 1, sites_go(row.at, "\xe8", PAGE(1)).bytes + 1, 4));
	assert_false(jump(cpu, PLACE, PAGE(1)));
}

static void places(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);
	struct sites_row row = sites_row(5);

	(void)ctx;
	/* No byte of a site is overwritten, none is copied. */
	for (u32 before = 1; before < 10; before++)
		for (u32 size = 5; size < 10; size++)
			assert_int_equal(copies(cpu, row.at - before, size), size <= before);
	for (u32 before = 1; before < 8; before++)
		assert_int_equal(copies(cpu, SITES_NOPROBE - before, 5), before >= 5);
	/* Nor one of another probe, whichever comes first. */
	assert_true(stored(cpu, OTHER + 4, &breakpoint, 1));
	assert_false(copies(cpu, OTHER, 5));
	assert_true(copies(cpu, OTHER - 1, 5));
	make(PAGE(0), PLACE, 5);
	assert_true(jump(cpu, PLACE, PAGE(0)));
	for (u32 i = 0; i < 5; i++)
		assert_int_equal(stored(cpu, PLACE + i, &breakpoint, 1), !i);
	assert_true(stored(cpu, PLACE + 5, &breakpoint, 1));
}

static void order_of_steps(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);
	struct code was = code_at(PLACE);
	struct sites_value to = sites_go(PLACE, "\xe9", PAGE(0));
	static const u8 nothing[4];

	(void)ctx;
	make(PAGE(0), PLACE, 5);
	make(PAGE(1), PLACE, 5);
	assert_false(end(cpu, PLACE, PAGE(0)));
	assert_true(stored(cpu, PLACE, &breakpoint, 1));
	assert_false(stored(cpu, PLACE, to.bytes, 1));
	assert_false(stored(cpu, PLACE, to.bytes, 5));
	for (u16 size = 1; size < 4; size++)
		for (u32 at = 1; at + size <= 5; at++)
			assert_false(stored(cpu, PLACE + at, to.bytes + at, size));
	assert_false(stored(cpu, PLACE + 1, nothing, 4));
	assert_true(end(cpu, PLACE, PAGE(0)));
	assert_false(end(cpu, PLACE, PAGE(1)));
	assert_int_equal(state_of(PAGE(1)), PAGE_GUEST);
	assert_false(stored(cpu, PLACE, was.bytes, 1));
	assert_true(stored(cpu, PLACE, to.bytes, 1));
	assert_false(stored(cpu, PLACE + 1, was.bytes + 1, 4));
	assert_true(stored(cpu, PLACE, &breakpoint, 1));
	assert_true(stored(cpu, PLACE + 1, was.bytes + 1, 4));
	assert_false(stored(cpu, PLACE, to.bytes, 1));
	/* From the one to the other, by what was there before. */
	assert_true(end(cpu, PLACE, PAGE(1)));
	assert_int_equal(write_to(cpu, PAGE(1)), VERDICT_FAULT);
	assert_int_equal(write_to(cpu, PAGE(0)), FAKE_DONE);
	assert_true(stored(cpu, PLACE + 1, was.bytes + 1, 4));
	assert_true(stored(cpu, PLACE, was.bytes, 1));
	assert_int_equal(write_to(cpu, PAGE(1)), FAKE_DONE);
}

/* With policy "on" a breakpoint of before lock is like any other. */
static void of_before_lock(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_ON);
	struct code was = code_at(OTHER);

	(void)ctx;
	sites_put(KEPT, was.bytes, 1);
	make(PAGE(0), KEPT, 5);
	sites_put(KEPT, &breakpoint, 1);
	assert_true(end(cpu, KEPT, PAGE(0)));
	assert_true(stored(cpu, KEPT + 1, was.bytes + 1, 4));
	assert_true(stored(cpu, KEPT, was.bytes, 1));
	assert_true(copies(cpu, KEPT, 5));
	assert_true(copies(cpu, KEPT - 2, 5));
}

static void other_policies(void **ctx)
{
	struct cpu *cpu = prober(1, HF_POLICY_BEFORE_LOCK);
	struct code was = code_at(OTHER);

	(void)ctx;
	sites_put(KEPT, was.bytes, 1);
	make(PAGE(0), KEPT, 5);
	sites_put(KEPT, &breakpoint, 1);
	assert_false(end(cpu, KEPT, PAGE(0)));
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
	assert_true(stored(cpu, KEPT, was.bytes, 1));
	assert_false(stored(cpu, PLACE, &breakpoint, 1));
}

/* Who goes there while it is looked at is not refused. */
static u32 done, faults;

static void runner(struct cpu *cpu)
{
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) {
		u64 value = 0;
		int verdict =
			fake_guest_access(cpu, gpa(PAGE(0)), HF_ACCESS_EXECUTE, 0, &value);

		faults += verdict == VERDICT_FAULT;
		fake_deliver_kicks(&cpu, 1);
		sched_yield();
	}
}

static void kernel(struct cpu *cpu)
{
	struct code was = code_at(PLACE);

	for (u32 i = 0; i < 2000; i++) {
		make(PAGE(0), PLACE, 5);
		assert_true(jump(cpu, PLACE, PAGE(0)));
		unjump(cpu, PLACE, was);
		while (write_to(cpu, PAGE(0)) != FAKE_DONE)
			;
	}
	__atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
}

static void run_while_compared(void **ctx)
{
	static machine_fn *const both[] = { kernel, runner };

	(void)ctx;
	/* Elsewhere what is not compared yet could not be run: the agent refuses such a lock. */
	machine_format = &fake_plain_format;
	prober(2, HF_POLICY_ON);
	machine_threads(both, 2);
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(set_and_taken_back), machine_test(every_bit_counts),
		machine_test(sizes_of_copies),	  machine_test(displacements),
		machine_test(other_uses),	  machine_test(places),
		machine_test(order_of_steps),	  machine_test(of_before_lock),
		machine_test(other_policies),	  machine_test(run_while_compared),
	};

	return cmocka_run_group_tests_name("guard_jump", tests, NULL, NULL);
}
