// SPDX-License-Identifier: GPL-2.0-only
/* Guards of code and data: accesses to every kind of page, with both actions. */
#include <hv/shootdown.h>
#include "machine.h"

#define R HF_ACCESS_READ
#define W HF_ACCESS_WRITE
#define X HF_ACCESS_EXECUTE
#define K HF_ACCESS_WALK

static const struct {
	u64 at;
	u8 access;
	u8 cpl;
	u32 asset; /* HF_ASSET_NONE: no exit, or a retry that ended well */
} accesses[] = {
	{ MACHINE_FREE, R, 0, HF_ASSET_NONE },
	{ MACHINE_FREE, W, 0, HF_ASSET_NONE },
	{ MACHINE_FREE, X, 0, HF_ASSET_MEMORY | HF_KIND_NONE },
	{ MACHINE_FREE + 0xff8, X, 0, HF_ASSET_MEMORY | HF_KIND_NONE },
	{ MACHINE_FREE, X, 3, HF_ASSET_NONE },
	{ MACHINE_FREE, K, 0, HF_ASSET_NONE },
	{ MACHINE_TEXT, R, 0, HF_ASSET_NONE },
	{ MACHINE_TEXT, X, 0, HF_ASSET_NONE },
	{ MACHINE_TEXT, W, 0, HF_ASSET_MEMORY | HF_KIND_TEXT },
	{ MACHINE_TEXT + 0xff8, W, 0, HF_ASSET_MEMORY | HF_KIND_TEXT },
	{ MACHINE_TEXT, K, 0, HF_ASSET_MEMORY | HF_KIND_TEXT },
	{ MACHINE_TEXT, X, 3, HF_ASSET_MEMORY | HF_KIND_TEXT },
	{ MACHINE_TEXT + (MACHINE_TEXT_PAGES - 1) * PAGE_SIZE, W, 0,
	  HF_ASSET_MEMORY | HF_KIND_TEXT },
	{ MACHINE_TEXT + MACHINE_TEXT_PAGES * PAGE_SIZE, W, 0, HF_ASSET_NONE },
	{ MACHINE_TEXT - PAGE_SIZE, W, 0, HF_ASSET_NONE },
	{ MACHINE_RODATA, R, 3, HF_ASSET_NONE },
	{ MACHINE_RODATA, W, 0, HF_ASSET_MEMORY | HF_KIND_RODATA },
	{ MACHINE_RODATA, X, 0, HF_ASSET_MEMORY | HF_KIND_RODATA },
	{ MACHINE_RO_INIT, W, 0, HF_ASSET_MEMORY | HF_KIND_RO_AFTER_INIT },
	{ MACHINE_VECTORS, W, 0, HF_ASSET_MEMORY | HF_KIND_VECTORS },
	{ MACHINE_VECTORS, R, 0, HF_ASSET_NONE },
	{ MACHINE_VDSO, X, 3, HF_ASSET_NONE },
	{ MACHINE_VDSO, X, 0, HF_ASSET_MEMORY | HF_KIND_VDSO },
	{ MACHINE_VDSO, W, 3, HF_ASSET_MEMORY | HF_KIND_VDSO },
	{ MACHINE_OURS, R, 0, HF_ASSET_HYPERVISOR },
	{ MACHINE_OURS, W, 0, HF_ASSET_HYPERVISOR },
	{ MACHINE_OURS, X, 0, HF_ASSET_HYPERVISOR },
	{ MACHINE_OURS, K, 0, HF_ASSET_HYPERVISOR },
	{ MACHINE_OURS + HF_CHUNK_SIZE - 8, R, 3, HF_ASSET_HYPERVISOR },
	{ FAKE_HIGH_START - PAGE_SIZE, R, 0, HF_ASSET_NONE }, /* a device */
	{ FAKE_HIGH_START - PAGE_SIZE, W, 0, HF_ASSET_NONE },
	{ FAKE_HIGH_START - PAGE_SIZE, X, 0, HF_ASSET_MEMORY | HF_KIND_NONE },
	{ FAKE_HOTPLUG_START, W, 0, HF_ASSET_NONE },
	{ FAKE_HOTPLUG_START, X, 3, HF_ASSET_NONE },
	{ FAKE_HOTPLUG_START, X, 0, HF_ASSET_ABSENT },
};

