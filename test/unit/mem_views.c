// SPDX-License-Identifier: GPL-2.0-only
/* Two views of the guest's memory; what comes of sequences of changes is mem_owner's. */
#include <hv/arch/x86/svm/npt.h>
#include <hv/arch/x86/vmx/ept.h>
#include <hv/pool.h>
#include <hv/views.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_permission, teardown),
		cmocka_unit_test_teardown(runs, teardown),
		cmocka_unit_test_teardown(one_view, teardown),
		cmocka_unit_test_teardown(shared, teardown),
	};

	return cmocka_run_group_tests_name("mem_views", tests, NULL, NULL);
}
