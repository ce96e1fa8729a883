/* SPDX-License-Identifier: GPL-2.0-only */
/* Arithmetic on numbers that come from elsewhere. */
#pragma once

#include <hv/types.h>

/* *sum = a + b; true if that wrapped. */
static inline bool add_overflow(u64 a, u64 b, u64 *sum)
{
	return __builtin_add_overflow(a, b, sum);
}

static inline bool mul_overflow(u64 a, u64 b, u64 *product)
{
	return __builtin_mul_overflow(a, b, product);
}

/* *end = start + npages pages; true if start is unaligned, npages is 0, or the end wraps. */
static inline bool range_overflow(u64 start, u64 npages, u64 *end)
{
	u64 bytes;

	return (start & PAGE_MASK) || !npages || mul_overflow(npages, PAGE_SIZE, &bytes) ||
	       add_overflow(start, bytes, end);
}
