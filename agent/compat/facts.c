// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include <linux/version.h>
#include <asm/cpufeature.h>
#include <asm/paravirt_types.h>

#include "facts.h"
#include "symbols.h"

#define EXPORT_SIZE 12 /* struct kernel_symbol: value, name, namespace, relative */

static u32 flags(void)
{
	u32 flags = 0;

	if (symbols.uniproc_patched && *symbols.uniproc_patched)
		flags |= HF_FACT_UNIPROCESSOR;
	if (boot_cpu_has(X86_FEATURE_RETPOLINE))
		flags |= HF_FACT_RETPOLINE;
	if (boot_cpu_has(X86_FEATURE_RETPOLINE_LFENCE))
		flags |= HF_FACT_RETPOLINE_LFENCE;
	if (boot_cpu_has(X86_FEATURE_RETHUNK))
		flags |= HF_FACT_RETURN_THUNK;
#ifdef X86_FEATURE_CALL_DEPTH
	if (boot_cpu_has(X86_FEATURE_CALL_DEPTH))
		flags |= HF_FACT_CALL_DEPTH;
#endif
#ifdef X86_FEATURE_INDIRECT_THUNK_ITS
	if (boot_cpu_has(X86_FEATURE_INDIRECT_THUNK_ITS))
		flags |= HF_FACT_ITS;
#endif
	return flags;
}

int facts_find(struct hf_authority_facts *facts)
{
	const bool newer = LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0);
	u64 nop = symbols.nop_func ? symbols.nop_func : symbols.old_nop_func;
	u64 bug = symbols.bug_func ? symbols.bug_func : symbols.old_bug_func;

	BUILD_BUG_ON(NCAPINTS + NBUGINTS > HF_CAPABILITY_WORDS);
	BUILD_BUG_ON(sizeof(pv_ops) / 8 > HF_PV_OPS_MAX);
	if (!symbols.vermagic || !symbols.indirect_thunks || !nop || !bug ||
	    !symbols.percpu_end)
		return -ENOENT;
	*facts = (struct hf_authority_facts){
		.size = sizeof(*facts),
		.loader = newer ? HF_LOADER_6_12 : HF_LOADER_6_1,
		.flags = flags(),
		.capability_count = NCAPINTS + NBUGINTS,
		.return_thunk = symbols.return_thunk ? *symbols.return_thunk : 0,
		.indirect_thunks = symbols.indirect_thunks,
		.pv_ops = (u64)&pv_ops,
		.pv_count = sizeof(pv_ops) / 8,
		.pv_nop = nop,
		.pv_bug = bug,
		.percpu_start = symbols.percpu_end,
		.percpu_end = symbols.percpu_end + PERCPU_MODULE_RESERVE,
		.module_start = MODULES_VADDR,
		.module_end = MODULES_END,
	};
	memcpy(facts->capability, boot_cpu_data.x86_capability, 4 * facts->capability_count);
	memcpy(facts->pv_op, &pv_ops, sizeof(pv_ops));
	if (facts->return_thunk && facts->return_thunk == symbols.its_return_thunk)
		facts->its_return_thunk = facts->return_thunk;
	strscpy(facts->vermagic, symbols.vermagic, sizeof(facts->vermagic));
	return 0;
}

static void widen(struct hf_authority_memory *memory, u64 start, u64 size)
{
	u64 low = round_down(start, PAGE_SIZE), high = round_up(start + size, PAGE_SIZE);
	u64 end = max(high, memory->va + memory->size);

	memory->va = memory->size ? min(low, memory->va) : low;
	memory->size = (memory->size ? end : high) - memory->va;
}

int facts_exports(struct hf_authority_exporter *kernel)
{
	unsigned int table;
	u64 at;

	*kernel = (struct hf_authority_exporter){
		.symbols = { symbols.ksymtab, symbols.ksymtab_gpl },
	};
	if (!symbols.ksymtab || !symbols.ksymtab_end || !symbols.ksymtab_gpl ||
	    !symbols.ksymtab_gpl_end)
		return -ENOENT;
	kernel->count[0] = (symbols.ksymtab_end - symbols.ksymtab) / EXPORT_SIZE;
	kernel->count[1] = (symbols.ksymtab_gpl_end - symbols.ksymtab_gpl) / EXPORT_SIZE;
	for (table = 0; table < 2; table++) {
		widen(&kernel->memory, kernel->symbols[table],
		      kernel->count[table] * EXPORT_SIZE);
		for (at = 0; at < kernel->count[table] * EXPORT_SIZE; at += EXPORT_SIZE) {
			u64 field = kernel->symbols[table] + at + 4;
			const char *name = (const char *)(field + *(const s32 *)field);

			widen(&kernel->memory, (u64)name, strlen(name) + 1);
		}
	}
	return 0;
}
