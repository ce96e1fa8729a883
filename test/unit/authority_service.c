// SPDX-License-Identifier: GPL-2.0-only
/* The authority's requests, and what it keeps between them. Judging itself has tests of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include <libsvc/service.h>

#include "../../services/authority/room.h"
#include "../../services/authority/store.h"

#define PAGES	   512u /* that are lent, at most */
#define EXPORTS_VA 0xffffffffc0100000ull
#define VALUE	   0xffffffffc0001230ull

static u8 lent[PAGES * HF_PAGE_SIZE];
static struct hf_service_call call;

const void *service_lent(const struct hf_service_call *of)
{
	return of->lent_count ? lent : lent + 1;
}

/* @npages: of those that are lent. */
static int ask(u32 operation, const void *payload, u32 size, u64 npages, bool locked)
{
	memset(&call, 0, sizeof(call));
	call.service = HF_SERVICE_AUTHORITY;
	call.operation = operation;
	call.size = size;
	memcpy(call.payload, payload, size);
	call.lent_count = npages ? 1 : 0;
	call.lent[0].npages = npages;
	service_answer(&call, locked);
	return call.status;
}

static int piece(u32 operation, u32 what, u32 index, u64 size, bool locked)
{
	const struct hf_authority_piece piece = { what, index, 0, size };

	return ask(operation, &piece, sizeof(piece), PAGES, locked);
}

static int record(u32 what, u64 size)
{
	return piece(HF_AUTHORITY_RECORD, what, 0, size, false);
}

static int bring(u32 what, u32 index, u64 size)
{
	return piece(HF_AUTHORITY_BRING, what, index, size, true);
}

static int start(void **none)
{
	(void)none;
	memset(lent, 0, sizeof(lent));
	record(HF_RECORD_FACTS, sizeof(room.facts));
	return bring(HF_BRING_START, 0, 0);
}

/* ---- requests ---- */

static void nothing_is_recorded_after_lock(void **none)
{
	struct authority a;

	(void)none;
	memset(lent, 0x11, sizeof(lent));
	for (u32 what = 0; what < 16; what++)
		assert_int_equal(piece(HF_AUTHORITY_RECORD, what, 0, 1040, true), -HF_EPERM);
	store_tell(&a);
	assert_int_equal(a.facts->size, 0);
	assert_int_equal(a.keys + a.revocations, 0);
	assert_int_equal(a.exporter[0].memory.size + a.exporter[0].entry_count, 0);
	assert_int_equal(record(HF_RECORD_KEYS, 2 * 1040), 0);
	store_tell(&a);
	assert_int_equal(a.keys, 2);
}

static void records_are_whole_and_find_room(void **none)
{
	struct authority a;

	(void)none;
	assert_int_equal(record(HF_RECORD_FACTS, sizeof(room.facts) - 1), -HF_EINVAL);
	assert_int_equal(record(HF_RECORD_KERNEL, 8), -HF_EINVAL);
	assert_int_equal(record(HF_RECORD_KEYS, 1041), -HF_EINVAL);
	assert_int_equal(record(HF_RECORD_ENTRIES, 3), -HF_EINVAL);
	assert_int_equal(record(99, 8), -HF_EINVAL);
	for (u32 i = 0; i < HF_AUTHORITY_KEYS; i++)
		assert_int_equal(record(HF_RECORD_KEYS, 1040), 0);
	assert_int_equal(record(HF_RECORD_KEYS, 1040), -HF_ENOSPC);
	assert_int_equal(record(HF_RECORD_HASHES, HF_AUTHORITY_HASHES * 72), 0);
	assert_int_equal(record(HF_RECORD_HASHES, 72), -HF_ENOSPC);
	assert_int_equal(record(HF_RECORD_EXPORTS, HF_AUTHORITY_EXPORTS), 0);
	assert_int_equal(record(HF_RECORD_EXPORTS, 1), -HF_ENOSPC);
	assert_int_equal(record(HF_RECORD_ENTRIES, HF_AUTHORITY_ENTRIES * 4), 0);
	assert_int_equal(record(HF_RECORD_ENTRIES, 4), -HF_ENOSPC);
	/* The facts begin anew. */
	assert_int_equal(record(HF_RECORD_FACTS, sizeof(room.facts)), 0);
	store_tell(&a);
	assert_int_equal(a.keys + a.revocations, 0);
	assert_int_equal(a.exporter[0].memory.size + a.exporter[0].entry_count, 0);
}

