// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/text-patching.h>

#include <holdfast/hypercall.h>

#include "compat/calls.h"
#include "compat/functions.h"
#include "compat/jumps.h"
#include "compat/probes.h"
#include "compat/symbols.h"
#include "compat/trace.h"
#include "compat/traced.h"
#include "patching.h"

static_assert(TRACE_TEMPLATES + PROBES_TEMPLATES == PATCHING_TEMPLATES, "room for each");

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

/* New trampolines, and slots of probes. */
bool patching_makes_code(const struct hf_patching *policy)
{
	return policy->kprobes == HF_POLICY_ON || policy->ftrace == HF_POLICY_ON;
}

/* ---- where calls may go ---- */

/*
 * Where a call or jump of 5 bytes goes now, it may go again: also to what has no name. What is
 * nobody's may have been made since the ranges were found.
 */
static int add_current(struct patching *patching, unsigned long va, u32 flags)
{
	const union text_poke_insn *instruction = (const void *)va;
	unsigned long target = va + CALL_INSN_SIZE + instruction->disp;

	if (instruction->opcode != CALL_INSN_OPCODE && instruction->opcode != JMP32_INSN_OPCODE)
		return 0;
	if (!ranges_hold_code(patching->ranges, target))
		return patching_trouble(patching, -EAGAIN, HF_LOCK_SITE, va);
	return patching_add_entry(patching, target, flags);
}

/* ---- what is patched ---- */

/* The kernel tells the two sizes apart by the instruction as well (arch_jump_entry_size()). */
static int add_jump(unsigned long va, unsigned long label, void *patching)
{
	u8 first = *(const u8 *)va;
	enum hf_site_kind kind = first == 0x66 || first == JMP8_INSN_OPCODE ? HF_SITE_JUMP2
									    : HF_SITE_JUMP5;

	return patching_add_jump(patching, va, kind, label);
}

static int add_call(unsigned long va, bool tail, void *patching)
{
	enum hf_form form = tail ? HF_FORM_TAIL : HF_FORM_CALL;
	int ret;

	if (tail && *(const u8 *)va == 0x0f)
		form = HF_FORM_BRANCH;
	ret = patching_add_site(patching, va, HF_SITE_CALL, form);
	return ret ? ret : add_current(patching, va, 0);
}

static int add_traced(unsigned long va, void *patching)
{
	int ret = patching_add_site(patching, va, HF_SITE_TRACE, 0);

	return ret ? ret : add_current(patching, va, HF_ENTRY_TRAMPOLINE);
}

static int add_trace_call(unsigned long va, void *patching)
{
	int ret = patching_add_site(patching, va, HF_SITE_CALL, HF_FORM_PATCHED);

	return ret ? ret : add_current(patching, va, 0);
}

/* Padding before functions and parts split off from them have names of their own. */
static bool is_function(const char *name)
{
	return !strstarts(name, "__pfx_") && !strstr(name, ".cold");
}

static int add_symbol(const char *name, unsigned long va, void *arg)
{
	struct patching *patching = arg;

	if (!ranges_hold_code(patching->ranges, va))
		return 0;
	if (calls_trampoline(name))
		return add_call(va, true, patching);
	return is_function(name) ? patching_add_entry(patching, va, 0) : 0;
}

/* ---- kprobes ---- */

static int add_probe(const struct hf_probe *probe, void *arg)
{
	struct patching *patching = arg;

	/* Not in init code that is gone, nor in a module that is on its way. */
	return ranges_hold_code(patching->ranges, probe->va)
		       ? patching_add_probe(patching, probe)
		       : 0;
}

static int add_forbidden(unsigned long start, unsigned long end, void *arg)
{
	struct patching *patching = arg;

	return ranges_hold_code(patching->ranges, start)
		       ? patching_add_forbidden(patching, start, end)
		       : 0;
}

/* ---- all together ---- */

/* One after the other, as long as they return 0. */
static int find_all(struct patching *patching)
{
	int ret = jumps_each(add_jump, patching);

	ret = ret ? ret : calls_each(add_call, patching);
	ret = ret ? ret : traced_each(add_traced, patching);
	ret = ret ? ret : trace_each_call(add_trace_call, patching);
	ret = ret ? ret
		  : patching_add_entry(patching, symbols.ftrace_caller, HF_ENTRY_TRAMPOLINE);
	ret = ret ? ret
		  : patching_add_entry(patching, symbols.ftrace_regs_caller,
				       HF_ENTRY_TRAMPOLINE);
	ret = ret ? ret : functions_each(add_symbol, patching);
	ret = ret ? ret : probes_each(add_probe, patching);
	return ret ? ret : probes_each_forbidden(add_forbidden, patching);
}

/* Ways of patching that no value of a site describes. */
static int check_kernel(struct patching *patching)
{
	/* Each lock prefix would come back with the second CPU. */
	if (*symbols.uniproc_patched && num_possible_cpus() > 1)
		return patching_trouble(patching, -EINVAL, HF_LOCK_UNIPROC, 0);
	if (calls_counted())
		return patching_trouble(patching, -EINVAL, HF_LOCK_CALL_DEPTH, 0);
	return 0;
}

static int find_templates(struct patching *patching)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < TRACE_TEMPLATES && !ret; i++)
		ret = trace_template(i, &patching->template[i]);
	ret = ret ? ret : probes_template(&patching->template[TRACE_TEMPLATES]);
	patching->templates = PATCHING_TEMPLATES;
	return ret ? patching_trouble(patching, ret, HF_LOCK_TOO_MANY, 0) : 0;
}

int patching_collect(struct patching *patching)
{
	int ret;

	patching->policy.return_thunk =
		boot_cpu_has(X86_FEATURE_RETHUNK) ? *symbols.return_thunk : 0;
	patching->policy.jump_return = symbols.static_call_return;
	ret = check_kernel(patching);
	ret = ret ? ret : find_all(patching);
	return ret ? ret : find_templates(patching);
}
