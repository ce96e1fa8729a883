// SPDX-License-Identifier: GPL-2.0-only
/* HF_CALL_PAGES against the owner map and the tables, page by page. */
#include <hv/shootdown.h>
#include "machine.h"

#define GIB   (1ull << 30)
#define PAIRS 150u /* more runs than a page holds, fewer than two */

/* Ascending, without gaps, neighbours differ, and each page as its owner and the tables say. */
static void check_runs(const struct hf_page_run *run, u64 count, u64 start)
{
	u64 at = start;

	for (u64 i = 0; i < count; i++) {
		assert_int_equal(run[i].gpa, at);
		assert_true(run[i].npages);
		assert_int_equal(run[i].reserved, 0);
		if (i)
			assert_true(run[i].state != run[i - 1].state ||
				    run[i].kind != run[i - 1].kind ||
				    run[i].permission != run[i - 1].permission ||
				    run[i].due != run[i - 1].due);
		for (u64 n = run[i].npages; n; n--, at += PAGE_SIZE) {
			struct page page = owner_page(gpa(at));

			assert_int_equal(run[i].state, page.state);
			assert_int_equal(run[i].kind, page.kind);
			assert_int_equal(run[i].permission,
					 backend_stage2_permission(gpa(at), NULL));
			assert_int_equal(run[i].due,
					 backend_stage2_admissible(owner_permission(page)));
		}
	}
}

/* One call: checks what it says, returns where the next has to begin. */
static u64 pages_from(struct cpu *cpu, u64 start, s64 *count)
{
	const struct hf_page_run *run = machine_ram(MACHINE_BUFFER);

	memset(machine_ram(MACHINE_BUFFER), 0x5a, PAGE_SIZE);
	*count = machine_call(cpu, HF_CALL_PAGES, MACHINE_BUFFER, start);
	assert_in_range(*count, 1, HF_PAGE_RUNS);
	check_runs(run, *count, start);
	return run[*count - 1].gpa + run[*count - 1].npages * PAGE_SIZE;
}

/* From 0 to the limit; how many pages are not as they should be. */
static u64 wrong_pages(struct cpu *cpu)
{
	const struct hf_page_run *run = machine_ram(MACHINE_BUFFER);
	u64 at = 0, next, wrong = 0;
	s64 count;

	for (; at < FAKE_LIMIT; at = next) {
		next = pages_from(cpu, at, &count);
		assert_true(next > at && next - at <= GIB);
		for (s64 i = 0; i < count; i++)
			if (run[i].permission != run[i].due)
				wrong += run[i].npages;
	}
	assert_int_equal(at, FAKE_LIMIT);
	return wrong;
}

static void every_page_is_as_it_should_be(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	assert_int_equal(wrong_pages(cpu), 0);
	machine_lock(cpu);
	assert_int_equal(wrong_pages(cpu), 0);
	assert_quiet(2);
}

/* The same where the tables say less than the owner map. */
static void admissible_is_due(void **ctx)
{
	struct hf_page_run *run;
	struct hf_boot *boot;
	struct cpu *cpu;
	s64 count;

	(void)ctx;
	fake_reset(&fake_plain_format);
	boot = fake_boot(1);
	machine_launch(boot);
	cpu = cpu_get(0);
	machine_lock(cpu);
	assert_int_equal(wrong_pages(cpu), 0);
	run = machine_ram(MACHINE_BUFFER);
	pages_from(cpu, MACHINE_TEXT, &count);
	assert_int_equal(run->due, HF_PERM_READ | HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC);
}

static void sealed_ranges(void **ctx)
{
	static const struct {
		u64 gpa, npages;
		u8 kind;
	} row[] = {
		{ MACHINE_TEXT, MACHINE_TEXT_PAGES, HF_KIND_TEXT },
		{ MACHINE_RODATA, 3, HF_KIND_RODATA },
		{ MACHINE_VDSO, 1, HF_KIND_VDSO },
	};
	struct cpu *cpu = machine(1);
	const struct hf_page_run *run;
	s64 count;

	(void)ctx;
	machine_lock(cpu);
	run = machine_ram(MACHINE_BUFFER);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		pages_from(cpu, row[i].gpa, &count);
		assert_int_equal(run->npages, row[i].npages);
		assert_int_equal(run->state, HF_PAGE_SEALED);
		assert_int_equal(run->kind, row[i].kind);
		assert_int_equal(run->due, owner_kind_permission(row[i].kind));
		assert_int_equal(run[1].state, HF_PAGE_GUEST);
	}
	/* A start in the middle of a run, and of a block. */
	pages_from(cpu, MACHINE_TEXT + 5 * PAGE_SIZE, &count);
	assert_int_equal(run->npages, MACHINE_TEXT_PAGES - 5);
	pages_from(cpu, MACHINE_OURS + PAGE_SIZE, &count);
	assert_int_equal(run->state, HF_PAGE_HYPERVISOR);
	assert_int_equal(run->permission, 0);
}

