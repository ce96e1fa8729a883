/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel may go on to patch its own code. */
#ifndef AGENT_PATCHING_H
#define AGENT_PATCHING_H

#include <holdfast/ctl.h>
#include <holdfast/site.h>

#include "ranges.h"

#define PATCHING_TEMPLATES     3
#define PATCHING_FORBIDDEN_MAX 8192 /* pieces of code, before they are joined */

/*
 * @policy:	what is wanted, given by the caller; the rest is found
 * @reason, @va: why it could not be found or handed over, and where
 */
struct patching {
	struct hf_patching policy;
	enum hf_lock_reason reason;
	unsigned long va;
	const struct ranges *ranges; /* that hold all code */
	unsigned int sites, entries, probes, forbidden, templates;
	struct hf_site site[HF_SITES_MAX];
	u32 entry[HF_ENTRIES_MAX];
	struct hf_probe probe[HF_PROBES_MAX];
	struct hf_template template[PATCHING_TEMPLATES];
	struct hf_code_range forbids[PATCHING_FORBIDDEN_MAX];
};

/* Nothing that is half way is seen between these two. modules_hold() first. */
void patching_hold(void);
void patching_release(void);

/* Whether with these policies the kernel runs code after lock that it has not made yet. */
bool patching_makes_code(const struct hf_patching *policy);

/*
 * Finds everything in the code that @ranges name. Under patching_hold(). -EINVAL: this kernel
 * patches in ways that are not known here; -EAGAIN: something has come since the ranges were found;
 * -ENOSPC: too much of something.
 */
int patching_find(struct patching *patching, const struct ranges *ranges);

/*
 * Each architecture's: the rest of policy first, then all else, in any order. As
 * patching_find().
 */
int patching_collect(struct patching *patching);

/* For that. -ENOSPC, -EAGAIN: as above. */
int patching_trouble(struct patching *patching, int error, enum hf_lock_reason reason,
		     unsigned long va);
int patching_add_entry(struct patching *patching, unsigned long va, u32 flags);
int patching_add_site(struct patching *patching, unsigned long va, enum hf_site_kind kind,
		      u32 target);
int patching_add_jump(struct patching *patching, unsigned long va, enum hf_site_kind kind,
		      unsigned long label);
int patching_add_probe(struct patching *patching, const struct hf_probe *probe);
int patching_add_forbidden(struct patching *patching, unsigned long start, unsigned long end);

/* Hands it to the hypervisor, which has the ranges. @call: the one that failed. */
int patching_register(struct patching *patching, u32 *call);

#endif
