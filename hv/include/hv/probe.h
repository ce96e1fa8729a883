/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Breakpoints at places that are no sites: kprobes. Lock: the owner lock, which every caller holds.
 */
#pragma once

#include <hv/site.h>
#include <hv/types.h>

int probe_init(void); /* at launch; -ENOMEM */

/* Errors as HF_CALL_PROBES documents them. */
int probe_add(const struct hf_probe *new, u64 count);
/* Before lock: no probe was registered. */
void probe_forget(void);
/*
 * The probe that holds all of the @size bytes at @va, as a site whose values are what was there
 * before it and, if it was optimised at lock, its jump. With policy "on" the store of a
 * breakpoint, @byte, makes one where none is. To be asked after site_find: sites come first.
 */
bool probe_find(struct gva va, u32 size, u8 byte, struct site *site);
/* Whether @bytes, but for the first @from of them, are those of one of its values. */
bool probe_value(const struct site *site, const u8 *bytes, u32 from);
/* It holds what was there before it: one that was made after lock is forgotten. */
void probe_removed(const struct site *site);
