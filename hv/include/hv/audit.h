/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks at the second-level tables from outside: do they say what the owner map says? */
#pragma once

#include <holdfast/hypercall.h>
#include <hv/types.h>

/*
 * Fills in up to HF_PAGE_RUNS runs from @start on, which is page aligned and below
 * backend_gpa_limit; how many, at least one.
 */
u32 audit_pages(struct cpu *cpu, struct gpa start, struct hf_page_run *runs);
