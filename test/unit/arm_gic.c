// SPDX-License-Identifier: GPL-2.0-only
/* Which stores to the registers of a GICv3 are made, and what memory they give away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <hv/arch/arm64/gic.h>
#include <hv/arch/arm64/map.h>
#include <hv/guest.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/shootdown.h>

#define RDIST 0x8000000ull
#define ITS   0x9000000ull
#define QUEUE 0x40010000ull /* the guest's */
#define OURS  0x7f000000ull /* the copy */
#define TEXT  0x41000000ull /* protected, and so is what follows */
#define TABLE 0x40200000ull
#define VALID (1ull << 63)
#define PAGES 0x10000u /* of memory from RAM on */
#define RAM   0x40000000ull

/* ---- what lies around it ---- */

static u8 redistributors[0x40000], its[0x20000]; /* their registers */
static u64 queue[8192];				 /* in the guest's memory */
static u8 copy[16 * PAGE_SIZE] __attribute__((aligned(4096)));
static u8 state[PAGES]; /* 0: the guest's; 1: a device writes it; 2: lent */
static u32 settled, guards;
static bool no_memory;

static u8 *register_at(u64 at)
{
	u64 offset = at - (at >= ITS ? ITS : RDIST);

	assert_true(offset < sizeof(its) || (offset < sizeof(redistributors) && at < ITS));
	return (at >= ITS ? its : redistributors) + offset;
}

u64 map_load(struct gpa at, u32 width)
{
	u64 value = 0;

	memcpy(&value, register_at(at.raw), width);
	return value;
}

void map_store(struct gpa at, u64 value, u32 width)
{
	memcpy(register_at(at.raw), &value, width);
}

void map_clean(const void *start, u64 size)
{
	assert_true((const u8 *)start >= copy &&
		    (const u8 *)start + size <= copy + sizeof(copy));
}

int owner_guard(struct gpa start, u64 npages)
{
	(void)start;
	guards += npages;
	return 0;
}

struct owner_locked owner_lock(struct cpu *cpu)
{
	return (struct owner_locked){ cpu };
}

void owner_unlock(struct owner_locked locked)
{
	(void)locked;
}

static u8 *page_at(u64 at)
{
	return at >= RAM && at < TEXT ? &state[(at - RAM) / PAGE_SIZE] : NULL;
}

static int become(u64 start, u64 npages, u8 from, u8 to)
{
	for (u64 i = 0; i < npages; i++)
		if (!page_at(start + i * PAGE_SIZE) || *page_at(start + i * PAGE_SIZE) > from)
			return -HF_EINVAL;
	for (u64 i = 0; i < npages; i++)
		*page_at(start + i * PAGE_SIZE) = to;
	return 0;
}

int owner_set_dma(struct owner_locked l, struct gpa start, u64 npages, bool dma)
{
	(void)l;
	assert_true(dma);
	return become(start.raw, npages, 1, 1);
}

int owner_lend(struct owner_locked l, const struct hf_range *ranges, u32 count)
{
	int error = 0;

	(void)l;
	for (u32 i = 0; i < count && !error; i++)
		error = become(ranges[i].gpa, ranges[i].npages, 0, 2);
	return error;
}

struct page owner_page(struct gpa address)
{
	return (struct page){ .state = PAGE_MMIO,
			      .guarded = address.raw >= RDIST && address.raw < ITS };
}

void shootdown_settle(struct owner_locked locked)
{
	(void)locked;
	settled++;
}

int guest_read(struct gpa from, void *to, size_t size)
{
	if (from.raw < QUEUE || from.raw + size > QUEUE + sizeof(queue))
		return -HF_EFAULT;
	memcpy(to, (u8 *)queue + (from.raw - QUEUE), size);
	return 0;
}

void *pool_contiguous(u64 npages)
{
	assert_int_equal(npages, 16);
	return no_memory ? NULL : copy;
}

struct hpa pool_hpa(const void *va)
{
	assert_ptr_equal(va, copy);
	return hpa(OURS);
}

static void set(u64 at, u64 value)
{
	map_store(gpa(at), value, 8);
}

static bool store(u64 at, u64 value, u32 width)
{
	return gic_store(NULL, gpa(at), value, width);
}

#define assert_made(at, value, width)                              \
	do {                                                       \
		assert_true(store(at, value, width));              \
		assert_int_equal(map_load(gpa(at), width), value); \
	} while (0)

#define assert_refused(at, value, width)                             \
	do {                                                         \
		u64 before_ = map_load(gpa(at), width);              \
                                                                     \
		assert_false(store(at, value, width));               \
		assert_int_equal(map_load(gpa(at), width), before_); \
	} while (0)

