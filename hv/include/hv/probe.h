/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Breakpoints at places that are no sites: kprobes. Lock: the owner lock, which every caller holds.
 */
#pragma once

#include <hv/owner.h>
#include <hv/site.h>
#include <hv/types.h>

int probe_init(void); /* at launch; -ENOMEM */

/* Errors as HF_CALL_PROBES documents them. */
int probe_add(const struct hf_probe *new, u64 count);
/* Before lock: no probe was registered. */
void probe_forget(void);
/*
 * The probe that holds all of the @size bytes at @va, as a site whose values are what was there
 * before it and its jump, if it has one. With policy "on" the store of a breakpoint, @byte, makes
 * one where none is. The four bytes behind one that has no jump are the end of what may become
 * one. To be asked after site_find: sites come first.
 */
bool probe_find(struct gva va, u32 size, u8 byte, struct site *site);
/* Whether @bytes, but for the first @from of them, are those of one of its values. */
bool probe_value(const struct site *site, const u8 *bytes, u32 from);
/* Whether the end of @bytes is that of a jump which the probe may have from now on. */
bool probe_may_jump(struct owner_locked owner, const struct site *site, const u8 *bytes);
/* The end of @bytes was stored: that of its jump, or of what was there before. */
void probe_ended(const struct site *site, const u8 *bytes);
/* Its first byte is no breakpoint. Without a jump it is gone, forgotten if it can be made again. */
void probe_removed(const struct site *site);
