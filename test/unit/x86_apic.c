// SPDX-License-Identifier: GPL-2.0-only
/* What writes to interrupt controllers ask for, and whom they reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/x86/common/apic.h>
#include <hv/arch/x86/common/host.h>
#include <hv/arch/x86/common/ioapic.h>
#include <hv/lock.h>
#include <hv/owner.h>
#include "fake_cpu.h"

#define OTHER_REGISTER 0x12345678u

static u32 apic[PAGE_SIZE / 4];
static u32 page[2][PAGE_SIZE / 4];
static u32 pages, guards;
static u64 guarded[4];
static bool held;

volatile u32 *host_apic(void)
{
	return apic;
}

volatile u32 *host_map_device(u64 at)
{
	assert_int_equal(at & PAGE_MASK, 0);
	return pages < 2 ? page[pages++] : NULL;
}

int owner_guard(struct gpa start, u64 npages)
{
	assert_int_equal(npages, 1);
	guarded[guards++] = start.raw;
	return 0;
}

/* What the window shows may change whenever the lock is free. */
static u32 intruder;

void lock_acquire(struct lock *lock, struct cpu *cpu)
{
	(void)lock;
	(void)cpu;
	assert_false(held);
	held = true;
	if (intruder)
		page[0][0] = intruder;
}

void lock_release(struct lock *lock)
{
	(void)lock;
	assert_true(held);
	held = false;
}

static int setup(void **ctx)
{
	(void)ctx;
	fake_cpu_reset();
	fake_cpu_set_msr(MSR_APIC_BASE, 0xfee00900);
	memset(apic, 0, sizeof(apic));
	memset(page, 0, sizeof(page));
	pages = guards = intruder = 0;
	return 0;
}

/* ---- the local APIC ---- */

static void commands(void **ctx)
{
	static const struct {
		u32 low;
		u8 request;
	} table[] = {
		{ 0x000fd, DEVICE_STORE }, /* fixed */
		{ 0x008fd, DEVICE_STORE },
		{ 0x001fd, DEVICE_STORE }, /* lowest priority */
		{ 0x00200, DEVICE_OTHER }, /* SMI */
		{ 0x00300, DEVICE_OTHER },
		{ 0x00400, DEVICE_NMI },
		{ 0x04402, DEVICE_NMI },
		{ 0x0c500, DEVICE_RESET },   /* Linux: level, assert */
		{ 0x08500, DEVICE_NOTHING }, /* de-assert */
		{ 0x00500, DEVICE_RESET },   /* edge */
		{ 0x04500, DEVICE_RESET },
		{ 0x00608, DEVICE_START },
		{ 0x0c699, DEVICE_START },
		{ 0x00700, DEVICE_OTHER },
	};
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(apic_request(APIC_ICR_LOW, table[i].low, 0), table[i].request);
}

static void registers(void **ctx)
{
	static const u16 plain[] = { 0x80,  0xb0,  0xd0,  0xe0,	 0xf0,	0x280, 0x310,
				     0x380, 0x3e0, 0x410, 0x420, 0x480, 0x4f0 };
	static const u16 vectors[] = { 0x2f0, 0x320, 0x330, 0x340, 0x350, 0x360,
				       0x370, 0x500, 0x510, 0x520, 0x530 };
	u32 known = ARRAY_SIZE(plain) + ARRAY_SIZE(vectors) + 2 + 6 /* 0x490 to 0x4e0 */;
	u32 offset, mode, found = 0;
	size_t i;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(plain); i++)
		assert_int_equal(apic_request(plain[i], ~0u, 0), DEVICE_STORE);
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		for (mode = 0; mode < 8; mode++)
			assert_int_equal(apic_request(vectors[i], 0x100e1 | mode << 8, 0),
					 mode == 0 || mode == 4 || mode == 7 ? DEVICE_STORE
									     : DEVICE_OTHER);
	/* Its own id only. */
	assert_int_equal(apic_request(APIC_ID, 3u << 24, 3), DEVICE_STORE);
	assert_int_equal(apic_request(APIC_ID, 4u << 24, 3), DEVICE_OTHER);
	/* Nothing else in the page, least of all beside a register. */
	for (offset = 0; offset < PAGE_SIZE; offset++) {
		u8 request = apic_request(offset, 0, 0);

		found += request != DEVICE_OTHER;
		assert_true(request == DEVICE_OTHER || offset % 16 == 0);
	}
	assert_int_equal(found, known);
}

