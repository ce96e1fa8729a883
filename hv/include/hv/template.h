/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trampolines that the kernel makes after lock, approved by template (holdfast/site.h). Lock: the
 * owner lock, which every caller holds.
 */
#pragma once

#include <hv/owner.h>
#include <hv/site.h>
#include <hv/types.h>

/* What a page that goes back does in place of @from: @size bytes, as they were before a probe. */
struct template_copy {
	struct gva from;
	u32 size;
	u8 code[HF_COPY_MAX];
};

/* Errors as HF_CALL_TEMPLATE documents them. */
int template_add(const struct hf_template *new);
/* Before lock: no template was registered. */
void template_forget(void);
/*
 * Whether trace sites may call @to or, with @copy, a probe at copy->from may jump there: a page
 * that equals a template, and is sealed from now on.
 */
bool template_approves(struct owner_locked owner, struct gva to,
		       const struct template_copy *copy);
/* One site or probe more (1) or less (-1) goes to @to. */
void template_count(struct gva to, s32 by);
/* What an approved page is mapped to. */
bool template_va(struct gpa at, struct gva *to);
/* The site in an approved page that holds all of the @size bytes at @va: its call. */
bool template_find(struct gva va, u32 size, struct site *site);
/* An approved page that nothing goes to is the guest's again. False: @at is in none. */
bool template_give_back(struct owner_locked owner, struct gpa at);
