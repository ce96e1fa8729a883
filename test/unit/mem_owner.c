// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership against a flat model (ownership.h): states, permissions in the second-level tables,
 * counts, and the invariants I1, I2 and I3.
 */
#include <string.h>
#include <hv/arch/x86/svm/npt.h>
#include <hv/arch/x86/vmx/ept.h>
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include "ownership.h"
#include "unit.h"

#define OPERATIONS 100000

static const struct stage2_format *const formats[] = { &fake_format,	   &fake_plain_format,
						       &fake_break_format, &npt_format,
						       &ept_format,	   &ept_modes_format,
						       &npt_gmet_format,   &fake_two_format,
						       &fake_picky_format };

/* ---- the start ---- */

/* Before anything happens, on every format; also past the map and the tables. */
static void initial(void **ctx)
{
	unsigned int level;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		begin(formats[i]);
		compare_all();
		assert_int_equal(owner_page(gpa(FAKE_LIMIT - 1)).state, PAGE_MMIO);
		assert_int_equal(owner_page(gpa(FAKE_LIMIT)).state, PAGE_ABSENT);
		assert_int_equal(owner_page(gpa(~0ull)).state, PAGE_ABSENT);
		assert_int_equal(owner_page(gpa(FAKE_LOW_END - 1)).state, PAGE_GUEST);
		assert_int_equal(owner_page(gpa(FAKE_LOW_END)).state, PAGE_MMIO);
		/* Blocks are as large as what lies in them allows. */
		stage2_permission(&fake.views.view[0], gpa(2ull << 30), &level);
		assert_int_equal(level, fake.format->max_block);
		stage2_permission(&fake.views.view[0], gpa(16 * FAKE_MIB), &level);
		assert_int_equal(level, 2);
		stage2_permission(&fake.views.view[0], gpa(FAKE_LOW_END), &level);
		assert_int_equal(level, 1);
	}
}

/* ---- every transition from every state ---- */

#define SUBJECT (10 * FAKE_MIB + 3 * PAGE_SIZE)

/* How a page gets into the state: up to two transitions from where it starts. */
static const struct origin {
	const char *name;
	u64 page;
	u32 kind;
	transition *first;
	transition *second;
	bool dma;
} origins[] = {
	{ "guest", SUBJECT, 0, NULL, NULL, false },
	{ "guest, dma", SUBJECT, 0, NULL, NULL, true },
	{ "released", SUBJECT, HF_KIND_TEXT, owner_seal, owner_release, false },
	{ "opened", SUBJECT, HF_KIND_TEXT, owner_seal, owner_open, false },
	{ "text", SUBJECT, HF_KIND_TEXT, owner_seal, NULL, false },
	{ "rodata", SUBJECT, HF_KIND_RODATA, owner_seal, NULL, false },
	{ "ro-after-init", SUBJECT, HF_KIND_RO_AFTER_INIT, owner_seal, NULL, false },
	{ "vectors", SUBJECT, HF_KIND_VECTORS, owner_seal, NULL, false },
	{ "vdso", SUBJECT, HF_KIND_VDSO, owner_seal, NULL, false },
	{ "pending", SUBJECT, 0, owner_check_begin, NULL, false },
	{ "passed", SUBJECT, HF_KIND_TEXT, owner_check_begin, owner_check_pass, false },
	{ "failed", SUBJECT, 0, owner_check_begin, owner_check_fail, false },
	{ "undone", SUBJECT, HF_KIND_TEXT, owner_seal, owner_check_undo, false },
	{ "lent", SUBJECT, 0, owner_lend, NULL, false },
	{ "returned", SUBJECT, 0, owner_lend, owner_return, false },
	{ "service", SUBJECT, 0, owner_donate, NULL, false },
	{ "claimed", SUBJECT, 0, owner_claim, NULL, false },
	{ "chunk", 32 * FAKE_MIB, 0, NULL, NULL, false },
	{ "hotplug", FAKE_HOTPLUG_START, 0, NULL, NULL, false },
	{ "added", FAKE_HOTPLUG_START, 0, owner_add, NULL, false },
	{ "added and sealed", FAKE_HOTPLUG_START, HF_KIND_TEXT, owner_add, owner_seal, false },
	{ "device", FAKE_LOW_END, 0, NULL, NULL, false },
	{ "device after RAM", FAKE_HIGH_END, 0, NULL, NULL, false },
	{ "beyond", FAKE_LIMIT, 0, NULL, NULL, false },
};

