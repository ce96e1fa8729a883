// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel image (arch/arm64/kernel/vmlinux.lds.S): text; from its end on read-only data, the
 * vDSO in it; the roots of page tables, which the kernel writes; init code and data, which it has
 * freed; data.
 */
#include <linux/mm.h>
#include <linux/pfn.h>
#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/mmu.h>
#include <asm/sysreg.h>

#include "compat/modules.h"
#include "compat/runtime.h"
#include "compat/symbols.h"
#include "compat/vdso.h"
#include "image.h"
#include "layout.h"
#include "owners.h"
#include "tables.h"
#include "walk.h"

#define FGT_SHIFT 56 /* of ID_AA64MMFR0_EL1 */

/* Before the kernel's own root are those of the identity map, of KPTI's trampoline, and an empty
 * one. */
#define ROOTS_BEFORE (2 + IS_ENABLED(CONFIG_UNMAP_KERNEL_AT_EL0))

/* A CPU in the kernel has the kernel's root. */
static phys_addr_t kernel_root(void)
{
	return read_sysreg(ttbr1_el1) & GENMASK_ULL(47, PAGE_SHIFT);
}

unsigned long image_rodata_end(void)
{
	return (unsigned long)__phys_to_kimg(kernel_root()) - ROOTS_BEFORE * PAGE_SIZE;
}

static bool in_vdso(unsigned long va)
{
	unsigned long start, size;

	return vdso_get(0, &start, &size) && va - start < size;
}

/*
 * The trampolines by which the kernel is entered where it is not mapped in user mode (KPTI) are
 * code among read-only data, mapped a second time to be run. Their addresses are constant.
 */
#define TRAMPOLINES 4

static unsigned long trampoline(unsigned int i)
{
	return __fix_to_virt(FIX_ENTRY_TRAMP_TEXT1 - i);
}

static int take(const struct walk_run *run, void *gpa)
{
	if (run->rights & HF_PERM_KERNEL_EXEC)
		*(u64 *)gpa = run->gpa;
	return 0;
}

static bool is_trampoline(u64 gpa)
{
	unsigned int i;

	for (i = 0; i < TRAMPOLINES; i++) {
		u64 at = ~0ull;

		walk_kernel(trampoline(i), trampoline(i) + PAGE_SIZE, take, &at);
		if (at == gpa)
			return true;
	}
	return false;
}

/* What runs without translation, or while it changes, never at this address. In text before 6.2. */
static bool in_identity_map(unsigned long va)
{
	return symbols.idmap_text && va >= (symbols.idmap_text & PAGE_MASK) &&
	       va < symbols.idmap_text_end;
}

bool layout_alias(unsigned long va, u64 npages)
{
	return va >= trampoline(0) &&
	       va + npages * PAGE_SIZE <= trampoline(TRAMPOLINES - 1) + PAGE_SIZE;
}

static bool in_linear_map(unsigned long va)
{
	return va >= PAGE_OFFSET && va < PAGE_END;
}

enum hf_kind owners_kind(unsigned long va, u64 gpa)
{
	enum hf_kind kind;

	if (in_linear_map(va))
		return HF_KIND_NONE;
	if (va >= symbols.text && va < symbols.etext)
		return HF_KIND_TEXT;
	if (va >= symbols.etext && va < image_rodata_end()) {
		if (is_trampoline(gpa) || in_identity_map(va))
			return HF_KIND_TEXT;
		return in_vdso(va) ? HF_KIND_VDSO : HF_KIND_RODATA;
	}
	kind = modules_kind(va);
	return kind == HF_KIND_NONE && runtime_code(va) ? HF_KIND_RUNTIME_CODE : kind;
}

/* Modules and BPF programs may lie anywhere but in the linear map, which is most of memory. */
unsigned long layout_next(unsigned long va)
{
	return in_linear_map(va) ? PAGE_END : va;
}

/* With KPTI a CPU in user mode has another root (asm/memory.h). */
int layout_tables(layout_table_fn *fn, void *arg)
{
	int ret = tables_find(kernel_root(), symbols.text, image_rodata_end(), fn, arg);

	if (ret || !arm64_kernel_unmapped_at_el0())
		return ret;
	return tables_find(kernel_root() - TRAMP_SWAPPER_OFFSET, trampoline(0),
			   trampoline(TRAMPOLINES - 1) + PAGE_SIZE, fn, arg);
}

/* Vectors change with the root: where the hypervisor guards them, KPTI is one change too many. */
static bool vectors_change(void)
{
	return arm64_kernel_unmapped_at_el0() &&
	       (read_sysreg(id_aa64mmfr0_el1) >> FGT_SHIFT & 0xf);
}

unsigned long layout_missing(const u64 *pages)
{
	u64 found = pages[HF_KIND_TEXT] + pages[HF_KIND_RODATA] + pages[HF_KIND_VDSO];

	if (vectors_change())
		return trampoline(0);
	if (!pages[HF_KIND_VDSO] || found != PFN_DOWN(image_rodata_end() - symbols.text))
		return symbols.text;
	return 0;
}
