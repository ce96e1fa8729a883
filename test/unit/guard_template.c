// SPDX-License-Identifier: GPL-2.0-only
/* Trampolines made after lock: approved on demand, held while they are called, given back. */
#include <hv/template.h>
#include "sites.h"

#define PAGE(n)	    ((u32)(MACHINE_FREE + 0x100000 + (n)*PAGE_SIZE))
#define FAR_PAGE(n) ((u32)(FAKE_HIGH_START + (n)*PAGE_SIZE))
#define MANY	    (HF_PROBES_MAX + 100u)
#define LENGTH	    0x60u
#define CALL_AT	    0x20u
#define RETURN_AT   0x50u
#define DATA_AT	    0x55u

static const u8 breakpoint = 0xcc;

/* What the kernel makes at @at: code, a call, a return, a pointer. */
static void make(u32 at, u32 to)
{
	u8 *page = machine_ram(at);
	struct sites_value call = sites_go(at + CALL_AT, "\xe8", to);
	struct sites_value back = sites_go(at + RETURN_AT, "\xe9", SITES_THUNK);

	for (u32 i = 0; i < PAGE_SIZE; i++)
		page[i] = (u8)(i < LENGTH ? i * 7 + 1 : 0x90);
	memcpy(page + CALL_AT, call.bytes, 5);
	memcpy(page + RETURN_AT, back.bytes, 5);
	memset(page + DATA_AT, (int)at >> 12, 8);
}

static struct hf_template *template_page(void)
{
	struct hf_template *t = machine_ram(MACHINE_BUFFER);

	memset(t, 0, PAGE_SIZE);
	t->size = sizeof(*t);
	t->length = LENGTH;
	t->field_count = 3;
	t->fields[0] = (struct hf_field){ CALL_AT, 5, HF_FIELD_CALL };
	t->fields[1] = (struct hf_field){ RETURN_AT, 5, HF_FIELD_RETURN };
	t->fields[2] = (struct hf_field){ DATA_AT, 8, HF_FIELD_ANY };
	for (u32 i = 0; i < LENGTH; i++)
		t->bytes[i] = (u8)(i * 7 + 1);
	return t;
}

static s64 add(struct cpu *cpu)
{
	return machine_call(cpu, HF_CALL_TEMPLATE, MACHINE_BUFFER, 0);
}

static struct cpu *tracer(u32 cpus, u8 policy)
{
	struct cpu *cpu = sites_prepare(cpus, HF_ACTION_DENY, policy, HF_POLICY_OFF);

	template_page()->bytes[0] = 0x77; /* another one, which nothing equals */
	assert_int_equal(add(cpu), 0);
	template_page();
	assert_int_equal(add(cpu), 0);
	sites_lock(cpu);
	return cpu;
}

static struct sites_row site(void)
{
	return sites_row(2);
}

/* Have the site call @to; whether it was let. If not it is put back to a nop. */
static bool trace(struct cpu *cpu, u32 to)
{
	struct sites_row row = site();
	struct sites_value call = sites_go(row.at, "\xe8", to);
	int verdict;

	assert_int_equal(sites_store(cpu, row.at, &breakpoint, 1), VERDICT_SKIP);
	verdict = sites_store(cpu, row.at + 1, call.bytes + 1, 4);
	if (verdict == VERDICT_SKIP) {
		assert_int_equal(sites_store(cpu, row.at, call.bytes, 1), VERDICT_SKIP);
		return true;
	}
	assert_int_equal(verdict, VERDICT_FAULT);
	assert_int_equal(sites_store(cpu, row.at, row.value[0].bytes, 1), VERDICT_SKIP);
	return false;
}

static void untrace(struct cpu *cpu)
{
	struct sites_row row = site();

	assert_int_equal(sites_store(cpu, row.at, &breakpoint, 1), VERDICT_SKIP);
	assert_int_equal(sites_store(cpu, row.at + 1, row.value[0].bytes + 1, 4), VERDICT_SKIP);
	assert_int_equal(sites_store(cpu, row.at, row.value[0].bytes, 1), VERDICT_SKIP);
}

static enum page_state state_of(u32 at)
{
	return owner_page(gpa(at)).state;
}

