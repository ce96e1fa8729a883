// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <hv/pool.h>
#include "unit.h"

#define CHUNK_PAGES (HF_CHUNK_SIZE / PAGE_SIZE)
#define PAGES	    (FAKE_CHUNKS * CHUNK_PAGES)

static void *base;
static struct hf_boot *boot;

static int start(u64 used, u32 inject)
{
	return pool_init(base, boot->chunk_gpa, FAKE_CHUNKS, used, inject);
}

static int setup(void **ctx)
{
	(void)ctx;
	fake_reset(&fake_format);
	boot = fake_boot(1);
	base = fake.chunks;
	return start(3 * PAGE_SIZE, 0);
}

static int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

static bool is_zero(const u8 *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

static void arguments(void **ctx)
{
	u64 chunks[HF_CHUNKS_MAX + 1] = { 0 };

	(void)ctx;
	assert_int_equal(pool_init(base, chunks, 0, 0, 0), -HF_EINVAL);
	assert_int_equal(pool_init(base, chunks, HF_CHUNKS_MAX + 1, 0, 0), -HF_EINVAL);
	assert_int_equal(pool_init(base, chunks, 1, 1, 0), -HF_EINVAL);
	assert_int_equal(pool_init(base, chunks, 1, HF_CHUNK_SIZE + PAGE_SIZE, 0), -HF_EINVAL);
	assert_int_equal(pool_init(fake.chunks + 8, chunks, 1, 0, 0), -HF_EINVAL);
	chunks[0] = HF_CHUNK_SIZE / 2;
	assert_int_equal(pool_init(base, chunks, 1, 0, 0), -HF_EINVAL);
}

/* Every page once, zeroed, never one of the image; then no more. */
static void exhaust(void **ctx)
{
	static bool seen[PAGES];
	u64 i;

	(void)ctx;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(pool_total(), PAGES * PAGE_SIZE);
	assert_int_equal(pool_used(), 3 * PAGE_SIZE);
	for (i = 3; i < PAGES; i++) {
		u8 *page = pool_page();
		u64 number;

		assert_non_null(page);
		number = (u64)(page - fake.chunks) / PAGE_SIZE;
		assert_true(number >= 3 && number < PAGES && !seen[number]);
		assert_true(is_zero(page, PAGE_SIZE));
		assert_int_equal(pool_available(), PAGES - 1 - i);
		assert_int_equal(pool_used(), (i + 1) * PAGE_SIZE);
		seen[number] = true;
		memset(page, 0x5a, PAGE_SIZE);
	}
	assert_null(pool_page());
	assert_null(pool_pages(1));
	assert_null(pool_contiguous(1));
	pool_free(fake.chunks + 100 * PAGE_SIZE);
	assert_int_equal(pool_available(), 1);
	assert_ptr_equal(pool_page(), fake.chunks + 100 * PAGE_SIZE);
	assert_true(is_zero(fake.chunks + 100 * PAGE_SIZE, PAGE_SIZE)); /* zeroed again */
	assert_null(pool_page());
}

static void runs(void **ctx)
{
	u8 *a, *b, *c, *d;

	(void)ctx;
	a = pool_pages(5);
	assert_non_null(a);
	assert_true(is_zero(a, 5 * PAGE_SIZE));
	b = pool_contiguous(16); /* pages 16 .. 31; 8 .. 15 are left over */
	assert_ptr_equal(b, fake.chunks + 16 * PAGE_SIZE);
	assert_int_equal(pool_hpa(b).raw % (16 * PAGE_SIZE), 0);
	assert_true(is_zero(b, 16 * PAGE_SIZE));
	assert_int_equal(pool_used(), (3 + 5 + 16) * PAGE_SIZE);
	assert_int_equal(pool_available(), PAGES - 3 - 5 - 16);
	c = pool_page(); /* one of those left over */
	assert_true(c >= a + 5 * PAGE_SIZE && c < b);
	/* Over the boundary of chunks: one run in virtual memory, two in physical. */
	d = pool_pages(CHUNK_PAGES);
	assert_ptr_equal(d, b + 16 * PAGE_SIZE);
	assert_true(is_zero(d, HF_CHUNK_SIZE));
	assert_int_equal(pool_hpa(d).raw, boot->chunk_gpa[0] + 32 * PAGE_SIZE);
	assert_int_equal(pool_hpa(d + HF_CHUNK_SIZE - 1).raw,
			 boot->chunk_gpa[1] + 32 * PAGE_SIZE - 1);
	/* No aligned run of a chunk's size is left, and asking has cost nothing. */
	assert_null(pool_contiguous(CHUNK_PAGES));
	assert_int_equal(pool_available(), PAGES - 3 - 5 - 16 - 1 - CHUNK_PAGES);
	assert_null(pool_pages(~0ull));
	assert_null(pool_pages(~0ull / PAGE_SIZE + 2));
}

static void whole_chunk(void **ctx)
{
	u8 *chunk;

	(void)ctx;
	chunk = pool_contiguous(CHUNK_PAGES);
	assert_ptr_equal(chunk, fake.chunks + HF_CHUNK_SIZE);
	assert_int_equal(pool_hpa(chunk).raw, boot->chunk_gpa[1]);
	assert_int_equal(pool_available(), CHUNK_PAGES - 3);
	assert_true(fake_halts(pool_contiguous(3)));
	assert_true(fake_halts(pool_contiguous(0)));
	assert_true(fake_halts(pool_contiguous(2 * CHUNK_PAGES)));
}

static void addresses(void **ctx)
{
	u64 offset;

	(void)ctx;
	for (offset = 0; offset < PAGES * PAGE_SIZE; offset += 1237) {
		struct hpa address = pool_hpa(fake.chunks + offset);

		assert_int_equal(address.raw, boot->chunk_gpa[offset / HF_CHUNK_SIZE] +
						      offset % HF_CHUNK_SIZE);
		assert_ptr_equal(pool_va(address), fake.chunks + offset);
	}
	assert_true(fake_halts(pool_hpa(fake.chunks + PAGES * PAGE_SIZE)));
	assert_true(fake_halts(pool_hpa(fake.chunks - 1)));
	assert_true(fake_halts(pool_va(hpa(boot->chunk_gpa[0] - 1))));
	assert_true(fake_halts(pool_va(hpa(boot->chunk_gpa[0] + HF_CHUNK_SIZE))));
	assert_true(fake_halts(pool_va(hpa(0))));
}

/* Bugs of ours: pages that are not the pool's, the image's, or never given out. */
static void wrong_free(void **ctx)
{
	u8 *page = pool_page();

	(void)ctx;
	assert_true(fake_halts(pool_free(page + 8)));
	assert_true(fake_halts(pool_free(page + PAGE_SIZE)));
	assert_true(fake_halts(pool_free(fake.chunks + 2 * PAGE_SIZE)));
	assert_true(fake_halts(pool_free(fake.chunks - PAGE_SIZE)));
	assert_true(fake_halts(pool_free(fake.chunks + PAGES * PAGE_SIZE)));
}

/* The n-th allocation fails, whatever kind it is, and no other. */
static void injection(void **ctx)
{
	u32 n, i;

	(void)ctx;
	for (n = 1; n <= 6; n++) {
		assert_int_equal(start(0, n), 0);
		assert_int_equal(pool_available(), n - 1);
		for (i = 1; i <= 8; i++) {
			void *page = i % 3 == 0	  ? pool_pages(2)
				     : i % 3 == 1 ? pool_page()
						  : pool_contiguous(2);

			assert_int_equal(page == NULL, i == n);
		}
		assert_true(pool_available() > 1000);
	}
}

static void random_use(void **ctx)
{
	static u8 *held[PAGES];
	u64 count = 0;
	int i;

	(void)ctx;
	unit_seed("pool");
	for (i = 0; i < 20000; i++) {
		if (count < PAGES - 3 && unit_below(100) < 55) {
			u8 *page = pool_page();

			assert_non_null(page);
			assert_true(is_zero(page, PAGE_SIZE));
			memset(page, (int)(count % 255) + 1, PAGE_SIZE);
			held[count++] = page;
		} else if (count) {
			u64 at = unit_below(count);

			/* Nobody else has written to it. */
			assert_int_equal(memcmp(held[at], held[at] + 1, PAGE_SIZE - 1), 0);
			pool_free(held[at]);
			held[at] = held[--count];
		}
		assert_int_equal(pool_used(), (3 + count) * PAGE_SIZE);
		assert_int_equal(pool_available(), PAGES - 3 - count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(exhaust, setup, teardown),
		cmocka_unit_test_setup_teardown(runs, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_chunk, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_free, setup, teardown),
		cmocka_unit_test_setup_teardown(injection, setup, teardown),
		cmocka_unit_test_setup_teardown(random_use, setup, teardown),
	};

	return cmocka_run_group_tests_name("mem_pool", tests, NULL, NULL);
}
