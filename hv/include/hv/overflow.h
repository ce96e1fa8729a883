/* SPDX-License-Identifier: GPL-2.0-only */
/* Arithmetic on numbers that come from elsewhere. */
#pragma once

#include <hv/types.h>

/* *end = start + npages pages; true if start is unaligned, npages is 0, or the end wraps. */
static inline bool range_overflow(u64 start, u64 npages, u64 *end)
{
	u64 bytes;

	return (start & PAGE_MASK) || !npages ||
	       __builtin_mul_overflow(npages, PAGE_SIZE, &bytes) ||
	       __builtin_add_overflow(start, bytes, end);
}
