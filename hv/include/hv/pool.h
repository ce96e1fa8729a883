/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own memory: chunks handed over at launch, one virtual range. Pages are
 * given out one by one, or in runs that are contiguous in virtual but not in physical memory.
 *
 * Lock: launch is single threaded; afterwards the owner lock, which every caller holds.
 */
#pragma once

#include <holdfast/image.h>
#include <hv/types.h>

/*
 * @base:	virtual address of the first chunk
 * @chunks:	physical addresses, copied
 * @used:	bytes at the start that the image occupies, page aligned
 * @inject:	test hook: fail the inject-th allocation from now on; 0: none
 */
int pool_init(void *base, const u64 *chunks, u32 count, u64 used, u32 inject);

/* One zeroed page, NULL if there is none. */
void *pool_page(void);
/* @npages zeroed pages in a row (virtually); only before lock; never freed. NULL: none left. */
void *pool_pages(u64 npages);
/* Like pool_pages, physically contiguous and aligned to its size, npages a power of two <= 1024. */
void *pool_contiguous(u64 npages);
/* Give a page of pool_page back. */
void pool_free(void *page);
/* How many pool_page calls are sure to succeed. */
u64 pool_available(void);

/* Addresses of the hypervisor's own memory; a foreign address is a bug of ours (CHECK). */
struct hpa pool_hpa(const void *va);
void *pool_va(struct hpa address);

u64 pool_total(void); /* bytes */
u64 pool_used(void);  /* bytes */
