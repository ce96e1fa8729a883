// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker, on every format, against a flat model: one byte a page that holds the permission.
 * stage2.c is compiled with trace.h, so that each store to a table is judged when it happens.
 */
#include <string.h>
#include <hv/arch/arm64/s2.h>
#include <hv/arch/x86/svm/npt.h>
#include <hv/arch/x86/vmx/ept.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include "changes.h"
#include "unit.h"

#define GIB   CHANGE_GIB
#define LIMIT CHANGE_LIMIT
#define PAGES (LIMIT / PAGE_SIZE)

#define OPERATIONS 100000

struct setting {
	const struct stage2_format *format;
	unsigned int levels;
};

/* The last: what is said of blocks does not hold for it. */
static const struct setting settings[] = {
	{ &fake_format, 4 },	  { &fake_plain_format, 3 }, { &fake_break_format, 5 },
	{ &npt_format, 4 },	  { &npt_format, 5 },	     { &ept_format, 4 },
	{ &ept_modes_format, 4 }, { &npt_gmet_format, 4 },   { &s2_format, 4 },
	{ &s2_plain_format, 4 },  { &fake_picky_format, 4 },
};

#define for_each_setting(s) for (s = settings; s < settings + ARRAY_SIZE(settings) - 1; s++)
#define for_all_settings(s) for (s = settings; s < settings + ARRAY_SIZE(settings); s++)

/* In the place of the backend's, which is instructions. */
void s2_forget_everywhere(void)
{
	fake.broken++;
}

static const struct stage2_format *format;
static struct stage2 s2;
static u8 model[PAGES];

static u64 span_of(unsigned int level)
{
	return PAGE_SIZE << 9 * (level - 1);
}

/* As after a shoot-down. */
static void reclaim(void)
{
	stage2_settle();
	stage2_reclaim(&s2);
}

/* ---- every store, when it happens ---- */

#define POOL_PAGES (FAKE_CHUNKS * HF_CHUNK_SIZE / PAGE_SIZE)

/*
 * @level:	of each page of the pool that is a table, 0 for others
 * @cleared:	the entry that was made invalid last, what it was before, and how often entries had
 *		been forgotten until then
 * @merged:	the table that was replaced last
 */
static struct {
	u8 level[POOL_PAGES];
	u64 *cleared;
	u64 before;
	u64 forgotten;
	u64 *merged;
	u64 splits;
	u64 merges;
} trace;

static u8 *level_of(const void *table)
{
	return &trace.level[((uintptr_t)table - (uintptr_t)fake.chunks) / PAGE_SIZE];
}

static bool valid(u64 entry, unsigned int level)
{
	return format->is_leaf(entry, level) || format->is_table(entry, level);
}

static u32 leaf_permission(u64 entry, unsigned int level)
{
	return format->is_leaf(entry, level) ? format->permission(entry) : 0;
}

/* All of the table says @perm, so that it can stand for a block or a block for it. */
static void assert_uniform(const u64 *table, unsigned int level, u32 perm)
{
	int i;

	for (i = 0; i < STAGE2_ENTRIES; i++) {
		assert_false(format->is_table(table[i], level));
		assert_int_equal(leaf_permission(table[i], level), perm);
	}
}

/* A table takes the place of a block, or of nothing: filled already, and saying the same. */
static void judge_split(u64 before, u64 value, unsigned int level)
{
	u64 *child = pool_va(format->address(value, level));

	assert_false(format->is_table(before, level));
	assert_uniform(child, level - 1, leaf_permission(before, level));
	*level_of(child) = (u8)(level - 1);
	trace.splits++;
}

/* The other way round. */
static void judge_merge(u64 before, u64 value, unsigned int level)
{
	u64 *child = pool_va(format->address(before, level));

	assert_uniform(child, level - 1, leaf_permission(value, level));
	trace.merged = child;
	trace.merges++;
}

void trace_store(uint64_t *entry, uint64_t value)
{
	u64 *table = (u64 *)((uintptr_t)entry & ~(uintptr_t)PAGE_MASK);
	unsigned int level = *level_of(table);
	bool broken = entry == trace.cleared && fake.broken != trace.forgotten;
	u64 before = broken ? trace.before : *entry;

	assert_int_not_equal(level, 0);
	/* From block to table or back: not without being forgotten as invalid. */
	if (format->broken && valid(*entry, level) && valid(value, level))
		assert_int_equal(format->is_table(*entry, level),
				 format->is_table(value, level));
	/* The link of a table in limbo: nothing may lead there any more. */
	if (value && !valid(value, level))
		assert_ptr_equal(table, trace.merged);
	if (format->broken && valid(*entry, level) && !value) {
		trace.cleared = entry;
		trace.before = *entry;
		trace.forgotten = fake.broken;
	} else {
		if (format->is_table(value, level))
			judge_split(before, value, level);
		else if (format->is_table(before, level))
			judge_merge(before, value, level);
		trace.cleared = NULL;
	}
	__atomic_store(entry, &value, __ATOMIC_RELEASE);
}