static void a_wrong_entry_shows(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct hf_page_run *run;
	s64 count;

	(void)ctx;
	machine_lock(cpu);
	assert_int_equal(backend_stage2_prepare(gpa(MACHINE_TEXT + PAGE_SIZE), 2), 0);
	backend_stage2_protect(gpa(MACHINE_TEXT + PAGE_SIZE), 2, HF_PERM_ALL);
	assert_int_equal(wrong_pages(cpu), 2);
	pages_from(cpu, MACHINE_TEXT, &count);
	run = machine_ram(MACHINE_BUFFER);
	assert_int_equal(run[0].npages, 1);
	assert_int_equal(run[1].npages, 2);
	assert_int_equal(run[1].permission, HF_PERM_ALL);
	assert_int_equal(run[1].due, HF_PERM_READ | HF_PERM_KERNEL_EXEC);
	assert_int_equal(run[2].npages, MACHINE_TEXT_PAGES - 3);
}

static void a_page_full_of_runs(void **ctx)
{
	struct cpu *cpu = machine(1);
	struct owner_locked owner = owner_lock(cpu);
	u64 next;
	s64 count;

	(void)ctx;
	for (u32 i = 0; i < PAIRS; i++) {
		struct hf_range range =
			machine_range(MACHINE_FREE + 2 * i * PAGE_SIZE, 1, HF_KIND_RODATA);

		assert_int_equal(owner_seal(owner, &range, 1), 0);
	}
	shootdown_settle(owner);
	owner_unlock(owner);
	next = pages_from(cpu, MACHINE_FREE, &count);
	assert_int_equal(count, HF_PAGE_RUNS);
	assert_int_equal(next, MACHINE_FREE + HF_PAGE_RUNS * PAGE_SIZE);
	pages_from(cpu, next, &count);
	assert_in_range(count, 2 * PAIRS - HF_PAGE_RUNS - 1, HF_PAGE_RUNS);
	assert_int_equal(wrong_pages(cpu), 0);
}

static void work_is_bounded(void **ctx)
{
	struct cpu *cpu = machine(1);
	s64 count;

	(void)ctx;
	assert_int_equal(pages_from(cpu, GIB, &count), 2 * GIB);
	assert_int_equal(count, 1);
	assert_int_equal(pages_from(cpu, GIB + PAGE_SIZE, &count), 2 * GIB + PAGE_SIZE);
	assert_int_equal(pages_from(cpu, FAKE_LIMIT - PAGE_SIZE, &count), FAKE_LIMIT);
}

static void wrong_arguments(void **ctx)
{
	static const u64 wrong[] = {
		1,
		8,
		PAGE_SIZE - 1,
		FAKE_LIMIT - 1,
		FAKE_LIMIT,
		FAKE_LIMIT + PAGE_SIZE,
		BIT(52),
		BIT(63),
		~PAGE_MASK,
		~0ull,
	};
	struct cpu *cpu = machine(1);
	u8 *page;

	(void)ctx;
	machine_lock(cpu);
	page = machine_ram(MACHINE_BUFFER);
	memset(page, 0x5a, PAGE_SIZE);
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(machine_call(cpu, HF_CALL_PAGES, MACHINE_BUFFER, wrong[i]),
				 -HF_EINVAL);
		/* Also with a buffer that is wrong. */
		assert_int_equal(machine_call(cpu, HF_CALL_PAGES, MACHINE_OURS, wrong[i]),
				 -HF_EINVAL);
	}
	for (u64 i = 0; i < PAGE_SIZE; i++)
		assert_int_equal(page[i], 0x5a);
	assert_quiet(2);
	assert_int_equal(machine_call(cpu, HF_CALL_PAGES, MACHINE_TEXT, 0), -HF_EFAULT);
	assert_quiet(3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(every_page_is_as_it_should_be),
		machine_test(admissible_is_due),
		machine_test(sealed_ranges),
		machine_test(a_wrong_entry_shows),
		machine_test(a_page_full_of_runs),
		machine_test(work_is_bounded),
		machine_test(wrong_arguments),
	};

	return cmocka_run_group_tests_name("core_audit", tests, NULL, NULL);
}
