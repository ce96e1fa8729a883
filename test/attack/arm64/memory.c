// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes to memory that must not change, by a mapping of the attacker's own: kernel text, read-only
 * data, the hypervisor's.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>
#include <asm/asm-extable.h>
#include <asm/memory.h>
#include <asm/sysreg.h>

#include "attack.h"
#include "target.h"

/* The attacker's mapping, made once: nothing of it is freed while a killed attack may hold it. */
static void *map_page(unsigned long pfn)
{
	static void *map;
	static unsigned long mapped;
	struct page *page = pfn_to_page(pfn);

	if (map && mapped == pfn)
		return map;
	if (map)
		vunmap(map);
	map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	mapped = pfn;
	return map;
}

static int store(struct attempt *t, u64 value)
{
	u8 *map = map_page(t->pfn);
	u32 word = value;

	if (!map)
		return -ENOMEM;
	return target_write(map + offset_in_page(t->va), &word, sizeof(word));
}

static enum attack_outcome run_store(struct attempt *t)
{
	int err = store(t, t->wanted);

	if (err)
		attack_note(t, "the store faults: %d", err);
	return err ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static enum attack_outcome text_alias(struct attempt *t)
{
	return target_text(t) ? ATTACK_ERROR : run_store(t);
}

static enum attack_outcome rodata_alias(struct attempt *t)
{
	return target_rodata(t) ? ATTACK_ERROR : run_store(t);
}

static int undo(struct attempt *t)
{
	return store(t, t->was);
}

/* One instruction of cache maintenance on the block that holds the target. 0, or it faulted. */
/* The operand is not arithmetic. */
/* clang-format off */
#define MAINTAIN(operation, at)                                            \
	({                                                                 \
		int err_ = 0;                                              \
		asm volatile("1:	dc " operation ", %1\n"            \
			     "2:\n" _ASM_EXTABLE_KACCESS_ERR(1b, 2b, %w0) \
			     : "+r"(err_)                                  \
			     : "r"(at)                                     \
			     : "memory");                                  \
		err_;                                                      \
	})
/* clang-format on */

/*
 * A block of zeros made of zeros: what shows is whether it was let through. (DC IVAC is no attack:
 * of a guest with stage 2 it cleans as well, and emulators have no caches.)
 */
static enum attack_outcome text_zero(struct attempt *t)
{
	u8 *map;
	int err = target_text(t);

	map = err ? NULL : map_page(t->pfn);
	if (!map)
		return ATTACK_ERROR;
	return MAINTAIN("zva", map + offset_in_page(t->va)) ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

/* The last page of the memory that the machine has, whether or not the kernel knows of it: banks
 * of the test machines end at a multiple of 256 MiB. */
static int last_page(unsigned long pfn, unsigned long npages, void *end)
{
	*(unsigned long *)end = pfn + npages;
	return 0;
}

static u8 *hypervisor_page(void)
{
	int (*walk)(unsigned long pfn, unsigned long npages, void *arg,
		    int (*fn)(unsigned long pfn, unsigned long npages, void *arg)) =
		attack_symbol("walk_system_ram_range");
	unsigned long end = 0;

	if (!walk)
		return NULL;
	walk(0, PHYS_PFN(BIT_ULL(44)), &end, last_page);
	end = PHYS_PFN(ALIGN(PFN_PHYS(end), SZ_256M)) - 1;
	if (pfn_valid(end) && pfn_is_map_memory(end))
		return __va(PFN_PHYS(end));
	return (u8 __force *)ioremap(PFN_PHYS(end), PAGE_SIZE);
}

static enum attack_outcome hypervisor_read(struct attempt *t)
{
	u8 *page = hypervisor_page();
	u64 value;
	int err;

	if (!page)
		return ATTACK_ERROR;
	err = copy_from_kernel_nofault(&value, page, sizeof(value));
	attack_note(t, "read: %d", err);
	return err ? ATTACK_REFUSED : ATTACK_SUCCEEDED;
}

static const struct attack attacks[] = {
	{
		.name = "text-alias",
		.title = "store to kernel text through a mapping of one's own",
		.gives = "any code in the kernel",
		.asset = "kernel text",
		.run = text_alias,
		.look = target_look,
		.undo = undo,
	},
	{
		.name = "rodata-alias",
		.title = "store to read-only data through a mapping of one's own",
		.gives = "other system calls, file operations, keys",
		.asset = "kernel read-only data",
		.run = rodata_alias,
		.look = target_look,
		.undo = undo,
	},
	{
		.name = "text-zva",
		.title = "DC ZVA on kernel text",
		.gives = "a block of text that is all zero",
		.asset = "kernel text",
		.run = text_zero,
	},
	{
		.name = "hypervisor-read",
		.title = "read the hypervisor's memory",
		.gives = "its secrets, and whether it can be written",
		.asset = "hypervisor memory",
		.run = hypervisor_read,
	},
};

const struct attack_table arm_memory_table = { attacks, ARRAY_SIZE(attacks) };
