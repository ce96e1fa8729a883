// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/text-patching.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "compat/calls.h"
#include "compat/functions.h"
#include "compat/jumps.h"
#include "compat/symbols.h"
#include "patching.h"

#define OFFSET(va) ((u32)((va)-HF_CODE_BASE))

struct finder {
	struct patching *patching;
	const struct ranges *ranges;
};

/* The order in which the kernel takes them, outermost first. */
void patching_hold(void)
{
	probes_hold();
	trace_hold();
	cpus_read_lock();
	mutex_lock(symbols.text_mutex);
}

void patching_release(void)
{
	mutex_unlock(symbols.text_mutex);
	cpus_read_unlock();
	trace_release();
	probes_release();
}

static int trouble(struct patching *patching, int error, enum hf_lock_reason reason,
		   unsigned long va)
{
	patching->reason = reason;
	patching->va = va;
	return error;
}

/* ---- where calls may go ---- */

static int add_entry(const struct finder *finder, unsigned long va, u32 flags)
{
	struct patching *patching = finder->patching;

	if (patching->entries == HF_ENTRIES_MAX)
		return trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, va);
	patching->entry[patching->entries++] = OFFSET(va) | flags;
	return 0;
}

/*
 * Where a call or jump of 5 bytes goes now, it may go again: also to what has no name. What is
 * nobody's may have been made since the ranges were found.
 */
static int add_current(const struct finder *finder, unsigned long va, u32 flags)
{
	const union text_poke_insn *instruction = (const void *)va;
	unsigned long target = va + CALL_INSN_SIZE + instruction->disp;

	if (instruction->opcode != CALL_INSN_OPCODE && instruction->opcode != JMP32_INSN_OPCODE)
		return 0;
	if (!ranges_hold_code(finder->ranges, target))
		return trouble(finder->patching, -EAGAIN, HF_LOCK_SITE, va);
	return add_entry(finder, target, flags);
}

/* ---- what is patched ---- */

static int add_site(const struct finder *finder, unsigned long va, enum hf_site_kind kind,
		    u32 target)
{
	struct patching *patching = finder->patching;

	if (!ranges_hold_code(finder->ranges, va))
		return trouble(patching, -EAGAIN, HF_LOCK_SITE, va);
	if (patching->sites == HF_SITES_MAX)
		return trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, va);
	patching->site[patching->sites++].bits = HF_SITE(OFFSET(va), kind, target);
	return 0;
}

/* The kernel tells the two sizes apart by the instruction as well (arch_jump_entry_size()). */
static int add_jump(unsigned long va, unsigned long label, void *finder)
{
	u8 first = *(const u8 *)va;
	enum hf_site_kind kind = first == 0x66 || first == JMP8_INSN_OPCODE ? HF_SITE_JUMP2
									    : HF_SITE_JUMP5;

	return add_site(finder, va, kind, OFFSET(label));
}

static int add_call(unsigned long va, bool tail, void *finder)
{
	enum hf_form form = tail ? HF_FORM_TAIL : HF_FORM_CALL;
	int ret;

	if (tail && *(const u8 *)va == 0x0f)
		form = HF_FORM_BRANCH;
	ret = add_site(finder, va, HF_SITE_CALL, form);
	return ret ? ret : add_current(finder, va, 0);
}

static int add_entry_trace(unsigned long va, void *finder)
{
	int ret = add_site(finder, va, HF_SITE_TRACE, 0);

	return ret ? ret : add_current(finder, va, HF_ENTRY_TRAMPOLINE);
}

static int add_trace_call(unsigned long va, void *finder)
{
	int ret = add_site(finder, va, HF_SITE_CALL, HF_FORM_PATCHED);

	return ret ? ret : add_current(finder, va, 0);
}

/* Padding before functions and parts split off from them have names of their own. */
static bool is_function(const char *name)
{
	return !strstarts(name, "__pfx_") && !strstr(name, ".cold");
}

