// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls: every number, before and after lock, with arguments from the edges. */
#include <hv/shootdown.h>
#include "machine.h"

/* A buffer in every place where none may be; the guest's own first, for comparison. */
static const u64 buffers[] = {
	MACHINE_BUFFER,
	MACHINE_BUFFER + 8,
	MACHINE_BUFFER + PAGE_SIZE - 1,
	MACHINE_OURS,
	MACHINE_OURS + HF_CHUNK_SIZE - PAGE_SIZE,
	FAKE_HOTPLUG_START,
	FAKE_HIGH_START - PAGE_SIZE, /* device memory */
	FAKE_LOW_END,
	FAKE_LIMIT,
	FAKE_LIMIT - PAGE_SIZE,
	~0ull,
	~0ull - PAGE_MASK,
	1ull << 63,
	1ull << 52,
};

static bool wants_buffer(u64 number)
{
	return number >= HF_CALL_INFO && number <= HF_CALL_PAGES;
}

/* A second argument with which the query succeeds. */
static u64 good_argument(u64 number)
{
	switch (number) {
	case HF_CALL_EVENTS:
		return 1;
	case HF_CALL_ASSET:
		return HF_ASSET_HYPERVISOR;
	case HF_CALL_PAGES:
		return FAKE_LIMIT - PAGE_SIZE;
	}
	return 0;
}

static s64 good_result(u64 number)
{
	return number == HF_CALL_EVENTS || number == HF_CALL_PAGES ? 1 : 0;
}

static void queries_answer_into_guest_pages_only(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	for (u64 n = HF_CALL_INFO; n <= HF_CALL_PAGES; n++) {
		assert_int_equal(machine_call(cpu, n, MACHINE_BUFFER, good_argument(n)),
				 good_result(n));
		for (u32 i = 1; i < ARRAY_SIZE(buffers); i++)
			assert_int_equal(machine_call(cpu, n, buffers[i], good_argument(n)),
					 -HF_EFAULT);
	}
	/* Before lock that is a mistake, not a violation. */
	assert_quiet(1);
}

/* Nor into pages that are sealed, pending, lent or a service's. */
static void queries_spare_fixed_pages(void **ctx)
{
	struct hf_range ranges[] = {
		machine_range(MACHINE_FREE, 1, HF_KIND_RODATA),
		machine_range(MACHINE_FREE + PAGE_SIZE, 1, HF_KIND_NONE),
		machine_range(MACHINE_FREE + 2 * PAGE_SIZE, 1, HF_KIND_NONE),
		machine_range(MACHINE_FREE + 3 * PAGE_SIZE, 1, HF_KIND_NONE),
	};
	struct cpu *cpu = machine(1);
	struct owner_locked owner = owner_lock(cpu);

	(void)ctx;
	assert_int_equal(owner_seal(owner, &ranges[0], 1), 0);
	assert_int_equal(owner_check_begin(owner, &ranges[1], 1), 0);
	assert_int_equal(owner_lend(owner, &ranges[2], 1), 0);
	assert_int_equal(owner_donate(owner, &ranges[3], 1), 0);
	shootdown_settle(owner);
	owner_unlock(owner);
	memset(machine_ram(MACHINE_FREE), 0x5a, 4 * PAGE_SIZE);
	for (u64 n = HF_CALL_INFO; n <= HF_CALL_PAGES; n++)
		for (u32 i = 0; i < ARRAY_SIZE(ranges); i++)
			assert_int_equal(machine_call(cpu, n, ranges[i].gpa, good_argument(n)),
					 -HF_EFAULT);
	for (u64 i = 0; i < 4 * PAGE_SIZE; i++)
		assert_int_equal(((u8 *)machine_ram(MACHINE_FREE))[i], 0x5a);
}

