/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory handed to the hypervisor: chunks of HF_CHUNK_SIZE, mapped one after
 * the other for the launch. There is one such memory; the caller excludes
 * concurrent use. Functions in order of use, each with its reverse.
 */
#ifndef AGENT_MEMORY_H
#define AGENT_MEMORY_H

#include <linux/types.h>

#include <holdfast/image.h>

/* Allocates and maps @bytes, zeroed. -ENOMEM: nothing was taken. */
int memory_take(u64 bytes);
void memory_give_back(void);

/*
 * Makes the pages unreachable for the kernel except through memory_base():
 * marked offline, so that nobody reads them because a list of pages names them
 * (/proc/kcore, hibernation, crash dumps), and out of the direct map.
 */
int memory_hide(void);
void memory_unhide(void);

/* After the launch: the pages are the hypervisor's for good; forget the mapping. */
void memory_part(void);

/* Of the mapping, between memory_take() and memory_give_back() or memory_part(). */
void *memory_base(void);

void memory_describe(struct hf_boot *boot);

#endif