static void arrive(const struct origin *o)
{
	struct hf_range range = range_of(o->page, 1, o->kind);

	if (o->first)
		assert_int_equal(transfer(row_of(o->first), &range, 1), 0);
	if (o->second)
		assert_int_equal(transfer(row_of(o->second), &range, 1), 0);
	if (o->dma) {
		assert_int_equal(owner_set_dma(l, gpa(o->page), 1, true), 0);
		model[o->page / PAGE_SIZE].dma = true;
	}
}

static void every_pair(void **ctx)
{
	u64 allowed = 0, refused = 0;
	size_t f, o, r;

	(void)ctx;
	for (f = 0; f < ARRAY_SIZE(formats); f++) {
		for (o = 0; o < ARRAY_SIZE(origins); o++) {
			for (r = 0; r < ARRAY_SIZE(rows); r++) {
				struct hf_range range =
					range_of(origins[o].page, 1, HF_KIND_RODATA);

				begin(formats[f]);
				arrive(&origins[o]);
				if (transfer(&rows[r], &range, 1))
					refused++;
				else
					allowed++;
				compare(range.gpa > 64 * PAGE_SIZE ? range.gpa - 64 * PAGE_SIZE
								   : 0,
					range.gpa + 64 * PAGE_SIZE);
			}
		}
		compare_all();
	}
	print_message("%llu allowed, %llu refused\n", (unsigned long long)allowed,
		      (unsigned long long)refused);
	/* From guest 6 (7 origins), sealed 3 (7), pending 2, lent 1, absent 1. */
	assert_int_equal(allowed, ARRAY_SIZE(formats) * (7 * 6 + 7 * 3 + 2 + 1 + 1));
}

/* A guest page that came later, or was sealed once, is never kernel-executable again. */
static void confined_stays(void **ctx)
{
	struct hf_range plugged = range_of(FAKE_HOTPLUG_START, 1, HF_KIND_TEXT);
	struct hf_range released = range_of(SUBJECT, 1, HF_KIND_TEXT);
	u32 expected = HF_PERM_READ | HF_PERM_WRITE | HF_PERM_USER_EXEC;

	(void)ctx;
	begin(&fake_format);
	assert_int_equal(backend_stage2_permission(gpa(SUBJECT)), HF_PERM_ALL);
	assert_int_equal(backend_stage2_permission(gpa(plugged.gpa)), expected);
	assert_int_equal(owner_add(l, &plugged, 1), 0);
	assert_int_equal(backend_stage2_permission(gpa(plugged.gpa)), expected);
	assert_int_equal(owner_check_begin(l, &plugged, 1), 0);
	assert_int_equal(backend_stage2_permission(gpa(plugged.gpa)), HF_PERM_READ);
	assert_int_equal(owner_check_fail(l, &plugged, 1), 0);
	assert_int_equal(backend_stage2_permission(gpa(plugged.gpa)), expected);
	assert_int_equal(owner_seal(l, &released, 1), 0);
	assert_int_equal(backend_stage2_permission(gpa(SUBJECT)),
			 HF_PERM_READ | HF_PERM_KERNEL_EXEC);
	assert_int_equal(owner_release(l, &released, 1), 0);
	assert_int_equal(backend_stage2_permission(gpa(SUBJECT)), expected);
}

/* Only what is sealed as code stays kernel-executable, as far as a format can say so. */
static void confine(void)
{
	u64 used = pool_used(), i;

	owner_confine(l);
	for (i = 0; i < MODEL_PAGES; i++)
		model[i].confined = in_map(i * PAGE_SIZE);
	stage2_settle();
	backend_stage2_reclaim();
	assert_true(pool_used() <= used);
}

