/* SPDX-License-Identifier: GPL-2.0-only */
/* Page tables as an attacker handles them: without asking the kernel. */
#ifndef HF_ATTACK_PAGING_H
#define HF_ATTACK_PAGING_H

#include <linux/types.h>
#include <asm/pgtable_types.h>

/* Entry that maps va, whatever its size; NULL where va is not mapped. */
u64 *paging_leaf(const void *va, unsigned int *level);

/* Entry of the 2 MiB that hold va; NULL where there is none. */
u64 *paging_pmd(const void *va);

/* Page frame that va is mapped to, 0 where it is not. */
unsigned long paging_pfn(const void *va);

/* A kernel mapping of count consecutive frames; NULL where there is none. Ends with vunmap. */
void *paging_alias(unsigned long pfn, unsigned int count, pgprot_t prot);

/* Drop the translation of va on this CPU, and on every CPU (interrupts must be on). */
void paging_flush_here(const void *va);
void paging_flush_everywhere(const void *va);

#endif
