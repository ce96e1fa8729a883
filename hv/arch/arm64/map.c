// SPDX-License-Identifier: GPL-2.0-only
#include <hv/backend.h>
#include <hv/cpu.h>
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/string.h>

#include "arm64.h"
#include "image.h"
#include "map.h"
#include "vcpu.h"

/* Stage 1 descriptors at EL2, which has one privilege level: ARM D8.3. */
#define VALID	 BIT(0)
#define TYPE	 BIT(1) /* table, at the last level page */
#define NORMAL	 (0ull << 2)
#define DEVICE	 (1ull << 2)
#define AP_RES1	 BIT(6)
#define AP_RO	 BIT(7)
#define SH_INNER (3ull << 8)
#define AF	 BIT(10)
#define XN	 BIT(54)

/* Of 4 KiB pages so many entries say together what each of them does: ARM D8.6.1. */
#define CONTIGUOUS     BIT(52)
#define CONTIGUOUS_ROW 16

#define ADDRESS 0x0000fffffffff000ull

#define TEXT (VALID | NORMAL | AP_RES1 | AP_RO | SH_INNER | AF)
#define RO   (TEXT | XN)
#define RW   (VALID | NORMAL | AP_RES1 | SH_INNER | AF | XN)
#define MMIO (VALID | DEVICE | AP_RES1 | AF | XN)

/* MAIR: 0 is Normal, write-back, allocating; 1 is Device-nGnRE. */
#define MAIR 0x04ffull
/* TCR_EL2: 48 bits of address, 4 KiB granule, tables cacheable and inner shareable. */
#define TCR_T0SZ     16ull
#define TCR_WALK     (1ull << 8 | 1ull << 10 | 3ull << 12)
#define TCR_PS_SHIFT 16
#define TCR_RES1     (BIT(31) | BIT(23))
#define PS_48_BITS   5ull

#define BLOCK_LEVEL 2u /* 2 MiB */

/* Stacks and windows: of each CPU 32 KiB of addresses, beyond all memory (owner.c stops at 2^48,
 * most machines far below; a machine with RAM here is refused by map_init). */
#define AREA	   0x7f0000000000ull
#define AREA_SHIFT 15
#define AREA_STACK (BIT(AREA_SHIFT) - MAP_STACK_SIZE)

/*
 * A table for each level of: the image, the area (256 CPUs take 8 MiB: four last tables), the
 * serial port; and as many more as a machine with much memory needs (one for each GiB of ours).
 */
#define TABLES_MAX 20u

struct map_registers map_registers;

static u64 tables[TABLES_MAX][512] __aligned(4096);
static u32 used;

static u64 span_of(unsigned int level)
{
	return PAGE_SIZE << 9 * (level - 1);
}

/* The entry for @va in the table of @level, tables made on the way; NULL: there is no room. */
static u64 *entry_of(u64 va, unsigned int level)
{
	u64 *table = tables[0];

	for (unsigned int at = 4; at > level; at--) {
		u64 *e = &table[va / span_of(at) % 512];

		if (!*e) {
			if (used == TABLES_MAX)
				return NULL;
			*e = (u64)tables[used++] | VALID | TYPE;
		}
		table = (u64 *)(*e & ADDRESS);
	}
	return &table[va / span_of(level) % 512];
}

static bool map(u64 va, u64 pa, u64 bits, unsigned int level)
{
	u64 *e = entry_of(va, level);

	if (!e)
		return false;
	*e = pa | bits | (level == 1 ? TYPE : 0);
	return true;
}

/* Sections do not share pages (hv.ld); what is not text is never executed. */
static u64 bits_of(const u8 *va)
{
	if (va >= image_text && va < image_rodata)
		return TEXT;
	return va < image_data ? RO : RW;
}

static bool map_own(u64 base, u64 size)
{
	u64 at = base;

	for (; at < (u64)image_end; at += PAGE_SIZE)
		if (!map(at, at, bits_of((u8 *)at), 1))
			return false;
	for (; at % span_of(BLOCK_LEVEL); at += PAGE_SIZE)
		if (!map(at, at, RW, 1))
			return false;
	for (; at < base + size; at += span_of(BLOCK_LEVEL))
		if (!map(at, at, RW, BLOCK_LEVEL))
			return false;
	return true;
}

bool map_init(u64 base, u64 size)
{
	u64 ps = ID_FIELD(sysreg_read(id_aa64mmfr0_el1), MMFR0_PARANGE);

	used = 1;
	if (base + size > AREA || !map_own(base, size))
		return false;
	map_registers.mair = MAIR;
	map_registers.tcr = TCR_RES1 | (ps < PS_48_BITS ? ps : PS_48_BITS) << TCR_PS_SHIFT |
			    TCR_WALK | TCR_T0SZ;
	map_registers.ttbr0 = (u64)tables[0];
	map_registers.sctlr = SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I |
			      SCTLR_WXN;
	return true;
}

