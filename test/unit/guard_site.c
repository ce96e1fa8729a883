// SPDX-License-Identifier: GPL-2.0-only
/* The registry of sites: what is taken, and that a page with a mistake is not taken at all. */
#include "sites.h"

static void taken_once(void **ctx)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u64 bits[SITES_ROWS];

	(void)ctx;
	assert_int_equal(sites_patching(cpu, HF_POLICY_ON, HF_POLICY_OFF), -HF_EEXIST);
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);

		bits[i] = sites_bits(&row);
	}
	assert_int_equal(sites_add(cpu, bits, SITES_ROWS), 0);
	assert_int_equal(site_count(), SITES_ROWS);
	/* They are held: the same again, or what comes before them, is out of order. */
	assert_int_equal(sites_add(cpu, bits, SITES_ROWS), -HF_EINVAL);
	assert_int_equal(sites_add(cpu, &bits[SITES_ROWS - 1], 1), -HF_EINVAL);
	assert_int_equal(site_count(), SITES_ROWS);
}

/* Every site with every value is taken, and with the one that is not its value is not. */
static void values_at_registration(void **ctx)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);

	(void)ctx;
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);
		u64 bits = sites_bits(&row);
		struct site site;

		/* The condition of a branch is what it is at lock: any. */
		if (row.target != HF_FORM_BRANCH || row.kind != HF_SITE_CALL) {
			sites_put(row.at, row.value[row.count].bytes, row.size);
			assert_int_equal(sites_add(cpu, &bits, 1), -HF_EINVAL);
		}
		sites_put(row.at, "\xcc", 1);
		assert_int_equal(sites_add(cpu, &bits, 1), -HF_EINVAL);
		assert_int_equal(site_count(), i);
		sites_put(row.at, row.value[i % row.count].bytes, row.size);
		assert_int_equal(sites_add(cpu, &bits, 1), 0);
		for (u32 j = 0; j < row.size; j++) {
			assert_true(
				site_find(gva(HF_CODE_BASE + row.at + j), row.size - j, &site));
			assert_int_equal(site.va.raw, HF_CODE_BASE + row.at);
			assert_int_equal(site.gpa.raw, sites_gpa(row.at));
			assert_false(site_find(gva(HF_CODE_BASE + row.at + j), row.size - j + 1,
					       &site));
			assert_true(site_touches(gva(HF_CODE_BASE + row.at + j), 1));
			assert_true(site_touches(gva(HF_CODE_BASE + row.at + j - 9), 10));
		}
		assert_false(site_find(gva(HF_CODE_BASE + row.at), 0, &site));
		for (u32 j = 0; j <= row.count; j++)
			assert_int_equal(site_value(&site, row.value[j].bytes, 0),
					 j < row.count ||
						 (row.kind == HF_SITE_CALL && row.size == 6));
	}
}