static void bounds_of_indices(void **ctx)
{
	static const u64 past[] = { 1ull << 32, ~0ull, 1ull << 63, 0xffffffff };
	struct cpu *cpu = machine(3);
	struct hf_protection *protection = machine_ram(MACHINE_BUFFER);
	struct hf_stats *stats = machine_ram(MACHINE_BUFFER);
	struct hf_info info;
	u32 i;

	(void)ctx;
	for (i = 0; i < 3; i++) {
		assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, i), 0);
		assert_int_equal(stats->cpu, i);
		assert_int_equal(stats->size, sizeof(*stats));
	}
	assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, 3), -HF_ENOENT);
	assert_int_equal(machine_call(cpu, HF_CALL_INFO, MACHINE_BUFFER, 0), 0);
	memcpy(&info, machine_ram(MACHINE_BUFFER), sizeof(info));
	for (i = 0; i < info.protections; i++) {
		assert_int_equal(machine_call(cpu, HF_CALL_PROTECTION, MACHINE_BUFFER, i), 0);
		assert_int_equal(protection->size, sizeof(*protection));
		assert_true(protection->name[0]);
	}
	assert_int_equal(machine_call(cpu, HF_CALL_PROTECTION, MACHINE_BUFFER, i), -HF_ENOENT);
	for (i = 0; i < ARRAY_SIZE(past); i++) {
		assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, past[i]),
				 -HF_ENOENT);
		assert_int_equal(machine_call(cpu, HF_CALL_PROTECTION, MACHINE_BUFFER, past[i]),
				 -HF_ENOENT);
		assert_int_equal(machine_call(cpu, HF_CALL_ASSET, MACHINE_BUFFER, past[i]),
				 -HF_ENOENT);
		assert_int_equal(machine_call(cpu, HF_CALL_EVENTS, MACHINE_BUFFER, past[i]), 0);
	}
	/* The low half alone would be a good one. */
	assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, 1ull << 32),
			 -HF_ENOENT);
	assert_int_equal(machine_call(cpu, HF_CALL_ASSET, MACHINE_BUFFER,
				      1ull << 32 | HF_ASSET_HYPERVISOR),
			 -HF_ENOENT);
	assert_int_equal(machine_call(cpu, HF_CALL_EVENTS, MACHINE_BUFFER, 0), 0);
}

/* What is written is the answer and nothing else of ours. */
static void answers_leave_the_rest_of_the_page(void **ctx)
{
	static const struct {
		u64 number;
		size_t size;
	} row[] = {
		{ HF_CALL_INFO, sizeof(struct hf_info) },
		{ HF_CALL_STATS, sizeof(struct hf_stats) },
		{ HF_CALL_PROTECTION, sizeof(struct hf_protection) },
		{ HF_CALL_ASSET, sizeof(struct hf_asset) },
		{ HF_CALL_PAGES, sizeof(struct hf_page_run) },
	};
	struct cpu *cpu = machine(1);
	u8 *page = machine_ram(MACHINE_BUFFER);

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		memset(page, 0x5a, PAGE_SIZE);
		memset(cpu->buffer, 0xc3, PAGE_SIZE);
		assert_int_equal(machine_call(cpu, row[i].number, MACHINE_BUFFER,
					      good_argument(row[i].number)),
				 good_result(row[i].number));
		for (u64 j = row[i].size; j < PAGE_SIZE; j++)
			assert_int_equal(page[j], 0x5a);
		for (u64 j = 0; j + 8 <= row[i].size; j++)
			assert_memory_not_equal(page + j, "\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3",
						8);
	}
	/* Events fill the page: slots without one are zero. */
	memset(cpu->buffer, 0xc3, PAGE_SIZE);
	assert_int_equal(machine_call(cpu, HF_CALL_EVENTS, MACHINE_BUFFER, 1), 1);
	for (u64 j = sizeof(struct hf_event); j < PAGE_SIZE; j++)
		assert_int_equal(page[j], 0);
}

static void user_mode_finds_nobody(void **ctx)
{
	const u64 arg[4] = { MACHINE_BUFFER, 1, 0, 0 };
	struct cpu *cpu = machine(1);
	s64 result;

	(void)ctx;
	machine_lock(cpu);
	for (u8 cpl = 1; cpl <= 3; cpl++)
		for (u64 n = HF_CALL_BASE - 1; n <= HF_CALL_SERVICE_CANCEL + 1; n++)
			assert_int_equal(fake_guest_call(cpu, cpl, n, arg, &result),
					 VERDICT_UNDEFINED);
	assert_quiet(2);
}

