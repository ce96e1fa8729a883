// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/pfn.h>
#include <asm/desc.h>
#include <asm/page.h>
#include <asm/pgtable.h>
#include <asm/realmode.h>

#include "compat/jumps.h"
#include "compat/modules.h"
#include "compat/runtime.h"
#include "compat/symbols.h"
#include "compat/vdso.h"
#include "layout.h"
#include "owners.h"

struct area {
	unsigned long start, end;
};

static bool holds(const struct area *area, unsigned long va)
{
	return va >= area->start && va < area->end;
}

/*
 * Memory set aside at boot and never given to the allocator: of the image and of the first
 * per-CPU areas, that is all but what the kernel has freed (init code, gaps, lock prefixes).
 */
static bool is_kept(u64 gpa)
{
	unsigned long pfn = PHYS_PFN(gpa);

	return pfn_valid(pfn) && PageReserved(pfn_to_page(pfn));
}

/* ---- the kernel image ---- */

static struct area image_area(void)
{
	return (struct area){ symbols.text, PFN_ALIGN(symbols.end) };
}

static bool in_vdso(unsigned long va)
{
	unsigned long start, size;
	unsigned int i;

	for (i = 0; i < VDSO_MAX; i++)
		if (vdso_get(i, &start, &size) && va - start < size)
			return true;
	return false;
}

/*
 * mark_rodata_ro() gives the pages between the aligned end of text, rodata and
 * data back to the allocator: the ranges end where it begins to free.
 */
static enum hf_kind image_kind(unsigned long va, u64 gpa)
{
	if (va < PFN_ALIGN(symbols.etext))
		return HF_KIND_TEXT;
	if (va == symbols.idt)
		return HF_KIND_VECTORS;
	if (va >= symbols.rodata && va < PFN_ALIGN(symbols.erodata)) {
		if (in_vdso(va))
			return HF_KIND_VDSO;
		/* Pages it shares with plain rodata stay rodata. */
		if (va >= PFN_ALIGN(symbols.ro_after_init) &&
		    va < (symbols.ero_after_init & PAGE_MASK))
			return HF_KIND_RO_AFTER_INIT;
		return HF_KIND_RODATA;
	}
	return va >= symbols.sdata && is_kept(gpa) ? HF_KIND_DATA : HF_KIND_NONE;
}

/* ---- what the kernel uses elsewhere ---- */

/* Modules and code made at run time are all allocated here. */
static struct area modules_area(void)
{
	return (struct area){ MODULES_VADDR, MODULES_END };
}

/* Header, constants and code that CPUs start from; what it writes lies behind. */
static struct area startup_area(void)
{
	const struct real_mode_header *header = *symbols.real_mode_header;
	struct area area = {};

	if (header) {
		area.start = (unsigned long)header;
		area.end = PAGE_ALIGN((unsigned long)__va(header->ro_end));
	}
	return area;
}

/* The static per-CPU variables and what is allocated behind them first. */
static struct area percpu_area(unsigned int cpu)
{
	unsigned long start =
		(unsigned long)*symbols.pcpu_base_addr + (*symbols.pcpu_unit_offsets)[cpu];

	return (struct area){ start, start + *symbols.pcpu_unit_size };
}

static bool in_percpu(unsigned long va)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
	{
		struct area area = percpu_area(cpu);

		if (holds(&area, va))
			return true;
	}
	return false;
}

enum hf_kind owners_kind(unsigned long va, u64 gpa)
{
	struct area image = image_area(), modules = modules_area(), startup = startup_area();

	if (holds(&image, va))
		return image_kind(va, gpa);
	if (holds(&modules, va)) {
		enum hf_kind kind = modules_kind(va);

		return kind == HF_KIND_NONE && runtime_code(va) ? HF_KIND_RUNTIME_CODE : kind;
	}
	if (holds(&startup, va))
		return HF_KIND_STARTUP;
	return in_percpu(va) && is_kept(gpa) ? HF_KIND_DATA : HF_KIND_NONE;
}

static unsigned long nearer(struct area area, unsigned long va, unsigned long next)
{
	if (holds(&area, va))
		return va;
	return area.start > va && area.start < next ? area.start : next;
}

unsigned long layout_next(unsigned long va)
{
	unsigned long next = ULONG_MAX;
	unsigned int cpu;

	next = nearer(image_area(), va, next);
	next = nearer(modules_area(), va, next);
	next = nearer(startup_area(), va, next);
	for_each_possible_cpu(cpu)
	{
		next = nearer(percpu_area(cpu), va, next);
	}
	return next;
}

/* Not guarded yet: the CPU sets flags in them, which would have to be carried out. */
int layout_tables(layout_table_fn *fn, void *arg)
{
	return 0;
}

/* Code has one mapping. */
bool layout_alias(unsigned long va, u64 npages)
{
	return false;
}

/*
 * All of text and read-only data must have been mapped. The CPUs reach the exception table
 * through an alias; it must be the page that was found.
 */
unsigned long layout_missing(const u64 *pages)
{
	u64 text = PFN_UP(symbols.etext) - PFN_DOWN(symbols.text);
	u64 rodata = PFN_UP(symbols.erodata) - PFN_DOWN(symbols.rodata);
	struct desc_ptr idtr;

	store_idt(&idtr);
	if (pages[HF_KIND_TEXT] != text)
		return symbols.text;
	if (pages[HF_KIND_RODATA] + pages[HF_KIND_RO_AFTER_INIT] + pages[HF_KIND_VDSO] !=
	    rodata)
		return symbols.rodata;
	if (pages[HF_KIND_VECTORS] != 1 ||
	    slow_virt_to_phys((void *)idtr.address) != __pa_symbol(symbols.idt))
		return symbols.idt;
	return 0;
}

bool jumps_table(const struct jump_entry **start, const struct jump_entry **end)
{
	*start = symbols.jump_table;
	*end = symbols.jump_table_end;
	return true;
}