static void every_access(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	machine_lock(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(accesses); i++) {
		u64 newest = event_newest();
		u64 faults = cpu->vcpu->faults;
		u64 before, value = 0x5a5a + i;
		bool legal = accesses[i].asset == HF_ASSET_NONE;
		bool backed = accesses[i].at < FAKE_RAM_BYTES;
		int verdict;

		before = backed ? *(u64 *)machine_ram(accesses[i].at) : 0;
		verdict = fake_guest_access(cpu, gpa(accesses[i].at), accesses[i].access,
					    accesses[i].cpl, &value);
		if (verdict != (legal ? FAKE_DONE : (int)VERDICT_FAULT))
			fail_msg("row %u: %d", i, verdict);
		assert_int_equal(event_newest(), newest + !legal);
		assert_int_equal(cpu->vcpu->faults, faults + !legal);
		if (legal)
			continue;
		assert_int_equal(machine_event().kind, HF_EVENT_MEMORY);
		assert_int_equal(machine_event().action, HF_ACTION_DENY);
		assert_int_equal(machine_event().asset, accesses[i].asset);
		assert_int_equal(machine_event().access, accesses[i].access);
		assert_int_equal(machine_event().cpl, accesses[i].cpl);
		assert_int_equal(machine_event().gpa, accesses[i].at);
		assert_int_equal(machine_event().width, 8);
		if (backed)
			assert_int_equal(*(u64 *)machine_ram(accesses[i].at), before);
	}
}

/* Every kind of sealed page: what each access comes to, read off this table alone. */
static void every_kind(void **ctx)
{
	static const struct {
		u32 kind;
		bool write, kernel, user; /* besides read, which all have */
	} row[] = {
		{ HF_KIND_TEXT, false, true, false },
		{ HF_KIND_RODATA, false, false, false },
		{ HF_KIND_RO_AFTER_INIT, false, false, false },
		{ HF_KIND_VECTORS, false, false, false },
		{ HF_KIND_VDSO, false, false, true },
		{ HF_KIND_MODULE_TEXT, false, true, false },
		{ HF_KIND_MODULE_RODATA, false, false, false },
		{ HF_KIND_RUNTIME_CODE, false, true, false },
		{ HF_KIND_STARTUP, false, false, false },
		{ HF_KIND_FIRMWARE, false, true, false },
		{ HF_KIND_DATA, true, false, false },
		{ HF_KIND_ROOT, false, false, false },
		{ HF_KIND_TABLE, false, false, false },
	};
	struct hf_range r[ARRAY_SIZE(row)];
	struct cpu *cpu = machine(1);

	(void)ctx;
	static_assert(ARRAY_SIZE(row) == HF_KIND_COUNT - 1, "every kind");
	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		r[i] = machine_range(MACHINE_FREE + i * PAGE_SIZE, 1, row[i].kind);
	/* Of page tables an entry that leads to what is sealed. */
	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		*(u64 *)machine_ram(r[i].gpa) = MACHINE_TEXT | FAKE_ENTRY_VALID;
	assert_int_equal(machine_protect(cpu, r, ARRAY_SIZE(r)), 0);
	machine_lock(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		const struct {
			u8 access, cpl;
			bool legal;
		} step[] = {
			{ R, 0, true },		{ R, 3, true },		 { W, 0, row[i].write },
			{ K, 0, row[i].write }, { X, 0, row[i].kernel }, { X, 3, row[i].user },
		};

		for (u32 j = 0; j < ARRAY_SIZE(step); j++) {
			u64 value = 1;
			int verdict = fake_guest_access(cpu, gpa(r[i].gpa), step[j].access,
							step[j].cpl, &value);

			if (verdict != (step[j].legal ? FAKE_DONE : (int)VERDICT_FAULT))
				fail_msg("kind %u, step %u: %d", row[i].kind, j, verdict);
			if (step[j].legal)
				continue;
			assert_int_equal(machine_event().asset, HF_ASSET_MEMORY | row[i].kind);
			assert_int_equal(machine_event().access, step[j].access);
			assert_int_equal(machine_event().action, HF_ACTION_DENY);
		}
	}
}