static void malformed_sites(void **ctx)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u32 t = SITES_TEXT, end = SITES_TEXT + MACHINE_TEXT_PAGES * PAGE_SIZE;
	const u64 bad[] = {
		HF_SITE(t + 0x17, HF_SITE_TRACE, 1),
		HF_SITE(t + 0x20, HF_SITE_CALL, HF_FORM_COUNT),
		HF_SITE(t + 0x20, HF_SITE_CALL, 0x7fffffff),
		HF_SITE(t - 1, HF_SITE_JUMP2, t),
		HF_SITE(end - 1, HF_SITE_JUMP2, end), /* its second byte */
		HF_SITE(MACHINE_RODATA, HF_SITE_JUMP2, t),
		HF_SITE(0x7fffffff, HF_SITE_JUMP5, t),
		HF_SITE(0, HF_SITE_JUMP5, t),
		/* A target that two bytes do not reach, cut, is another. */
		HF_SITE(t + 0x10, HF_SITE_JUMP2, SITES_LABEL + 0x100),
	};
	struct sites_row row = sites_row(0);
	u64 pair[2];

	(void)ctx;
	memcpy(machine_ram(end - 1), sites_nop2, 1);
	sites_put(row.at, row.value[1].bytes, 2);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		pair[0] = sites_bits(&row);
		pair[1] = bad[i];
		if (HF_SITE_AT(bad[i]) <= row.at) {
			pair[0] = bad[i];
			pair[1] = HF_SITE(t + 0x12, HF_SITE_JUMP5, SITES_LABEL);
		}
		assert_int_equal(sites_add(cpu, pair, 2), -HF_EINVAL);
		assert_int_equal(site_count(), 0);
	}
	/* Overlap by one byte; the same sites side by side are in order. */
	pair[0] = sites_bits(&row);
	pair[1] = HF_SITE(row.at + 1, HF_SITE_JUMP5, SITES_LABEL);
	sites_put(row.at, "\xeb\x0f\x1f\x44\x00\x00", 6);
	pair[0] = HF_SITE(row.at, HF_SITE_JUMP2, row.at + 2 + 0x0f);
	assert_int_equal(sites_add(cpu, pair, 2), -HF_EINVAL);
	assert_int_equal(sites_add(cpu, pair, 1), 0);
	assert_int_equal(sites_add(cpu, &pair[1], 1), -HF_EINVAL);
	sites_put(row.at + 2, sites_nop5, 5);
	pair[1] = HF_SITE(row.at + 2, HF_SITE_JUMP5, SITES_LABEL);
	assert_int_equal(sites_add(cpu, &pair[1], 1), 0);
}

static void malformed_patching(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_patching *p = machine_ram(MACHINE_BUFFER);
	static const struct {
		u8 ftrace, kprobes, livepatch;
		u32 size, count, start, end, after;
	} bad[] = {
		{ 3, 0, 0, sizeof(*p), 0, 0, 0, 0 },
		{ 0, 3, 0, sizeof(*p), 0, 0, 0, 0 },
		{ 0, 0, 3, sizeof(*p), 0, 0, 0, 0 },
		{ 0, 0, 0, sizeof(*p) - 8, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, 0, 0, 0 },
		{ 0, 0, 0, sizeof(*p), 1, 5, 5, 0 },
		{ 0, 0, 0, sizeof(*p), 2, 5, 9, 8 },
		{ 0, 0, 0, sizeof(*p), HF_NOPROBE_MAX + 1, 1, 2, 3 },
	};
	u32 entry = SITES_TEXT;
	u64 site = HF_SITE(SITES_TEXT, HF_SITE_JUMP2, SITES_TEXT);

	(void)ctx;
	machine_register(cpu);
	/* Nothing comes before it. */
	assert_int_equal(sites_entries(cpu, &entry, 1), -HF_EINVAL);
	memcpy(machine_ram(SITES_TEXT), sites_nop2, 2);
	assert_int_equal(sites_add(cpu, &site, 1), -HF_EINVAL);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(p, 0, PAGE_SIZE);
		p->size = bad[i].size;
		p->ftrace = bad[i].ftrace;
		p->kprobes = bad[i].kprobes;
		p->livepatch = bad[i].livepatch;
		p->noprobe_count = bad[i].count;
		p->noprobe[0] = (struct hf_code_range){ bad[i].start, bad[i].end };
		p->noprobe[1] = (struct hf_code_range){ bad[i].after, bad[i].after + 4 };
		assert_int_equal(machine_call(cpu, HF_CALL_PATCHING, MACHINE_BUFFER, 0),
				 -HF_EINVAL);
	}
	assert_int_equal(sites_patching(cpu, HF_POLICY_ON, HF_POLICY_ON), 0);
	assert_int_equal(sites_add(cpu, &site, 1), 0);
}

