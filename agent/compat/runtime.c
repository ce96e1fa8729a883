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

/* Packs taken from the kernel's list; under its mutex. */
static LIST_HEAD(held_packs);

static bool in_pack_of(const struct list_head *packs, unsigned long va)
{
	const struct bpf_prog_pack *pack;

	list_for_each_entry(pack, packs, list)
		if (va - (unsigned long)pack->ptr < BPF_PROG_PACK_SIZE)
			return true;
	return false;
}

static bool in_bpf_pack(unsigned long va)
{
	bool found;

	mutex_lock(symbols.pack_mutex);
	found = in_pack_of(symbols.pack_list, va) || in_pack_of(&held_packs, va);
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

void runtime_hold(void)
{
	mutex_lock(symbols.pack_mutex);
	list_splice_tail_init(symbols.pack_list, &held_packs);
	mutex_unlock(symbols.pack_mutex);
}

void runtime_release(void)
{
	mutex_lock(symbols.pack_mutex);
	list_splice_init(&held_packs, symbols.pack_list);
	mutex_unlock(symbols.pack_mutex);
}
