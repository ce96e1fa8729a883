/* SPDX-License-Identifier: GPL-2.0-only */
/* Integers, addresses and small helpers used by every file of the hypervisor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <holdfast/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

/* Named wherever something is done for one of them. */
struct cpu;
struct domain;
struct exit;
struct hf_boot;

/*
 * One type for each address space, so that the compiler refuses to mix them. Guest
 * memory is mapped one to one (gpa == hpa) by today's backends; nothing outside a backend may
 * rely on it.
 */
struct hpa {
	u64 raw;
};
struct gpa {
	u64 raw;
};
struct gva {
	u64 raw;
};

static inline struct hpa hpa(u64 raw)
{
	return (struct hpa){ raw };
}

static inline struct gpa gpa(u64 raw)
{
	return (struct gpa){ raw };
}

static inline struct gva gva(u64 raw)
{
	return (struct gva){ raw };
}

#define PAGE_SHIFT HF_PAGE_SHIFT
#define PAGE_SIZE  ((u64)HF_PAGE_SIZE)
#define PAGE_MASK  (PAGE_SIZE - 1)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define static_assert _Static_assert
#define likely(x)	   __builtin_expect(!!(x), 1)
#define unlikely(x)	   __builtin_expect(!!(x), 0)
#define BIT(n)		   (1ull << (n))
#define __noinline	   __attribute__((noinline))
#define __packed	   __attribute__((packed))
#define __aligned(n)	   __attribute__((aligned(n)))
#define __printf(fmt, arg) __attribute__((format(printf, fmt, arg)))
