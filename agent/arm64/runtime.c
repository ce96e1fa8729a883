// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that the kernel makes while it runs is told by who took the memory: programs of BPF that
 * belong to the kernel itself are in no list that can be asked.
 */
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat/runtime.h"
#include "compat/symbols.h"

/* bpf_jit_alloc_exec() and its kin; pages of slots, of kprobes. */
static const char *const takers[] = { "bpf_jit", "bpf_prog_pack", "__get_insn_slot",
				      "alloc_insn_page" };

bool runtime_code(unsigned long va)
{
	const struct vm_struct *area = symbols.find_vm_area((const void *)va);
	char name[KSYM_SYMBOL_LEN];
	unsigned int i;

	if (!area || !area->caller)
		return false;
	sprint_symbol_no_offset(name, (unsigned long)area->caller);
	for (i = 0; i < ARRAY_SIZE(takers); i++)
		if (!strncmp(name, takers[i], strlen(takers[i])))
			return true;
	return false;
}

/* A BPF program has pages of its own: no other comes to lie beside it. */
void runtime_hold(void)
{
}

void runtime_release(void)
{
}