static void x2apic_registers(void **ctx)
{
	u32 msr, found = 0;

	(void)ctx;
	assert_int_equal(apic_offset_of_msr(0x830), APIC_ICR_LOW);
	assert_int_equal(apic_offset_of_msr(0x82f), 0x2f0);
	assert_int_equal(apic_offset_of_msr(0x832), 0x320);
	assert_int_equal(apic_offset_of_msr(0x837), 0x370);
	assert_int_equal(apic_offset_of_msr(0x853), 0x530);
	for (msr = 0; msr < 0x2000; msr++)
		found += apic_offset_of_msr(msr) != 0;
	assert_int_equal(found, 1 + 1 + 6 + 4);
	assert_int_equal(apic_offset_of_msr(0xc0000830), 0);
}

#define PHYSICAL   0xc500u
#define LOGICAL	   0xcd00u
#define SELF	   0x4c500u
#define ALL	   0x8c500u
#define ALL_OTHERS 0xcc500u

static void targets(void **ctx)
{
	/* flat; the second is in cluster mode; the third is an x2APIC */
	static const struct apic_name names[] = {
		{ 0, 0x01000000, ~0u, false },
		{ 5, 0x24000000, 0x0fffffff, false },
		{ 0x123, 0x00120008, 0, true },
	};
	static const struct {
		u32 low, destination;
		u8 from, reached; /* a bit for each */
	} table[] = {
		{ PHYSICAL, 0, 1, 1 },
		{ PHYSICAL, 5, 0, 2 },
		{ PHYSICAL, 5, 1, 2 }, /* itself, by name */
		{ PHYSICAL, 4, 0, 0 },
		{ PHYSICAL, 0xff, 0, 7 },
		{ PHYSICAL, 0xff, 2, 0 },
		{ PHYSICAL, 0x123, 2, 4 },
		{ PHYSICAL, ~0u, 2, 7 },
		{ LOGICAL, 0x01, 1, 1 },
		{ LOGICAL, 0x24, 0, 2 },
		{ LOGICAL, 0x23, 0, 1 },
		{ LOGICAL, 0xf4, 0, 2 },
		{ LOGICAL, 0x34, 0, 0 },
		{ LOGICAL, 0x00120018, 2, 4 | 2 * 0 },
		{ LOGICAL, 0x00130018, 2, 0 },
		{ LOGICAL, 0x00120004, 2, 0 },
		{ SELF, 5, 0, 1 },
		{ ALL, 5, 1, 7 },
		{ ALL_OTHERS, 5, 1, 5 },
	};
	size_t i, to;

	(void)ctx;
	for (i = 0; i < ARRAY_SIZE(table); i++)
		for (to = 0; to < ARRAY_SIZE(names); to++)
			if (apic_reaches(table[i].low, table[i].destination,
					 &names[table[i].from],
					 &names[to]) != (table[i].reached >> to & 1))
				fail_msg("row %zu, CPU %zu", i, to);
}

static void nmi_keeps_the_guests_destination(void **ctx)
{
	(void)ctx;
	apic[APIC_ICR_HIGH / 4] = 0x77000000;
	apic_nmi(3);
	assert_int_equal(apic[APIC_ICR_LOW / 4], 0x4400);
	assert_int_equal(apic[APIC_ICR_HIGH / 4], 0x77000000);
	assert_int_equal(apic_destination(), 0x77);
	fake_cpu_set_msr(MSR_APIC_BASE, 0xfee00d00);
	fake_cpu_set_msr(MSR_X2APIC_ICR, 0);
	apic_nmi(0x123);
	assert_int_equal(fake_cpu_rdmsr(MSR_X2APIC_ICR), 0x12300004400);
}

static void name(void **ctx)
{
	struct apic_name n;

	(void)ctx;
	apic[APIC_ID / 4] = 0x05000000;
	apic_write(APIC_LDR, 0x20000000);
	apic_write(APIC_DFR, ~0u);
	n = apic_name();
	assert_int_equal(n.id, 5);
	assert_int_equal(n.ldr, 0x20000000);
	assert_int_equal(n.dfr, ~0u);
	assert_false(n.x2apic);
	fake_cpu_set_msr(MSR_APIC_BASE, 0xfee00d00);
	fake_cpu_set_msr(MSR_X2APIC_ID, 0x123);
	fake_cpu_set_msr(MSR_X2APIC_LDR, 0x120008);
	n = apic_name();
	assert_int_equal(n.id, 0x123);
	assert_int_equal(n.ldr, 0x120008);
	assert_true(n.x2apic);
}

