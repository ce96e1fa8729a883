/* SPDX-License-Identifier: GPL-2.0-only */
/* What an audit expects of a page, and what it is surprised by. */
#ifndef CLI_JUDGE_H
#define CLI_JUDGE_H

#include <stdbool.h>

#include <holdfast/ctl.h>
#include <holdfast/hypercall.h>

/* In the order in which they are looked for: a page is reported for the first that applies. */
enum judge {
	JUDGE_FINE,
	JUDGE_PERMISSION, /* the second-level tables do not give what they should */
	JUDGE_HYPERVISOR, /* hypervisor memory has an address in the kernel */
	JUDGE_ABSENT,	  /* nothing is there, but it has an address */
	JUDGE_LATER,	  /* not sealed; of a kind that comes after lock as well */
	JUDGE_UNSEALED,	  /* not sealed as what the kernel says it is */
	JUDGE_EXCESS,	  /* sealed, but with a permission that its kind must not have */
	JUDGE_EXECUTABLE, /* the kernel can run it, and it is not sealed as code */
	JUDGE_COUNT
};

/* @locked: seals are expected; @split: the CPU tells kernel from user execution */
struct judge_machine {
	bool locked;
	bool split;
};

/* A page by its owner alone. */
enum judge judge_memory(const struct hf_page_run *page);

/* A page of the kernel's address space. */
enum judge judge_mapping(const struct judge_machine *machine, const struct hf_audit_run *mapped,
			 const struct hf_page_run *page);

#endif