/* A search goes on from where the last one ended: that must not show. */
static void any_order(void **ctx)
{
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u64 bits[SITES_ROWS];

	(void)ctx;
	for (u32 i = 0; i < SITES_ROWS; i++) {
		struct sites_row row = sites_row(i);

		bits[i] = sites_bits(&row);
	}
	assert_int_equal(sites_add(cpu, bits, SITES_ROWS), 0);
	for (u32 i = 0; i < 10000; i++) {
		struct sites_row row = sites_row(unit_random() % SITES_ROWS);
		struct site site;
		u32 first = sites_row(0).at;

		assert_true(site_find(gva(HF_CODE_BASE + row.at), row.size, &site));
		assert_int_equal(site.va.raw, HF_CODE_BASE + row.at);
		assert_false(site_find(gva(HF_CODE_BASE + row.at + row.size - 1), 2, &site));
		assert_int_equal(site_entry(gva(HF_CODE_BASE + row.at)), 0);
		if (i % 3)
			assert_false(site_find(gva(HF_CODE_BASE + first - i % 3), 1, &site));
		if (i % 5 == 1)
			assert_false(site_find(gva(~0ull), 1, &site));
	}
}

static void entries(void **ctx)
{
	struct cpu *cpu = machine(1);
	const u32 unordered[] = { SITES_TEXT + 8, SITES_TEXT + 4 };
	const u32 twice[] = { SITES_TEXT + 4, (SITES_TEXT + 4) | HF_ENTRY_TRAMPOLINE };
	const u32 outside[] = { SITES_TEXT + 4, (u32)MACHINE_RODATA };
	const u32 good[] = { SITES_TEXT + 4, (SITES_TEXT + 8) | HF_ENTRY_TRAMPOLINE };
	u32 *page = machine_ram(MACHINE_BUFFER);

	(void)ctx;
	machine_register(cpu);
	assert_int_equal(sites_patching(cpu, HF_POLICY_ON, HF_POLICY_ON), 0);
	assert_int_equal(sites_entries(cpu, unordered, 2), -HF_EINVAL);
	assert_int_equal(sites_entries(cpu, twice, 2), -HF_EINVAL);
	assert_int_equal(sites_entries(cpu, outside, 2), -HF_EINVAL);
	assert_false(site_entry(gva(HF_CODE_BASE + SITES_TEXT + 4)));
	assert_int_equal(sites_entries(cpu, good, 2), 0);
	assert_int_equal(sites_entries(cpu, good + 1, 1), -HF_EINVAL);
	for (u32 at = SITES_TEXT; at < SITES_TEXT + 16; at++)
		assert_int_equal(site_entry(gva(HF_CODE_BASE + at)),
				 at == SITES_TEXT + 4 || at == SITES_TEXT + 8);
	for (u32 i = 0; i < 1000; i++) {
		u32 at = SITES_TEXT + (u32)(unit_random() % 12);

		assert_int_equal(site_entry(gva(HF_CODE_BASE + at)),
				 at == SITES_TEXT + 4 || at == SITES_TEXT + 8);
	}
	/* The same offset from somewhere else. */
	assert_false(site_entry(gva(SITES_TEXT + 4)));
	assert_false(site_entry(gva(HF_CODE_BASE + SITES_TEXT + 4 - (1ull << 32))));
	for (u32 i = 0; i < HF_ENTRIES_PER_PAGE; i++)
		page[i] = SITES_TEXT + 0x100 + i;
	assert_int_equal(
		machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, HF_ENTRIES_PER_PAGE), 0);
	assert_int_equal(
		machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, HF_ENTRIES_PER_PAGE + 1),
		-HF_EINVAL);
	assert_int_equal(machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, 0), -HF_EINVAL);
	assert_int_equal(machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER + 4, 1), -HF_EFAULT);
	assert_int_equal(machine_call(cpu, HF_CALL_ENTRIES, MACHINE_OURS, 1), -HF_EFAULT);
}

