// SPDX-License-Identifier: GPL-2.0-only
/* Page tables of the kernel: entries that lead to sealed memory, and all others. */
#include <string.h>
#include <hv/cpu.h>
#include <hv/event.h>
#include <hv/exit.h>
#include "machine.h"

#define ROOT  (MACHINE_FREE + 0 * PAGE_SIZE)
#define TABLE (MACHINE_FREE + 1 * PAGE_SIZE)
#define USER  (MACHINE_FREE + 2 * PAGE_SIZE) /* the root of user mode */
#define COPY  (MACHINE_FREE + 3 * PAGE_SIZE) /* an attacker's */

/* Entries, by their number. */
#define TO_TABLE 256 /* in ROOT */
#define TO_TEXT	 0   /* in TABLE */
#define TO_DATA	 1
#define ABSENT	 2
#define STALE	 3 /* not valid, with the address of text */

static u64 entry_at(u64 table, u32 number)
{
	return table + 8ull * number;
}

static u64 *entry(u64 table, u32 number)
{
	return machine_ram(entry_at(table, number));
}

static struct cpu *locked_machine(void)
{
	const struct hf_range tables[] = {
		machine_range(ROOT, 1, HF_KIND_ROOT),
		machine_range(TABLE, 1, HF_KIND_TABLE),
		machine_range(USER, 1, HF_KIND_ROOT),
	};
	struct cpu *cpu = machine(2);

	*entry(ROOT, TO_TABLE) = TABLE | FAKE_ENTRY_VALID;
	*entry(TABLE, TO_TEXT) = MACHINE_TEXT | FAKE_ENTRY_VALID;
	*entry(TABLE, TO_DATA) = COPY | FAKE_ENTRY_VALID;
	*entry(TABLE, STALE) = MACHINE_TEXT;
	assert_int_equal(machine_protect(cpu, tables, ARRAY_SIZE(tables)), 0);
	machine_lock(cpu);
	return cpu;
}

static int store(struct cpu *cpu, u64 at, u64 value, u16 width)
{
	const u64 bytes[] = { value, 0 };

	return fake_guest_store(cpu, gpa(at), 0, bytes, width);
}

static void assert_refused(struct cpu *cpu, u64 at, u64 value, u16 width, u32 kind)
{
	u64 was = *(u64 *)machine_ram(at & ~7ull), newest = event_newest();

	assert_int_equal(store(cpu, at, value, width), VERDICT_FAULT);
	assert_int_equal(*(u64 *)machine_ram(at & ~7ull), was);
	assert_int_equal(event_newest(), newest + 1);
	assert_int_equal(machine_event().asset, HF_ASSET_MEMORY | kind);
	assert_int_equal(machine_event().gpa, at);
}

static void assert_done(struct cpu *cpu, u64 at, u64 value)
{
	u64 newest = event_newest();

	assert_int_equal(store(cpu, at, value, 8), VERDICT_SKIP);
	assert_int_equal(*(u64 *)machine_ram(at), value);
	assert_int_equal(event_newest(), newest);
}

/* What leads to sealed memory stays, whatever it is to become. */
static void entries_kept(void **ctx)
{
	struct cpu *cpu = locked_machine();

	(void)ctx;
	assert_refused(cpu, entry_at(ROOT, TO_TABLE), COPY | FAKE_ENTRY_VALID, 8, HF_KIND_ROOT);
	assert_refused(cpu, entry_at(ROOT, TO_TABLE), 0, 8, HF_KIND_ROOT);
	assert_refused(cpu, entry_at(TABLE, TO_TEXT), COPY | FAKE_ENTRY_VALID, 8,
		       HF_KIND_TABLE);
	assert_refused(cpu, entry_at(TABLE, TO_TEXT), MACHINE_TEXT | 5, 8, HF_KIND_TABLE);
	assert_int_equal(store(cpu, ROOT + 4, 0, 4), VERDICT_FAULT);
}

static void entries_free(void **ctx)
{
	struct cpu *cpu = locked_machine();

	(void)ctx;
	assert_done(cpu, entry_at(TABLE, TO_DATA), 0);
	assert_done(cpu, entry_at(TABLE, ABSENT), COPY | FAKE_ENTRY_VALID);
	assert_done(cpu, entry_at(TABLE, STALE), 0);
	assert_done(cpu, entry_at(ROOT, ABSENT), COPY | FAKE_ENTRY_VALID);
	/* From now on it leads to sealed memory. */
	assert_done(cpu, entry_at(TABLE, ABSENT), MACHINE_TEXT | FAKE_ENTRY_VALID);
	assert_refused(cpu, entry_at(TABLE, ABSENT), 0, 8, HF_KIND_TABLE);
}

