/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel may go on to patch its own code. */
#ifndef AGENT_PATCHING_H
#define AGENT_PATCHING_H

#include <holdfast/ctl.h>
#include <holdfast/site.h>

#include "compat/probes.h"
#include "compat/trace.h"
#include "ranges.h"

#define PATCHING_TEMPLATES     (TRACE_TEMPLATES + PROBES_TEMPLATES)
#define PATCHING_FORBIDDEN_MAX 8192 /* pieces of code, before they are joined */

/*
 * @policy:	what is wanted, given by the caller; the rest is found
 * @reason, @va: why it could not be found or handed over, and where
 */
struct patching {
	struct hf_patching policy;
	enum hf_lock_reason reason;
	unsigned long va;
	unsigned int sites, entries, probes, forbidden;
	struct hf_site site[HF_SITES_MAX];
	u32 entry[HF_ENTRIES_MAX];
	struct hf_probe probe[HF_PROBES_MAX];
	struct hf_template template[PATCHING_TEMPLATES];
	struct hf_code_range forbids[PATCHING_FORBIDDEN_MAX];
};

/* Nothing is patched between these two. modules_hold() first. */
void patching_hold(void);
void patching_release(void);

/*
 * Finds everything in the code that @ranges name. Under patching_hold(). -EINVAL: this kernel
 * patches in ways that are not known here; -EAGAIN: something has come since the ranges were found;
 * -ENOSPC: too much of something.
 */
int patching_find(struct patching *patching, const struct ranges *ranges);

/* Hands it to the hypervisor, which has the ranges. @call: the one that failed. */
int patching_register(struct patching *patching, u32 *call);

#endif