/* The guest writes 8 bytes there: FAKE_DONE, or how it is refused. */
static int write_to(struct cpu *cpu, u32 at)
{
	u64 value = 0x1122334455667788ull;

	return fake_guest_access(cpu, gpa(at), HF_ACCESS_WRITE, 0, &value);
}

static void approved_and_given_back(void **ctx)
{
	struct cpu *cpu = tracer(2, HF_POLICY_ON);
	u8 before[LENGTH];
	u64 events = event_newest();

	(void)ctx;
	for (u32 round = 0; round < 3; round++) {
		make(PAGE(0), SITES_FUNCTION);
		memcpy(before, machine_ram(PAGE(0)), LENGTH);
		assert_true(trace(cpu, PAGE(0)));
		assert_int_equal(state_of(PAGE(0)), PAGE_SEALED);
		assert_int_equal(owner_page(gpa(PAGE(0))).kind, HF_KIND_RUNTIME_CODE);
		assert_memory_equal(machine_ram(PAGE(0)), before, LENGTH);
		for (u32 i = LENGTH; i < PAGE_SIZE; i++)
			assert_int_equal(((u8 *)machine_ram(PAGE(0)))[i], breakpoint);
		assert_quiet(events);
		/* Called: fixed. */
		assert_int_equal(write_to(cpu, PAGE(0) + 0x800), VERDICT_FAULT);
		assert_int_equal(machine_event().asset, HF_ASSET_MEMORY | HF_KIND_RUNTIME_CODE);
		/* From itself to itself. */
		assert_true(trace(cpu, PAGE(0)));
		assert_int_equal(write_to(cpu, PAGE(0) + 0x800), VERDICT_FAULT);
		untrace(cpu);
		assert_int_equal(state_of(PAGE(0)), PAGE_SEALED);
		assert_int_equal(write_to(cpu, PAGE(0) + 8), FAKE_DONE);
		assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
		/* It has been changed. */
		assert_false(trace(cpu, PAGE(0)));
		assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
		assert_int_equal(write_to(cpu, PAGE(0) + 8), FAKE_DONE);
		events = event_newest();
	}
}

/* Every bit but those of the fields, and of the fields what they do not admit. */
static void every_bit_counts(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_ON);
	u8 *page = machine_ram(PAGE(0));

	(void)ctx;
	for (u32 bit = 0; bit < LENGTH * 8; bit++) {
		u32 byte = bit / 8;
		s32 displacement;
		bool data = byte >= DATA_AT && byte < DATA_AT + 8;

		make(PAGE(0), SITES_FUNCTION);
		page[byte] ^= (u8)(1 << bit % 8);
		/* Another function is one as well. */
		memcpy(&displacement, page + CALL_AT + 1, 4);
		data |= byte > CALL_AT && byte < CALL_AT + 5 &&
			site_entry(gva(HF_CODE_BASE + PAGE(0) + CALL_AT + 5 +
				       (u64)(s64)displacement));
		if (trace(cpu, PAGE(0)) != data)
			fail_msg("bit %u", bit);
		if (data) {
			untrace(cpu);
			assert_int_equal(write_to(cpu, PAGE(0)), FAKE_DONE);
		}
		assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
	}
	make(PAGE(0), SITES_FUNCTION + 1);
	assert_false(trace(cpu, PAGE(0)));
	memcpy(page + CALL_AT, sites_nop5, 5);
	memcpy(page + RETURN_AT, sites_ret, 5);
	assert_true(trace(cpu, PAGE(0)));
}

static void other_targets(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_ON);
	u64 kinds[] = { MACHINE_TEXT, MACHINE_RODATA, MACHINE_OURS, FAKE_LOW_END };

	(void)ctx;
	make(PAGE(0), SITES_FUNCTION);
	assert_false(trace(cpu, PAGE(0) + 1));
	assert_false(trace(cpu, PAGE(0) + 8));
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
	/* Not the guest's, and not mapped. */
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_false(trace(cpu, (u32)kinds[i]));
	assert_false(trace(cpu, 0x70000000));
	/* A second address of one that is approved, and one that is approved elsewhere. */
	assert_true(trace(cpu, PAGE(0)));
	fake.mapped = HF_CODE_BASE + 0x60000000;
	fake.mapped_to = PAGE(0);
	untrace(cpu);
	assert_false(trace(cpu, 0x60000000));
	assert_true(trace(cpu, PAGE(0)));
}