/* A redistributor of each of two CPUs, and an ITS. Once: as at boot. */
static int setup(void **ctx)
{
	static bool added;

	(void)ctx;
	memset(queue, 0, sizeof(queue));
	memset(copy, 0, sizeof(copy));
	memset(state, 0, sizeof(state));
	settled = 0;
	if (!added) {
		assert_true(gic_add(RDIST, 0x40000, false));
		assert_true(gic_add(ITS, 0x20000, true));
		assert_int_equal(gic_init(), 0);
		assert_int_equal(guards, 0x40 + 0x10);
	}
	added = true;
	set(ITS + 8, 11 << 4); /* GITS_TYPER: entries of twelve bytes */
	return 0;
}

/* ---- tests: in order, for an ITS that was enabled stays so ---- */

static void redistributor(void **ctx)
{
	u64 second = RDIST + 0x20000;

	(void)ctx;
	/* 16 bits of numbers: 56 KiB of properties, 8 KiB of what is pending. */
	assert_made(second + 0x70, TABLE | 0x780 | 15, 8);
	assert_made(second + 0x78, TEXT, 8);
	assert_refused(second, 1, 4);
	assert_int_equal(state[(TABLE - RAM) / PAGE_SIZE + 13], 1);
	assert_made(second + 0x78, TEXT - 0x10000, 8);
	assert_made(second, 1, 4);
	assert_int_equal(state[(TABLE - RAM) / PAGE_SIZE + 14], 0);
	assert_int_equal(state[(TEXT - 0x10000 - RAM) / PAGE_SIZE + 1], 1);
	assert_int_equal(state[(TEXT - 0x10000 - RAM) / PAGE_SIZE + 2], 0);
	/* Now they stay, in whatever width; all else may be written. */
	assert_refused(second + 0x70, TEXT | 15, 8);
	assert_refused(second + 0x78, TABLE, 8);
	assert_refused(second + 0x7c, 0, 4);
	assert_refused(second + 0x71, 0, 1);
	assert_made(second + 0x14, 2, 4);
	assert_made(second + 0x10000 + 0x78, 7, 8);
	assert_made(second, 0, 4);
	/* More numbers make longer tables. */
	assert_made(second + 0x70, (TEXT - 0x10000) | 16, 8);
	assert_refused(second, 1, 4);
	/* The first has its own. */
	assert_made(RDIST + 0x70, TEXT | 13, 8);
	assert_refused(RDIST, 1, 4);
	/* No number is an LPI: nothing is used. */
	assert_made(RDIST + 0x70, TEXT | 12, 8);
	assert_made(RDIST, 1, 4);
}

/* Frames of virtual LPIs keep what they have. */
static void virtual_frames(void **ctx)
{
	(void)ctx;
	set(RDIST + 8, 2);
	set(RDIST + 0x20078, 5);
	assert_true(store(RDIST + 0x20078, VALID | TEXT, 8));
	assert_int_equal(map_load(gpa(RDIST + 0x20078), 8), 5);
}

static void its_tables(void **ctx)
{
	(void)ctx;
	/* Not before it has a queue. */
	assert_refused(ITS, 1, 4);
	assert_refused(ITS + 0x80, VALID | QUEUE | 16, 8); /* longer than ours */
	assert_refused(ITS + 0x80, QUEUE, 4);
	assert_refused(ITS + 0x84, 0, 4);
	assert_true(store(ITS + 0x80, VALID | QUEUE | 0xc00 | 15, 8));
	assert_int_equal(map_load(gpa(ITS + 0x80), 8), VALID | OURS | 0xc00 | 15);
	/* Two pages of 64 KiB, one of 4 KiB, one that is not valid; one level. */
	assert_true(store(ITS + 0x100, VALID | 1ull << 62 | TABLE | 2 << 8 | 1, 8));
	assert_int_equal(map_load(gpa(ITS + 0x100), 8), VALID | TABLE | 2 << 8 | 1);
	assert_made(ITS + 0x138, TEXT, 8);
	assert_made(ITS + 0x108, VALID | TEXT, 8);
	assert_refused(ITS, 1, 4);
	assert_made(ITS + 0x108, VALID | (TABLE - PAGE_SIZE), 8);
	assert_refused(ITS + 0x108, 0, 4);
	memset(state, 0, sizeof(state));
	assert_made(ITS, 1, 4);
	assert_int_equal(settled, 1);
	assert_int_equal(state[(TABLE - RAM) / PAGE_SIZE - 2], 0);
	assert_int_equal(state[(TABLE - RAM) / PAGE_SIZE - 1], 2);
	assert_int_equal(state[(TABLE - RAM) / PAGE_SIZE + 31], 2);
	assert_int_equal(state[(TABLE - RAM) / PAGE_SIZE + 32], 0);
	/* From now on they stay, also while it is off. */
	assert_made(ITS, 0, 4);
	assert_refused(ITS + 0x100, VALID | TABLE, 8);
	assert_refused(ITS + 0x80, VALID | QUEUE | 15, 8);
	assert_made(ITS, 1, 4);
	assert_made(ITS + 0x40, 1, 8);
	assert_int_equal(settled, 1);
}

