/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers in foreign bytes: not aligned, little-endian as the machine. */
#ifndef LIBSVC_BYTES_H
#define LIBSVC_BYTES_H

#include <libsvc/string.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

static inline u16 get16(const u8 *at)
{
	u16 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline u32 get32(const u8 *at)
{
	u32 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline u64 get64(const u8 *at)
{
	u64 value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* A displacement: what is added to an address. */
static inline u64 get_displacement(const u8 *at)
{
	return (u64)(s64)(s32)get32(at);
}

static inline void put32(u8 *at, u64 value)
{
	u32 low = (u32)value;

	memcpy(at, &low, sizeof(low));
}

static inline void put64(u8 *at, u64 value)
{
	memcpy(at, &value, sizeof(value));
}

/* Do @size bytes at @start lie in the first @limit ones? */
static inline bool within(u64 start, u64 size, u64 limit)
{
	return start <= limit && size <= limit - start;
}

#endif