/* A kernel that has neither thunk nor jump_return says 0: address 0 is no place to go. */
static void nothing_to_return_to(void **ctx)
{
	struct sites_row tail = sites_row(4), branch = sites_row(5);
	const u64 bits[] = { sites_bits(&tail), sites_bits(&branch) };
	struct cpu *cpu = machine(1);
	struct hf_patching *p = machine_ram(MACHINE_BUFFER);
	const u32 function = SITES_FUNCTION, zero = (u32)-HF_CODE_BASE;
	struct site site;

	(void)ctx;
	machine_register(cpu);
	memset(p, 0, PAGE_SIZE);
	p->size = sizeof(*p);
	assert_int_equal(machine_call(cpu, HF_CALL_PATCHING, MACHINE_BUFFER, 0), 0);
	assert_int_equal(sites_entries(cpu, &function, 1), 0);
	sites_put(tail.at, sites_ret, 5);
	sites_put(branch.at, sites_go(branch.at, "\x0f\x84", function).bytes, 6);
	assert_int_equal(sites_add(cpu, bits, 2), 0);
	assert_true(site_find(gva(HF_CODE_BASE + tail.at), 5, &site));
	assert_true(site_value(&site, sites_go(tail.at, "\xe9", function).bytes, 0));
	assert_false(site_value(&site, sites_go(tail.at, "\xe9", zero).bytes, 0));
	assert_true(site_find(gva(HF_CODE_BASE + branch.at), 6, &site));
	assert_true(site_value(&site, sites_go(branch.at, "\x0f\x84", function).bytes, 0));
	assert_false(site_value(&site, sites_go(branch.at, "\x0f\x84", zero).bytes, 0));
	assert_false(site_thunk(gva(0)));
}

/* Both tables to the brim, and one more. */
static void tables_are_bounded(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_range text = machine_range(MACHINE_FREE, 128, HF_KIND_TEXT);
	u32 *entry = machine_ram(MACHINE_BUFFER), i, n;
	u64 *site = machine_ram(MACHINE_BUFFER);

	(void)ctx;
	assert_int_equal(machine_protect(cpu, &text, 1), 0);
	assert_int_equal(sites_patching(cpu, HF_POLICY_ON, HF_POLICY_ON), 0);
	for (n = 0; n < HF_ENTRIES_MAX; n += HF_ENTRIES_PER_PAGE) {
		for (i = 0; i < HF_ENTRIES_PER_PAGE; i++)
			entry[i] = (u32)MACHINE_FREE + n + i;
		assert_int_equal(
			machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, HF_ENTRIES_PER_PAGE),
			0);
	}
	entry[0] = (u32)MACHINE_FREE + n;
	assert_int_equal(machine_call(cpu, HF_CALL_ENTRIES, MACHINE_BUFFER, 1), -HF_ENOSPC);
	for (n = 0; n < 2 * HF_SITES_MAX; n++)
		((u8 *)machine_ram(MACHINE_FREE))[n] = sites_nop2[n % 2];
	for (n = 0; n < HF_SITES_MAX; n += HF_SITES_PER_PAGE) {
		for (i = 0; i < HF_SITES_PER_PAGE; i++)
			site[i] = HF_SITE((u32)MACHINE_FREE + 2 * (n + i), HF_SITE_JUMP2, 1);
		assert_int_equal(
			machine_call(cpu, HF_CALL_SITES, MACHINE_BUFFER, HF_SITES_PER_PAGE), 0);
	}
	site[0] = HF_SITE((u32)MACHINE_FREE + 2 * n, HF_SITE_JUMP2, 1);
	assert_int_equal(machine_call(cpu, HF_CALL_SITES, MACHINE_BUFFER, 1), -HF_ENOSPC);
	assert_int_equal(site_count(), HF_SITES_MAX);
}

static void dead_after_lock(void **ctx)
{
	struct cpu *cpu = sites_machine(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_OFF);
	u64 bits = HF_SITE(SITES_MODULE + 0x3000, HF_SITE_JUMP2, SITES_LABEL);
	u32 entry = SITES_MODULE;

	(void)ctx;
	assert_int_equal(sites_add(cpu, &bits, 1), -HF_EPERM);
	assert_int_equal(sites_entries(cpu, &entry, 1), -HF_EPERM);
	assert_int_equal(sites_patching(cpu, HF_POLICY_ON, HF_POLICY_ON), -HF_EPERM);
	assert_int_equal(site_count(), SITES_ROWS);
	assert_int_equal(machine_event().kind, HF_EVENT_HYPERCALL);
}