/* Every number of the range and around it, and numbers that look like one when cut. */
static void numbers_before_lock(void **ctx)
{
	struct cpu *cpu = machine(1);

	(void)ctx;
	for (u64 n = HF_CALL_BASE - 16; n < HF_CALL_BASE + 0x200; n++) {
		s64 expected = -HF_ENOSYS;

		if (n == HF_CALL_NOOP || n == HF_CALL_FORGET || n == HF_CALL_NMI)
			expected = 0;
		else if (n >= HF_CALL_PROTECT && n <= HF_CALL_DOMAIN)
			expected = -HF_EINVAL; /* nothing in the page, nothing registered */
		else if (wants_buffer(n))
			expected = good_result(n);
		else if (n == HF_CALL_SERVICE)
			expected = -HF_ENODEV;
		else if (n == HF_CALL_SERVICE_RESUME || n == HF_CALL_SERVICE_CANCEL)
			expected = -HF_ENOENT;
		memset(machine_ram(MACHINE_BUFFER), 0, PAGE_SIZE);
		assert_int_equal(machine_call(cpu, n, MACHINE_BUFFER,
					      n == HF_CALL_PROTECT ? 1 : good_argument(n)),
				 expected);
	}
	assert_int_equal(machine_call(cpu, 1ull << 32 | HF_CALL_NOOP, 0, 0), -HF_ENOSYS);
	assert_int_equal(machine_call(cpu, 1ull << 32 | HF_CALL_LOCK, 0, 0), -HF_ENOSYS);
	assert_int_equal(machine_call(cpu, ~0ull, 0, 0), -HF_ENOSYS);
	assert_int_equal(machine_call(cpu, 0, 0, 0), -HF_ENOSYS);
	assert_quiet(1);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
}

/* Each CPU of its own NMIs, once. */
static void nmi_in_doubt(void **ctx)
{
	struct cpu *cpu = machine(2), *other = cpu_get(1);

	(void)ctx;
	machine_lock(cpu);
	other->doubts = 2;
	assert_int_equal(machine_call(cpu, HF_CALL_NMI, 0, 0), 0);
	assert_int_equal(machine_call(other, HF_CALL_NMI, 0, 0), 1);
	assert_int_equal(machine_call(other, HF_CALL_NMI, 0, 0), 1);
	assert_int_equal(machine_call(other, HF_CALL_NMI, 0, 0), 0);
}

static void numbers_after_lock(void **ctx)
{
	struct cpu *cpu = machine(1);
	u64 events;

	(void)ctx;
	machine_lock(cpu);
	events = event_newest();
	for (u64 n = HF_CALL_LIVE; n <= HF_CALL_NMI; n++)
		assert_int_equal(machine_call(cpu, n, MACHINE_BUFFER, good_argument(n)),
				 n == HF_CALL_EVENTS ? (s64)events : good_result(n));
	for (u64 n = HF_CALL_SERVICE; n <= HF_CALL_SERVICE_CANCEL; n++)
		assert_int_equal(machine_call(cpu, n, MACHINE_BUFFER, 0),
				 n == HF_CALL_SERVICE ? -HF_ENODEV : -HF_ENOENT);
	assert_quiet(events);
	/* The range before lock is dead as a whole: also the numbers it never had. */
	for (u64 n = HF_CALL_BASE; n < HF_CALL_LIVE; n++)
		assert_int_equal(machine_call(cpu, n, MACHINE_BUFFER, 1), -HF_EPERM);
	assert_quiet(events + 1);
	assert_int_equal(machine_event().kind, HF_EVENT_HYPERCALL);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(machine_event().asset, HF_ASSET_HYPERCALL);
	assert_int_equal(machine_event().old, HF_CALL_BASE);
	assert_int_equal(machine_event().new_value, (u64)-HF_EPERM);
	assert_int_equal(machine_event().repeat, HF_CALL_LIVE - HF_CALL_BASE - 1);
	for (u64 n = HF_CALL_SERVICE_CANCEL + 1; n < HF_CALL_SERVICE_CANCEL + 100; n++)
		assert_int_equal(machine_call(cpu, n, MACHINE_BUFFER, 0), -HF_ENOSYS);
	assert_quiet(events + 2);
	assert_int_equal(machine_event().new_value, (u64)-HF_ENOSYS);
	assert_int_equal(machine_call(cpu, HF_CALL_INFO, MACHINE_OURS, 0), -HF_EFAULT);
	assert_quiet(events + 3);
	assert_int_equal(machine_event().old, HF_CALL_INFO);
	/* Past the end of a list is how a list ends. */
	assert_int_equal(machine_call(cpu, HF_CALL_PROTECTION, MACHINE_BUFFER, 999),
			 -HF_ENOENT);
	assert_quiet(events + 3);
}

