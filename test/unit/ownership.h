/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flat model of ownership, written from the table in owner.h, and the comparison of it with what
 * the owner map and the second-level tables hold.
 */
#ifndef TEST_UNIT_OWNERSHIP_H
#define TEST_UNIT_OWNERSHIP_H

#include <string.h>
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include "unit.h"

static struct owner_locked l;

typedef int transition(struct owner_locked locked, const struct hf_range *ranges, u32 count);

enum flag {
	KEEPS,
	SETS,
	CLEARS
};

static const struct row {
	const char *name;
	transition *fn;
	enum page_state from;
	enum page_state to;
	enum flag confined;
} rows[] = {
	{ "claim", owner_claim, PAGE_GUEST, PAGE_HYPERVISOR, KEEPS },
	{ "seal", owner_seal, PAGE_GUEST, PAGE_SEALED, KEEPS },
	{ "check_begin", owner_check_begin, PAGE_GUEST, PAGE_PENDING, KEEPS },
	{ "check_pass", owner_check_pass, PAGE_PENDING, PAGE_SEALED, KEEPS },
	{ "check_fail", owner_check_fail, PAGE_PENDING, PAGE_GUEST, KEEPS },
	{ "check_undo", owner_check_undo, PAGE_SEALED, PAGE_GUEST, KEEPS },
	{ "lend", owner_lend, PAGE_GUEST, PAGE_LENT, KEEPS },
	{ "return", owner_return, PAGE_LENT, PAGE_GUEST, KEEPS },
	{ "donate", owner_donate, PAGE_GUEST, PAGE_SERVICE, KEEPS },
	{ "release", owner_release, PAGE_SEALED, PAGE_GUEST, SETS },
	{ "add", owner_add, PAGE_ABSENT, PAGE_GUEST, KEEPS },
	{ "open", owner_open, PAGE_SEALED, PAGE_GUEST, CLEARS },
	{ "admit", owner_admit, PAGE_GUEST, PAGE_GUEST, CLEARS },
};

#define MODEL_PAGES (FAKE_RAM_BYTES / PAGE_SIZE)

static struct page model[MODEL_PAGES]; /* of the memory map's part of the address space */
static u64 model_sealed;

static inline bool in_map(u64 at)
{
	return at < FAKE_LOW_END || (at >= FAKE_RAM_START && at < FAKE_HOTPLUG_END) ||
	       (at >= FAKE_HIGH_START && at < FAKE_HIGH_END);
}

static inline bool in_chunk(const struct hf_boot *boot, u64 at)
{
	u32 i;

	for (i = 0; i < boot->chunk_count; i++)
		if (at - boot->chunk_gpa[i] < HF_CHUNK_SIZE)
			return true;
	return false;
}

/* A CPU that faults on the new permission must find the new state. */
static inline void state_comes_first(struct gpa start, u32 perm)
{
	assert_int_equal(owner_permission(owner_page(start)), perm);
}

static inline void begin(const struct stage2_format *format)
{
	struct hf_boot *boot = unit_memory(format);
	u64 i;

	fake.on_protect = state_comes_first;
	model_sealed = 0;
	for (i = 0; i < MODEL_PAGES; i++) {
		u64 at = i * PAGE_SIZE;
		bool hotplug = at >= FAKE_HOTPLUG_START && at < FAKE_HOTPLUG_END;

		model[i] = (struct page){ .state = PAGE_GUEST };
		if (!in_map(at))
			model[i].state = PAGE_MMIO;
		else if (in_chunk(boot, at))
			model[i].state = PAGE_HYPERVISOR;
		else if (hotplug)
			model[i] = (struct page){ .state = PAGE_ABSENT, .confined = true };
	}
}

static inline int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

static inline u32 kind_permission(u32 kind)
{
	switch (kind) {
	case HF_KIND_TEXT:
	case HF_KIND_MODULE_TEXT:
	case HF_KIND_RUNTIME_CODE:
	case HF_KIND_FIRMWARE:
		return HF_PERM_READ | HF_PERM_KERNEL_EXEC;
	case HF_KIND_DATA:
		return HF_PERM_READ | HF_PERM_WRITE;
	case HF_KIND_VDSO:
		return HF_PERM_READ | HF_PERM_USER_EXEC;
	case HF_KIND_RODATA:
	case HF_KIND_RO_AFTER_INIT:
	case HF_KIND_VECTORS:
	case HF_KIND_MODULE_RODATA:
	case HF_KIND_STARTUP:
	case HF_KIND_ROOT:
	case HF_KIND_TABLE:
		return HF_PERM_READ;
	default:
		return 0;
	}
}

