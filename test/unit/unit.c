// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <hv/backend.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include "unit.h"

static u64 state;

void unit_seed(const char *what)
{
	const char *seed = getenv("HF_SEED");

	state = seed ? strtoull(seed, NULL, 0) : 1;
	print_message("%s: HF_SEED=%llu\n", what, (unsigned long long)state);
}

/* splitmix64: any seed is as good as another. */
u64 unit_random(void)
{
	u64 z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

u64 unit_below(u64 n)
{
	return unit_random() % n;
}

struct hf_boot *unit_memory(const struct stage2_format *format)
{
	struct hf_boot *boot;

	fake_reset(format);
	boot = fake_boot(2);
	assert_int_equal(backend_probe(boot), 0);
	assert_int_equal(pool_init((void *)(uintptr_t)boot->base, boot->chunk_gpa,
				   boot->chunk_count, UNIT_IMAGE, 0),
			 0);
	assert_int_equal(owner_init(boot), 0);
	assert_int_equal(backend_init(boot), 0);
	return boot;
}
