/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of a GICv3 that say where in memory it reads and writes by itself. The guest can only
 * read these devices; its stores are made here.
 */
#pragma once

#include <hv/types.h>

struct cpu;

/* At boot: @size bytes of redistributors at @base, or the registers of an ITS. false: no room. */
bool gic_add(u64 base, u64 size, bool its);
/* Before second-level tables are made. -ENOMEM, -EINVAL: what was added is no device memory. */
int gic_init(void);
/*
 * Own CPU: make the guest's store of @width bytes at @at, which is in one of them. false: it would
 * have the device use memory that is not the guest's to give, or cannot be judged.
 */
bool gic_store(struct cpu *cpu, struct gpa at, u64 value, u32 width);
