// SPDX-License-Identifier: GPL-2.0-only
/* The memory map that ownership starts from, and what can be asked about stretches of it. */
#include <string.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include "unit.h"

static struct owner_locked l;

static int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

static struct hf_range range_of(u64 start, u64 npages, u32 kind)
{
	return (struct hf_range){ .gpa = start, .npages = npages, .kind = kind };
}

/* ---- memory map ---- */

#define MAP_MAX 4

static void bad_map(const struct hf_memory *memory, u32 count, int error)
{
	struct hf_boot *boot;

	fake_reset(&fake_format);
	boot = fake_boot(1);
	assert_int_equal(pool_init(fake.chunks, boot->chunk_gpa, FAKE_CHUNKS, 0, 0), 0);
	boot->chunk_count = 0;
	boot->memory_count = count;
	memcpy(boot->memory, memory, (count < HF_MEMORY_MAX ? count : 1) * sizeof(*memory));
	assert_int_equal(owner_init(boot), error);
}

static void memory_map(void **ctx)
{
	static const struct {
		struct hf_memory memory[MAP_MAX];
		u32 count;
		int error;
	} maps[] = {
		{ { { 0 } }, 0, 0 },
		{ { { 0, 1, HF_MEMORY_RAM, 0 } }, 1, 0 },
		{ { { 0, 1, HF_MEMORY_RAM, 0 }, { PAGE_SIZE, 1, HF_MEMORY_RAM, 0 } }, 2, 0 },
		{ { { 0, 2, HF_MEMORY_RAM, 0 }, { PAGE_SIZE, 1, HF_MEMORY_RAM, 0 } },
		  2,
		  -HF_EINVAL },
		{ { { PAGE_SIZE, 1, HF_MEMORY_RAM, 0 }, { 0, 1, HF_MEMORY_RAM, 0 } },
		  2,
		  -HF_EINVAL },
		{ { { 0, 1, 0, 0 } }, 1, -HF_EINVAL },
		{ { { 0, 1, 3, 0 } }, 1, -HF_EINVAL },
		{ { { 0, 0, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { 8, 1, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { 0, 1ull << 52, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { PAGE_SIZE, (1ull << 52) - 1, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { 0, ~0ull, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { FAKE_LIMIT - PAGE_SIZE, 1, HF_MEMORY_HOTPLUG, 0 } }, 1, 0 },
		{ { { FAKE_LIMIT - PAGE_SIZE, 2, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { FAKE_LIMIT, 1, HF_MEMORY_RAM, 0 } }, 1, -HF_EINVAL },
		{ { { 0, 1, HF_MEMORY_RAM, 0 } }, HF_MEMORY_MAX + 1, -HF_EINVAL },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(maps); i++)
		bad_map(maps[i].memory, maps[i].count, maps[i].error);
}

/* A byte for each page comes from the pool; every one of the allocations can fail. */
static void map_without_memory(void **ctx)
{
	struct hf_boot *boot;
	u32 n;

	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	for (n = 1; n <= boot->memory_count + 1; n++) {
		assert_int_equal(pool_init(fake.chunks, boot->chunk_gpa, FAKE_CHUNKS, 0, n), 0);
		assert_int_equal(owner_init(boot), n <= boot->memory_count ? -HF_ENOMEM : 0);
	}
}

/* Chunks are aligned, whole, RAM, and each is there once. */
static void chunks(void **ctx)
{
	static const struct {
		u64 chunk;
		int error;
	} cases[] = {
		{ 40 * FAKE_MIB, 0 },
		{ 48 * FAKE_MIB, -HF_EINVAL },		     /* the other one */
		{ 46 * FAKE_MIB, -HF_EINVAL },		     /* overlaps it */
		{ FAKE_HOTPLUG_START, -HF_EINVAL },	     /* not there yet */
		{ 72 * FAKE_MIB, -HF_EINVAL },		     /* device memory */
		{ FAKE_RAM_END - 2 * FAKE_MIB, -HF_EINVAL }, /* half of it RAM */
		{ 0, -HF_EINVAL },			     /* has a hole */
		{ FAKE_LIMIT, -HF_EINVAL },
		{ 0 - HF_CHUNK_SIZE, -HF_EINVAL },
	};
	struct hf_boot *boot;
	size_t i;

	(void)ctx;
	fake_reset(&fake_format);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		boot = fake_boot(1);
		assert_int_equal(pool_init(fake.chunks, boot->chunk_gpa, FAKE_CHUNKS, 0, 0), 0);
		boot->chunk_gpa[1] = cases[i].chunk;
		assert_int_equal(owner_init(boot), cases[i].error);
	}
	boot = fake_boot(1);
	boot->chunk_count = HF_CHUNKS_MAX + 1;
	assert_int_equal(owner_init(boot), -HF_EINVAL);
}

/* ---- runs ---- */

struct runs {
	u64 next;
	u32 perm;
	u64 count;
	u64 stop; /* error at this one */
};

static int check_run(struct gpa start, u64 npages, u32 perm, void *context)
{
	struct runs *runs = context;
	u64 i;

	assert_int_equal(start.raw, runs->next);
	assert_true(npages > 0);
	/* As long as possible: the neighbour differs. */
	assert_true(!runs->count || perm != runs->perm);
	for (i = 0; i < npages; i++)
		assert_int_equal(owner_permission(owner_page(gpa(start.raw + i * PAGE_SIZE))),
				 perm);
	runs->next += npages * PAGE_SIZE;
	runs->perm = perm;
	return ++runs->count == runs->stop ? -HF_EAGAIN : 0;
}

static void for_each_run(void **ctx)
{
	const struct hf_range sealed[] = {
		range_of(0, 1, HF_KIND_RODATA),
		range_of(10 * FAKE_MIB, 5, HF_KIND_RODATA),
		range_of(10 * FAKE_MIB + 5 * PAGE_SIZE, 5,
			 HF_KIND_VECTORS), /* the same permission */
		range_of(FAKE_RAM_END - PAGE_SIZE, 1, HF_KIND_TEXT),
	};
	struct runs runs = { 0 };

	(void)ctx;
	unit_memory(&fake_format);
	assert_int_equal(owner_seal(l, sealed, ARRAY_SIZE(sealed)), 0);
	assert_int_equal(
		owner_for_each_run(gpa(FAKE_RAM_BYTES + 5 * PAGE_SIZE), check_run, &runs), 0);
	assert_int_equal(runs.next, FAKE_RAM_BYTES + 5 * PAGE_SIZE);
	/*
	 * rodata, low, hole, RAM, 2 x rodata, RAM, chunk, RAM, chunk, RAM, text, hotplug, hole,
	 * high, device memory
	 */
	assert_int_equal(runs.count, 15);
	runs = (struct runs){ .stop = 3 };
	assert_int_equal(owner_for_each_run(gpa(FAKE_LIMIT), check_run, &runs), -HF_EAGAIN);
	assert_int_equal(runs.count, 3);
	runs = (struct runs){ .stop = 1 };
	assert_int_equal(owner_for_each_run(gpa(PAGE_SIZE), check_run, &runs), -HF_EAGAIN);
	assert_int_equal(owner_for_each_run(gpa(0), check_run, &runs), 0);
	assert_int_equal(runs.count, 1);
	/* Past the tables there is nothing. */
	runs = (struct runs){ .next = 0 };
	assert_int_equal(owner_for_each_run(gpa(FAKE_LIMIT + PAGE_SIZE), check_run, &runs), 0);
	assert_int_equal(runs.next, FAKE_LIMIT + PAGE_SIZE);
	assert_int_equal(runs.perm, 0);
}

static void all(void **ctx)
{
	struct hf_range range = range_of(10 * FAKE_MIB, 5, HF_KIND_RODATA);

	(void)ctx;
	unit_memory(&fake_format);
	assert_int_equal(owner_seal(l, &range, 1), 0);
	assert_true(owner_all(gpa(10 * FAKE_MIB), 5, PAGE_SEALED));
	assert_false(owner_all(gpa(10 * FAKE_MIB), 6, PAGE_SEALED));
	assert_false(owner_all(gpa(10 * FAKE_MIB - PAGE_SIZE), 2, PAGE_SEALED));
	assert_false(owner_all(gpa(10 * FAKE_MIB), 5, PAGE_GUEST));
	assert_true(owner_all(gpa(0), FAKE_LOW_END / PAGE_SIZE, PAGE_GUEST));
	assert_false(owner_all(gpa(0), FAKE_LOW_END / PAGE_SIZE + 1, PAGE_GUEST));
	assert_true(owner_all(gpa(FAKE_LOW_END), 97, PAGE_MMIO));
	assert_false(owner_all(gpa(FAKE_LOW_END), 98, PAGE_MMIO));
	assert_true(owner_all(gpa(FAKE_HIGH_END), (FAKE_LIMIT - FAKE_HIGH_END) / PAGE_SIZE,
			      PAGE_MMIO));
	assert_false(owner_all(gpa(FAKE_LIMIT - PAGE_SIZE), 2, PAGE_MMIO));
	assert_true(owner_all(gpa(FAKE_LIMIT), 1ull << 40, PAGE_ABSENT));
	assert_true(owner_all(gpa(FAKE_HOTPLUG_START), 1024, PAGE_ABSENT));
	/* No range at all. */
	assert_false(owner_all(gpa(0), 0, PAGE_GUEST));
	assert_false(owner_all(gpa(8), 1, PAGE_GUEST));
	assert_false(owner_all(gpa(FAKE_LIMIT), 1ull << 52, PAGE_ABSENT));
	assert_false(owner_all(gpa(~0ull - PAGE_SIZE + 1), 1, PAGE_ABSENT));
}

/* Device memory that the guest may only read; at both ends of a range and in a row. */
static void guarded(void **ctx)
{
	const u64 first = FAKE_HIGH_END + 8 * PAGE_SIZE, second = first + 3 * PAGE_SIZE;
	struct runs runs = { 0 };
	u64 at;
	u32 i;

	(void)ctx;
	unit_memory(&fake_format);
	/* Added in the wrong order, and one after the other. */
	assert_int_equal(owner_guard(gpa(second), 1), 0);
	assert_int_equal(owner_guard(gpa(first), 3), 0);
	assert_int_equal(owner_guard(gpa(FAKE_LIMIT - PAGE_SIZE), 1), 0);
	for (at = first - PAGE_SIZE; at <= second + PAGE_SIZE; at += PAGE_SIZE) {
		struct page page = owner_page(gpa(at + 0x123));

		assert_int_equal(page.state, PAGE_MMIO);
		assert_int_equal(page.guarded, at >= first && at <= second);
		assert_false(page.dma);
		assert_int_equal(owner_permission(page),
				 page.guarded ? HF_PERM_READ : HF_PERM_READ | HF_PERM_WRITE);
	}
	assert_true(owner_page(gpa(FAKE_LIMIT - 1)).guarded);
	assert_int_equal(owner_for_each_run(gpa(FAKE_LIMIT), check_run, &runs), 0);
	/* low, hole, RAM, chunk, RAM, chunk, RAM, hotplug, hole, high, then device memory twice
	 * guarded and twice not */
	assert_int_equal(runs.count, 14);
	/* Still device memory, and nothing else can be guarded. */
	assert_true(owner_all(gpa(first - PAGE_SIZE), 5, PAGE_MMIO));
	assert_int_equal(owner_guard(gpa(FAKE_LOW_END - PAGE_SIZE), 2), -HF_EINVAL);
	assert_int_equal(owner_guard(gpa(FAKE_LIMIT), 1), -HF_EINVAL);
	assert_int_equal(owner_guard(gpa(first + 8), 1), -HF_EINVAL);
	assert_int_equal(owner_guard(gpa(first), 0), -HF_EINVAL);
	for (i = 3; i < HF_IO_APICS_MAX + 4; i++)
		assert_int_equal(owner_guard(gpa(first), 1), 0);
	assert_int_equal(owner_guard(gpa(first), 1), -HF_ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(memory_map, teardown),
		cmocka_unit_test_teardown(map_without_memory, teardown),
		cmocka_unit_test_teardown(chunks, teardown),
		cmocka_unit_test_teardown(for_each_run, teardown),
		cmocka_unit_test_teardown(all, teardown),
		cmocka_unit_test_teardown(guarded, teardown),
	};

	return cmocka_run_group_tests_name("mem_map", tests, NULL, NULL);
}