/* An entry that a CPU may take for its neighbours', too. */
static void rows(void **ctx)
{
	struct cpu *cpu = locked_machine();
	u64 value = COPY | FAKE_ENTRY_VALID | FAKE_ENTRY_ROW;

	(void)ctx;
	assert_refused(cpu, entry_at(TABLE, TO_DATA), value, 8, HF_KIND_TABLE);
	assert_refused(cpu, entry_at(TABLE, 3), value, 8, HF_KIND_TABLE);
	assert_done(cpu, entry_at(TABLE, 4), value);
	assert_done(cpu, entry_at(TABLE, 511), value);
	assert_refused(cpu, entry_at(ROOT, TO_TABLE + 3), value, 8, HF_KIND_ROOT);
	assert_done(cpu, entry_at(ROOT, TO_TABLE - 1), value);
	assert_done(cpu, entry_at(ROOT, TO_TABLE + 4), value);
}

/* No kernel writes so, and who reads would see half of it. */
static void parts_of_entries(void **ctx)
{
	struct cpu *cpu = locked_machine();
	u64 value = 0;

	(void)ctx;
	assert_refused(cpu, entry_at(TABLE, TO_DATA), 0, 4, HF_KIND_TABLE);
	assert_refused(cpu, entry_at(TABLE, TO_DATA) + 4, 0, 4, HF_KIND_TABLE);
	assert_refused(cpu, entry_at(TABLE, TO_DATA) - 4, 0, 8, HF_KIND_TABLE);
	assert_refused(cpu, entry_at(TABLE, 8), 0, 0, HF_KIND_TABLE);
	assert_refused(cpu, entry_at(TABLE, 9), 0, 16, HF_KIND_TABLE);
	/* The page's first byte is not the store's. */
	assert_int_equal(fake_guest_store(cpu, gpa(TABLE), 4, &value, 8), VERDICT_FAULT);
	/* A walk that sets a flag. */
	assert_int_equal(
		fake_guest_access(cpu, gpa(entry_at(TABLE, TO_DATA)), HF_ACCESS_WALK, 0, NULL),
		VERDICT_FAULT);
	assert_int_equal(*entry(TABLE, TO_DATA), COPY | FAKE_ENTRY_VALID);
}

/* Action "allow" opens the page at the first store that would be refused. */
static void allowed(void **ctx)
{
	const struct hf_range table = machine_range(TABLE, 1, HF_KIND_TABLE);
	struct cpu *cpu = machine_action(1, HF_ACTION_ALLOW);

	(void)ctx;
	*entry(TABLE, TO_TEXT) = MACHINE_TEXT | FAKE_ENTRY_VALID;
	assert_int_equal(machine_protect(cpu, &table, 1), 0);
	machine_lock(cpu);
	assert_done(cpu, entry_at(TABLE, ABSENT), 1);
	assert_int_equal(store(cpu, entry_at(TABLE, TO_TEXT), 0, 8), VERDICT_RETRY);
	assert_int_equal(machine_event().action, HF_ACTION_ALLOW);
	assert_int_equal(owner_page(gpa(TABLE)).state, PAGE_GUEST);
}

/* A CPU changes between the roots that are sealed, and to no other. */
static void roots(void **ctx)
{
	struct cpu *cpu = locked_machine();
	u64 *root = &cpu->vcpu->registers[FAKE_ROOT];

	(void)ctx;
	assert_int_equal(fake_guest_register(cpu, FAKE_ROOT, ROOT | 7), VERDICT_PERFORM);
	assert_int_equal(*root, ROOT | 7);
	assert_int_equal(fake_guest_register(cpu, FAKE_ROOT, USER), VERDICT_PERFORM);
	assert_int_equal(fake_guest_register(cpu, FAKE_ROOT, TABLE), VERDICT_FAULT);
	assert_int_equal(fake_guest_register(cpu, FAKE_ROOT, COPY), VERDICT_FAULT);
	assert_int_equal(fake_guest_register(cpu, FAKE_ROOT, MACHINE_OURS), VERDICT_FAULT);
	assert_int_equal(machine_event().asset, HF_ASSET_REGISTER | FAKE_RULE_ROOT);
	assert_int_equal(*root, USER);
	/* What it had at lock is no worse for not being sealed. */
	assert_int_equal(fake_guest_register(cpu, FAKE_ROOT, FAKE_ROOT_AT), VERDICT_PERFORM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(entries_kept),	machine_test(entries_free), machine_test(rows),
		machine_test(parts_of_entries), machine_test(allowed),	    machine_test(roots),
	};

	return cmocka_run_group_tests_name("guard_table", tests, NULL, NULL);
}