/* Pages being checked, lent or a service's. */
static void every_other_state(void **ctx)
{
	const struct hf_range r[] = {
		machine_range(MACHINE_FREE, 1, HF_KIND_NONE),
		machine_range(MACHINE_FREE + PAGE_SIZE, 1, HF_KIND_NONE),
		machine_range(MACHINE_FREE + 2 * PAGE_SIZE, 1, HF_KIND_NONE),
	};
	static const struct {
		u32 page;
		u8 access;
		u32 asset;
	} row[] = {
		{ 0, R, HF_ASSET_NONE },
		{ 0, W, HF_ASSET_MEMORY | HF_KIND_NONE },
		{ 0, X, HF_ASSET_MEMORY | HF_KIND_NONE },
		{ 1, R, HF_ASSET_NONE },
		{ 1, W, HF_ASSET_MEMORY | HF_KIND_NONE },
		{ 2, R, HF_ASSET_HYPERVISOR },
		{ 2, W, HF_ASSET_HYPERVISOR },
	};
	/* Action allow opens what is sealed, and nothing else. */
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);
	struct owner_locked owner;

	(void)ctx;
	machine_lock(cpu);
	shootdown_exited(cpu);
	owner = owner_lock(cpu);
	assert_int_equal(owner_check_begin(owner, &r[0], 1), 0);
	assert_int_equal(owner_lend(owner, &r[1], 1), 0);
	assert_int_equal(owner_donate(owner, &r[2], 1), 0);
	shootdown_settle(owner);
	owner_unlock(owner);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		bool legal = row[i].asset == HF_ASSET_NONE;
		int verdict;
		u64 value = 1;

		verdict = fake_guest_access(cpu, gpa(r[row[i].page].gpa), row[i].access, 0,
					    &value);
		assert_int_equal(verdict, legal ? FAKE_DONE : (int)VERDICT_FAULT);
		if (!legal)
			assert_int_equal(machine_event().asset, row[i].asset);
	}
}

static struct exit fault(u64 at, u8 access)
{
	return (struct exit){
		.kind = HF_EXIT_MEMORY,
		.memory = { .gpa = gpa(at), .va = gva(0x7777), .access = access, .width = 4 },
	};
}

/* Beyond the tables, and at the end of the address space. */
static void nobodys_addresses(void **ctx)
{
	static const u64 at[] = { FAKE_LIMIT, FAKE_LIMIT + 8, 1ull << 52, ~0ull, ~0ull - 7 };
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);

	(void)ctx;
	for (u32 i = 0; i < ARRAY_SIZE(at); i++) {
		struct exit exit = fault(at[i], HF_ACCESS_READ);

		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		assert_int_equal(machine_event().asset, HF_ASSET_ABSENT);
		assert_int_equal(machine_event().gpa, at[i]);
		assert_int_equal(machine_event().va, 0x7777);
		assert_int_equal(machine_event().width, 4);
	}
}

/* The event tells what was to be stored, as far as it is known and eight bytes hold it. */
static void values(void **ctx)
{
	static const struct {
		u16 width;
		u8 access;
		u64 value;
	} table[] = {
		{ 0, HF_ACCESS_WRITE, 0 },
		{ 1, HF_ACCESS_WRITE, 0xa1 },
		{ 5, HF_ACCESS_WRITE, 0xa5a4a3a2a1 },
		{ 8, HF_ACCESS_WRITE, 0xa8a7a6a5a4a3a2a1 },
		{ HF_STORE_MAX, HF_ACCESS_WRITE, 0xa8a7a6a5a4a3a2a1 },
		{ 4, HF_ACCESS_WALK, 0 },
	};
	struct cpu *cpu = machine(1);

	(void)ctx;
	machine_lock(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(table); i++) {
		struct exit exit = fault(MACHINE_TEXT + 8ull * i, table[i].access);

		exit.memory.width = table[i].width;
		for (u32 k = 0; k < HF_STORE_MAX; k++)
			exit.memory.bytes[k] = (u8)(0xa1 + k);
		assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
		assert_int_equal(machine_event().new_value, table[i].value);
		assert_int_equal(machine_event().width, table[i].width);
	}
}

/* A fault that a stale translation made: no violation, but forgotten. */
static void stale_translation(void **ctx)
{
	struct exit exit = fault(MACHINE_FREE, HF_ACCESS_WRITE);
	struct cpu *cpu = machine(1);
	u64 flushes;

	(void)ctx;
	machine_lock(cpu);
	flushes = cpu->vcpu->flushes;
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_RETRY);
	assert_int_equal(cpu->vcpu->flushes, flushes + 1);
	exit = fault(MACHINE_TEXT, HF_ACCESS_READ);
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_RETRY);
	assert_quiet(2);
}

