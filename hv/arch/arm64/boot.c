// SPDX-License-Identifier: GPL-2.0-only
/*
 * From where the firmware left us to launch: find the machine in the device tree, move to the top
 * of a bank of memory, and take that out of the tree.
 *
 * boot_move runs where the image was loaded, what follows where it stays; boot_move and boot_map
 * with the MMU off, so what they read is cleaned out of caches first.
 */
#include <holdfast/event.h>
#include <hv/backend.h>
#include <hv/launch.h>
#include <hv/panic.h>
#include <hv/string.h>

#include "arm64.h"
#include "boot.h"
#include "fdt.h"
#include "gic.h"
#include "image.h"
#include "map.h"
#include "psci.h"
#include "serial.h"
#include "vcpu.h"

#define RESERVED_MAX 64u

/* The header of the kernel behind us: Linux, Documentation/arch/arm64/booting.rst, 4. */
struct image_header {
	u32 code[2];
	u64 text_offset;
	u64 image_size;
	u64 flags;
	u64 zero[3];
	u32 magic;
	u32 pe;
};

static_assert(sizeof(struct image_header) == 64, "as Linux defines it");

#define IMAGE_MAGIC 0x644d5241u

struct range {
	u64 start;
	u64 size;
};

/* A bank of memory, and where the tree has its size. */
struct bank {
	struct range range;
	u8 *size;
};

/* What the tree says. */
static struct {
	struct {
		u32 address, size;
	} cells[FDT_DEPTH_MAX + 1]; /* of numbers in children of the node at this depth */
	u32 banks;
	struct bank bank[HF_MEMORY_MAX];
	u32 reserves;
	struct range reserved[RESERVED_MAX];
	u64 initrd, initrd_end;
	u64 serial;
	bool smc;     /* firmware is called so */
	bool too_big; /* there is more than the tables above hold */
} machine;

/* What the node that is being read is, as far as its properties have been seen. */
static struct {
	enum {
		OTHER,
		SERIAL,
		GIC,
		ITS
	} kind;
	const u8 *reg;
	u32 length, regions;
} device;

static struct hf_boot boot;

/* One entry of .rela.dyn (ELF-64 gABI, "Relocation"). */
struct rela {
	u64 offset;
	u64 info;
	u64 addend;
};

#define R_AARCH64_RELATIVE 1027

extern const struct rela image_rela[], image_rela_end[];

/* ---- the tree ---- */

static void reserve(u64 start, u64 size)
{
	if (machine.reserves == RESERVED_MAX)
		machine.too_big = true;
	else
		machine.reserved[machine.reserves++] = (struct range){ start, size };
}

/* A row of addresses and sizes; of banks, or of what must be left alone. */
static void read_ranges(const struct fdt *fdt, bool banks)
{
	u32 cells = machine.cells[fdt->depth - 1].address;
	u32 address = 4 * cells, bytes = address + 4 * machine.cells[fdt->depth - 1].size;

	for (u32 at = 0; bytes && at + bytes <= fdt->length; at += bytes) {
		u64 start = fdt_number(fdt->value + at, cells);
		u64 size = fdt_number(fdt->value + at + address, bytes / 4 - cells);

		if (!banks)
			reserve(start, size);
		else if (machine.banks == HF_MEMORY_MAX)
			machine.too_big = true;
		else
			machine.bank[machine.banks++] =
				(struct bank){ { start, size }, fdt->value + at + address };
	}
}

static void read_cpu(const struct fdt *fdt)
{
	u32 cells = machine.cells[fdt->depth - 1].address;

	if (boot.cpu_count == HF_CPUS_MAX || fdt->length < 4 * cells)
		machine.too_big = true;
	else
		boot.cpu_id[boot.cpu_count++] = psci_cpu_id(fdt_number(fdt->value, cells));
}

/* "hf_el2=serial,allow,check,confine", any of them. */
static bool option(const struct fdt *fdt, const char *word)
{
	static const char name[] = "hf_el2=";
	const char *text = (const char *)fdt->value;
	size_t length = 0;

	while (word[length])
		length++;
	for (u32 at = 0; at + sizeof(name) < fdt->length; at++) {
		if (memcmp(text + at, name, sizeof(name) - 1))
			continue;
		for (; at + length < fdt->length && text[at] != ' '; at++)
			if (!memcmp(text + at, word, length))
				return true;
	}
	return false;
}

static void read_chosen(const struct fdt *fdt)
{
	if (fdt_named(fdt, "linux,initrd-start"))
		machine.initrd = fdt_number(fdt->value, fdt->length / 4);
	else if (fdt_named(fdt, "linux,initrd-end"))
		machine.initrd_end = fdt_number(fdt->value, fdt->length / 4);
	if (!fdt_named(fdt, "bootargs"))
		return;
	boot.action = option(fdt, "allow") ? HF_ACTION_ALLOW : HF_ACTION_DENY;
	boot.serial_port = option(fdt, "serial");
	boot.flags = option(fdt, "check") ? HF_BOOT_SELF_CHECK : 0;
	/* By default off: the agent cannot have these kernels interpret BPF instead. */
	boot.flags |= option(fdt, "confine") ? 0 : HF_BOOT_EXEC_OFF;
}

