// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kprobes.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "probes.h"
#include "symbols.h"

/* As kernel/kprobes.c has them: of the hash table, and of a page, up to what is needed. */
#define KPROBE_TABLE_SIZE 64

struct kprobe_insn_page {
	struct list_head list;
	kprobe_opcode_t *insns;
	struct kprobe_insn_cache *cache;
	int nused;
};

/* More slots than a page has; no number of them that are given back makes it less. */
#define CLOSED (INT_MAX / 2)

/* What the kernel's variable was. Under kprobe_mutex. */
static bool optimises;

/* The flag alone says that the jump was asked for; it comes and goes in the background. */
static bool is_jump(const struct kprobe *kprobe)
{
	return *kprobe->addr == JMP32_INSN_OPCODE && (kprobe->flags & KPROBE_FLAG_OPTIMIZED);
}

static struct hf_probe describe(const struct kprobe *kprobe)
{
	struct hf_probe probe = {
		.va = (unsigned long)kprobe->addr,
		.original[0] = kprobe->opcode,
		.optimised = is_jump(kprobe),
	};

	if (probe.optimised)
		memcpy(probe.original + 1,
		       container_of(kprobe, struct optimized_kprobe, kp)->optinsn.copied_insn,
		       sizeof(probe.original) - 1);
	return probe;
}

int probes_each(int (*fn)(const struct hf_probe *probe, void *arg), void *arg)
{
	const struct kprobe *kprobe;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < KPROBE_TABLE_SIZE; i++) {
		hlist_for_each_entry(kprobe, &symbols.kprobe_table[i], hlist)
		{
			struct hf_probe probe;

			if (ret || (kprobe->flags & KPROBE_FLAG_FTRACE) ||
			    (*kprobe->addr != INT3_INSN_OPCODE && !is_jump(kprobe)))
				continue;
			probe = describe(kprobe);
			ret = fn(&probe, arg);
		}
	}
	return ret;
}

int probes_each_forbidden(int (*fn)(unsigned long start, unsigned long end, void *arg),
			  void *arg)
{
	const struct kprobe_blacklist_entry *entry;
	int ret = 0;

	list_for_each_entry(entry, symbols.kprobe_blacklist, list)
	{
		ret = fn(entry->start_addr, entry->end_addr, arg);
		if (ret)
			break;
	}
	return ret;
}

void probes_hold(void)
{
	mutex_lock(symbols.kprobe_mutex);
}

void probes_release(void)
{
	mutex_unlock(symbols.kprobe_mutex);
}

static void raise_use(struct kprobe_insn_cache *cache, int by)
{
	struct kprobe_insn_page *page;

	mutex_lock(&cache->mutex);
	list_for_each_entry(page, &cache->pages, list) page->nused += by;
	mutex_unlock(&cache->mutex);
}

void probes_close(void)
{
	optimises = *symbols.kprobes_allow_optimization;
	*symbols.kprobes_allow_optimization = false;
	raise_use(symbols.insn_slots, CLOSED);
	raise_use(symbols.optinsn_slots, CLOSED);
}

void probes_open(void)
{
	raise_use(symbols.insn_slots, -CLOSED);
	raise_use(symbols.optinsn_slots, -CLOSED);
	*symbols.kprobes_allow_optimization = optimises;
}