/* ---- I/O APICs ---- */

static void two_io_apics(void)
{
	static struct hf_boot boot = { .io_apic_count = 2,
				       .io_apic = { 0xfec00000, 0xfec01100 } };

	assert_int_equal(ioapic_init(&boot), 0);
	assert_int_equal(guards, 2);
	assert_int_equal(guarded[0], 0xfec00000);
	assert_int_equal(guarded[1], 0xfec01000);
}

static void io_apics_found(void **ctx)
{
	(void)ctx;
	two_io_apics();
	assert_int_equal(ioapic_at(gpa(0xfec00010)), 0);
	assert_int_equal(ioapic_at(gpa(0xfec00fff)), 0);
	assert_int_equal(ioapic_at(gpa(0xfec01110)), 1);
	assert_int_equal(ioapic_at(gpa(0xfec010ff)),
			 -1); /* guarded, but before its registers */
	assert_int_equal(ioapic_at(gpa(0xfec02000)), -1);
	assert_int_equal(ioapic_at(gpa(0xfee00000)), -1);
}

static u8 request(u32 offset, u32 value, u32 *index)
{
	return ioapic_request(NULL, 0, gpa(0xfec00000 + offset), value, index);
}

static void redirection(void **ctx)
{
	u32 mode, index;

	(void)ctx;
	two_io_apics();
	for (mode = 0; mode < 8; mode++) {
		u8 expected = mode == 0 || mode == 1 || mode == 4 || mode == 7 ? DEVICE_STORE
									       : DEVICE_OTHER;

		page[0][0] = 0x12;
		assert_int_equal(request(0x10, 0x10021 | mode << 8, &index), expected);
		assert_int_equal(index, 0x12);
		/* The upper register and those before the entries say nothing of it. */
		page[0][0] = 0x13;
		assert_int_equal(request(0x10, 0x10021 | mode << 8, &index), DEVICE_STORE);
		page[0][0] = 0x00;
		assert_int_equal(request(0x10, 0x10021 | mode << 8, &index), DEVICE_STORE);
	}
	assert_int_equal(request(0x00, 0x12, &index), DEVICE_STORE);
	assert_int_equal(request(0x40, 0x21, &index), DEVICE_STORE);
	/* Where chips mirror their registers. */
	assert_int_equal(request(0x100, 0x12, &index), DEVICE_OTHER);
	assert_int_equal(request(0x110, 0x500, &index), DEVICE_OTHER);
	assert_int_equal(request(0x14, 0x500, &index), DEVICE_OTHER);
}

/* Another CPU turns the window between judging and writing: it finds it as it left it. */
static void window_is_turned(void **ctx)
{
	u32 index = 0;

	(void)ctx;
	two_io_apics();
	page[0][0] = 0x13;
	assert_int_equal(request(0x10, 0x500, &index), DEVICE_STORE);
	intruder = 0x12;
	page[0][4] = OTHER_REGISTER;
	ioapic_write(NULL, 0, gpa(0xfec00010), 0x500, index);
	assert_int_equal(page[0][4], 0x500);
	assert_int_equal(page[0][0], 0x12);
	intruder = 0;
	ioapic_write(NULL, 0, gpa(0xfec00000), 0x20, 0);
	assert_int_equal(page[0][0], 0x20);
}

static void no_memory(void **ctx)
{
	static struct hf_boot boot = { .io_apic_count = 3,
				       .io_apic = { 0xfec00000, 0xfec01000, 0xfec02000 } };

	(void)ctx;
	assert_int_equal(ioapic_init(&boot), -HF_ENOMEM);
	boot.io_apic_count = HF_IO_APICS_MAX + 1;
	assert_int_equal(ioapic_init(&boot), -HF_EINVAL);
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(commands),
		test(registers),
		test(x2apic_registers),
		test(targets),
		test(nmi_keeps_the_guests_destination),
		test(name),
		test(io_apics_found),
		test(redirection),
		test(window_is_turned),
		test(no_memory),
	};

	return cmocka_run_group_tests_name("x86_apic", tests, NULL, NULL);
}