static void what_is_brought_is_in_order(void **none)
{
	(void)none;
	assert_int_equal(bring(HF_BRING_PART, HF_PART_TEXT, 100), -HF_EINVAL);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_COUNT, HF_PAGE_SIZE), -HF_EINVAL);
	assert_int_equal(bring(HF_BRING_PART, ~0u, HF_PAGE_SIZE), -HF_EINVAL);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_TEXT, HF_PAGE_SIZE), 0);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_TEXT, HF_PAGE_SIZE), 0);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_RODATA, HF_PAGE_SIZE), 0);
	/* Its pages would not lie in a row. */
	assert_int_equal(bring(HF_BRING_PART, HF_PART_TEXT, HF_PAGE_SIZE), -HF_EINVAL);
	assert_int_equal(bring(HF_BRING_THUNKS, 0, 2 * HF_PAGE_SIZE), -HF_EINVAL);
	assert_int_equal(bring(HF_BRING_THUNKS, 0, HF_PAGE_SIZE), 0);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_RODATA, HF_PAGE_SIZE), -HF_EINVAL);
	assert_int_equal(bring(HF_RECORD_FACTS, 0, sizeof(room.facts)), -HF_EINVAL);
	/* More than is lent. */
	assert_int_equal(bring(HF_BRING_FILE, 0, sizeof(lent) + 1), -HF_EINVAL);
	assert_int_equal(bring(HF_BRING_FILE, 0, ~0ull), -HF_EINVAL);
}

static void what_is_brought_finds_room(void **none)
{
	u64 size = sizeof(lent);

	(void)none;
	for (u64 done = 0; done + size <= HF_AUTHORITY_FILE; done += size)
		assert_int_equal(bring(HF_BRING_FILE, 0, size), 0);
	assert_int_equal(bring(HF_BRING_FILE, 0, size), -HF_ENOSPC);
	for (u64 done = 0; done + size <= HF_AUTHORITY_IMAGE; done += size)
		assert_int_equal(bring(HF_BRING_PART, HF_PART_TEXT, size), 0);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_TEXT, size), -HF_ENOSPC);
	assert_int_equal(bring(HF_BRING_START, 0, 0), 0);
	for (u32 i = 0; i < HF_THUNK_PAGES_MAX; i++)
		assert_int_equal(bring(HF_BRING_THUNKS, 0, HF_PAGE_SIZE), 0);
	assert_int_equal(bring(HF_BRING_THUNKS, 0, HF_PAGE_SIZE), -HF_ENOSPC);
}

static void requests_are_whole(void **none)
{
	const struct hf_authority_request request = { .size = sizeof(request) };
	const struct hf_authority_result *result = (const void *)call.payload;

	(void)none;
	assert_int_equal(ask(HF_AUTHORITY_MODULE, &request, sizeof(request) - 1, 0, true),
			 -HF_EINVAL);
	assert_int_equal(ask(HF_AUTHORITY_BRING, &request, 23, 1, true), -HF_EINVAL);
	assert_int_equal(ask(HF_AUTHORITY_GONE, &request, HF_MODULE_NAME - 1, 0, true),
			 -HF_EINVAL);
	assert_int_equal(ask(HF_AUTHORITY_GONE, &request, HF_MODULE_NAME, 0, true), -HF_ENOENT);
	assert_int_equal(ask(0, &request, 0, 0, true), -HF_ENOSYS);
	/* Nothing was recorded that could be judged by. */
	assert_int_equal(ask(HF_AUTHORITY_MODULE, &request, sizeof(request), 0, true),
			 -HF_EPERM);
	assert_int_equal(result->refusal, HF_REFUSAL_REQUEST);
	call.size = ~0u;
	service_answer(&call, true);
	assert_int_equal(call.status, -HF_EINVAL);
}