/* A call can reach the lowest addresses, too. What they are mapped to is each process's own. */
static void lower_half(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_ON);
	u32 low = (u32)-HF_CODE_BASE + (u32)PAGE_SIZE;
	u8 *page = machine_ram(PAGE(0));

	(void)ctx;
	make(PAGE(0), SITES_FUNCTION);
	memcpy(page + CALL_AT, sites_go(low + CALL_AT, "\xe8", SITES_FUNCTION).bytes, 5);
	memcpy(page + RETURN_AT, sites_go(low + RETURN_AT, "\xe9", SITES_THUNK).bytes, 5);
	fake.mapped = PAGE_SIZE;
	fake.mapped_to = PAGE(0);
	assert_false(trace(cpu, low));
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
}

/* Freed and made anew at the same address, in other memory, before anybody wrote to the first. */
static void mapped_anew(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_ON);

	(void)ctx;
	make(PAGE(0), SITES_FUNCTION);
	assert_true(trace(cpu, PAGE(0)));
	untrace(cpu);
	fake.mapped = HF_CODE_BASE + PAGE(0);
	fake.mapped_to = PAGE(1);
	assert_false(trace(cpu, PAGE(0)));
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
	assert_int_equal(state_of(PAGE(1)), PAGE_GUEST);
	make(PAGE(0), SITES_FUNCTION);
	memcpy(machine_ram(PAGE(1)), machine_ram(PAGE(0)), PAGE_SIZE);
	assert_true(trace(cpu, PAGE(0)));
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
	assert_int_equal(state_of(PAGE(1)), PAGE_SEALED);
}

/* The call in it is a site of its own, also left at the breakpoint. */
static void its_call_is_patched(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_ON);
	u32 at = PAGE(0) + CALL_AT;
	struct sites_value g = sites_go(at, "\xe8", SITES_FUNCTION + 0x40);
	struct sites_value bad = sites_go(at, "\xe8", SITES_FUNCTION + 0x41);
	u64 events;

	(void)ctx;
	make(PAGE(0), SITES_FUNCTION);
	assert_true(trace(cpu, PAGE(0)));
	events = event_newest();
	assert_int_equal(sites_store(cpu, at, &breakpoint, 1), VERDICT_SKIP);
	assert_int_equal(sites_store(cpu, at + 1, g.bytes + 1, 4), VERDICT_SKIP);
	assert_int_equal(sites_store(cpu, at, g.bytes, 1), VERDICT_SKIP);
	assert_memory_equal(machine_ram(at), g.bytes, 5);
	assert_quiet(events);
	assert_int_equal(sites_store(cpu, at, &breakpoint, 1), VERDICT_SKIP);
	assert_int_equal(sites_store(cpu, at + 1, bad.bytes + 1, 4), VERDICT_FAULT);
	assert_int_equal(sites_store(cpu, at - 1, &breakpoint, 1), VERDICT_FAULT);
	assert_int_equal(sites_store(cpu, PAGE(0) + RETURN_AT, &breakpoint, 1), VERDICT_FAULT);
	assert_int_equal(sites_store(cpu, PAGE(0) + DATA_AT, &breakpoint, 1), VERDICT_FAULT);
	events = event_newest();
	for (u32 i = 0; i < HF_PATCH_BOUND + 600 && event_newest() == events; i++) {
		assert_int_equal(sites_store(cpu, sites_row(1).at, &breakpoint, 1),
				 VERDICT_SKIP);
		assert_int_equal(sites_store(cpu, sites_row(1).at, sites_nop5, 1),
				 VERDICT_SKIP);
	}
	assert_int_equal(machine_event().kind, HF_EVENT_PATCH);
	assert_memory_equal(machine_ram(at), g.bytes, 5);
}

/* With policy "before lock" there is nothing new. */
static void policy_before_lock(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_BEFORE_LOCK);

	(void)ctx;
	make(PAGE(0), SITES_FUNCTION);
	assert_false(trace(cpu, PAGE(0)));
	assert_int_equal(state_of(PAGE(0)), PAGE_GUEST);
}

