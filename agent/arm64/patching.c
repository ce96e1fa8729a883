// SPDX-License-Identifier: GPL-2.0-only
/*
 * What arm64 patches (arch/arm64/kernel/{jump_label,ftrace}.c): jump labels, and calls of the
 * tracer at functions' starts. There are no static calls, and no trampolines made for one
 * tracer. Breakpoints of kprobes are not described here yet: stores of them are refused.
 */
#include <linux/ftrace.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/ftrace.h>

#include <holdfast/hypercall.h>

#include "compat/functions.h"
#include "compat/jumps.h"
#include "compat/modules.h"
#include "compat/probes.h"
#include "compat/symbols.h"
#include "compat/traced.h"
#include "patching.h"

/* Each patch is one store: nothing is half way, and what comes meanwhile is a value like others. */
void patching_hold(void)
{
}

void patching_release(void)
{
}

/* Breakpoints do not become jumps here: nobody need be told that they no longer do. */
bool probes_close(bool optimise)
{
	return optimise;
}

void probes_open(void)
{
}

/* Slots of probes. */
bool patching_makes_code(const struct hf_patching *policy)
{
	return policy->kprobes == HF_POLICY_ON;
}

/* ---- where code is ---- */

/* What is patched or called. */
static bool counts(const struct hf_range *range)
{
	return range->kind == HF_KIND_TEXT || range->kind == HF_KIND_MODULE_TEXT;
}

/*
 * Kernel and modules lie within 2 GiB of each other, so that ADRP reaches (kernel/module.c
 * there).
 */
static int find_base(struct patching *patching)
{
	const struct ranges *ranges = patching->ranges;
	u64 start = U64_MAX, end = 0;
	unsigned int i;

	for (i = 0; i < ranges->count; i++) {
		const struct hf_range *range = &ranges->range[i];

		if (!counts(range))
			continue;
		start = min(start, range->va);
		end = max(end, range->va + range->npages * HF_PAGE_SIZE);
	}
	patching->policy.code_base = start;
	return end - start <= SZ_2G ? 0
				    : patching_trouble(patching, -EINVAL, HF_LOCK_LAYOUT, end);
}

/* ---- jump labels ---- */

static int add_jump(unsigned long va, unsigned long label, void *patching)
{
	return patching_add_jump(patching, va, HF_SITE_JUMP5, label);
}

/* ---- the tracer ---- */

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_CALL_OPS
/*
 * Which tracer a function calls stands before it (ftrace_rec_set_ops()); @va is where it
 * calls. What is no address of the kernel there is something else: no instruction looks like
 * its upper half (ARM C4.1).
 */
static int add_literal(struct patching *patching, unsigned long va)
{
	unsigned long at = ALIGN_DOWN(va - 12, sizeof(u64));

	if (!patching->policy.tracers[0] || *(const u64 *)at >> 52 != 0xfff)
		return 0;
	return patching_add_site(patching, at, HF_SITE_CALL, HF_FORM_TRACER);
}
#else
static int add_literal(struct patching *patching, unsigned long va)
{
	return 0;
}
#endif

static int add_traced(unsigned long va, void *patching)
{
	int ret = add_literal(patching, va);

	return ret ? ret : patching_add_site(patching, va, HF_SITE_TRACE, 0);
}

/* Modules too far from the kernel call it by way of code of their own. */
static int add_way(const struct module *module, void *arg)
{
	const struct plt_entry *way = module->arch.ftrace_trampolines;
	struct patching *patching = arg;
	unsigned int i;
	int ret = 0;

	for (i = 0; way && i < NR_FTRACE_PLTS && !ret; i++)
		ret = patching_add_entry(patching, (unsigned long)&way[i], HF_ENTRY_TRAMPOLINE);
	return ret;
}

/* "$x", "$d": what follows is code, or data. */
static int add_function(const char *name, unsigned long va, void *arg)
{
	struct patching *patching = arg;

	if (*name == '$' || !IS_ALIGNED(va, sizeof(u32)) ||
	    !ranges_hold_code(patching->ranges, va))
		return 0;
	return patching_add_entry(patching, va, 0);
}

/* Kernels that do not keep the tracer with the function call it from one place, for all. */
static int add_tracer_call(struct patching *patching)
{
	int ret = 0;

	if (!symbols.ftrace_call)
		return 0;
	ret = patching_add_site(patching, symbols.ftrace_call, HF_SITE_CALL, HF_FORM_PATCHED);
	return ret ? ret : functions_each(add_function, patching);
}

static int add_trampoline(struct patching *patching, unsigned long va)
{
	return va ? patching_add_entry(patching, va, HF_ENTRY_TRAMPOLINE) : 0;
}

static int find_tracing(struct patching *patching)
{
	int ret = add_trampoline(patching, symbols.ftrace_caller);

	memcpy(patching->policy.tracers, symbols.tracers, sizeof(patching->policy.tracers));
	ret = ret ? ret : add_trampoline(patching, symbols.ftrace_regs_caller);
	ret = ret ? ret : modules_each(add_way, patching);
	ret = ret ? ret : traced_each(add_traced, patching);
	return ret ? ret : add_tracer_call(patching);
}

int patching_collect(struct patching *patching)
{
	int ret = find_base(patching);

	if (!ret && patching->policy.kprobes == HF_POLICY_ON)
		ret = patching_trouble(patching, -EPERM, HF_LOCK_PROBES, 0);
	ret = ret ? ret : jumps_each(add_jump, patching);
	return ret ? ret : find_tracing(patching);
}