/* ---- comparison with the model ---- */

struct comparison {
	u64 at; /* address that must come next */
};

static int compare_entry(struct stage2 *table, const struct stage2_visit *visit, void *context)
{
	struct comparison *c = context;
	u64 entry = *visit->entry;
	u64 page = visit->start.raw / PAGE_SIZE;
	u64 npages = span_of(visit->level) / PAGE_SIZE;
	u32 perm;

	(void)table;
	if (format->is_table(entry, visit->level)) {
		assert_true(visit->level > 1);
		return 0;
	}
	assert_int_equal(visit->start.raw, c->at);
	c->at += npages * PAGE_SIZE;
	if (format->is_leaf(entry, visit->level)) {
		assert_true(visit->level <= format->max_block);
		assert_true(!format->fits ||
			    format->fits(hpa(visit->start.raw), format->permission(entry),
					 visit->level));
		assert_int_equal(format->address(entry, visit->level).raw, visit->start.raw);
	} else {
		assert_int_equal(entry, 0);
	}
	if (page >= PAGES) /* an entry above the largest block may cover more than the limit */
		return 0;
	if (npages > PAGES - page)
		npages = PAGES - page;
	perm = leaf_permission(entry, visit->level);
	assert_int_equal(model[page], perm);
	assert_int_equal(memcmp(&model[page], &model[page + 1], npages - 1), 0);
	return 0;
}

/* All entries that cover [start, end) against the model, byte by byte. */
static void compare(u64 start, u64 end)
{
	struct comparison c = { 0 };
	unsigned int level;

	stage2_permission(&s2, gpa(start), &level);
	c.at = start & ~(span_of(level) - 1);
	assert_int_equal(
		stage2_walk(&s2, gpa(start), (end - start) / PAGE_SIZE, compare_entry, &c), 0);
	assert_true(c.at >= end);
}

static void compare_around(u64 start, u64 end)
{
	u64 margin = 2 * FAKE_MIB;

	compare(start > margin ? start - margin : 0,
		end + margin < LIMIT ? end + margin : LIMIT);
}

/* ---- operations, on tables and model alike ---- */

static int protect(u64 start, u64 npages, u32 perm)
{
	int error = stage2_prepare(&s2, gpa(start), npages);

	if (error)
		return error;
	stage2_protect(&s2, gpa(start), npages, perm);
	memset(&model[start / PAGE_SIZE], (int)format->admissible(perm), npages);
	return 0;
}

/* Nothing refers to merged tables any more: the host has no TLB. */
static void merge(u64 start, u64 npages)
{
	stage2_merge(&s2, gpa(start), npages);
}

static int setup_ept(void **ctx)
{
	(void)ctx;
	ept_init(true, true);
	return 0;
}

static void begin(const struct setting *setting)
{
	struct hf_boot *boot;

	fake_reset(setting->format);
	format = setting->format;
	boot = fake_boot(1);
	memset(&trace, 0, sizeof(trace));
	memset(model, 0, sizeof(model));
	assert_int_equal(pool_init(fake.chunks, boot->chunk_gpa, FAKE_CHUNKS, 0, 0), 0);
	assert_int_equal(stage2_init(&s2, format, setting->levels, LIMIT), 0);
	*level_of(s2.root) = (u8)setting->levels;
}

static int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

/* ---- tests ---- */

static void arguments(void **ctx)
{
	(void)ctx;
	begin(&settings[0]);
	assert_int_equal(stage2_init(&s2, format, 2, GIB), -HF_EINVAL);
	assert_int_equal(stage2_init(&s2, format, 6, GIB), -HF_EINVAL);
	assert_int_equal(stage2_init(&s2, format, 4, 0), -HF_EINVAL);
	assert_int_equal(stage2_init(&s2, format, 4, GIB + PAGE_SIZE), -HF_EINVAL);
	assert_int_equal(stage2_init(&s2, format, 3, 512 * GIB), 0);
	assert_int_equal(stage2_init(&s2, format, 3, 513 * GIB), -HF_EINVAL);
	assert_int_equal(stage2_init(&s2, format, 5, 1ull << 57), 0);
	while (pool_page())
		;
	assert_int_equal(stage2_init(&s2, format, 4, GIB), -HF_ENOMEM);
}