/* More trampolines than slots: those that nobody calls make room. */
static void many(void **ctx)
{
	struct cpu *cpu = tracer(1, HF_POLICY_ON);
	u32 sealed = 0;

	(void)ctx;
	for (u32 i = 0; i < MANY; i++) {
		make(FAR_PAGE(i), SITES_FUNCTION);
		assert_true(trace(cpu, FAR_PAGE(i)));
	}
	for (u32 i = 0; i < MANY; i++)
		sealed += state_of(FAR_PAGE(i)) == PAGE_SEALED;
	assert_int_equal(sealed, HF_PROBES_MAX);
	assert_int_equal(state_of(FAR_PAGE(MANY - 1)), PAGE_SEALED);
}

/* Whoever writes while it is looked at comes too early or too late. */
static u32 page_left, broken;

static void attacker(struct cpu *cpu)
{
	while (!__atomic_load_n(&page_left, __ATOMIC_SEQ_CST)) {
		u64 value = 0xcccccccccccccccc;

		fake_guest_access(cpu, gpa(PAGE(0) + 0x40), HF_ACCESS_WRITE, 0, &value);
		fake_deliver_kicks(&cpu, 1);
		sched_yield();
	}
}

static void kernel(struct cpu *cpu)
{
	struct sites_row row = site();
	struct sites_value call = sites_go(row.at, "\xe8", PAGE(0));
	u32 i, called = 0;

	for (i = 0; i < 300 || (!called && i < 30000); i++) {
		make(PAGE(0), SITES_FUNCTION);
		sites_store(cpu, row.at, &breakpoint, 1);
		sites_store(cpu, row.at + 1, call.bytes + 1, 4);
		if (sites_store(cpu, row.at, call.bytes, 1) == VERDICT_SKIP) {
			called++;
			for (u32 j = 0; j < RETURN_AT; j++)
				if (j < CALL_AT || j > CALL_AT + 4)
					broken += ((u8 *)machine_ram(PAGE(0)))[j] !=
						  (u8)(j * 7 + 1);
		}
		untrace(cpu);
		while (write_to(cpu, PAGE(0)) != FAKE_DONE)
			;
	}
	__atomic_store_n(&page_left, called, __ATOMIC_SEQ_CST);
}

static void changed_while_compared(void **ctx)
{
	static machine_fn *const both[] = { kernel, attacker };

	(void)ctx;
	tracer(2, HF_POLICY_ON);
	machine_threads(both, 2);
	assert_int_equal(broken, 0);
	assert_int_not_equal(page_left, 0);
}

static void malformed(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_template *t;

	(void)ctx;
#define BAD(what)                                       \
	do {                                            \
		t = template_page();                    \
		what;                                   \
		assert_int_equal(add(cpu), -HF_EINVAL); \
	} while (0)
	BAD(t->size = 0);
	BAD(t->length = 0);
	BAD(t->length = HF_TEMPLATE_BYTES + 1);
	BAD(t->length = DATA_AT + 7);
	BAD(t->field_count = HF_FIELDS_MAX + 1);
	BAD(t->field_count = 4);
	BAD(t->fields[0].size = 4);
	BAD(t->fields[1].size = 6);
	BAD(t->fields[2].size = 0);
	BAD(t->fields[2].type = HF_FIELD_TARGET);
	BAD(t->fields[2].type = HF_FIELD_TARGET + 1);
	BAD(t->goes_back = 2);
	BAD(t->fields[2].offset = DATA_AT - 1);
	BAD(t->fields[2].offset = 0xffff);
	for (u32 i = 0; i < HF_TEMPLATES_MAX; i++) {
		template_page();
		assert_int_equal(add(cpu), 0);
	}
	template_page();
	assert_int_equal(add(cpu), -HF_ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(approved_and_given_back),
		machine_test(every_bit_counts),
		machine_test(other_targets),
		machine_test(lower_half),
		machine_test(mapped_anew),
		machine_test(its_call_is_patched),
		machine_test(policy_before_lock),
		machine_test(many),
		machine_test(changed_while_compared),
		machine_test(malformed),
	};

	return cmocka_run_group_tests_name("guard_template", tests, NULL, NULL);
}