/* The node at @depth has told all. Of a GIC what follows the distributor is for us. */
static void end_device(u32 depth)
{
	u32 cells = machine.cells[depth - 1].address, size = machine.cells[depth - 1].size;
	u64 row = 4ull * (cells + size), first = device.kind == GIC;
	u64 last = device.kind == GIC ? device.regions : 0;
	bool known = device.reg && cells - 1 < 2 && size - 1 < 2 &&
		     device.length >= (last + 1) * row;

	for (u64 i = first; i <= last && known; i++) {
		u64 at = fdt_number(device.reg + i * row, cells);
		u64 bytes = fdt_number(device.reg + i * row + 4ull * cells, size);

		if (device.kind == SERIAL && !machine.serial)
			machine.serial = at;
		else if (device.kind == GIC || device.kind == ITS)
			known = gic_add(at, bytes, device.kind == ITS);
	}
	/* What is not known is not guarded. */
	if (!known && (device.kind == GIC || device.kind == ITS))
		machine.too_big = true;
}

static void read_device(const struct fdt *fdt)
{
	if (fdt_named(fdt, "reg")) {
		device.reg = fdt->value;
		device.length = fdt->length;
	} else if (fdt_named(fdt, "#redistributor-regions")) {
		device.regions = (u32)fdt_number(fdt->value, 1);
	} else if (fdt_named(fdt, "compatible")) {
		device.kind = fdt_lists(fdt, "arm,pl011")	 ? SERIAL
			      : fdt_lists(fdt, "arm,gic-v3")	 ? GIC
			      : fdt_lists(fdt, "arm,gic-v3-its") ? ITS
								 : OTHER;
	}
}

static void read_property(const struct fdt *fdt)
{
	bool reg = fdt_named(fdt, "reg");

	read_device(fdt);
	if (fdt_named(fdt, "#address-cells"))
		machine.cells[fdt->depth].address = (u32)fdt_number(fdt->value, 1);
	else if (fdt_named(fdt, "#size-cells"))
		machine.cells[fdt->depth].size = (u32)fdt_number(fdt->value, 1);
	else if (fdt->depth == 2 && fdt_within(fdt, 1, "memory") && reg)
		read_ranges(fdt, true);
	else if (fdt->depth == 3 && fdt_within(fdt, 1, "reserved-memory") && reg)
		read_ranges(fdt, false);
	else if (fdt->depth == 3 && fdt_within(fdt, 1, "cpus") && fdt_within(fdt, 2, "cpu") &&
		 reg)
		read_cpu(fdt);
	else if (fdt->depth == 2 && fdt_within(fdt, 1, "psci") && fdt_named(fdt, "method"))
		machine.smc = fdt_lists(fdt, "smc");
	else if (fdt->depth == 2 && fdt_within(fdt, 1, "chosen"))
		read_chosen(fdt);
}

static bool read_tree(struct fdt *fdt, void *tree)
{
	enum fdt_token token;
	u64 start, size;
	u32 depth = 1;

	map_clean(tree, sizeof(struct image_header)); /* its header, too, is shorter */
	if (!fdt_open(fdt, tree))
		return false;
	map_clean(tree, fdt->size);
	reserve((u64)tree, fdt->size);
	for (u32 i = 0; fdt_reserved(fdt, i, &start, &size); i++)
		reserve(start, size);
	while ((token = fdt_next(fdt)) != FDT_END) {
		if (token == FDT_PROPERTY) {
			read_property(fdt);
			continue;
		}
		/* What a node is told comes before its children. */
		end_device(depth);
		depth = fdt->depth;
		device = (typeof(device)){ .regions = 1 };
		/* What the specification has for a tree that is silent. */
		if (token == FDT_NODE) {
			machine.cells[depth].address = 2;
			machine.cells[depth].size = 1;
		}
	}
	if (machine.initrd_end > machine.initrd)
		reserve(machine.initrd, machine.initrd_end - machine.initrd);
	return machine.smc && machine.banks && boot.cpu_count && !machine.too_big &&
	       machine.cells[1].address - 1 < 2 && machine.cells[1].size - 1 < 2;
}

/* ---- the place ---- */