/* Misuse is a bug of ours and stops the machine, rather than to protect something else. */
static void misuse(void **ctx)
{
	(void)ctx;
	begin(&settings[0]);
	assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
	assert_true(fake_halts(stage2_protect(&s2, gpa(PAGE_SIZE), 1, HF_PERM_READ)));
	assert_true(fake_halts(stage2_prepare(&s2, gpa(PAGE_SIZE), 0)));
	assert_true(fake_halts(stage2_prepare(&s2, gpa(8), 1)));
	assert_true(fake_halts(stage2_prepare(&s2, gpa(LIMIT), 1)));
	assert_true(fake_halts(stage2_prepare(&s2, gpa(0), PAGES + 1)));
	assert_true(fake_halts(stage2_prepare(&s2, gpa(PAGE_SIZE), ~0ull / PAGE_SIZE)));
	compare(0, LIMIT);
}

/* Tables of this level and above that cover @bytes from 0 on. */
static u64 tables_down_to(unsigned int level, unsigned int levels, u64 bytes)
{
	u64 count = 0;

	for (; level <= levels; level++)
		count += (bytes + span_of(level + 1) - 1) / span_of(level + 1);
	return count;
}

/* The largest block everywhere, and no table but those above it: prepared, mapped, cut. */
static void large_blocks(void **ctx)
{
	const struct setting *s;

	(void)ctx;
	for_each_setting(s)
	{
		u64 tables = tables_down_to(s->format->max_block, s->levels, LIMIT);
		unsigned int level;
		u64 at;

		begin(s);
		assert_int_equal(protect(0, PAGES, HF_PERM_READ | HF_PERM_WRITE), 0);
		for (at = 0; at < LIMIT; at += 2 * FAKE_MIB) {
			assert_int_equal(stage2_permission(&s2, gpa(at), &level),
					 HF_PERM_READ | HF_PERM_WRITE);
			assert_int_equal(level, s->format->max_block);
		}
		assert_int_equal(pool_used() / PAGE_SIZE, tables);
		assert_int_equal(protect(0, PAGES, HF_PERM_READ), 0);
		assert_int_equal(pool_used() / PAGE_SIZE, tables);
		compare(0, LIMIT);
		assert_int_equal(stage2_permission(&s2, gpa(LIMIT), NULL), 0);
		assert_int_equal(stage2_permission(&s2, gpa(~0ull), NULL), 0);
		/* The same indices as address 0. */
		assert_int_equal(stage2_permission(&s2, gpa(span_of(s->levels + 1)), NULL), 0);
	}
}

/* As large as the seam allows. With 2 MiB blocks it cannot fit, and fails cleanly. */
static void large_space(void **ctx)
{
	static const struct setting large[] = { { &fake_format, 4 },
						{ &fake_format, 5 },
						{ &fake_break_format, 4 } };
	u64 pages = (1ull << 48) / PAGE_SIZE;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(large); i++) {
		bool fits = large[i].format->max_block == 3;
		unsigned int level;

		begin(&large[i]);
		assert_int_equal(stage2_init(&s2, format, large[i].levels, 1ull << 48), 0);
		*level_of(s2.root) = (u8)large[i].levels;
		assert_int_equal(stage2_prepare(&s2, gpa(0), pages), fits ? 0 : -HF_ENOMEM);
		assert_int_equal(stage2_permission(&s2, gpa((1ull << 48) - PAGE_SIZE), NULL),
				 0);
		if (!fits)
			continue;
		stage2_protect(&s2, gpa(0), pages, HF_PERM_ALL);
		assert_int_equal(stage2_permission(&s2, gpa((1ull << 48) - PAGE_SIZE), &level),
				 HF_PERM_ALL);
		assert_int_equal(level, 3);
	}
}