bool map_device(u64 page)
{
	bool done = map(page, page, MMIO, 1);

	dsb_ish();
	isb();
	return done;
}

/* Behind an address the hole that an overflow runs into: a fault is fatal, silence is worse. */
u64 map_stack(u32 index)
{
	u64 at = AREA + ((u64)index << AREA_SHIFT) + AREA_STACK;

	for (u64 offset = 0; offset < MAP_STACK_SIZE; offset += PAGE_SIZE) {
		const void *page = pool_page();

		if (!page || !map(at + offset, pool_hpa(page).raw, RW, 1))
			return 0;
	}
	/* So that the window's entry need not be looked for when there is no way to fail. */
	if (!entry_of(AREA + ((u64)index << AREA_SHIFT), 1))
		return 0;
	dsb_ish();
	isb();
	return at + MAP_STACK_SIZE;
}

/*
 * Guest memory appears in the CPU's window for the length of one copy. An entry that was not valid
 * is in no TLB; when it is invalid again, this CPU alone may have it (ARM D8.14).
 */
static u8 *window_open(struct gpa page, u64 bits)
{
	u64 va = AREA + ((u64)vcpu_self()->cpu->index << AREA_SHIFT);
	u64 *e = entry_of(va, 1);

	CHECK(!*e);
	__atomic_store_n(e, (page.raw & ~PAGE_MASK) | bits | TYPE, __ATOMIC_RELAXED);
	asm volatile("dsb ishst\n\tisb" : : : "memory");
	return (u8 *)va + (page.raw & PAGE_MASK);
}

static void window_close(const u8 *at)
{
	__atomic_store_n(entry_of((u64)at, 1), 0, __ATOMIC_RELAXED);
	asm volatile("dsb nshst\n\ttlbi vae2, %0\n\tdsb nsh\n\tisb"
		     :
		     : "r"((u64)at >> PAGE_SHIFT)
		     : "memory");
}

static u64 load(const volatile u8 *at, size_t width)
{
	return width == 8 ? *(const volatile u64 *)at : *(const volatile u32 *)at;
}

static void store(volatile u8 *at, u64 value, size_t width)
{
	if (width == 8)
		*(volatile u64 *)at = value;
	else if (width == 4)
		*(volatile u32 *)at = (u32)value;
	else if (width == 2)
		*(volatile u16 *)at = (u16)value;
	else
		*at = (u8)value;
}

/*
 * Other CPUs execute an instruction, or walk a table's entry, while it is written: they see it
 * whole (ARM B2.2.1). memcpy is made of bytes here, for code that must not rely on alignment.
 */
static bool is_whole(struct gpa at, size_t size)
{
	return (size == sizeof(u32) || size == sizeof(u64)) && !(at.raw % size);
}

void backend_guest_read(struct gpa from, void *to, size_t size)
{
	const u8 *window = window_open(from, RO);
	u64 value;

	if (is_whole(from, size)) {
		value = load(window, size);
		memcpy(to, &value, size);
	} else {
		memcpy(to, window, size);
	}
	window_close(window);
}

void backend_guest_write(struct gpa to, const void *from, size_t size)
{
	u8 *window = window_open(to, RW);
	u64 value = 0;

	if (is_whole(to, size)) {
		memcpy(&value, from, size);
		store(window, value, size);
	} else {
		memcpy(window, from, size);
	}
	window_close(window);
}

u64 map_load(struct gpa at, u32 width)
{
	const u8 *window = window_open(at, MMIO);
	u64 value = load(window, width);

	window_close(window);
	return value;
}

void map_store(struct gpa at, u64 value, u32 width)
{
	u8 *window = window_open(at, MMIO);

	store(window, value, width);
	window_close(window);
}

/* Stage 1 of EL1 has descriptors of the same form: ARM D8.3. */
bool backend_table_entry(u64 entry, struct gpa *to, u32 *row)
{
	*row = entry & CONTIGUOUS ? CONTIGUOUS_ROW : 1;
	*to = gpa(entry & ADDRESS);
	return entry & VALID;
}

/* CTR_EL0.DminLine is the logarithm of words, of four bytes. */
void map_clean(const void *start, u64 size)
{
	u64 line = 4ull << ID_FIELD(sysreg_read(ctr_el0), 16);
	u64 end = (u64)start + size;

	for (u64 at = (u64)start & ~(line - 1); at < end; at += line)
		asm volatile("dc civac, %0" : : "r"(at) : "memory");
	dsb_sy();
}