static int add_symbol(const char *name, unsigned long va, void *arg)
{
	const struct finder *finder = arg;

	if (!ranges_hold_code(finder->ranges, va))
		return 0;
	if (calls_trampoline(name))
		return add_call(va, true, arg);
	return is_function(name) ? add_entry(finder, va, 0) : 0;
}

/* ---- kprobes ---- */

static int add_probe(const struct hf_probe *probe, void *arg)
{
	const struct finder *finder = arg;
	struct patching *patching = finder->patching;

	/* In init code that is gone, or in a module that is on its way. */
	if (!ranges_hold_code(finder->ranges, probe->va))
		return 0;
	if (patching->probes == HF_PROBES_MAX)
		return trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, probe->va);
	patching->probe[patching->probes++] = *probe;
	return 0;
}

static int add_forbidden(unsigned long start, unsigned long end, void *arg)
{
	const struct finder *finder = arg;
	struct patching *patching = finder->patching;

	if (!ranges_hold_code(finder->ranges, start))
		return 0;
	if (patching->forbidden == PATCHING_FORBIDDEN_MAX)
		return trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, start);
	patching->forbids[patching->forbidden++] =
		(struct hf_code_range){ OFFSET(start), OFFSET(end) };
	return 0;
}

/* ---- in the order in which the hypervisor takes it ---- */

static int compare_sites(const void *a, const void *b)
{
	u64 x = ((const struct hf_site *)a)->bits, y = ((const struct hf_site *)b)->bits;

	return x < y ? -1 : x > y;
}

/* Trampolines behind other names of theirs. */
static int compare_entries(const void *a, const void *b)
{
	u32 x = *(const u32 *)a << 1 | *(const u32 *)a >> 31;
	u32 y = *(const u32 *)b << 1 | *(const u32 *)b >> 31;

	return x < y ? -1 : x > y;
}

static int compare_probes(const void *a, const void *b)
{
	u64 x = ((const struct hf_probe *)a)->va, y = ((const struct hf_probe *)b)->va;

	return x < y ? -1 : x > y;
}

static int compare_ranges(const void *a, const void *b)
{
	u32 x = ((const struct hf_code_range *)a)->start;
	u32 y = ((const struct hf_code_range *)b)->start;

	return x < y ? -1 : x > y;
}

/* Symbols can have several names. */
static void order_sites(struct patching *patching)
{
	unsigned int i, kept = 0;

	sort(patching->site, patching->sites, sizeof(patching->site[0]), compare_sites, NULL);
	for (i = 0; i < patching->sites; i++)
		if (!kept || patching->site[kept - 1].bits != patching->site[i].bits)
			patching->site[kept++] = patching->site[i];
	patching->sites = kept;
}

static void order_entries(struct patching *patching)
{
	u32 *entry = patching->entry;
	unsigned int i, kept = 0;

	sort(entry, patching->entries, sizeof(*entry), compare_entries, NULL);
	for (i = 0; i < patching->entries; i++) {
		if (kept && (entry[kept - 1] & ~HF_ENTRY_TRAMPOLINE) ==
				    (entry[i] & ~HF_ENTRY_TRAMPOLINE))
			entry[kept - 1] = entry[i];
		else
			entry[kept++] = entry[i];
	}
	patching->entries = kept;
}

/* What must not be probed is listed function by function, also where they lie in a row. */
static int order_forbidden(struct patching *patching)
{
	struct hf_code_range *into = patching->policy.noprobe;
	unsigned int i, kept = 0;

	sort(patching->forbids, patching->forbidden, sizeof(*into), compare_ranges, NULL);
	for (i = 0; i < patching->forbidden; i++) {
		const struct hf_code_range *from = &patching->forbids[i];

		if (kept && from->start <= into[kept - 1].end) {
			into[kept - 1].end = max(into[kept - 1].end, from->end);
			continue;
		}
		if (kept == HF_NOPROBE_MAX)
			return trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY,
				       HF_CODE_BASE + from->start);
		into[kept++] = *from;
	}
	patching->policy.noprobe_count = kept;
	return 0;
}

