// SPDX-License-Identifier: GPL-2.0-only
/*
 * calloc() and free() for libraries that ask for them. Pieces come in powers of two and are kept,
 * by size, when they are given back.
 */
#include <libsvc/bytes.h>
#include <libsvc/heap.h>

#define HEAP_SIZE (256u << 10)
#define SMALLEST  64u
#define SIZES	  9u /* up to 16 KiB */
#define HEADER	  16u
#define LARGEST	  (SMALLEST << (SIZES - 1))

/* In front of what is handed out. @next: while it is free */
struct piece {
	u64 number;
	struct piece *next;
};

_Static_assert(sizeof(struct piece) == HEADER, "what follows is aligned to 16");

static _Alignas(16) u8 heap[HEAP_SIZE];
static u32 used;
static struct piece *freed[SIZES];

static struct piece *take(u32 number)
{
	struct piece *piece = freed[number];
	u32 size = HEADER + (SMALLEST << number);

	if (piece) {
		freed[number] = piece->next;
		return piece;
	}
	if (size > HEAP_SIZE - used)
		return NULL;
	piece = (struct piece *)(heap + used);
	used += size;
	piece->number = number;
	return piece;
}

void *calloc(size_t count, size_t size)
{
	struct piece *piece;
	size_t bytes;
	u32 number = 0;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > LARGEST)
		return NULL;
	while (SMALLEST << number < bytes)
		number++;
	piece = take(number);
	return piece ? memset((u8 *)piece + HEADER, 0, bytes) : NULL;
}

void free(void *at)
{
	struct piece *piece = (struct piece *)((u8 *)at - HEADER);

	if (!at)
		return;
	piece->next = freed[piece->number];
	freed[piece->number] = piece;
}

void heap_reset(void)
{
	used = 0;
	memset(freed, 0, sizeof(freed));
}
