// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypervisor's own memory. Pages are numbered from the start of the first chunk; those
 * below `fresh` have been given out once (to the image, the first ones), and those given back
 * since are in a list.
 */
#include <hv/panic.h>
#include <hv/pool.h>
#include <hv/string.h>

#define CHUNK_PAGES (HF_CHUNK_SIZE / PAGE_SIZE)

/* At the start of a page that was given back. */
struct free_page {
	struct free_page *next;
};

/* Lock: see pool.h. */
static struct {
	u8 *base;		  /* virtual address of page 0 */
	u64 chunk[HF_CHUNKS_MAX]; /* physical address of each chunk */
	u64 pages;		  /* in all chunks */
	u64 image;		  /* of them, occupied by the image */
	u64 fresh;		  /* first page never given out */
	struct free_page *free;
	u64 free_count;
	u32 inject; /* allocations until one fails on purpose; 0: none will */
} pool;

int pool_init(void *base, const u64 *chunks, u32 count, u64 used, u32 inject)
{
	u32 i;

	if (!count || count > HF_CHUNKS_MAX || (used & PAGE_MASK) ||
	    used > count * HF_CHUNK_SIZE || ((uintptr_t)base & PAGE_MASK))
		return -HF_EINVAL;
	for (i = 0; i < count; i++) {
		if (chunks[i] & (HF_CHUNK_SIZE - 1))
			return -HF_EINVAL;
		pool.chunk[i] = chunks[i];
	}
	pool.base = base;
	pool.pages = count * CHUNK_PAGES;
	pool.image = used / PAGE_SIZE;
	pool.fresh = pool.image;
	pool.free = NULL;
	pool.free_count = 0;
	pool.inject = inject;
	return 0;
}

static bool injected(void)
{
	return pool.inject && !--pool.inject;
}

static void give_back(void *page)
{
	struct free_page *free = page;

	free->next = pool.free;
	pool.free = free;
	pool.free_count++;
}

/*
 * @npages in a row from page number @start on, at most where the last chunk ends. Pages left
 * out before them can be had singly.
 */
static void *take_fresh(u64 start, u64 npages)
{
	if (npages > pool.pages - start)
		return NULL;
	for (; pool.fresh < start; pool.fresh++)
		give_back(pool.base + pool.fresh * PAGE_SIZE);
	pool.fresh += npages;
	return memset(pool.base + start * PAGE_SIZE, 0, npages * PAGE_SIZE);
}

void *pool_page(void)
{
	struct free_page *page = pool.free;

	if (injected())
		return NULL;
	if (!page)
		return take_fresh(pool.fresh, 1);
	pool.free = page->next;
	pool.free_count--;
	return memset(page, 0, PAGE_SIZE);
}

void *pool_pages(u64 npages)
{
	return injected() ? NULL : take_fresh(pool.fresh, npages);
}

void *pool_contiguous(u64 npages)
{
	CHECK(npages && npages <= CHUNK_PAGES && !(npages & (npages - 1)));
	/* Chunks are aligned to their size and npages divides it: no run crosses chunks. */
	return injected() ? NULL
			  : take_fresh((pool.fresh + npages - 1) & ~(npages - 1), npages);
}

void pool_free(void *page)
{
	u64 offset = (uintptr_t)page - (uintptr_t)pool.base;

	CHECK(!(offset & PAGE_MASK));
	CHECK(offset / PAGE_SIZE >= pool.image && offset / PAGE_SIZE < pool.fresh);
	give_back(page);
}

u64 pool_available(void)
{
	u64 left = pool.pages - pool.fresh + pool.free_count;

	return pool.inject && pool.inject - 1 < left ? pool.inject - 1 : left;
}

struct hpa pool_hpa(const void *va)
{
	u64 offset = (uintptr_t)va - (uintptr_t)pool.base;

	CHECK(offset < pool.pages * PAGE_SIZE);
	return hpa(pool.chunk[offset >> HF_CHUNK_SHIFT] + (offset & (HF_CHUNK_SIZE - 1)));
}

void *pool_va(struct hpa address)
{
	u64 i;

	for (i = 0; i < pool.pages / CHUNK_PAGES; i++) {
		u64 offset = address.raw - pool.chunk[i];

		if (offset < HF_CHUNK_SIZE)
			return pool.base + (i << HF_CHUNK_SHIFT) + offset;
	}
	panic("%llx is not ours", (unsigned long long)address.raw);
}

u64 pool_total(void)
{
	return pool.pages * PAGE_SIZE;
}

u64 pool_used(void)
{
	return (pool.fresh - pool.free_count) * PAGE_SIZE;
}
