/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's memory map, as the hypervisor needs it. */
#ifndef AGENT_RAM_H
#define AGENT_RAM_H

#include <holdfast/image.h>

/* Fills memory and memory_count, sorted and disjoint. -ENOSPC: more than HF_MEMORY_MAX ranges.
 */
int ram_describe(struct hf_boot *boot);

/* Memory that the hypervisor needs for the machine described. */
u64 ram_hypervisor_bytes(const struct hf_boot *boot);

#endif
