// SPDX-License-Identifier: GPL-2.0-only
/*
 * The four functions a freestanding compiler may call by itself, and bounded strings.
 *
 * The barrier in each loop keeps the compiler from recognizing the loop as the very function it
 * implements and calling that.
 */
#include <hv/string.h>

#define barrier() __asm__ volatile("" ::: "memory")

/* May overlay memory of any type, at any address. */
typedef u64 __attribute__((may_alias, aligned(1))) word;
typedef u32 __attribute__((may_alias, aligned(1))) half;

void *memcpy(void *to, const void *from, size_t size)
{
	size_t i = 0;

	for (; size - i >= sizeof(word); i += sizeof(word)) {
		*(word *)((u8 *)to + i) = *(const word *)((const u8 *)from + i);
		barrier();
	}
	if (size & sizeof(half)) {
		*(half *)((u8 *)to + i) = *(const half *)((const u8 *)from + i);
		i += sizeof(half);
	}
	for (; i < size; i++) {
		((u8 *)to)[i] = ((const u8 *)from)[i];
		barrier();
	}
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	/* memcpy goes upwards: only a target inside the source needs the other direction. */
	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	while (size--) {
		((u8 *)to)[size] = ((const u8 *)from)[size];
		barrier();
	}
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	u64 pattern = (u8)byte * 0x0101010101010101ull;
	size_t i = 0;

	for (; size - i >= sizeof(word); i += sizeof(word)) {
		*(word *)((u8 *)to + i) = pattern;
		barrier();
	}
	for (; i < size; i++) {
		((u8 *)to)[i] = (u8)byte;
		barrier();
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		int difference = ((const u8 *)a)[i] - ((const u8 *)b)[i];

		if (difference)
			return difference;
		barrier();
	}
	return 0;
}

void string_copy(char *to, const char *from, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}