static u64 bytes_needed(void)
{
	u64 pages = 0, end = 0, bytes;

	for (u32 i = 0; i < machine.banks; i++) {
		const struct range *bank = &machine.bank[i].range;

		pages += bank->size >> PAGE_SHIFT;
		if (bank->start + bank->size > end)
			end = bank->start + bank->size;
	}
	bytes = HF_MEMORY_FIXED + (end >> PAGE_SHIFT) * HF_MEMORY_PER_PAGE +
		pages * HF_MEMORY_PER_RAM;
	return (bytes + HF_CHUNK_SIZE - 1) & ~(HF_CHUNK_SIZE - 1);
}

static bool is_free(u64 start, u64 size)
{
	for (u32 i = 0; i < machine.reserves; i++) {
		const struct range *r = &machine.reserved[i];

		if (start < r->start + r->size && r->start < start + size)
			return false;
	}
	return true;
}

/* The top of a bank, of the highest that has @size bytes free there. NULL: none has. */
static struct bank *find_place(u64 size, u64 *base)
{
	struct bank *found = NULL;

	for (u32 i = 0; i < machine.banks; i++) {
		struct bank *bank = &machine.bank[i];
		u64 end = bank->range.start + bank->range.size;
		u64 at = (end - size) & ~(HF_CHUNK_SIZE - 1);

		if (bank->range.size >= size + HF_CHUNK_SIZE && at >= bank->range.start &&
		    is_free(at, end - at) && (!found || at > *base)) {
			found = bank;
			*base = at;
		}
	}
	return found;
}

/* Ascending, as the core wants it. */
static void describe_memory(void)
{
	for (u32 i = 0; i < machine.banks; i++) {
		const struct range *bank = &machine.bank[i].range;
		u32 at = boot.memory_count++;

		for (; at && boot.memory[at - 1].gpa > bank->start; at--)
			boot.memory[at] = boot.memory[at - 1];
		boot.memory[at] = (struct hf_memory){ .gpa = bank->start,
						      .npages = bank->size >> PAGE_SHIFT,
						      .type = HF_MEMORY_RAM };
	}
}

/* This CPU is the first; the others are entered when the guest starts them. */
static void describe_cpus(void)
{
	u32 self = psci_cpu_id(sysreg_read(mpidr_el1));

	for (u32 i = 0; i < boot.cpu_count; i++) {
		if (boot.cpu_id[i] != self)
			continue;
		boot.cpu_id[i] = boot.cpu_id[0];
		boot.cpu_id[0] = self;
	}
	boot.entering = 1;
}

static void describe(u64 base, u64 size)
{
	boot.size = sizeof(boot);
	boot.abi = HF_ABI;
	boot.base = base;
	for (u64 at = 0; at < size; at += HF_CHUNK_SIZE)
		boot.chunk_gpa[boot.chunk_count++] = base + at;
	describe_memory();
	describe_cpus();
	/* Our registers begin where the port's do; which port it is, the loader knows no better. */
	boot.serial_port = boot.serial_port ? (u32)machine.serial : 0;
}

/* A copy at @base with its pointers mended. */
static bool copy_image(u64 load, u64 base)
{
	u64 size = image_end - image_start;

	map_clean((void *)base, size);
	memcpy((void *)base, (void *)load, size);
	for (const struct rela *r = image_rela; r < image_rela_end; r++) {
		if (r->info != R_AARCH64_RELATIVE)
			return false;
		*(u64 *)(base + r->offset) = base + r->addend;
	}
	return true;
}

/* What follows the image must be a kernel. */
static bool find_kernel(u64 load, u64 tree)
{
	const struct image_header *header = (void *)(load + BOOT_SPAN);

	if (header->magic != IMAGE_MAGIC)
		return false;
	reserve(load, BOOT_SPAN + header->text_offset + header->image_size);
	el2.kernel = (struct entry){ load + BOOT_SPAN, tree };
	return true;
}

u64 boot_move(u64 tree)
{
	u64 load = (u64)image_start, size, base = 0;
	struct bank *bank;
	struct fdt fdt;

	if (!read_tree(&fdt, (void *)tree) || !find_kernel(load, tree))
		return 0;
	size = bytes_needed();
	bank = find_place(size, &base);
	if (!bank || size > HF_CHUNKS_MAX * HF_CHUNK_SIZE)
		return 0;
	describe(base, size);
	fdt_set_number(bank->size, machine.cells[1].size, base - bank->range.start);
	map_clean((void *)tree, fdt.size);
	return copy_image(load, base) ? base : 0;
}

bool boot_map(void)
{
	bool done = map_init(boot.base, boot.chunk_count * HF_CHUNK_SIZE);

	map_clean(image_start, (u64)(image_end - image_start));
	return done;
}

/* There is no world to give back to: an error is fatal. */
_Noreturn void boot_launch(void)
{
	int error;

	if (boot.serial_port)
		serial_init(boot.serial_port);
	error = launch_init(&boot, (u64)(image_end - image_start));
	if (!error)
		error = launch_cpu(&boot, 0);
	panic("cannot launch: error %x reason %u", (u32)-error, boot.reason);
}
