/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for one request: taken piece by piece, given back all at once. */
#ifndef AUTHORITY_ARENA_H
#define AUTHORITY_ARENA_H

#include <libsvc/bytes.h>

struct arena {
	u8 *base;
	u64 size;
	u64 used;
	u64 most; /* that ever was */
};

/* @count pieces of @size bytes, cleared, aligned to 16; NULL if there is no room. */
static inline void *arena_take(struct arena *arena, u64 count, u64 size)
{
	u64 start = (arena->used + 15) & ~15ull, bytes;
	void *at;

	if (__builtin_mul_overflow(count, size, &bytes) || !within(start, bytes, arena->size))
		return NULL;
	arena->used = start + bytes;
	if (arena->used > arena->most)
		arena->most = arena->used;
	at = arena->base + start;
	memset(at, 0, bytes);
	return at;
}

#endif