/* Tables that refuse what the owner map allows, a bug of ours: no endless loop and no stop. */
static void tables_disagree(void **ctx)
{
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);
	u64 value;

	(void)ctx;
	/* Behind the back of owner.c, and of the fake, which would notice. */
	assert_int_equal(stage2_prepare(&fake.views.view[0], gpa(MACHINE_FREE), 1), 0);
	stage2_protect(&fake.views.view[0], gpa(MACHINE_FREE), 1, HF_PERM_READ);
	stage2_settle();
	assert_int_equal(fake_guest_access(cpu, gpa(MACHINE_FREE), W, 0, &value),
			 VERDICT_FAULT);
	assert_int_equal(machine_event().asset, HF_ASSET_PLATFORM);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
}

/* What a backend could not tell is judged as the worst. */
static void unknown_access(void **ctx)
{
	struct exit exit = fault(MACHINE_RODATA, HF_ACCESS_NONE);
	struct cpu *cpu = machine(1);

	(void)ctx;
	machine_lock(cpu);
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
	exit = fault(MACHINE_RODATA, 0xff);
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_FAULT);
	exit = fault(MACHINE_FREE, 0xff);
	assert_int_equal(exit_decide(cpu, &exit), VERDICT_RETRY);
}

/* ---- action allow ---- */

static void allow_opens_a_page(void **ctx)
{
	struct cpu *cpu = machine_action(2, HF_ACTION_ALLOW);
	u64 flushes, value = 0x1234;

	(void)ctx;
	machine_lock(cpu);
	flushes = cpu_get(1)->vcpu->flushes;
	assert_int_equal(
		fake_guest_access(cpu, gpa(MACHINE_TEXT + PAGE_SIZE + 8), W, 0, &value),
		FAKE_DONE);
	assert_int_equal(*(u64 *)machine_ram(MACHINE_TEXT + PAGE_SIZE + 8), 0x1234);
	/* Tables may have been merged: nobody uses the old ones any more. */
	assert_int_equal(cpu_get(1)->vcpu->flushes, flushes + 1);
	assert_quiet(3);
	assert_int_equal(machine_event().action, HF_ACTION_ALLOW);
	assert_int_equal(machine_event().asset, HF_ASSET_MEMORY | HF_KIND_TEXT);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT + PAGE_SIZE)).state, PAGE_GUEST);
	assert_int_equal(owner_sealed(), MACHINE_SEALED - 1);
	/* From then on without an event, for every CPU; its neighbours are still sealed. */
	assert_int_equal(
		fake_guest_access(cpu_get(1), gpa(MACHINE_TEXT + PAGE_SIZE), W, 0, &value),
		FAKE_DONE);
	assert_quiet(3);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT)).state, PAGE_SEALED);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT + 2 * PAGE_SIZE)).state, PAGE_SEALED);
	assert_int_equal(fake_guest_access(cpu_get(1), gpa(MACHINE_RODATA), W, 0, &value),
			 FAKE_DONE);
	assert_quiet(4);
}

static void allow_never_opens_the_hypervisor(void **ctx)
{
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);
	u64 value = 1;

	(void)ctx;
	assert_int_equal(fake_guest_access(cpu, gpa(MACHINE_OURS), W, 0, &value),
			 VERDICT_FAULT);
	assert_int_equal(fake_guest_access(cpu, gpa(MACHINE_OURS), R, 0, &value),
			 VERDICT_FAULT);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(owner_page(gpa(MACHINE_OURS)).state, PAGE_HYPERVISOR);
}

/* Code that nobody verified: each page makes one event. Tables that run out refuse it. */
static void allow_admits_code(void **ctx)
{
	const struct hf_range added = machine_range(FAKE_HOTPLUG_START, 1, HF_KIND_NONE);
	const u64 pages[] = { MACHINE_FREE, FAKE_HOTPLUG_START };
	struct cpu *cpu = machine_action(2, HF_ACTION_ALLOW);
	struct owner_locked owner = owner_lock(cpu);

	(void)ctx;
	assert_int_equal(owner_add(owner, &added, 1), 0);
	shootdown_settle(owner);
	owner_unlock(owner);
	machine_lock(cpu);
	for (u32 i = 0; i < ARRAY_SIZE(pages); i++) {
		u64 newest = event_newest();

		assert_int_equal(fake_guest_access(cpu, gpa(pages[i]), X, 3, NULL), FAKE_DONE);
		assert_int_equal(fake_guest_access(cpu, gpa(pages[i]), X, 0, NULL), FAKE_DONE);
		assert_quiet(newest + 1);
		assert_int_equal(machine_event().action, HF_ACTION_ALLOW);
		assert_int_equal(machine_event().asset, HF_ASSET_MEMORY | HF_KIND_NONE);
		assert_int_equal(fake_guest_access(cpu_get(1), gpa(pages[i]), X, 0, NULL),
				 FAKE_DONE);
		assert_quiet(newest + 1);
	}
	fake.prepare_fails = 1;
	assert_int_equal(fake_guest_access(cpu, gpa(MACHINE_FREE + PAGE_SIZE), X, 0, NULL),
			 VERDICT_FAULT);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(owner_sealed(), MACHINE_SEALED);
}

