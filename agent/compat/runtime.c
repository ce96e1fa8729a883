// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ftrace.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/preempt.h>
#include <linux/sizes.h>

#include "runtime.h"
#include "symbols.h"

/* As kernel/bpf/core.c has it, up to what is needed: programs share packs of pages. */
struct bpf_prog_pack {
	struct list_head list;
	void *ptr;
};

#define BPF_PROG_PACK_SIZE (SZ_2M * num_possible_nodes())

static bool in_bpf_pack(unsigned long va)
{
	const struct bpf_prog_pack *pack;
	bool found = false;

	mutex_lock(symbols.pack_mutex);
	list_for_each_entry(pack, symbols.pack_list, list)
		if (va - (unsigned long)pack->ptr < BPF_PROG_PACK_SIZE)
			found = true;
	mutex_unlock(symbols.pack_mutex);
	return found;
}

bool runtime_code(unsigned long va)
{
	bool found;

	preempt_disable();
	found = symbols.is_ftrace_trampoline(va) ||
		symbols.is_insn_slot(symbols.insn_slots, va) ||
		symbols.is_insn_slot(symbols.optinsn_slots, va) ||
		symbols.is_bpf_text_address(va);
	preempt_enable();
	return found || in_bpf_pack(va);
}
