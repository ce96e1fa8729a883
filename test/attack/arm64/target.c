// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/pfn.h>
#include <asm/memory.h>
#include <asm/sysreg.h>

#include "target.h"

#define NOP 0xd503201fu

static int (*write_nofault)(void *to, const void *from, size_t size);

int target_word(struct attempt *t, unsigned long va, u64 wanted)
{
	write_nofault = attack_symbol("copy_to_kernel_nofault");
	if (!va || !write_nofault)
		return -ENOENT;
	t->va = (u8 *)va;
	t->size = sizeof(u32);
	t->pfn = PHYS_PFN(__kimg_to_phys(va));
	t->was = *(u32 *)va;
	t->wanted = wanted;
	return 0;
}

int target_text(struct attempt *t)
{
	return target_word(t, (unsigned long)attack_symbol("_etext") - sizeof(u32), NOP);
}

/*
 * The same of read-only data, which ends three pages before the kernel's own table. Code of the
 * identity map may come last in it, which is text.
 */
int target_rodata(struct attempt *t)
{
	phys_addr_t root = read_sysreg(ttbr1_el1) & GENMASK_ULL(47, PAGE_SHIFT);
	unsigned long end = __phys_to_kimg(root) - 3 * PAGE_SIZE;
	unsigned long code = (unsigned long)attack_symbol("__idmap_text_start") & PAGE_MASK;

	if (code > (unsigned long)attack_symbol("_etext") && code < end)
		end = code;
	return target_word(t, end - sizeof(u32), NOP);
}

int target_look(struct attempt *t, u64 *is)
{
	*is = READ_ONCE(*(u32 *)t->va);
	return 0;
}

int target_write(void *to, const void *from, size_t size)
{
	return write_nofault(to, from, size);
}