/* A CPU that ran code of a page before lock does not go on with what it remembers of it. */
static void code_of_before_lock(void **ctx)
{
	struct cpu *cpu = machine(2);

	(void)ctx;
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(fake_guest_access(cpu_get(i), gpa(MACHINE_FREE), X, 0, NULL),
				 FAKE_DONE);
	machine_lock(cpu);
	for (u32 i = 0; i < 2; i++) {
		const struct gpa at =
			gpa(MACHINE_FREE + 8 * i); /* else the event is the same */

		assert_int_equal(fake_guest_access(cpu_get(i), at, X, 0, NULL), VERDICT_FAULT);
		assert_int_equal(machine_event().access, X);
		assert_int_equal(machine_event().cpu, i);
		assert_int_equal(fake_guest_access(cpu_get(i), gpa(MACHINE_FREE), X, 3, NULL),
				 FAKE_DONE);
		assert_int_equal(fake_guest_access(cpu_get(i), gpa(MACHINE_TEXT), X, 0, NULL),
				 FAKE_DONE);
	}
}

/* Tables that cannot tell who executes stay as they are. */
static void code_on_plain_tables(void **ctx)
{
	struct cpu *cpu;

	(void)ctx;
	fake_reset(&fake_plain_format);
	machine_launch(fake_boot(1));
	cpu = cpu_get(0);
	machine_lock(cpu);
	assert_int_equal(fake_guest_access(cpu, gpa(MACHINE_FREE), X, 0, NULL), FAKE_DONE);
	assert_false(owner_page(gpa(MACHINE_FREE)).confined);
}

/* No memory for the tables: refused, and the record says so. */
static void allow_without_tables(void **ctx)
{
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);
	u64 value = 1;

	(void)ctx;
	machine_lock(cpu);
	fake.prepare_fails = 1;
	assert_int_equal(fake_guest_access(cpu, gpa(MACHINE_TEXT), W, 0, &value),
			 VERDICT_FAULT);
	assert_int_equal(machine_event().action, HF_ACTION_DENY);
	assert_int_equal(owner_page(gpa(MACHINE_TEXT)).state, PAGE_SEALED);
}

/* All CPUs write to the same pages: each page is opened once. */
static void write_everywhere(struct cpu *cpu)
{
	for (u64 i = 0; i < 50; i++) {
		u64 value = i;

		assert_int_equal(
			fake_guest_access(cpu, gpa(MACHINE_TEXT + i * PAGE_SIZE), W, 0, &value),
			FAKE_DONE);
		fake_deliver_kicks(&cpu, 1);
	}
}

static void allow_from_all_cpus(void **ctx)
{
	static machine_fn *const fn[] = { write_everywhere, write_everywhere,
					  write_everywhere };
	struct hf_event event;

	(void)ctx;
	machine_lock(machine_action(3, HF_ACTION_ALLOW));
	machine_threads(fn, 3);
	assert_int_equal(owner_sealed(), MACHINE_SEALED - 50);
	assert_quiet(2 + 50);
	for (u64 i = 3; i <= 52; i++) {
		assert_int_equal(event_read(cpu_get(0), i, &event, 1), 1);
		assert_int_equal(event.action, HF_ACTION_ALLOW);
		assert_int_equal(event.repeat, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(every_access),
		machine_test(every_kind),
		machine_test(every_other_state),
		machine_test(nobodys_addresses),
		machine_test(values),
		machine_test(stale_translation),
		machine_test(tables_disagree),
		machine_test(unknown_access),
		machine_test(allow_opens_a_page),
		machine_test(allow_never_opens_the_hypervisor),
		machine_test(allow_admits_code),
		machine_test(code_of_before_lock),
		machine_test(code_on_plain_tables),
		machine_test(allow_without_tables),
		machine_test(allow_from_all_cpus),
	};

	return cmocka_run_group_tests_name("guard_memory", tests, NULL, NULL);
}
