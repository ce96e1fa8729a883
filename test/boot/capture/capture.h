/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a capturing machine leaves in memory, for the host to read: records, one after the other,
 * each with @size bytes behind it, padded to 8. The last one is CAPTURE_END.
 */
#ifndef TEST_BOOT_CAPTURE_CAPTURE_H
#define TEST_BOOT_CAPTURE_CAPTURE_H

#include <holdfast/service/authority.h>

#define CAPTURE_MAGIC 0x3150414344414648ull /* "HFADCAP1" */

enum capture_kind {
	CAPTURE_END = 0,
	CAPTURE_FACTS = 1,   /* struct hf_authority_facts */
	CAPTURE_KEY = 2,     /* struct hf_authority_key */
	CAPTURE_KERNEL = 3,  /* struct hf_authority_exporter */
	CAPTURE_RODATA = 4,  /* the kernel's read-only data */
	CAPTURE_ENTRIES = 5, /* where calls may go, u32, as in site.h, not sorted */
	CAPTURE_COMING = 6,  /* a module; @va: its per-CPU data, @index: of that size */
	CAPTURE_PART = 7,    /* a part of it, @index: enum hf_module_part */
	CAPTURE_LIVE = 8,    /* the module's init is done */
	CAPTURE_GOING = 9,   /* it is about to be unloaded */
	CAPTURE_THUNKS = 10, /* the next page of its ITS thunks */
};

struct capture_record {
	uint64_t magic;
	uint32_t kind;
	uint32_t index;
	uint64_t va;
	uint64_t size;
	uint8_t name[64];
};

_Static_assert(sizeof(struct capture_record) == 96, "read by programs of the host");

#endif