static int order(struct patching *patching)
{
	order_sites(patching);
	order_entries(patching);
	sort(patching->probe, patching->probes, sizeof(patching->probe[0]), compare_probes,
	     NULL);
	return order_forbidden(patching);
}

/* ---- all together ---- */

/* One after the other, as long as they return 0. */
static int find_all(struct finder *finder)
{
	int ret = jumps_each(add_jump, finder);

	ret = ret ? ret : calls_each(add_call, finder);
	ret = ret ? ret : trace_each_entry(add_entry_trace, finder);
	ret = ret ? ret : trace_each_call(add_trace_call, finder);
	ret = ret ? ret : add_entry(finder, symbols.ftrace_caller, HF_ENTRY_TRAMPOLINE);
	ret = ret ? ret : add_entry(finder, symbols.ftrace_regs_caller, HF_ENTRY_TRAMPOLINE);
	ret = ret ? ret : functions_each(add_symbol, finder);
	ret = ret ? ret : probes_each(add_probe, finder);
	return ret ? ret : probes_each_forbidden(add_forbidden, finder);
}

/* Ways of patching that no value of a site describes. */
static int check_kernel(struct patching *patching)
{
	/* Each lock prefix would come back with the second CPU. */
	if (*symbols.uniproc_patched && num_possible_cpus() > 1)
		return trouble(patching, -EINVAL, HF_LOCK_UNIPROC, 0);
	if (calls_counted())
		return trouble(patching, -EINVAL, HF_LOCK_CALL_DEPTH, 0);
	return 0;
}

static int find_templates(struct patching *patching)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < TRACE_TEMPLATES && !ret; i++)
		ret = trace_template(i, &patching->template[i]);
	ret = ret ? ret : probes_template(&patching->template[TRACE_TEMPLATES]);
	return ret ? trouble(patching, ret, HF_LOCK_TOO_MANY, 0) : 0;
}

int patching_find(struct patching *patching, const struct ranges *ranges)
{
	struct finder finder = { patching, ranges };
	int ret;

	patching->reason = HF_LOCK_NONE;
	patching->sites = patching->entries = patching->probes = patching->forbidden = 0;
	patching->policy.return_thunk =
		boot_cpu_has(X86_FEATURE_RETHUNK) ? *symbols.return_thunk : 0;
	patching->policy.jump_return = symbols.static_call_return;
	ret = check_kernel(patching);
	ret = ret ? ret : find_all(&finder);
	ret = ret ? ret : order(patching);
	return ret ? ret : find_templates(patching);
}

int patching_register(struct patching *patching, u32 *call)
{
	const struct hf_template *template = patching->template;
	const struct {
		u32 call;
		unsigned int count;
		const void *records;
		size_t size; /* bytes of a record */
	} parts[] = {
		{ HF_CALL_PATCHING, 1, &patching->policy, sizeof(patching->policy) },
		{ HF_CALL_ENTRIES, patching->entries, patching->entry, sizeof(u32) },
		{ HF_CALL_SITES, patching->sites, patching->site, sizeof(struct hf_site) },
		{ HF_CALL_TEMPLATE, PATCHING_TEMPLATES, template, sizeof(*template) },
		{ HF_CALL_PROBES, patching->probes, patching->probe, sizeof(struct hf_probe) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		unsigned int given = 0;
		int ret;

		*call = parts[i].call;
		ret = call_give(*call, parts[i].records, parts[i].size, parts[i].count, &given);
		if (ret) {
			pr_err("call %#x refused at record %u of %u: %d\n", *call, given,
			       parts[i].count, ret);
			return ret;
		}
	}
	return 0;
}
