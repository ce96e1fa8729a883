/* SPDX-License-Identifier: GPL-2.0-only */
/* I/O APICs: what a guest's writes to their registers ask for, and carrying them out. */
#pragma once

#include <holdfast/image.h>
#include <hv/types.h>

/* Map and guard those of the boot record. -ENOMEM, -EINVAL. */
int ioapic_init(const struct hf_boot *boot);
/* The number of the one whose page holds @at, or -1. */
int ioapic_at(struct gpa at);
/* enum device_request. @index: out, the register that the window shows now. */
u8 ioapic_request(struct cpu *cpu, int number, struct gpa at, u32 value, u32 *index);
/* @index: the one that the request was judged by. */
void ioapic_write(struct cpu *cpu, int number, struct gpa at, u32 value, u32 index);