/* Takes no memory, whatever lies beside what. */
static void confined_at_lock(void **ctx)
{
	const struct hf_range sealed[] = {
		range_of(SUBJECT, 3, HF_KIND_TEXT),
		range_of(20 * FAKE_MIB, 512, HF_KIND_DATA),
	};
	size_t f;

	(void)ctx;
	for (f = 0; f < ARRAY_SIZE(formats); f++) {
		begin(formats[f]);
		assert_int_equal(transfer(row_of(owner_seal), sealed, 2), 0);
		while (pool_page())
			;
		confine();
		compare_all();
		assert_int_equal(transfer(row_of(owner_check_undo), sealed, 1), 0);
		compare_all();
	}
}

static void kinds(void **ctx)
{
	static const u32 bad[] = {
		HF_KIND_NONE, HF_KIND_COUNT, HF_KIND_COUNT + 1, 63, 64, ~0u
	};
	struct hf_range range = range_of(SUBJECT, 1, 0);
	size_t i;
	u32 kind;

	(void)ctx;
	begin(&fake_format);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		range.kind = bad[i];
		assert_int_equal(owner_kind_permission(bad[i]), 0);
		assert_int_equal(transfer(row_of(owner_seal), &range, 1), -HF_EINVAL);
		assert_int_equal(transfer(row_of(owner_check_begin), &range, 1), 0);
		assert_int_equal(transfer(row_of(owner_check_pass), &range, 1), -HF_EINVAL);
		assert_int_equal(transfer(row_of(owner_check_fail), &range, 1), 0);
	}
	for (kind = HF_KIND_TEXT; kind < HF_KIND_COUNT; kind++) {
		assert_int_equal(owner_kind_permission(kind), kind_permission(kind));
		/* Never both: I1. */
		if (owner_kind_permission(kind) & HF_PERM_WRITE)
			assert_false(owner_kind_permission(kind) &
				     (HF_PERM_KERNEL_EXEC | HF_PERM_USER_EXEC));
	}
	compare_all();
}

/* ---- lists ---- */

static void malformed(void **ctx)
{
	static const u64 bad[][2] = {
		{ SUBJECT, 0 },
		{ SUBJECT + 1, 1 },
		{ SUBJECT + PAGE_SIZE / 2, 1 },
		{ SUBJECT, 1ull << 52 },
		{ SUBJECT, (1ull << 52) - 1 },
		{ SUBJECT, ~0ull },
		{ SUBJECT, (1ull << 52) + 1 }, /* would be one page if it wrapped */
		{ 0 - PAGE_SIZE, 1 },
		{ 0 - PAGE_SIZE, 2 },
		{ 0 - 2 * PAGE_SIZE, 1 },
		{ SUBJECT, 1ull << 40 },
		{ FAKE_LIMIT - PAGE_SIZE, 2 },
		{ FAKE_LOW_END - PAGE_SIZE, 2 },  /* into the hole */
		{ FAKE_RAM_END - PAGE_SIZE, 2 },  /* into what may be plugged in */
		{ 32 * FAKE_MIB - PAGE_SIZE, 2 }, /* into a chunk */
	};
	struct hf_range list[2];
	size_t i, r;

	(void)ctx;
	begin(&fake_format);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (r = 0; r < ARRAY_SIZE(rows); r++) {
			list[0] = range_of(20 * FAKE_MIB, 4, HF_KIND_TEXT);
			list[1] = range_of(bad[i][0], bad[i][1], HF_KIND_TEXT);
			assert_int_equal(rows[r].fn(l, &list[1], 1), -HF_EINVAL);
			assert_int_equal(rows[r].fn(l, list, 2), -HF_EINVAL);
		}
		assert_int_equal(owner_set_dma(l, gpa(bad[i][0]), bad[i][1], true), -HF_EINVAL);
	}
	assert_int_equal(fake.protects + fake.prepares, 0);
	compare_all();
}