#define PROBED (SITES_TEXT + 0x1000)
#define LEFT   (MACHINE_FREE + 4 * FAKE_MIB) /* of the first attempt only */

/* Templates until there is no room, and a probe. */
static void fill_the_rest(struct cpu *cpu)
{
	struct hf_template *template = machine_ram(MACHINE_BUFFER);
	struct hf_probe *probe = machine_ram(MACHINE_BUFFER);

	for (u32 i = 0; i <= HF_TEMPLATES_MAX; i++) {
		memset(template, 0, PAGE_SIZE);
		template->size = sizeof(*template);
		template->length = 1;
		assert_int_equal(machine_call(cpu, HF_CALL_TEMPLATE, MACHINE_BUFFER, 0),
				 i < HF_TEMPLATES_MAX ? 0 : -HF_ENOSPC);
	}
	sites_put(PROBED, "\xcc", 1);
	memset(probe, 0, PAGE_SIZE);
	probe->va = HF_CODE_BASE + PROBED;
	assert_int_equal(machine_call(cpu, HF_CALL_PROBES, MACHINE_BUFFER, 1), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_PROBES, MACHINE_BUFFER, 1), -HF_EINVAL);
}

/* What a first attempt to lock left does not count in the second. */
static void forgotten_before_lock(void **ctx)
{
	const struct hf_range r = machine_range(LEFT, 8, HF_KIND_RODATA);
	struct cpu *cpu = sites_prepare(1, HF_ACTION_DENY, HF_POLICY_ON, HF_POLICY_ON);
	struct sites_row row = sites_row(0);
	u64 bits = sites_bits(&row);

	(void)ctx;
	assert_int_equal(machine_protect(cpu, &r, 1), 0);
	assert_int_equal(sites_add(cpu, &bits, 1), 0);
	fill_the_rest(cpu);
	assert_int_equal(machine_call(cpu, HF_CALL_FORGET, 0, 0), 0);
	assert_int_equal(site_count(), 0);
	assert_int_equal(site_patching()->size, 0);
	assert_false(site_entry(gva(HF_CODE_BASE + SITES_FUNCTION)));
	assert_int_equal(protect_pages(HF_KIND_TEXT), 0);
	assert_int_equal(protect_pages(HF_KIND_RODATA), 0);
	assert_int_equal(machine_call(cpu, HF_CALL_LOCK, 0, 0), -HF_EINVAL);
	assert_int_equal(sites_add(cpu, &bits, 1), -HF_EINVAL);

	sites_register(cpu, HF_POLICY_OFF, HF_POLICY_OFF);
	assert_int_equal(site_patching()->ftrace, HF_POLICY_OFF);
	fill_the_rest(cpu);
	sites_lock(cpu);
	assert_int_equal(site_count(), SITES_ROWS);
	assert_int_equal(owner_state(gpa(LEFT)), PAGE_GUEST);
	row = sites_row(2);
	assert_int_equal(sites_store(cpu, row.at, "\xcc", 1), VERDICT_FAULT);
	assert_int_equal(machine_call(cpu, HF_CALL_FORGET, 0, 0), -HF_EPERM);
	assert_int_equal(site_count(), SITES_ROWS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(taken_once),
		machine_test(values_at_registration),
		machine_test(malformed_sites),
		machine_test(malformed_patching),
		machine_test(entries),
		machine_test(any_order),
		machine_test(nothing_to_return_to),
		machine_test(tables_are_bounded),
		machine_test(dead_after_lock),
		machine_test(forgotten_before_lock),
	};

	return cmocka_run_group_tests_name("guard_site", tests, NULL, NULL);
}