/* One page cut out of a block costs a table a level, and gives them back. */
static void split_and_merge(void **ctx)
{
	const struct setting *s;

	(void)ctx;
	for_each_setting(s)
	{
		u64 page = GIB + 5 * 2 * FAKE_MIB + 7 * PAGE_SIZE;
		unsigned int level;
		u64 used, npages;

		begin(s);
		assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
		used = pool_used();
		assert_int_equal(protect(page, 1, HF_PERM_READ), 0);
		assert_int_equal((pool_used() - used) / PAGE_SIZE, s->format->max_block - 1);
		assert_int_equal(stage2_permission(&s2, gpa(page), &level), HF_PERM_READ);
		assert_int_equal(level, 1);
		stage2_permission(&s2, gpa(page + PAGE_SIZE), &level);
		assert_int_equal(level, 1);
		stage2_permission(&s2, gpa(page + 2 * FAKE_MIB), &level);
		assert_int_equal(level, 2);
		stage2_permission(&s2, gpa(page + GIB), &level);
		assert_int_equal(level, s->format->max_block);
		/* How far each of them reaches from the page on. */
		assert_int_equal(stage2_run(&s2, gpa(page), &npages), HF_PERM_READ);
		assert_int_equal(npages, 1);
		assert_int_equal(stage2_run(&s2, gpa(page + 2 * FAKE_MIB), &npages),
				 HF_PERM_ALL);
		assert_int_equal(npages, 512 - 7);
		stage2_run(&s2, gpa(page + GIB), &npages);
		assert_int_equal(npages, s->format->max_block == 3
						 ? GIB / PAGE_SIZE - 5 * 512 - 7
						 : 512 - 7);
		compare(0, LIMIT);
		/* Not uniform: merging leaves it as it is. */
		merge(page, 1);
		stage2_permission(&s2, gpa(page), &level);
		assert_int_equal(level, 1);
		assert_int_equal(protect(page, 1, HF_PERM_ALL), 0);
		merge(page, 1);
		stage2_permission(&s2, gpa(page), &level);
		assert_int_equal(level, s->format->max_block);
		compare(0, LIMIT);
		/* Tables wait for the flush, then they are free. */
		assert_int_not_equal(pool_used(), used);
		reclaim();
		assert_int_equal(pool_used(), used);
		assert_int_equal(trace.splits - trace.merges,
				 tables_down_to(s->format->max_block, s->levels, LIMIT) - 1);
	}
}

/* Between merge and reclaim no table in limbo is handed out again or looks like a mapping. */
static void limbo(void **ctx)
{
	unsigned int level;
	u64 *table;

	(void)ctx;
	begin(&settings[0]);
	assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
	assert_int_equal(protect(0, 1, HF_PERM_READ), 0);
	assert_int_equal(protect(0, 1, HF_PERM_ALL), 0);
	merge(0, 1);
	assert_non_null(s2.limbo);
	for (table = s2.limbo; table; table = (u64 *)(uintptr_t)table[0]) {
		level = *level_of(table);
		assert_false(valid(table[0], level));
		assert_int_equal(leaf_permission(table[1], level), HF_PERM_ALL);
	}
	table = s2.limbo;
	assert_ptr_not_equal(pool_page(), table);
	reclaim();
	assert_null(s2.limbo);
}

/* Accessed and dirty bits that hardware sets do not keep blocks from merging. */
static void hardware_bits(void **ctx)
{
	unsigned int level;
	u64 *leaf;

	(void)ctx;
	begin(&settings[0]);
	assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
	assert_int_equal(protect(0, 1, HF_PERM_READ), 0);
	leaf = pool_va(format->address(s2.root[0], 4));
	leaf = pool_va(format->address(leaf[0], 3));
	leaf = pool_va(format->address(leaf[0], 2));
	leaf[3] |= BIT(60);
	assert_int_equal(protect(0, 1, HF_PERM_ALL), 0);
	merge(0, 1);
	stage2_permission(&s2, gpa(0), &level);
	assert_int_equal(level, 3);
}

/*
 * prepare with memory for n tables, n = 0, 1, ...: -ENOMEM and no permission changed, until
 * there is enough; then protect needs no more.
 */
static void no_memory(void **ctx)
{
	static u64 *held[POOL_PAGES];
	const struct setting *s;

	(void)ctx;
	for_each_setting(s)
	{
		/* From nothing and from blocks, within one and over several. */
		static const u64 range[][2] = {
			{ 3 * PAGE_SIZE, 1 },
			{ 5 * PAGE_SIZE, 2 * GIB / PAGE_SIZE },
			{ GIB - PAGE_SIZE, 2 },
			{ 2 * FAKE_MIB, 512 },
		};
		size_t r, mapped;

		for (mapped = 0; mapped < 2; mapped++) {
			for (r = 0; r < ARRAY_SIZE(range); r++) {
				u64 count = 0, allowed = 0, before;
				int error;

				begin(s);
				if (mapped)
					assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
				while ((held[count] = pool_page()))
					count++;
				do {
					error = stage2_prepare(&s2, gpa(range[r][0]),
							       range[r][1]);
					compare(0, LIMIT);
					if (error) {
						assert_int_equal(error, -HF_ENOMEM);
						assert_int_equal(pool_available(), 0);
						pool_free(held[--count]);
						allowed++;
					}
				} while (error);
				assert_int_equal(pool_available(), 0);
				assert_true(allowed <= 2u * s->levels);
				before = pool_used();
				assert_int_equal(
					protect(range[r][0], range[r][1], HF_PERM_READ), 0);
				assert_int_equal(pool_used(), before);
				compare(0, LIMIT);
			}
		}
	}
}

