/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own translation at EL2: W^X, cacheable; nothing but its own memory, the serial
 * port, and for each CPU a stack with a hole below it and a window of one page.
 *
 * Our memory is mapped one to one: it is the same with the MMU off. Stacks and windows are high.
 */
#pragma once

#include <hv/types.h>

#define MAP_STACK_SIZE 16384u

/*
 * With the MMU off, before anything else of this file: build the tables for @size bytes at @base,
 * whose beginning is the image. false: there is not enough room for tables.
 */
bool map_init(u64 base, u64 size);
/* Map a page of device registers, where it is. */
bool map_device(u64 page);
/* Own CPU: one access to a device of the guest's, of @width bytes; a load of 4 or 8. */
u64 map_load(struct gpa at, u32 width);
void map_store(struct gpa at, u64 value, u32 width);
/* The stack of CPU number @index: its top. 0: out of memory. */
u64 map_stack(u32 index);
/* What start.S loads to turn translation on. */
struct map_registers {
	u64 mair, tcr, ttbr0, sctlr;
};
extern struct map_registers map_registers;

/* The memory of other CPUs, and of the machine before the MMU is on, is written past the cache:
 * clean the range and forget what the cache has of it, to the point of coherency. */
void map_clean(const void *start, u64 size);
