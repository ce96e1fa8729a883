// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/sort.h>

#include <holdfast/hypercall.h>

#include "call.h"
#include "patching.h"

/* ---- found by patching_collect() ---- */

static u32 offset_of(const struct patching *patching, unsigned long va)
{
	return (u32)(va - (patching->policy.code_base ?: HF_CODE_BASE));
}

int patching_trouble(struct patching *patching, int error, enum hf_lock_reason reason,
		     unsigned long va)
{
	patching->reason = reason;
	patching->va = va;
	return error;
}

int patching_add_entry(struct patching *patching, unsigned long va, u32 flags)
{
	if (patching->entries == HF_ENTRIES_MAX)
		return patching_trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, va);
	patching->entry[patching->entries++] = offset_of(patching, va) | flags;
	return 0;
}

int patching_add_site(struct patching *patching, unsigned long va, enum hf_site_kind kind,
		      u32 target)
{
	if (!ranges_hold_code(patching->ranges, va))
		return patching_trouble(patching, -EAGAIN, HF_LOCK_SITE, va);
	if (patching->sites == HF_SITES_MAX)
		return patching_trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, va);
	patching->site[patching->sites++].bits = HF_SITE(offset_of(patching, va), kind, target);
	return 0;
}

int patching_add_jump(struct patching *patching, unsigned long va, enum hf_site_kind kind,
		      unsigned long label)
{
	return patching_add_site(patching, va, kind, offset_of(patching, label));
}

int patching_add_probe(struct patching *patching, const struct hf_probe *probe)
{
	if (patching->probes == HF_PROBES_MAX)
		return patching_trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, probe->va);
	patching->probe[patching->probes++] = *probe;
	return 0;
}

int patching_add_forbidden(struct patching *patching, unsigned long start, unsigned long end)
{
	if (patching->forbidden == PATCHING_FORBIDDEN_MAX)
		return patching_trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY, start);
	patching->forbids[patching->forbidden++] =
		(struct hf_code_range){ offset_of(patching, start), offset_of(patching, end) };
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
			return patching_trouble(patching, -ENOSPC, HF_LOCK_TOO_MANY,
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

int patching_find(struct patching *patching, const struct ranges *ranges)
{
	int ret;

	patching->ranges = ranges;
	patching->reason = HF_LOCK_NONE;
	patching->sites = patching->entries = patching->probes = patching->forbidden = 0;
	patching->templates = 0;
	ret = patching_collect(patching);
	return ret ? ret : order(patching);
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
		{ HF_CALL_TEMPLATE, patching->templates, template, sizeof(*template) },
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