static void give_command(u32 slot, u64 a, u64 b, u64 c, u64 d)
{
	u64 command[] = { a, b, c, d };

	memcpy(&queue[4 * slot], command, sizeof(command));
}

static void commands(void **ctx)
{
	static const struct {
		u64 word[4];
		bool may, physical; /* redistributors are told by address */
	} row[] = {
		{ { 9, 0, VALID | 1 << 16 }, true, false }, /* MAPC */
		{ { 9, 0, VALID | TABLE }, false, true },
		{ { 9, 0, VALID | RDIST }, true, true },
		{ { 5, 0, RDIST }, true, true },	   /* SYNC */
		{ { 0xe, 0, RDIST, TABLE }, false, true }, /* MOVALL */
		{ { 0xe, 0, RDIST, RDIST }, true, true },
		{ { 8, 4, VALID | (TEXT - 0x200) }, true, false },  /* MAPD: 32 entries */
		{ { 8, 4, VALID | (TEXT - 0x100) }, false, false }, /* the last are elsewhere */
		{ { 8, 4, VALID | TEXT }, false, false },
		{ { 8, 4, TEXT }, true, false },
		{ { 8, 31, VALID | TABLE }, false, false },
		{ { 8, 0, VALID | OURS }, false, false },
		{ { 0xa, 1, 2 }, true, false },	  /* MAPTI */
		{ { 0x29, 0, 0 }, false, false }, /* VMAPP */
		{ { 0x1000000010aull, 0, 0 }, true, false },
	};
	u64 to = 0;

	(void)ctx;
	/* As its_tables has left it: the first commands are behind those of the row before. */
	set(ITS + 0x80, VALID | OURS | 15);
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		set(ITS + 8, 11 << 4 | (row[i].physical ? 1 << 19 : 0));
		give_command((u32)(to / 32), row[i].word[0], row[i].word[1], row[i].word[2],
			     row[i].word[3]);
		if (!row[i].may) {
			assert_refused(ITS + 0x88, to + 32, 8);
			give_command((u32)(to / 32), 5, 0, RDIST, 0);
		}
		assert_made(ITS + 0x88, to + 32, i & 1 ? 4 : 8);
		assert_memory_equal(copy + to, (u8 *)queue + to, 32);
		to += 32;
		set(ITS + 0x90, to);
	}
	/* What was copied is what counts. */
	give_command(0, 8, 4, VALID | TEXT, 0);
	assert_int_equal(copy[0], 9);
	assert_refused(ITS + 0x8c, 0, 4);
	assert_refused(ITS + 0x88, 0, 2);
	assert_refused(ITS + 0x90, 0, 8);
	assert_refused(ITS + 0x88, 0x10000, 8);
}

/* All but one slot can be in use, and none is written that may be read. */
static void queue_full(void **ctx)
{
	u64 writer = map_load(gpa(ITS + 0x88), 8);

	(void)ctx;
	assert_int_equal(writer, 15 * 32);
	memset(queue, 0, sizeof(queue));
	set(ITS + 0x90, writer);
	assert_made(ITS + 0x88, writer - 32, 8);
	assert_refused(ITS + 0x88, writer, 8);
	set(ITS + 0x90, writer + 64);
	assert_made(ITS + 0x88, writer, 8);
	assert_made(ITS + 0x88, writer + 32, 8);
	assert_refused(ITS + 0x88, writer + 64, 8);
}

static void no_room(void **ctx)
{
	(void)ctx;
	no_memory = true;
	assert_int_equal(gic_init(), -HF_ENOMEM);
	for (u32 i = 2; i < 16; i++)
		assert_true(gic_add(RDIST, 0x40000, false));
	assert_false(gic_add(RDIST, 0x40000, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(redistributor, setup),
		cmocka_unit_test_setup(virtual_frames, setup),
		cmocka_unit_test_setup(its_tables, setup),
		cmocka_unit_test_setup(commands, setup),
		cmocka_unit_test_setup(queue_full, setup),
		cmocka_unit_test_setup(no_room, setup),
	};

	return cmocka_run_group_tests_name("arm_gic", tests, NULL, NULL);
}