/* Random numbers and arguments, half of them near what exists, before and after lock. */
static void hostile(struct cpu *cpu, int rounds)
{
	const u64 edges[] = { 0, 1, 101, 102, 103, PAGE_SIZE, 1ull << 40, 1ull << 63, ~0ull };

	for (int i = 0; i < rounds; i++) {
		u64 number = unit_below(2) ? HF_CALL_BASE + unit_below(0x60) : unit_random();
		u64 arg[4];
		s64 result;

		for (u32 j = 0; j < 4; j++)
			arg[j] = unit_below(2) ? unit_random()
					       : edges[unit_below(ARRAY_SIZE(edges))];
		if (unit_below(2))
			arg[0] = buffers[unit_below(ARRAY_SIZE(buffers))];
		/* The lock itself would succeed one day; it has tests of its own. */
		if (number == HF_CALL_LOCK && launch_state() != HF_STATE_LOCKED)
			continue;
		assert_int_equal(fake_guest_call(cpu, 0, number, arg, &result), VERDICT_RESULT);
		assert_in_range(-result + HF_PAGE_RUNS, 0, 115 + HF_PAGE_RUNS);
		if (!unit_below(64)) /* a page full of noise to register */
			for (u32 j = 0; j < PAGE_SIZE / 8; j++)
				((u64 *)machine_ram(MACHINE_BUFFER))[j] =
					unit_below(2) ? unit_random() : unit_below(64);
	}
}

static void hostile_calls(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	unit_seed("hostile_calls");
	hostile(cpu, 20000);
	assert_int_equal(launch_state(), HF_STATE_LAUNCHED);
	machine_lock(cpu);
	hostile(cpu, 20000);
	assert_int_equal(launch_state(), HF_STATE_LOCKED);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT)).state, PAGE_SEALED);
	assert_int_equal(machine_call(cpu, HF_CALL_NOOP, 0, 0), 0);
}

/* ---- the count of exits ---- */

static void stats_of_another_cpu(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct hf_stats *stats = machine_ram(MACHINE_BUFFER);
	u64 calls;

	(void)ctx;
	for (int i = 0; i < 10; i++)
		machine_call(cpu_get(1), HF_CALL_NOOP, 0, 0);
	assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, 1), 0);
	assert_int_equal(stats->exits[HF_EXIT_CALL], 10);
	assert_int_equal(stats->total, 10);
	assert_true(stats->launch_ticks);
	assert_int_equal(stats->lock_ticks, 0);
	assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, 0), 0);
	calls = stats->exits[HF_EXIT_CALL];
	assert_int_equal(calls, 2); /* this one included */
	fake_guest_access(cpu, gpa(MACHINE_OURS), HF_ACCESS_READ, 0, NULL);
	assert_int_equal(machine_call(cpu, HF_CALL_STATS, MACHINE_BUFFER, 0), 0);
	assert_int_equal(stats->exits[HF_EXIT_MEMORY], 1);
	assert_int_equal(stats->total, calls + 2);
	for (u32 i = HF_EXIT_KIND_COUNT; i < ARRAY_SIZE(stats->exits); i++)
		assert_int_equal(stats->exits[i], 0);
}

static void info(void **ctx)
{
	struct cpu *cpu = machine(2);
	struct hf_info *info = machine_ram(MACHINE_BUFFER);

	(void)ctx;
	assert_int_equal(machine_call(cpu, HF_CALL_INFO, MACHINE_BUFFER, 0), 0);
	assert_int_equal(info->size, sizeof(*info));
	assert_int_equal(info->abi, HF_ABI);
	assert_int_equal(info->state, HF_STATE_LAUNCHED);
	assert_int_equal(info->cpus, 2);
	assert_int_equal(info->cpus_locked, 0);
	assert_int_equal(info->features, backend_features());
	assert_int_equal(info->memory_total, FAKE_CHUNKS * HF_CHUNK_SIZE);
	assert_in_range(info->memory_used, 40 * PAGE_SIZE, info->memory_total);
	assert_int_equal(info->sealed_pages, 0);
	assert_int_equal(info->events, 1);
	assert_int_equal(info->events_lost, 0);
	assert_string_equal(info->backend, "fake");
	assert_string_equal(info->version, HF_VERSION);
	machine_lock(cpu);
	assert_int_equal(machine_call(cpu, HF_CALL_INFO, MACHINE_BUFFER, 0), 0);
	assert_int_equal(info->state, HF_STATE_LOCKED);
	assert_int_equal(info->cpus_locked, 2);
	assert_int_equal(info->sealed_pages, MACHINE_SEALED);
	assert_int_equal(info->events, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(queries_answer_into_guest_pages_only),
		machine_test(queries_spare_fixed_pages),
		machine_test(bounds_of_indices),
		machine_test(answers_leave_the_rest_of_the_page),
		machine_test(user_mode_finds_nobody),
		machine_test(numbers_before_lock),
		machine_test(nmi_in_doubt),
		machine_test(numbers_after_lock),
		machine_test(hostile_calls),
		machine_test(stats_of_another_cpu),
		machine_test(info),
	};

	return cmocka_run_group_tests_name("core_call", tests, NULL, NULL);
}