/* The same page twice in one list, in every way two ranges can meet. */
static void overlap(void **ctx)
{
	u64 at, n;

	(void)ctx;
	begin(&fake_format);
	for (at = 0; at < 12; at++) {
		for (n = 1; n < 12; n++) {
			struct hf_range list[3] = {
				range_of(SUBJECT + 4 * PAGE_SIZE, 4, HF_KIND_RODATA),
				range_of(30 * FAKE_MIB, 1, HF_KIND_RODATA),
				range_of(SUBJECT + at * PAGE_SIZE, n, HF_KIND_RODATA),
			};
			bool meets = at < 8 && at + n > 4;

			assert_int_equal(transfer(row_of(owner_seal), list, 3),
					 meets ? -HF_EINVAL : 0);
			compare(SUBJECT, SUBJECT + 24 * PAGE_SIZE);
			if (!meets)
				assert_int_equal(transfer(row_of(owner_open), list, 3), 0);
		}
	}
	compare_all();
}

static const struct row *moves_on(const struct row *row)
{
	return row->to == row->from ? row_of(owner_seal) : row;
}

/* One bad page at any place of the list: nothing at all happens. */
static void all_or_nothing(void **ctx)
{
	size_t r;
	u32 i;

	(void)ctx;
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		for (i = 0; i < 3; i++) {
			struct hf_range list[3] = {
				range_of(SUBJECT, 2, HF_KIND_TEXT),
				range_of(20 * FAKE_MIB, 600, HF_KIND_VDSO),
				range_of(SUBJECT + 2 * PAGE_SIZE, 1, HF_KIND_RODATA),
			};
			struct hf_range bad =
				range_of(list[i].gpa + (list[i].npages - 1) * PAGE_SIZE, 1,
					 HF_KIND_TEXT);

			begin(&fake_format);
			if (rows[r].from == PAGE_ABSENT)
				list[0].gpa = FAKE_HOTPLUG_START;
			if (rows[r].from == PAGE_SEALED)
				assert_int_equal(transfer(row_of(owner_seal), list, 3), 0);
			if (rows[r].from == PAGE_PENDING)
				assert_int_equal(transfer(row_of(owner_check_begin), list, 3),
						 0);
			if (rows[r].from == PAGE_LENT)
				assert_int_equal(transfer(row_of(owner_lend), list, 3), 0);
			/* One page moves on alone. */
			if (rows[r].from != PAGE_ABSENT)
				assert_int_equal(transfer(moves_on(&rows[r]), &bad, 1), 0);
			assert_int_equal(transfer(&rows[r], list, 3), -HF_EINVAL);
			compare_all();
		}
	}
	assert_int_equal(owner_seal(l, NULL, 0), 0);
}

static void no_memory(void **ctx)
{
	/* Each needs tables of its own. */
	const struct hf_range list[3] = {
		range_of(SUBJECT, 2, HF_KIND_TEXT),
		range_of(20 * FAKE_MIB + PAGE_SIZE, 1200, HF_KIND_VDSO),
		range_of(FAKE_HIGH_START + PAGE_SIZE, 1, HF_KIND_RODATA),
	};
	static u64 *held[FAKE_CHUNKS * HF_CHUNK_SIZE / PAGE_SIZE];
	u64 count = 0, failures = 0;
	size_t f;
	u32 n;

	(void)ctx;
	for (f = 0; f < ARRAY_SIZE(formats); f++) {
		/* The backend says no, for whatever reason, to the n-th range. */
		for (n = 1; n <= 3; n++) {
			begin(formats[f]);
			fake.prepare_fails = n;
			assert_int_equal(owner_seal(l, list, 3), -HF_ENOMEM);
			assert_int_equal(fake.protects, 0);
			compare_all();
		}
		/* Every single table: none is left, then one, ... */
		begin(formats[f]);
		for (count = 0; (held[count] = pool_page()); count++)
			;
		failures = 0;
		while (owner_seal(l, list, 3) == -HF_ENOMEM) {
			assert_int_equal(fake.protects, 0);
			compare_all();
			pool_free(held[--count]);
			failures++;
		}
		/* 2 MiB blocks split; the second range at both ends */
		assert_int_equal(failures, 4 * fake.views.count);
		assert_int_equal(model_transfer(row_of(owner_seal), list, 3), 0);
		compare_all();
	}
}

