/* SPDX-License-Identifier: GPL-2.0-only */
/* The image in memory: its sections, and how it was called. */
#pragma once

#include <holdfast/image.h>
#include <hv/types.h>

/* Section bounds, page aligned, set by hv.ld. */
extern u8 image_start[], image_text[], image_rodata[], image_data[], image_end[];

/*
 * What the caller's registers must be when the entry function returns: pushed by entry.S on the
 * caller's stack. A CPU that becomes a guest returns from the entry through this record,
 * because the code of the entry itself is hidden from guests.
 */
struct entry_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 rip; /* return address; RSP after the return is the address behind it */
};

/* The frame of the entry call that CPU @index made; valid until the CPU is a guest. */
const struct entry_frame *image_frame(u32 index);

s64 image_main(u32 op, struct hf_boot *boot, u32 cpu, const struct entry_frame *frame);
