// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two views of the guest's memory. What comes of sequences of transitions is mem_owner's; here the
 * two get the sequence that mem_stage2 has for tables of each format.
 */
#include <string.h>
#include <hv/arch/x86/svm/npt.h>
#include <hv/arch/x86/vmx/ept.h>
#include <hv/pool.h>
#include <hv/views.h>
#include "changes.h"
#include "unit.h"

#define LIMIT (1ull << 42)
#define FAR   (1ull << 39)
#define PAGE  (5 * FAKE_MIB + PAGE_SIZE)

static struct views views;

static const struct {
	const struct stage2_format *format;
	unsigned int levels;
} settings[] = {
	{ &fake_plain_format, 4 }, { &npt_format, 4 }, { &npt_format, 5 }, { &ept_format, 4 }
};

static void begin(size_t setting, bool two)
{
	unit_memory(&fake_plain_format);
	ept_init(true, true);
	assert_int_equal(views_init(&views, settings[setting].format, settings[setting].levels,
				    LIMIT, two),
			 0);
}

static int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

static u32 permission(u64 at)
{
	u64 unused;

	return views_run(&views, gpa(at), &unused);
}

/* A view has one bit for both kinds of execution, and both views together tell them apart. */
static void each_permission(void **ctx)
{
	size_t s;
	u32 perm;

	(void)ctx;
	for (s = 0; s < ARRAY_SIZE(settings); s++) {
		begin(s, true);
		assert_int_equal(views_map(&views, gpa(0), 8192, HF_PERM_ALL), 0);
		for (perm = 0; perm <= HF_PERM_ALL; perm++) {
			u32 got = perm ? perm | HF_PERM_READ : 0;

			assert_int_equal(views_admissible(&views, perm), got);
			assert_int_equal(views_prepare(&views, gpa(PAGE), 2), 0);
			views_protect(&views, gpa(PAGE), 2, perm);
			assert_int_equal(permission(PAGE), got);
			assert_int_equal(permission(PAGE - 8), HF_PERM_ALL);
			assert_int_equal(views_execute(&views, VIEW_KERNEL, gpa(PAGE)),
					 !!(perm & HF_PERM_KERNEL_EXEC));
			assert_int_equal(views_execute(&views, VIEW_USER, gpa(PAGE)),
					 !!(perm & HF_PERM_USER_EXEC));
		}
	}
}

/* A run ends where either view's entry does. */
static void runs(void **ctx)
{
	u64 npages;

	(void)ctx;
	begin(0, true);
	assert_int_equal(views_map(&views, gpa(0), 262144, HF_PERM_ALL), 0);
	assert_int_equal(views_run(&views, gpa(PAGE), &npages), HF_PERM_ALL);
	assert_int_equal(npages, 262144 - PAGE / PAGE_SIZE);
	assert_int_equal(views_prepare(&views, gpa(2 * FAKE_MIB), 1), 0);
	views_protect(&views, gpa(2 * FAKE_MIB), 1, HF_PERM_READ | HF_PERM_KERNEL_EXEC);
	views_merge(&views, gpa(0), 512);
	assert_int_equal(views_run(&views, gpa(PAGE), &npages), HF_PERM_ALL);
	assert_int_equal(npages, 512 - PAGE % (2 * FAKE_MIB) / PAGE_SIZE);
}

/* Where there is one, it is the format's. */
static void one_view(void **ctx)
{
	u32 perm;

	(void)ctx;
	begin(1, false);
	for (perm = 0; perm <= HF_PERM_ALL; perm++)
		assert_int_equal(views_admissible(&views, perm), npt_format.admissible(perm));
	assert_int_equal(views_map(&views, gpa(0), 512, HF_PERM_READ | HF_PERM_USER_EXEC), 0);
	assert_true(views_execute(&views, VIEW_KERNEL, gpa(PAGE_SIZE)));
}