/* Sealing and opening again leaves no small blocks and no lost table behind. */
static void merges(void **ctx)
{
	const struct hf_range list[2] = {
		range_of(SUBJECT, 2, HF_KIND_TEXT),
		range_of(20 * FAKE_MIB + PAGE_SIZE, 1200, HF_KIND_RODATA),
	};
	size_t f;

	(void)ctx;
	for (f = 0; f < ARRAY_SIZE(formats); f++) {
		unsigned int level;
		u64 used;

		begin(formats[f]);
		used = pool_used();
		assert_int_equal(transfer(row_of(owner_seal), list, 2), 0);
		assert_true(pool_used() > used);
		stage2_permission(&fake.views.view[0], gpa(22 * FAKE_MIB), &level);
		assert_int_equal(level, 2); /* inside the range: still a block */
		assert_int_equal(transfer(row_of(owner_open), list, 2), 0);
		assert_int_equal(pool_used(), used);
		stage2_permission(&fake.views.view[0], gpa(SUBJECT), &level);
		assert_int_equal(level, 2);
	}
}

static void dma(void **ctx)
{
	struct hf_range range = range_of(SUBJECT, 4, HF_KIND_RODATA);
	size_t r;

	(void)ctx;
	begin(&fake_format);
	assert_int_equal(owner_set_dma(l, gpa(SUBJECT + 3 * PAGE_SIZE), 1, true), 0);
	model[SUBJECT / PAGE_SIZE + 3].dma = true;
	compare_all(); /* takes nothing away */
	for (r = 0; r < ARRAY_SIZE(rows); r++)
		assert_int_equal(transfer(&rows[r], &range, 1), -HF_EINVAL);
	assert_int_equal(owner_set_dma(l, gpa(SUBJECT), 4, false), 0);
	model[SUBJECT / PAGE_SIZE + 3].dma = false;
	compare_all();
	assert_int_equal(transfer(row_of(owner_seal), &range, 1), 0);
	assert_int_equal(owner_set_dma(l, gpa(SUBJECT - PAGE_SIZE), 2, true), -HF_EINVAL);
	assert_int_equal(owner_set_dma(l, gpa(FAKE_LOW_END), 1, true), -HF_EINVAL);
	compare_all();
}

static void lock(void **ctx)
{
	struct cpu *cpu = (struct cpu *)&l;
	struct owner_locked held;

	(void)ctx;
	begin(&fake_format);
	held = owner_lock(cpu);
	assert_ptr_equal(held.cpu, cpu);
	owner_unlock(held);
	held = owner_lock(cpu); /* would hang if it were still held */
	owner_unlock(held);
}

/* ---- random sequences ---- */

/* Where ranges of different fate meet. */
static const u64 hot[] = { 0x9d000,	   FAKE_RAM_START,
			   10 * FAKE_MIB,  32 * FAKE_MIB - 8 * PAGE_SIZE,
			   36 * FAKE_MIB,  FAKE_HOTPLUG_START,
			   66 * FAKE_MIB,  FAKE_HOTPLUG_END,
			   FAKE_HIGH_START };

static struct hf_range random_range(void)
{
	u64 center = hot[unit_below(ARRAY_SIZE(hot))];
	u64 start = center + unit_below(16) * PAGE_SIZE;
	u64 npages = 1 + unit_below(unit_below(4) ? 4 : 16);

	start -= start >= 8 * PAGE_SIZE ? 8 * PAGE_SIZE : 0;
	if (!unit_below(32)) { /* large blocks */
		start = center & ~(2 * FAKE_MIB - 1);
		npages = 512 + unit_below(2) * unit_below(512);
	}
	return range_of(start, npages,
			unit_below(64) ? HF_KIND_TEXT + (u32)unit_below(5)
				       : (u32)unit_below(16));
}

/* Nothing leaves HYPERVISOR and SERVICE: rarely, or soon no page is left to play with. */
static const struct row *random_row(void)
{
	const struct row *row = &rows[unit_below(ARRAY_SIZE(rows))];

	if ((row->to == PAGE_HYPERVISOR || row->to == PAGE_SERVICE) && unit_below(32))
		return &rows[1 + unit_below(6)];
	return row;
}

