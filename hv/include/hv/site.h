/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The registry of places where the kernel patches its code (holdfast/site.h). Filled before lock,
 * constant afterwards. Lock: the owner lock, which every caller holds, but for site_policy.
 */
#pragma once

#include <holdfast/site.h>
#include <hv/types.h>

#define SITE_MAX    8u /* bytes of the longest site */
#define SITE_BRANCH 6u /* of a HF_FORM_BRANCH */

#define SITE_PROBE 4u /* a kind next to those of enum hf_site_kind: see hv/probe.h */

struct site {
	struct gva va;
	struct gpa gpa;
	struct gpa rest; /* where it goes on in another page */
	u32 size;	 /* bytes */
	u32 kind;	 /* enum hf_site_kind, or SITE_PROBE */
	u32 target;
};

int site_init(void); /* at launch; -ENOMEM */

/* Errors as the calls of these names document them. */
int site_add_patching(const struct hf_patching *new);
int site_add_entries(const u32 *new, u64 count);
int site_add(const struct hf_site *new, u64 count);

/* Before lock: as if none of them had been made. */
void site_forget(void);

u32 site_count(void);
/* Constant after lock. */
const struct hf_patching *site_patching(void);
/* Where the 2 GiB begin that have all code. */
u64 site_base(void);
/* Whether any registered site has a byte in common with the @size at @va. */
bool site_touches(struct gva va, u32 size);
/* The site that holds all of the @size bytes at @va. */
bool site_find(struct gva va, u32 size, struct site *site);
/* Where the memory is, of @site's va and size. False: not in registered code. */
bool site_locate(struct site *site);
/* Whether @bytes, but for the first @from of them, are those of one of the site's values. */
bool site_value(const struct site *site, const u8 *bytes, u32 from);
/*
 * What is stored in the place of @bytes, all of the site's: for a tracer that nobody
 * registered the first of those that are, which calls all there are.
 */
void site_settle(const struct site *site, u8 *bytes);
/* Whether calls may go there. */
bool site_entry(struct gva va);
/* Whether it is the return thunk, and the kernel has one. */
bool site_thunk(struct gva to);

/* Bytes of a site in memory; -EFAULT: not all of it is there any more. */
int site_read(const struct site *site, u8 *bytes);
int site_write(const struct site *site, u32 offset, const u8 *bytes, u32 size);
