// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page-flags.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/io.h>

#include "compat/directmap.h"
#include "compat/symbols.h"
#include "inject.h"
#include "memory.h"

#define CHUNK_ORDER (HF_CHUNK_SHIFT - PAGE_SHIFT)
#define CHUNK_PAGES (1u << CHUNK_ORDER)

/* Worth reclaim and compaction, but not the OOM killer. */
#define CHUNK_FLAGS (GFP_KERNEL | __GFP_ZERO | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)

/* @parted: the chunks are the hypervisor's. Written under the device's lock. */
static struct {
	unsigned int count;
	bool parted;
	void *base;
	struct page *chunk[HF_CHUNKS_MAX];
} memory;

static void free_chunks(void)
{
	while (memory.count)
		__free_pages(memory.chunk[--memory.count], CHUNK_ORDER);
}

static int alloc_chunks(unsigned int count)
{
	while (memory.count < count) {
		struct page *page = NULL;

		if (inject_allows())
			page = alloc_pages(CHUNK_FLAGS, CHUNK_ORDER);
		if (!page) {
			free_chunks();
			return -ENOMEM;
		}
		memory.chunk[memory.count++] = page;
	}
	return 0;
}

/*
 * VM_IOREMAP because readers of all of kernel memory (/proc/kcore) leave such
 * mappings alone; they would reach the pages through the direct map.
 */
static void *map_pages(void)
{
	unsigned int i, npages = memory.count * CHUNK_PAGES;
	struct page **pages = NULL;
	void *base = NULL;

	if (inject_allows())
		pages = kvmalloc_array(npages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < npages; i++)
		pages[i] = memory.chunk[i / CHUNK_PAGES] + i % CHUNK_PAGES;
	if (inject_allows())
		base = vmap(pages, npages, VM_MAP | VM_IOREMAP, PAGE_KERNEL);
	kvfree(pages);
	return base;
}

static void unmap_chunks(void)
{
	vunmap(memory.base);
	memory.base = NULL;
}

/* vmap() always maps without execute permission. */
static int map_chunks(void)
{
	unsigned long npages = memory.count * CHUNK_PAGES;

	memory.base = map_pages();
	if (!memory.base)
		return -ENOMEM;
	if (!inject_allows() || symbols.set_memory_x((unsigned long)memory.base, npages)) {
		symbols.set_memory_nx((unsigned long)memory.base, npages);
		unmap_chunks();
		return -ENOMEM;
	}
	return 0;
}

int memory_take(u64 bytes)
{
	u64 count = DIV_ROUND_UP_ULL(bytes, HF_CHUNK_SIZE);
	int ret;

	if (count > HF_CHUNKS_MAX)
		return -ENOMEM;
	ret = alloc_chunks(count);
	if (ret)
		return ret;
	ret = map_chunks();
	if (ret)
		free_chunks();
	return ret;
}

/* Execute permission first: that flushes, while vunmap() leaves old translations for a time. */
void memory_give_back(void)
{
	symbols.set_memory_nx((unsigned long)memory.base, memory.count * CHUNK_PAGES);
	unmap_chunks();
	free_chunks();
}

static void mark_chunk(struct page *chunk, bool offline)
{
	unsigned int i;

	page_offline_begin();
	for (i = 0; i < CHUNK_PAGES; i++) {
		if (offline)
			__SetPageOffline(chunk + i);
		else
			__ClearPageOffline(chunk + i);
	}
	page_offline_end();
}

static void unhide_chunks(unsigned int count)
{
	while (count) {
		directmap_restore(memory.chunk[--count], CHUNK_PAGES);
		mark_chunk(memory.chunk[count], false);
	}
}

int memory_hide(void)
{
	unsigned int i;

	for (i = 0; i < memory.count; i++) {
		mark_chunk(memory.chunk[i], true);
		if (!inject_allows() || directmap_remove(memory.chunk[i], CHUNK_PAGES)) {
			unhide_chunks(i + 1);
			return -ENOMEM;
		}
	}
	return 0;
}

void memory_unhide(void)
{
	unhide_chunks(memory.count);
}

void memory_part(void)
{
	unmap_chunks();
	smp_store_release(&memory.parted, true);
}

void *memory_base(void)
{
	return memory.base;
}

void memory_describe(struct hf_boot *boot)
{
	unsigned int i;

	boot->base = (unsigned long)memory.base;
	boot->chunk_count = memory.count;
	for (i = 0; i < memory.count; i++)
		boot->chunk_gpa[i] = page_to_phys(memory.chunk[i]);
}

/* Attack tests need a target: "address:pages,..." in hexadecimal. Constant once parted. */
static int hv_pages_get(char *buffer, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	if (smp_load_acquire(&memory.parted))
		for (i = 0; i < memory.count; i++)
			len += scnprintf(buffer + len, PAGE_SIZE - len, "%s%llx:%x",
					 i ? "," : "", (u64)page_to_phys(memory.chunk[i]),
					 CHUNK_PAGES);
	len += scnprintf(buffer + len, PAGE_SIZE - len, "\n");
	return len;
}

static const struct kernel_param_ops hv_pages_ops = { .get = hv_pages_get };
module_param_cb(hv_pages, &hv_pages_ops, NULL, 0400);
MODULE_PARM_DESC(hv_pages, "where the hypervisor is, once launched (read only)");
