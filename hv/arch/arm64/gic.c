// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sections are those of the GIC architecture specification, ARM IHI 0069. What the device is told
 * to use must be the guest's, and stay so: memory that was named once is never sealed (dma flag).
 * And what was looked at must not change before it is used:
 *
 *	redistributor	its tables are looked at when it is told to use them; until it is told
 *			otherwise their registers stay as they are
 *	ITS		the same; entries of its tables are addresses as well, so the guest can
 *			only read the tables, and they have one level, of which it writes nothing
 *	commands	are copied, judged, and read by the ITS from a queue of ours
 *
 * Lock: the owner lock.
 */
#include <hv/guest.h>
#include <hv/owner.h>
#include <hv/pool.h>
#include <hv/shootdown.h>
#include <hv/string.h>

#include "gic.h"
#include "map.h"

#define DEVICES_MAX 16u /* owner_guard has room for a few more */

#define FRAME	    0x10000u
#define VALID	    BIT(63)
#define ADDRESS	    0x000ffffffffff000ull
#define PAGES(size) (((size) + PAGE_SIZE - 1) / PAGE_SIZE)

/* Redistributors: 12.11. */
#define GICR_CTLR	0x00
#define GICR_TYPER	0x08
#define GICR_PROPBASER	0x70
#define GICR_PENDBASER	0x78
#define GICR_VLPIS	BIT(1) /* of GICR_TYPER */
#define GICR_ENABLE	BIT(0) /* of LPIs */
#define PROPBASER_BITS	0x1full
#define PENDBASER_WHERE 0x000fffffffff0000ull
#define LPI_FIRST	8192u

/* ITS: 12.19. */
#define GITS_CTLR	 0x00
#define GITS_TYPER	 0x08
#define GITS_CBASER	 0x80
#define GITS_CWRITER	 0x88
#define GITS_CREADR	 0x90
#define GITS_BASER	 0x100
#define GITS_BASERS	 8
#define GITS_ENABLED	 BIT(0)
#define TYPER_PTA	 BIT(19)
#define BASER_INDIRECT	 BIT(62)
#define QUEUE_OFFSET	 0xfffe0ull
#define QUEUE_PAGES	 16 /* what Linux takes; ours begins at a multiple of it (12.19.2) */
#define QUEUE_SIZE(base) ((((base)&0xff) + 1) * PAGE_SIZE)

/* Commands: 5.3. Those from 0x20 on are about virtual interrupts, which EL1 has no use for. */
#define COMMAND_SYNC   0x05
#define COMMAND_MAPD   0x08
#define COMMAND_MAPC   0x09
#define COMMAND_MOVALL 0x0e
#define COMMAND_LAST   0x0f

struct command {
	u64 word[4];
};

static_assert(sizeof(struct command) == 32, "5.3.1");

/*
 * @queue:	of an ITS: its GITS_CBASER as the guest wrote it; 0: it has not
 * @writer:	offset behind the last command that was taken from there
 * @commands:	our copy of the queue
 * @enabled:	has been: its tables are lent
 */
struct device {
	u64 base;
	u64 size;
	bool its;
	bool enabled;
	u64 queue;
	u64 writer;
	u8 *commands;
};

static struct device devices[DEVICES_MAX];
static u32 count;

bool gic_add(u64 base, u64 size, bool its)
{
	if (count == DEVICES_MAX)
		return false;
	devices[count++] =
		(struct device){ .base = base, .size = its ? FRAME : size, .its = its };
	return true;
}

int gic_init(void)
{
	for (struct device *d = devices; d < devices + count; d++) {
		int error = owner_guard(gpa(d->base), d->size / PAGE_SIZE);

		if (error)
			return error;
		d->commands = d->its ? pool_contiguous(QUEUE_PAGES) : NULL;
		if (d->its && !d->commands)
			return -HF_ENOMEM;
	}
	return 0;
}

/* From now on a device writes what is there. false: it is not the guest's. */
static bool give(struct owner_locked owner, u64 start, u64 size)
{
	return !owner_set_dma(owner, gpa(start & ~PAGE_MASK), PAGES((start & PAGE_MASK) + size),
			      true);
}

/* ---- redistributors ---- */

static bool give_tables(struct owner_locked owner, u64 frame)
{
	u64 properties = map_load(gpa(frame + GICR_PROPBASER), 8);
	u64 pending = map_load(gpa(frame + GICR_PENDBASER), 8);
	u64 numbers = BIT((properties & PROPBASER_BITS) + 1);

	/* A byte for each, but for those that are no LPIs; a bit for each. */
	return numbers <= LPI_FIRST ||
	       (give(owner, properties & ADDRESS, numbers - LPI_FIRST) &&
		give(owner, pending & PENDBASER_WHERE, numbers / 8));
}

