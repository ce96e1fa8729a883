/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's registers while it is stopped, and events for it, in one form for both vendors: it is
 * that of AMD's control block, whose hardware keeps them there. On Intel they are copied for the
 * length of an exit.
 */
#pragma once

#include <hv/types.h>

/* Attributes as in a descriptor, without the limit's bits in between. */
struct segment {
	u16 selector;
	u16 attributes;
	u32 limit;
	u64 base;
};

#define SEGMENT_BUSY 0x002u /* of attributes: of a TSS, loaded in TR */
#define SEGMENT_P    0x080u /* present */
#define SEGMENT_L    0x200u /* 64-bit code */
#define SEGMENT_D    0x400u /* 32-bit operands; not with L */

/* The hidden part of a segment register, from a descriptor: APM vol. 2, 4.8. */
static inline struct segment segment_of(u16 selector, u64 descriptor)
{
	struct segment s = {
		.selector = selector,
		.attributes = (descriptor >> 40 & 0xff) | (descriptor >> 44 & 0xf00),
		.limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000),
		.base = (descriptor >> 16 & 0xffffff) | (descriptor >> 32 & 0xff000000),
	};

	if (s.attributes & BIT(11)) /* granularity */
		s.limit = s.limit << 12 | 0xfff;
	return s;
}

/* APM vol. 2, table B-2, up to the last field that is used. */
struct state {
	struct segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved0[0xcb - 0xa0];
	u8 cpl;
	u32 reserved1;
	u64 efer;
	u8 reserved2[0x148 - 0xd8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved3[0x1d8 - 0x180];
	u64 rsp;
	u64 s_cet, ssp, isst_addr; /* where the CPU has shadow stacks */
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved4[0x268 - 0x248];
	u64 pat;
};

static_assert(offsetof(struct state, cpl) == 0xcb, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, efer) == 0xd0, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, rip) == 0x178, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, rsp) == 0x1d8, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, s_cet) == 0x1e0, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, rax) == 0x1f8, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, cr2) == 0x240, "APM vol. 2, table B-2");
static_assert(offsetof(struct state, pat) == 0x268, "APM vol. 2, table B-2");

/*
 * An event that the guest is delivered, or that was being delivered when it stopped: vector, type
 * and flags, and in the upper half the error code. APM vol. 2, 15.20; Intel SDM vol. 3, 26.8.3 and
 * 26.9.3 have the same but for the error code, which is a field of its own.
 */
#define EVENT_INTERRUPT (0ull << 8)
#define EVENT_NMI	(2ull << 8)
#define EVENT_EXCEPTION (3ull << 8)
#define EVENT_SOFTWARE	(4ull << 8)
#define EVENT_TYPE	(7ull << 8)
#define EVENT_ERROR	BIT(11)
#define EVENT_VALID	BIT(31)
#define EVENT_VECTOR	0xffull

#define EVENT_RESERVED 0x7ffff000ull