/* ---- what is kept ---- */

/* A module of @exports in each table, by names that its number makes its own. */
static struct hf_authority_result *made_up(u32 number, u32 exports, u32 entries)
{
	static struct hf_authority_result result;
	struct hf_authority_exporter *of = &result.exporter;
	u64 name = 2 * exports * 12 + 64; /* a gap */

	memset(&result, 0, sizeof(result));
	for (u32 i = 0; i < 2 * exports; i++) {
		u8 *entry = room.image + i * 12;

		put32(entry, VALUE + number + i - EXPORTS_VA - i * 12);
		put32(entry + 4, name - i * 12 - 4);
		name += (u64)sprintf((char *)room.image + name, "m%u_%u", number, i) + 1;
	}
	for (u32 i = 0; i < entries; i++)
		put32(room.work + 4 * i, number + i);
	of->memory = (struct hf_authority_memory){ EXPORTS_VA, room_offset(room.image), name };
	of->symbols[0] = EXPORTS_VA;
	of->symbols[1] = EXPORTS_VA + exports * 12;
	of->count[0] = of->count[1] = exports;
	of->entry_count = entries;
	snprintf((char *)result.name, sizeof(result.name), "m%u", number);
	return &result;
}

/* As whoever looks a symbol up reads it. */
static void is_there(const struct authority *a, const struct hf_authority_exporter *of,
		     u32 number, u32 exports, u32 entries)
{
	const u8 *memory = a->window + of->memory.at, *entry;
	char name[32];

	for (u32 i = 0; i < 2 * exports; i++) {
		u64 at = of->symbols[i / exports] - of->memory.va + i % exports * 12;

		entry = memory + at;
		assert_true(at + 12 <= of->memory.size);
		assert_int_equal(of->memory.va + at + get_displacement(entry),
				 VALUE + number + i);
		snprintf(name, sizeof(name), "m%u_%u", number, i);
		at += 4 + get_displacement(entry + 4);
		assert_true(at + strlen(name) < of->memory.size);
		assert_string_equal((const char *)memory + at, name);
	}
	assert_int_equal(of->entry_count, entries);
	for (u32 i = 0; i < entries; i++)
		assert_int_equal(get32(a->window + of->entries_at + 4 * i), number + i);
}

static void approved_modules_stay(void **none)
{
	struct authority a;
	u8 name[HF_MODULE_NAME] = "m1";

	(void)none;
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(store_add(made_up(i, 3 + i, 5 * i), room.work), 0);
	assert_int_equal(store_add(made_up(2, 1, 1), room.work), -HF_EEXIST);
	assert_int_equal(store_remove(name), 0);
	assert_int_equal(store_remove(name), -HF_ENOENT);
	/* Larger than the gap that it leaves. */
	assert_int_equal(store_add(made_up(4, 50, 50), room.work), 0);
	store_tell(&a);
	assert_int_equal(a.exporters, 1 + 4);
	is_there(&a, &a.exporter[1], 0, 3, 0);
	is_there(&a, &a.exporter[2], 4, 50, 50);
	is_there(&a, &a.exporter[3], 2, 5, 10);
	is_there(&a, &a.exporter[4], 3, 6, 15);
}