/* What lies far above is there in both, and takes tables once. */
static void shared(void **ctx)
{
	const u32 device = HF_PERM_READ | HF_PERM_WRITE;
	size_t s;

	(void)ctx;
	for (s = 0; s < ARRAY_SIZE(settings); s++) {
		u64 used, after;

		begin(s, true);
		assert_int_equal(views_map(&views, gpa(0), 512, HF_PERM_ALL), 0);
		assert_int_equal(stage2_map(&views.view[VIEW_KERNEL], gpa(FAR),
					    (LIMIT - FAR) / PAGE_SIZE, device),
				 0);
		used = pool_used();
		assert_int_equal(permission(FAR) & HF_PERM_WRITE, HF_PERM_WRITE);
		assert_int_equal(stage2_permission(&views.view[VIEW_USER], gpa(FAR), NULL), 0);
		views_share(&views, gpa(FAR));
		after = pool_used();
		assert_int_equal(after, used);
		assert_int_equal(stage2_permission(&views.view[VIEW_USER], gpa(FAR), NULL),
				 device);
		assert_int_equal(
			stage2_permission(&views.view[VIEW_USER], gpa(LIMIT - 1), NULL),
			device);
		assert_int_equal(stage2_permission(&views.view[VIEW_USER], gpa(FAR - 1), NULL),
				 0);
		assert_int_equal(permission(PAGE_SIZE), HF_PERM_ALL);
	}
}

/* ---- random operations ---- */

#define OPERATIONS 20000
#define PAGES	   (CHANGE_LIMIT / PAGE_SIZE)

static u8 model[PAGES];

/* Both views together against the model, run by run. */
static void compare(u64 start, u64 end)
{
	u64 at, npages;

	for (at = start; at < end; at += npages * PAGE_SIZE) {
		u32 perm = views_run(&views, gpa(at), &npages);

		assert_int_not_equal(npages, 0);
		if (npages > (end - at) / PAGE_SIZE)
			npages = (end - at) / PAGE_SIZE;
		assert_int_equal(model[at / PAGE_SIZE], perm);
		assert_int_equal(
			memcmp(&model[at / PAGE_SIZE], &model[at / PAGE_SIZE + 1], npages - 1),
			0);
	}
}

/* What a mode may execute, and what it may do otherwise, are in its own view. */
static void compare_views(u64 at)
{
	const u32 both = HF_PERM_READ | HF_PERM_WRITE;
	u32 perm = model[at / PAGE_SIZE];

	assert_int_equal(views_execute(&views, VIEW_KERNEL, gpa(at)),
			 !!(perm & HF_PERM_KERNEL_EXEC));
	assert_int_equal(views_execute(&views, VIEW_USER, gpa(at)),
			 !!(perm & HF_PERM_USER_EXEC));
	for (u32 i = 0; i < VIEWS; i++)
		assert_int_equal(stage2_permission(&views.view[i], gpa(at), NULL) & both,
				 perm & both);
}

static void random_operation(void)
{
	const struct change c = change_next();
	const u64 start = c.start / PAGE_SIZE;

	switch (c.what) {
	case CHANGE_MERGE:
		views_merge(&views, gpa(c.start), c.npages);
		break;
	case CHANGE_PREPARE:
	case CHANGE_PROTECT:
		assert_int_equal(views_prepare(&views, gpa(c.start), c.npages), 0);
		if (c.what == CHANGE_PREPARE)
			break;
		views_protect(&views, gpa(c.start), c.npages, c.perm);
		memset(&model[start], (int)views_admissible(&views, c.perm), c.npages);
	}
	if (c.reclaim) {
		stage2_settle();
		views_reclaim(&views);
	}
	if (c.compare)
		compare(c.start, change_end(&c));
	compare_views(c.start);
	compare_views(change_end(&c) - PAGE_SIZE);
}

/* All formats have come to the same in the end. */
static void random_operations(void **ctx)
{
	static u8 first[PAGES];
	size_t s, i;

	(void)ctx;
	for (s = 0; s < ARRAY_SIZE(settings); s++) {
		struct hf_boot *boot;

		unit_seed(settings[s].format->name);
		fake_reset(settings[s].format);
		boot = fake_boot(1);
		ept_init(true, true);
		memset(model, 0, sizeof(model));
		assert_int_equal(pool_init(fake.chunks, boot->chunk_gpa, FAKE_CHUNKS, 0, 0), 0);
		assert_int_equal(views_init(&views, settings[s].format, settings[s].levels,
					    CHANGE_LIMIT, true),
				 0);
		for (i = 0; i < OPERATIONS; i++) {
			random_operation();
			if (i % 256 == 0)
				compare(0, CHANGE_LIMIT);
		}
		compare(0, CHANGE_LIMIT);
		if (s == 0)
			memcpy(first, model, sizeof(first));
		assert_memory_equal(first, model, sizeof(first));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_permission, teardown),
		cmocka_unit_test_teardown(runs, teardown),
		cmocka_unit_test_teardown(one_view, teardown),
		cmocka_unit_test_teardown(shared, teardown),
		cmocka_unit_test_teardown(random_operations, teardown),
	};

	return cmocka_run_group_tests_name("mem_views", tests, NULL, NULL);
}