static inline u32 model_permission(struct page page)
{
	switch (page.state) {
	case PAGE_GUEST:
		return page.confined ? HF_PERM_ALL & ~HF_PERM_KERNEL_EXEC : HF_PERM_ALL;
	case PAGE_ABSENT:
		return page.confined ? HF_PERM_ALL & ~HF_PERM_KERNEL_EXEC : 0;
	case PAGE_MMIO:
		return HF_PERM_READ | HF_PERM_WRITE;
	case PAGE_SEALED:
		return kind_permission(page.kind);
	case PAGE_PENDING:
	case PAGE_LENT:
		return HF_PERM_READ;
	default:
		return 0;
	}
}

static inline bool same_page(struct page a, struct page b)
{
	return a.state == b.state && a.kind == b.kind && a.dma == b.dma &&
	       a.confined == b.confined;
}

/* The invariants, from what the tables hold and the owner says; no model. */
static inline void check_invariants(struct gpa at)
{
	struct page page = owner_page(at);
	u32 perm = backend_stage2_permission(at);
	bool split = backend_features() & HF_FEATURE_EXEC_SPLIT;
	bool guest = page.state == PAGE_GUEST || page.state == PAGE_ABSENT;

	/* I1. Of the guest's own memory only what is confined is controlled, and only with a
	 * split. */
	if (!guest || (page.confined && split))
		assert_false((perm & HF_PERM_WRITE) && (perm & HF_PERM_KERNEL_EXEC));
	if ((page.state == PAGE_SEALED && page.kind != HF_KIND_DATA) ||
	    page.state == PAGE_PENDING || page.state == PAGE_LENT)
		assert_false(perm & HF_PERM_WRITE);
	/* I2 */
	if (page.state == PAGE_HYPERVISOR || page.state == PAGE_SERVICE)
		assert_int_equal(perm, 0);
	/* Nothing that a device can write is fixed or ours. */
	if (page.dma)
		assert_int_equal(page.state, PAGE_GUEST);
	assert_int_equal(page.kind != HF_KIND_NONE, page.state == PAGE_SEALED);
}

static inline void compare(u64 start, u64 end)
{
	u64 at;

	if (end > FAKE_RAM_BYTES)
		end = FAKE_RAM_BYTES;
	for (at = start; at < end; at += PAGE_SIZE) {
		struct page expected = model[at / PAGE_SIZE];
		u32 perm = backend_stage2_admissible(model_permission(expected));

		assert_true(same_page(owner_page(gpa(at)), expected));
		assert_int_equal(owner_state(gpa(at)), expected.state);
		assert_int_equal(owner_permission(expected), model_permission(expected));
		assert_int_equal(backend_stage2_permission(gpa(at)), perm);
		check_invariants(gpa(at));
	}
	assert_int_equal(owner_sealed(), model_sealed);
}

static inline void compare_all(void)
{
	compare(0, FAKE_RAM_BYTES);
}

/* What the row does with the list according to the model, which changes only on 0. */
static inline int model_transfer(const struct row *row, const struct hf_range *ranges,
				 u32 count)
{
	static u8 seen[MODEL_PAGES];
	u64 at, n;
	u32 i;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < count; i++) {
		if (row->to == PAGE_SEALED && !kind_permission(ranges[i].kind))
			return -HF_EINVAL;
		for (n = 0; n < ranges[i].npages; n++) {
			struct page page;

			at = ranges[i].gpa + n * PAGE_SIZE;
			if (at >= FAKE_RAM_BYTES || !in_map(at) || seen[at / PAGE_SIZE]++)
				return -HF_EINVAL;
			page = model[at / PAGE_SIZE];
			if (page.state != row->from || page.dma)
				return -HF_EINVAL;
		}
	}
	for (i = 0; i < count; i++) {
		for (n = 0; n < ranges[i].npages; n++) {
			struct page *page = &model[ranges[i].gpa / PAGE_SIZE + n];

			model_sealed -= page->state == PAGE_SEALED;
			model_sealed += row->to == PAGE_SEALED;
			page->state = row->to;
			page->kind = row->to == PAGE_SEALED ? ranges[i].kind : HF_KIND_NONE;
			page->confined = row->confined == KEEPS ? page->confined
								: row->confined == SETS;
		}
	}
	return 0;
}

/* Both, and the same answer from both. */
static inline int transfer(const struct row *row, const struct hf_range *ranges, u32 count)
{
	u64 protects = fake.protects;
	int error = model_transfer(row, ranges, count);

	assert_int_equal(row->fn(l, ranges, count), error);
	if (error) {
		assert_int_equal(fake.protects, protects);
		return error;
	}
	stage2_settle(); /* no CPU runs that would have to flush first */
	backend_stage2_reclaim();
	return 0;
}

static inline const struct row *row_of(transition *fn)
{
	const struct row *row = rows;

	while (row->fn != fn)
		row++;
	return row;
}

static inline struct hf_range range_of(u64 start, u64 npages, u32 kind)
{
	return (struct hf_range){ .gpa = start, .npages = npages, .kind = kind };
}

#endif