static void approved_modules_find_room(void **none)
{
	const u32 entries = 100000;
	struct hf_authority_result *result;
	u8 name[HF_MODULE_NAME] = { 0 };
	struct authority a;
	u32 i, fit = HF_AUTHORITY_POOL / (entries * 4 + 2 * 12 + 16);

	(void)none;
	for (i = 0; i < fit; i++)
		assert_int_equal(store_add(made_up(i, 1, entries), room.work), 0);
	assert_int_equal(store_add(made_up(i, 1, entries), room.work), -HF_ENOSPC);
	snprintf((char *)name, sizeof(name), "m%u", fit / 2);
	assert_int_equal(store_remove(name), 0);
	assert_int_equal(store_add(made_up(i, 1, entries), room.work), 0);
	store_tell(&a);
	assert_int_equal(a.exporters, 1 + fit);
	/* In the place of the one that went. */
	for (i = 0; i < fit; i++)
		is_there(&a, &a.exporter[1 + i], i == fit / 2 ? fit : i, 1, entries);
	for (i = fit; i < HF_AUTHORITY_MODULES; i++)
		assert_int_equal(store_add(made_up(1000 + i, 0, 0), room.work), 0);
	assert_int_equal(store_add(made_up(1, 0, 0), room.work), -HF_EEXIST);
	result = made_up(9999, 0, 0);
	assert_int_equal(store_add(result, room.work), -HF_ENOSPC);
}

static void exports_lie_in_their_memory(void **none)
{
	struct hf_authority_result *result;

	(void)none;
	result = made_up(1, 2, 0);
	result->exporter.symbols[1] = EXPORTS_VA - 12;
	assert_int_equal(store_add(result, room.work), -HF_EINVAL);
	result = made_up(1, 2, 0);
	result->exporter.memory.size--; /* no NUL behind the last name */
	assert_int_equal(store_add(result, room.work), -HF_EINVAL);
	result = made_up(1, 2, 0);
	put32(room.image + 4, 0x7fffffff);
	assert_int_equal(store_add(result, room.work), -HF_EINVAL);
	result = made_up(1, 2, 0);
	result->exporter.count[0] = ~0ull / 12;
	assert_int_equal(store_add(result, room.work), -HF_EINVAL);
	assert_int_equal(store_add(made_up(1, 2, 0), room.work), 0);
}

/* As the hypervisor has it begin anew: what is brought is gone, what is recorded is not. */
static void a_module_from_before_lock(void **none)
{
	struct hf_authority_resident resident = { 0 };
	const struct hf_authority_result *made = made_up(7, 4, 0);
	struct authority a;

	(void)none;
	memcpy(lent, room.image, HF_PAGE_SIZE);
	assert_int_equal(bring(HF_BRING_PART, HF_PART_RODATA, HF_PAGE_SIZE), 0);
	resident.exporter = made->exporter;
	resident.exporter.memory.at = ~0ull;
	resident.exporter.entries_at = ~0ull;
	resident.exporter.entry_count = ~0ull;
	memcpy(resident.name, made->name, sizeof(resident.name));
	memcpy(lent, &resident, sizeof(resident));
	assert_int_equal(record(HF_RECORD_MODULE, sizeof(resident) - 1), -HF_EINVAL);
	assert_int_equal(record(HF_RECORD_MODULE, sizeof(resident)), 0);
	store_tell(&a);
	assert_int_equal(a.exporters, 2);
	is_there(&a, &a.exporter[1], 7, 4, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_recorded_after_lock, start),
		cmocka_unit_test_setup(records_are_whole_and_find_room, start),
		cmocka_unit_test_setup(what_is_brought_is_in_order, start),
		cmocka_unit_test_setup(what_is_brought_finds_room, start),
		cmocka_unit_test_setup(requests_are_whole, start),
		cmocka_unit_test_setup(approved_modules_stay, start),
		cmocka_unit_test_setup(approved_modules_find_room, start),
		cmocka_unit_test_setup(exports_lie_in_their_memory, start),
		cmocka_unit_test_setup(a_module_from_before_lock, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
