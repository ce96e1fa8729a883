// SPDX-License-Identifier: GPL-2.0-only
/* A CPU's way between the two views of memory, and what is made of them at launch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <holdfast/range.h>
#include <hv/arch/x86/common/tables.h>
#include <hv/arch/x86/svm/npt.h>
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/panic.h>
#include <hv/pool.h>

#define LIMIT (1ull << 46)
#define MIB   (1ull << 20)
#define GIB   (1ull << 30)
#define DATA  (HF_PERM_READ | HF_PERM_WRITE)

/* Of the guest's memory after lock. */
#define TEXT   (2 * MIB)
#define DEVICE (3 * GIB)
#define PLAIN  (16 * MIB)
#define OURS   (32 * MIB)

struct platform platform;

static const struct {
	u64 start, end;
	u32 perm;
} runs[] = {
	{ 0, TEXT, OWNER_CONFINED },
	{ TEXT, 2 * TEXT, HF_PERM_READ | HF_PERM_KERNEL_EXEC },
	{ 2 * TEXT, OURS, OWNER_CONFINED },
	{ OURS, 2 * OURS, 0 },
	{ 2 * OURS, DEVICE, OWNER_CONFINED },
	{ DEVICE, LIMIT, DATA },
};

static struct vcpu vcpu;
static struct state state;
static struct hpa roots[VIEWS];
static u32 loads;

/* ---- what the backend and the tables call ---- */

struct gpa backend_gpa_limit(void)
{
	return gpa(LIMIT);
}

int owner_for_each_run(struct gpa limit,
		       int (*fn)(struct gpa start, u64 npages, u32 perm, void *ctx), void *ctx)
{
	size_t i;
	int error = 0;

	assert_int_equal(limit.raw, LIMIT);
	for (i = 0; i < ARRAY_SIZE(runs) && !error; i++)
		error = fn(gpa(runs[i].start), (runs[i].end - runs[i].start) / PAGE_SIZE,
			   runs[i].perm, ctx);
	return error;
}

void tables_load(struct vcpu *v)
{
	assert_ptr_equal(v, &vcpu);
	loads++;
}

_Noreturn void panic(const char *format, ...)
{
	fail_msg("%s", format);
	abort();
}

/* ---- tests ---- */

static u8 *chunks;

static void begin(bool two)
{
	static const u64 at[] = { 0x40000000 };

	if (!chunks)
		chunks = aligned_alloc(HF_CHUNK_SIZE, HF_CHUNK_SIZE);
	assert_non_null(chunks);
	assert_int_equal(pool_init(chunks, at, 1, 0, 0), 0);
	platform = (struct platform){ .two_tables = two };
	vcpu = (struct vcpu){ .state = &state };
	loads = 0;
	assert_int_equal(tables_init(&npt_format, 4, roots), 0);
}

/* Whether a fetch at @at that was refused is settled by going over to another view. */
static bool crosses(u8 cpl, u64 at)
{
	struct x86_exit e = { .exit.kind = HF_EXIT_MEMORY };
	u32 before = loads;

	state.cpl = cpl;
	tables_on_fetch(&vcpu, &e, gpa(at));
	assert_int_equal(e.settled, loads - before);
	assert_int_equal(e.exit.kind, e.settled ? HF_EXIT_VIEW : HF_EXIT_MEMORY);
	return e.settled;
}

static void to_and_fro(void **ctx)
{
	(void)ctx;
	begin(true);
	assert_int_not_equal(roots[VIEW_KERNEL].raw, roots[VIEW_USER].raw);
	assert_int_equal(vcpu.view, VIEW_KERNEL);
	assert_true(crosses(3, PLAIN));
	assert_int_equal(vcpu.view, VIEW_USER);
	assert_true(crosses(0, TEXT));
	assert_int_equal(vcpu.view, VIEW_KERNEL);
	assert_true(crosses(3, 0));
	assert_true(crosses(1, TEXT + 0xfff));
	assert_int_equal(vcpu.view, VIEW_KERNEL);
}

/* Who may not execute a page in its own mode's view stays where he is, and the core decides. */
static void violations(void **ctx)
{
	static const u64 never[] = { OURS, DEVICE, LIMIT - 1, LIMIT, ~0ull };
	size_t i;
	u32 view;

	(void)ctx;
	begin(true);
	for (view = 0; view < VIEWS; view++) {
		vcpu.view = (u8)view;
		for (i = 0; i < ARRAY_SIZE(never); i++) {
			assert_false(crosses(0, never[i]));
			assert_false(crosses(3, never[i]));
		}
		assert_false(crosses(0, PLAIN));
		assert_false(crosses(2, PLAIN));
		assert_false(crosses(3, TEXT));
		assert_int_equal(vcpu.view, view);
	}
	/* Permitted, and in the right view: an older translation, which is the core's affair. */
	vcpu.view = VIEW_USER;
	assert_false(crosses(3, PLAIN));
	vcpu.view = VIEW_KERNEL;
	assert_false(crosses(0, TEXT));
}

static void permissions(void **ctx)
{
	size_t i;
	u64 npages;

	(void)ctx;
	begin(true);
	for (i = 0; i < ARRAY_SIZE(runs); i++) {
		assert_int_equal(backend_stage2_permission(gpa(runs[i].start)), runs[i].perm);
		assert_int_equal(backend_stage2_permission(gpa(runs[i].end - 1)), runs[i].perm);
	}
	assert_int_equal(backend_stage2_run(gpa(LIMIT - GIB), &npages), DATA);
	assert_int_equal(backend_stage2_admissible(OWNER_CONFINED), OWNER_CONFINED);
	assert_int_equal(backend_stage2_prepare(gpa(TEXT), 1), 0);
	backend_stage2_protect(gpa(TEXT), 1, HF_PERM_READ);
	assert_int_equal(backend_stage2_permission(gpa(TEXT)), HF_PERM_READ);
	assert_false(crosses(0, TEXT));
}

/* One view: no CPU goes anywhere. What the second costs is little, for most of it is shared. */
static void one_view(void **ctx)
{
	u64 one;

	(void)ctx;
	begin(false);
	one = pool_used();
	assert_int_equal(roots[VIEW_KERNEL].raw, roots[VIEW_USER].raw);
	assert_false(crosses(3, PLAIN));
	assert_false(crosses(0, TEXT));
	assert_int_equal(backend_stage2_admissible(OWNER_CONFINED), HF_PERM_ALL);
	begin(true);
	assert_true(pool_used() > one);
	assert_true(pool_used() - one < 16 * PAGE_SIZE);
}

static int teardown(void **ctx)
{
	(void)ctx;
	free(chunks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_and_fro),
		cmocka_unit_test(violations),
		cmocka_unit_test(permissions),
		cmocka_unit_test(one_view),
	};

	return cmocka_run_group_tests_name("x86_tables", tests, NULL, teardown);
}