/* Make it likely that the row applies: cut the range where the state is another. */
static const struct row *fit(const struct row *row, struct hf_range *range)
{
	const struct page *page = &model[range->gpa / PAGE_SIZE];
	u64 n = 1;

	for (; n < range->npages && page[n].state == page[0].state; n++)
		;
	range->npages = n;
	for (n = 0; n < ARRAY_SIZE(rows) && row->from != page[0].state; n++)
		row = random_row();
	return row;
}

static void random_dma(void)
{
	struct hf_range range = random_range();
	bool on = unit_below(2), guest = true;
	u64 i, first = range.gpa / PAGE_SIZE;

	for (i = 0; i < range.npages; i++)
		guest = guest && model[first + i].state == PAGE_GUEST;
	assert_int_equal(owner_set_dma(l, gpa(range.gpa), range.npages, on),
			 guest ? 0 : -HF_EINVAL);
	for (i = 0; i < range.npages && guest; i++)
		model[first + i].dma = on;
	compare(range.gpa, range.gpa + range.npages * PAGE_SIZE);
}

/* I3: what stays sealed has the permission it had. Before and after one operation. */
static void random_transfer(u64 *done)
{
	static struct page before[MODEL_PAGES];
	struct hf_range list[4];
	u32 count = unit_below(4) ? 1 : 1 + (u32)unit_below(4);
	const struct row *row = random_row();
	u32 i;

	for (i = 0; i < count; i++)
		list[i] = random_range();
	for (i = 0; i < count && unit_below(4); i++)
		row = fit(row, &list[i]);
	for (i = 0; i < count; i++)
		memcpy(&before[list[i].gpa / PAGE_SIZE], &model[list[i].gpa / PAGE_SIZE],
		       list[i].npages * sizeof(before[0]));
	if (!transfer(row, list, count))
		++*done;
	for (i = 0; i < count; i++) {
		u64 n, first = list[i].gpa / PAGE_SIZE;

		for (n = first; n < first + list[i].npages; n++) {
			struct page now = owner_page(gpa(n * PAGE_SIZE));

			if (before[n].state == PAGE_SEALED && row->from != PAGE_SEALED)
				assert_true(same_page(now, before[n]));
			if (before[n].state == PAGE_HYPERVISOR ||
			    before[n].state == PAGE_SERVICE)
				assert_int_equal(now.state, before[n].state);
		}
		compare(list[i].gpa, list[i].gpa + list[i].npages * PAGE_SIZE);
	}
}

static void random_sequences(void **ctx)
{
	size_t f;

	(void)ctx;
	for (f = 0; f < ARRAY_SIZE(formats); f++) {
		u64 i, done = 0;

		unit_seed(formats[f]->name);
		for (i = 0; i < OPERATIONS; i++) {
			if (i % 5000 == 0)
				begin(formats[f]);
			if (!unit_below(2500))
				confine();
			if (unit_below(64))
				random_transfer(&done);
			else
				random_dma();
			if (i % 500 == 499)
				compare_all();
		}
		print_message("%s: %llu of %u transitions were allowed\n", formats[f]->name,
			      (unsigned long long)done, OPERATIONS);
		assert_true(done > OPERATIONS / 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(initial, teardown),
		cmocka_unit_test_teardown(every_pair, teardown),
		cmocka_unit_test_teardown(confined_stays, teardown),
		cmocka_unit_test_teardown(confined_at_lock, teardown),
		cmocka_unit_test_teardown(kinds, teardown),
		cmocka_unit_test_teardown(malformed, teardown),
		cmocka_unit_test_teardown(overlap, teardown),
		cmocka_unit_test_teardown(all_or_nothing, teardown),
		cmocka_unit_test_teardown(no_memory, teardown),
		cmocka_unit_test_teardown(merges, teardown),
		cmocka_unit_test_teardown(dma, teardown),
		cmocka_unit_test_teardown(lock, teardown),
		cmocka_unit_test_teardown(random_sequences, teardown),
	};

	ept_init(true, true);
	return cmocka_run_group_tests_name("mem_owner", tests, NULL, NULL);
}
