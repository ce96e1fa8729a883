// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kprobes.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/text-patching.h>

#include "probes.h"
#include "symbols.h"

/* As kernel/kprobes.c has them: of the hash table, and of a page, up to what is needed. */
#define KPROBE_TABLE_SIZE 64

struct kprobe_insn_page {
	struct list_head list;
	kprobe_opcode_t *insns;
	struct kprobe_insn_cache *cache;
	int nused; /* garbage included */
	int ngarbage;
};

/* More slots than a page has; no number of them that are given back makes it less. */
#define CLOSED (INT_MAX / 2)

/* What the kernel's variables were. Under kprobe_mutex. */
static bool optimises;
static size_t slot_size; /* of optimised probes, bytes */

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

/*
 * arch/x86/kernel/kprobes/opt.c, arch_prepare_optimized_kprobe(): the template with clac, the probe
 * as an argument, and the call in their places.
 */
int probes_template(struct hf_template *template)
{
	static const u8 clac[] = { 0x0f, 0x01, 0xca };
	static const u8 load[] = { 0x48, 0xbf }; /* mov $..., %rdi */
	unsigned long entry = symbols.optprobe_entry;
	u16 size = symbols.optprobe_end - entry;
	u16 value = symbols.optprobe_val - entry, call = symbols.optprobe_call - entry;
	u32 target = symbols.optimized_callback - HF_CODE_BASE;

	if (size > sizeof(template->bytes))
		return -ENOSPC;
	*template = (struct hf_template){
		.size = sizeof(*template),
		.length = size,
		.field_count = 2,
		.goes_back = 1,
		.fields = { { value + sizeof(load), sizeof(void *), HF_FIELD_ANY },
			    { call, CALL_INSN_SIZE, HF_FIELD_TARGET } },
	};
	memcpy(template->bytes, (void *)entry, size);
	if (boot_cpu_has(X86_FEATURE_SMAP))
		memcpy(template->bytes + (symbols.optprobe_clac - entry), clac, sizeof(clac));
	memcpy(template->bytes + value, load, sizeof(load));
	memcpy(template->bytes + call + 1, &target, sizeof(target));
	return 0;
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

/* One that is in use could not be given back once the size of slots has changed. */
static bool slots_free(struct kprobe_insn_cache *cache)
{
	const struct kprobe_insn_page *page;
	bool none = true;

	mutex_lock(&cache->mutex);
	list_for_each_entry(page, &cache->pages, list) none &= page->nused == page->ngarbage;
	mutex_unlock(&cache->mutex);
	return none;
}

/* Slots are taken under kprobe_mutex: where there is none, none comes until probes_open(). */
bool probes_close(bool optimise)
{
	optimises = *symbols.kprobes_allow_optimization;
	slot_size = symbols.optinsn_slots->insn_size;
	optimise = optimise && slots_free(symbols.optinsn_slots);
	if (optimise)
		symbols.optinsn_slots->insn_size = PAGE_SIZE;
	else
		*symbols.kprobes_allow_optimization = false;
	raise_use(symbols.insn_slots, CLOSED);
	raise_use(symbols.optinsn_slots, CLOSED);
	return optimise;
}

void probes_open(void)
{
	raise_use(symbols.insn_slots, -CLOSED);
	raise_use(symbols.optinsn_slots, -CLOSED);
	symbols.optinsn_slots->insn_size = slot_size;
	*symbols.kprobes_allow_optimization = optimises;
}
