// SPDX-License-Identifier: GPL-2.0-only
/* Copies from and to guest memory, with a page in every state. */
#include <string.h>
#include <hv/guest.h>
#include <hv/owner.h>
#include "unit.h"

#define PAGE (8 * FAKE_MIB) /* RAM */

static struct owner_locked l;

static int setup(void **ctx)
{
	(void)ctx;
	unit_memory(&fake_format);
	return 0;
}

static int teardown(void **ctx)
{
	(void)ctx;
	fake_release();
	return 0;
}

static struct hf_range one(u64 page)
{
	return (struct hf_range){ .gpa = page, .npages = 1, .kind = HF_KIND_RODATA };
}

/* What can be read and written at @page, with the bytes to prove it. */
static void expect(u64 page, bool reads, bool writes)
{
	u64 in = 0x1122334455667788ull, out = 0;

	memset(fake.ram + PAGE, 0x77, PAGE_SIZE);
	assert_int_equal(guest_read(gpa(page + 8), &out, sizeof(out)), reads ? 0 : -HF_EFAULT);
	assert_true(out == (reads ? 0x7777777777777777ull : 0));
	assert_int_equal(guest_write(gpa(page + 8), &in, sizeof(in)), writes ? 0 : -HF_EFAULT);
	memcpy(&out, fake.ram + PAGE + 8, sizeof(out));
	assert_true(out == (writes ? in : 0x7777777777777777ull));
	assert_int_equal(fake.ram[PAGE + 7], 0x77);
	assert_int_equal(fake.ram[PAGE + 16], 0x77);
}

typedef int transition(struct owner_locked locked, const struct hf_range *ranges, u32 count);

static void states(void **ctx)
{
	static const struct {
		transition *begin;
		transition *end; /* back to GUEST */
	} state[] = {
		{ owner_seal, owner_open },
		{ owner_check_begin, owner_check_fail },
		{ owner_lend, owner_return },
		{ owner_seal, owner_release },
	};
	struct hf_range range = one(PAGE);
	size_t i;

	(void)ctx;
	expect(PAGE, true, true);
	for (i = 0; i < ARRAY_SIZE(state); i++) {
		assert_int_equal(state[i].begin(l, &range, 1), 0);
		expect(PAGE, true, false);
		assert_int_equal(state[i].end(l, &range, 1), 0);
		expect(PAGE, true, true);
	}
	assert_int_equal(owner_set_dma(l, gpa(PAGE), 1, true), 0);
	expect(PAGE, true, true);
	assert_int_equal(owner_set_dma(l, gpa(PAGE), 1, false), 0);
	assert_int_equal(owner_donate(l, &range, 1), 0);
	expect(PAGE, false, false);
}

static void claimed(void **ctx)
{
	struct hf_range range = one(PAGE);

	(void)ctx;
	assert_int_equal(owner_claim(l, &range, 1), 0);
	expect(PAGE, false, false);
}

/* No RAM, or none yet: the fake machine stops the test if it is touched. */
static void elsewhere(void **ctx)
{
	static const u64 page[] = {
		FAKE_LOW_END,	    FAKE_RAM_START - PAGE_SIZE,
		FAKE_HOTPLUG_START, FAKE_HOTPLUG_END,
		FAKE_HIGH_END,	    FAKE_LIMIT - PAGE_SIZE,
		FAKE_LIMIT,	    ~0ull - PAGE_SIZE + 1,
		48 * FAKE_MIB, /* ours */
		32 * FAKE_MIB,	    36 * FAKE_MIB - PAGE_SIZE,
	};
	struct hf_range hotplug = one(FAKE_HOTPLUG_START);
	u8 byte = 0;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(page); i++)
		expect(page[i], false, false);
	assert_int_equal(owner_add(l, &hotplug, 1), 0);
	assert_int_equal(guest_read(gpa(FAKE_HOTPLUG_START), &byte, 1), 0);
	assert_int_equal(guest_write(gpa(FAKE_HOTPLUG_START), &byte, 1), 0);
	assert_int_equal(guest_read(gpa(FAKE_HOTPLUG_START - 1), &byte, 1), 0);
	assert_int_equal(guest_read(gpa(FAKE_HOTPLUG_START + PAGE_SIZE), &byte, 1), -HF_EFAULT);
}

/* Within one page: to the last byte, not one more, whatever the size. */
static void bounds(void **ctx)
{
	static u8 buffer[2 * PAGE_SIZE];
	u64 offset, size;

	(void)ctx;
	for (offset = 0; offset < PAGE_SIZE; offset += 255) {
		for (size = 0; size <= 2 * PAGE_SIZE; size += 13) {
			int error = offset + size <= PAGE_SIZE ? 0 : -HF_EFAULT;

			assert_int_equal(guest_read(gpa(PAGE + offset), buffer, size), error);
			assert_int_equal(guest_write(gpa(PAGE + offset), buffer, size), error);
		}
	}
	assert_int_equal(guest_read(gpa(PAGE), buffer, PAGE_SIZE), 0);
	assert_int_equal(guest_read(gpa(PAGE), buffer, PAGE_SIZE + 1), -HF_EFAULT);
	assert_int_equal(guest_read(gpa(PAGE + 1), buffer, ~(size_t)0), -HF_EFAULT);
	assert_int_equal(guest_write(gpa(PAGE + 1), buffer, ~(size_t)0), -HF_EFAULT);
	assert_int_equal(guest_read(gpa(PAGE + PAGE_SIZE - 1), buffer, 2), -HF_EFAULT);
	assert_int_equal(guest_read(gpa(PAGE + PAGE_SIZE - 1), buffer, 1), 0);
}

/* What the kernel itself may write of sealed memory: data, and nothing else. */
static void stores(void **ctx)
{
	struct hf_range range = one(PAGE);
	u64 in = 0x1122334455667788ull, out;
	u32 kind;

	(void)ctx;
	assert_int_equal(guest_store(gpa(PAGE), &in, sizeof(in)), 0);
	assert_int_equal(guest_store(gpa(PAGE + PAGE_SIZE - 7), &in, sizeof(in)), -HF_EFAULT);
	assert_int_equal(guest_store(gpa(48 * FAKE_MIB), &in, 1), -HF_EFAULT); /* ours */
	for (kind = HF_KIND_NONE + 1; kind < HF_KIND_COUNT; kind++) {
		bool data = kind == HF_KIND_DATA;

		range.kind = kind;
		assert_int_equal(owner_seal(l, &range, 1), 0);
		memset(fake.ram + PAGE, 0x77, PAGE_SIZE);
		assert_int_equal(guest_store(gpa(PAGE), &in, sizeof(in)),
				 data ? 0 : -HF_EFAULT);
		memcpy(&out, fake.ram + PAGE, sizeof(out));
		assert_true(out == (data ? in : 0x7777777777777777ull));
		assert_int_equal(guest_write(gpa(PAGE), &in, sizeof(in)), -HF_EFAULT);
		assert_int_equal(owner_open(l, &range, 1), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(states, setup, teardown),
		cmocka_unit_test_setup_teardown(claimed, setup, teardown),
		cmocka_unit_test_setup_teardown(elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(stores, setup, teardown),
	};

	return cmocka_run_group_tests_name("mem_guest", tests, NULL, NULL);
}