static int stop_at(struct stage2 *table, const struct stage2_visit *visit, void *context)
{
	u64 *left = context;

	(void)table;
	(void)visit;
	return --*left ? 0 : -HF_EAGAIN;
}

/* The walker stops where it is told to, and meets exactly the entries of the range. */
static void walk(void **ctx)
{
	u64 left;

	(void)ctx;
	begin(&settings[0]);
	assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
	left = 2;
	assert_int_equal(stage2_walk(&s2, gpa(0), 1, stop_at, &left), -HF_EAGAIN);
	left = 100;
	assert_int_equal(stage2_walk(&s2, gpa(0), 1, stop_at, &left), 0);
	assert_int_equal(100 - left, 2); /* root, 1 GiB */
	left = 100;
	assert_int_equal(stage2_walk(&s2, gpa(GIB - PAGE_SIZE), 2, stop_at, &left), 0);
	assert_int_equal(100 - left, 3); /* root, two of 1 GiB */
	left = 100;
	assert_int_equal(stage2_walk(&s2, gpa(GIB), GIB / PAGE_SIZE, stop_at, &left), 0);
	assert_int_equal(100 - left, 2);
}

/* ---- random operations ---- */

static void random_operation(void)
{
	const struct change c = change_next();

	switch (c.what) {
	case CHANGE_PREPARE:
		assert_int_equal(stage2_prepare(&s2, gpa(c.start), c.npages), 0);
		break;
	case CHANGE_MERGE:
		merge(c.start, c.npages);
		break;
	case CHANGE_PROTECT:
		assert_int_equal(protect(c.start, c.npages, c.perm), 0);
	}
	if (c.reclaim)
		reclaim();
	if (c.compare)
		compare_around(c.start, change_end(&c));
	assert_int_equal(stage2_permission(&s2, gpa(c.start), NULL),
			 model[c.start / PAGE_SIZE]);
	assert_int_equal(stage2_permission(&s2, gpa(change_end(&c) - PAGE_SIZE), NULL),
			 model[change_end(&c) / PAGE_SIZE - 1]);
}

static void random_operations(void **ctx)
{
	const struct setting *s;

	(void)ctx;
	for_all_settings(s)
	{
		u64 i;

		unit_seed(s->format->name);
		begin(s);
		for (i = 0; i < OPERATIONS; i++) {
			random_operation();
			if (i % 256 == 0)
				compare(0, LIMIT);
		}
		compare(0, LIMIT);
		print_message("%s, %u levels: %llu splits, %llu merges\n", s->format->name,
			      s->levels, (unsigned long long)trace.splits,
			      (unsigned long long)trace.merges);
		assert_true(trace.splits > 1000 && trace.merges > 1000);
		/* No table is lost: uniform again, only the tables above the blocks are left.
		 */
		assert_int_equal(protect(0, PAGES, HF_PERM_ALL), 0);
		merge(0, PAGES);
		reclaim();
		compare(0, LIMIT);
		if (s->format != &fake_picky_format)
			assert_int_equal(
				pool_used() / PAGE_SIZE,
				tables_down_to(s->format->max_block, s->levels, LIMIT));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(arguments, teardown),
		cmocka_unit_test_teardown(misuse, teardown),
		cmocka_unit_test_teardown(large_blocks, teardown),
		cmocka_unit_test_teardown(large_space, teardown),
		cmocka_unit_test_teardown(split_and_merge, teardown),
		cmocka_unit_test_teardown(limbo, teardown),
		cmocka_unit_test_teardown(hardware_bits, teardown),
		cmocka_unit_test_teardown(no_memory, teardown),
		cmocka_unit_test_teardown(walk, teardown),
		cmocka_unit_test_teardown(random_operations, teardown),
	};

	return cmocka_run_group_tests_name("mem_stage2", tests, setup_ept, NULL);
}