/* Frames of each: its own; of interrupts that are private; and two if there are virtual LPIs. */
static bool redistributor_may(struct owner_locked owner, const struct device *d, u64 at,
			      u64 *value, u32 width)
{
	bool virtual = map_load(gpa(d->base + GICR_TYPER), 8) & GICR_VLPIS;
	u64 frame = at & ~(FRAME - 1ull), which = (at - d->base) / FRAME % (virtual ? 4 : 2);
	bool enabled = map_load(gpa(frame + GICR_CTLR), 4) & GICR_ENABLE;

	/* Of virtual LPIs there are none: their registers keep what they have. */
	if (which > 1)
		*value = map_load(gpa(at), width);
	if (which)
		return true;
	switch (at - frame) {
	case GICR_PROPBASER ... GICR_PENDBASER + 7:
		return !enabled;
	case GICR_CTLR:
		return enabled || !(*value & GICR_ENABLE) || give_tables(owner, frame);
	}
	return true;
}

/* ---- ITS ---- */

static bool lend_tables(struct owner_locked owner, const struct device *d)
{
	static const u8 shifts[] = { 12, 14, 16, 16 };
	struct hf_range table[GITS_BASERS];
	u32 tables = 0;

	for (u32 i = 0; i < GITS_BASERS; i++) {
		u64 base = map_load(gpa(d->base + GITS_BASER + 8ull * i), 8);
		u32 shift = shifts[base >> 8 & 3];

		/* Of addresses of 64 KiB the low bits are the high ones. */
		if (base & VALID)
			table[tables++] = (struct hf_range){
				.gpa = (base & 0x0000fffffffff000ull & ~(BIT(shift) - 1)) |
				       (shift == 16 ? (base >> 12 & 0xf) << 48 : 0),
				.npages = ((base & 0xff) + 1) << (shift - PAGE_SHIFT),
			};
	}
	if (owner_lend(owner, table, tables))
		return false;
	shootdown_settle(owner);
	return true;
}

/* Where the ITS names redistributors by their address. */
static bool is_redistributor(u64 word)
{
	return owner_page(gpa(word & PENDBASER_WHERE)).guarded;
}

static bool command_may(struct owner_locked owner, const struct device *d,
			const struct command *c)
{
	u64 typer = map_load(gpa(d->base + GITS_TYPER), 8);
	u64 entry = (typer >> 4 & 0xf) + 1;

	switch (c->word[0] & 0xff) {
	case COMMAND_MAPD:
		return !(c->word[2] & VALID) || give(owner, c->word[2] & 0x000fffffffffff00ull,
						     entry << ((c->word[1] & 0x1f) + 1));
	case COMMAND_MAPC:
	case COMMAND_SYNC:
		return !(typer & TYPER_PTA) || is_redistributor(c->word[2]);
	case COMMAND_MOVALL:
		return !(typer & TYPER_PTA) ||
		       (is_redistributor(c->word[2]) && is_redistributor(c->word[3]));
	}
	return (c->word[0] & 0xff) <= COMMAND_LAST;
}

/* The commands before offset @to. None is changed that the ITS may be reading. */
static bool take_commands(struct owner_locked owner, struct device *d, u64 to)
{
	u64 size = QUEUE_SIZE(d->queue), at = d->writer;
	u64 read = map_load(gpa(d->base + GITS_CREADR), 8) & QUEUE_OFFSET;
	struct command c;

	if (!d->queue || to >= size ||
	    (to + size - at) % size > (read + 2 * size - at - sizeof(c)) % size)
		return false;
	for (; at != to; at = (at + sizeof(c)) % size) {
		if (guest_read(gpa((d->queue & ADDRESS) + at), &c, sizeof(c)) ||
		    !command_may(owner, d, &c))
			return false;
		memcpy(d->commands + at, &c, sizeof(c));
		map_clean(d->commands + at, sizeof(c));
	}
	d->writer = to;
	return true;
}

static bool set_queue(struct device *d, u64 *value)
{
	if (d->enabled || QUEUE_SIZE(*value) > QUEUE_PAGES * PAGE_SIZE)
		return false;
	d->queue = *value;
	d->writer = 0;
	*value = (*value & ~ADDRESS) | pool_hpa(d->commands).raw;
	return true;
}

static bool its_may(struct owner_locked owner, struct device *d, u64 at, u64 *value, u32 width)
{
	switch (at - d->base) {
	case GITS_CTLR:
		if ((*value & GITS_ENABLED) && !d->enabled)
			d->enabled = d->queue && lend_tables(owner, d);
		return !(*value & GITS_ENABLED) || d->enabled;
	case GITS_CBASER:
		return width == 8 && set_queue(d, value);
	case GITS_CWRITER:
		return width >= 4 && take_commands(owner, d, *value & QUEUE_OFFSET);
	case GITS_CBASER + 1 ... GITS_CWRITER - 1:
	case GITS_CWRITER + 1 ... GITS_CREADR + 7:
		return false;
	case GITS_BASER ... GITS_BASER + 8 * GITS_BASERS - 1:
		*value &= ~BASER_INDIRECT;
		return width == 8 && !d->enabled;
	}
	return true;
}

bool gic_store(struct cpu *cpu, struct gpa at, u64 value, u32 width)
{
	struct owner_locked owner = owner_lock(cpu);
	bool may = false;

	for (struct device *d = devices; d < devices + count; d++)
		if (at.raw - d->base < d->size)
			may = d->its ? its_may(owner, d, at.raw, &value, width)
				     : redistributor_may(owner, d, at.raw, &value, width);
	if (may)
		map_store(at, value, width);
	owner_unlock(owner);
	return may;
}
